"""The engine: one bounded inbox, one consumer. Stamps each event, asks the router, journals, then lets orders leave.

It owns the clock and the deadlines and knows neither Asterisk nor HTTP: orders go to a callable, notices to observers.
Whatever fails here is counted and mended; nothing ends the loop but `stop`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol, get_args

import structlog

from callrouter.core.commands import Command, Order, Reread
from callrouter.core.events import (
    AgentActed,
    AgreementSwitched,
    CallbackClosed,
    CallbackMissed,
    CallbackTaken,
    CallId,
    ClockSet,
    Event,
    HotlineSwitched,
    LinkDown,
    OrderLost,
    OutboundAsked,
    PlanReplaced,
    SiteRead,
    Tick,
)
from callrouter.core.snapshot import Counts, Snapshot
from callrouter.history import History, Step
from callrouter.journal.writer import Journal

log = structlog.get_logger(__name__)

ORDERS = frozenset(get_args(Order))
# These mend a state or come from people: they find room when the sites' chatter has filled the inbox.
RESERVED = (
    SiteRead, LinkDown, AgreementSwitched, AgentActed, PlanReplaced, OrderLost, HotlineSwitched, CallbackTaken,
    OutboundAsked,
    CallbackClosed, CallbackMissed,
)  # fmt: skip
RESERVE = 1_000
BATCH_MAX = 128
MICROSECOND_S = 1e-6  # the router's grain of time
BATCH_S = 0.002  # then the links may read again
REREAD_FIRST_S = 1.0  # between two re-reads of one site that the engine asks for; doubles up to the longest
REREAD_LONGEST_S = 60.0
STUCK_S = 1.0  # a deadline that does not move on is asked for again after so long


class Core(Protocol):
    """What the engine needs of `core.router.Router`."""

    def handle(self, event: Event, now: float) -> Sequence[Command]: ...
    def next_deadline(self) -> float | None: ...
    def snapshot(self, now: float) -> Snapshot: ...
    def counts(self) -> Counts: ...


class Meter(Protocol):
    """Where the engine counts. All calls are cheap and do not raise."""

    def handled(self, event: Event, lag_s: float, decide_s: float) -> None: ...
    def shed(self, event: Event) -> None: ...
    def failed(self, event: Event) -> None: ...
    def ordered(self, order: Order, *, withheld: bool) -> None: ...
    def observer_failed(self) -> None: ...
    def execute_failed(self) -> None: ...


class Overloaded(Exception):
    """The inbox is full: ask again later."""


class NotDecided(Exception):
    """The router failed on this event, or the engine was stopped before it was handled."""


Observer = Callable[[Event, Sequence[Command], float], None]


_Answer = asyncio.Future[tuple[Command, ...]]
_Item = tuple[Event, float, _Answer | None]  # since when it waits (by the stopwatch), and who waits for what is decided
_Turn = tuple[Event, tuple[Command, ...], float]  # what was decided, and when


@dataclass(slots=True)
class _Rereads:
    """When this site may be read back again at the engine's wish."""

    not_before: float = 0.0
    pause_s: float = REREAD_FIRST_S
    timer: asyncio.TimerHandle | None = None


class Engine:
    """Make it, start `run()` as a task, `submit` from the same loop. `execute` is called in order, must not block."""

    def __init__(
        self,
        router: Core,
        clock: Callable[[], float],
        execute: Callable[[Order], None],
        *,
        observers: Sequence[Observer] = (),
        journal: Journal | None = None,
        meter: Meter | None = None,
        history: History | None = None,
        inbox_max: int = 20_000,
        rate: float = 1.0,
        stopwatch: Callable[[], float] = perf_counter,
        leapt_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """rate: how many of the clock's seconds pass in one of the loop's (a demo may run at 20 times the pace).

        stopwatch: steady seconds, to measure its own work. leapt_s: how far the clock has leapt ahead in all.
        """
        self.router = router
        self._clock = clock
        self._execute = execute
        self._observers = list(observers)
        self._journal = journal
        self._meter = meter
        self._history = history or History()
        self._inbox_max = inbox_max
        self._rate = rate
        self._stopwatch = stopwatch
        self._leapt_s = leapt_s
        self._leaps_told_s = leapt_s()
        self._inbox: deque[_Item] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self._now = clock()
        self._seq = 0
        self._decided_at = 0.0  # by the stopwatch
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due: float | None = None
        self._stuck_until = 0.0
        self._rereads: dict[str, _Rereads] = {}
        self.standing_down = ""  # why no order leaves; '' while orders leave
        self.shed_count = 0
        self.failed_count = 0

    # ---- for those who look

    def now(self) -> float:
        """UTC seconds, never backwards."""
        self._now = max(self._now, self._clock())
        return self._now

    @property
    def waiting(self) -> int:
        """Events in the inbox."""
        return len(self._inbox)

    @property
    def seq(self) -> int:
        """Number of the last event handled."""
        return self._seq

    def snapshot(self) -> Snapshot:
        return self.router.snapshot(self.now())

    def counts(self) -> Counts:
        return self.router.counts()

    def history(self, call: CallId) -> list[Step]:
        return self._history.of(call)

    def observe(self, observer: Observer) -> None:
        self._observers.append(observer)

    # ---- for those who tell

    def submit(self, event: Event) -> bool:
        """Put an event into the inbox. False: it was shed, and its site will be read back."""
        return self._put((event, self._stopwatch(), None))

    async def ask(self, event: Event) -> tuple[Command, ...]:
        """Submit and wait for what the router decides. Raises Overloaded or NotDecided."""
        answer: _Answer = asyncio.get_running_loop().create_future()
        if self._stopping:
            raise NotDecided("the service is stopping")
        if not self._put((event, self._stopwatch(), answer)):
            raise Overloaded("too many events are waiting")
        return await answer

    def stand_down(self, reason: str) -> None:
        """From now on observe only: this router ends, or another one has taken its place."""
        if not self.standing_down:
            log.warning("stands down: no order leaves any more", reason=reason)
        self.standing_down = reason

    def stop(self) -> None:
        """Let `run` handle what is in the inbox and return."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        try:
            turned = False  # since the loop last had its turn
            while True:
                if not self._inbox and not self._arm():
                    if self._stopping:
                        return
                    self._wake.clear()
                    await self._wake.wait()
                elif turned:
                    await asyncio.sleep(0)  # the links read between two turns
                self._turn()
                turned = True
        finally:
            self._stopping = True
            self._end()

    # ---- inside

    def _put(self, item: _Item) -> bool:
        waiting = len(self._inbox)
        if waiting >= self._inbox_max and (not isinstance(item[0], RESERVED) or waiting >= self._inbox_max + RESERVE):
            self.shed_count += 1
            if self._meter:
                self._meter.shed(item[0])
            site = _site_of(item[0])
            if site:
                self._reread(site, "events of this site were shed: the inbox was full")
            return False
        self._inbox.append(item)
        if not waiting:
            self._wake.set()
        return True

    def _arm(self) -> bool:
        """Has the router's next deadline come? If not, wake the consumer when it comes."""
        due = self.router.next_deadline()
        if due is not None:
            due = max(due, self._stuck_until)
            now = self.now()
            if due <= now:
                return True
        if due == self._timer_due and self._timer is not None:
            return False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_due = due
        if due is not None:
            self._timer = self._later(due - now, self._ring)
        return False

    def _later(self, delay_s: float, then: Callable[..., None], *args: str) -> asyncio.TimerHandle:
        """Call after so many of the clock's seconds."""
        return asyncio.get_running_loop().call_later(max(0.0, delay_s) / self._rate, then, *args)

    def _ring(self) -> None:
        self._timer = None  # so that it is armed anew if the clock says it is too early
        self._wake.set()

    def _turn(self) -> None:
        """Handle one batch; its orders leave after its lines are with the kernel.

        The clock is read once; the events are a microsecond apart, so that who came first stays first.
        """
        orders: list[Order] = []
        seen: list[_Turn] = []
        answers: list[tuple[_Answer, tuple[Command, ...] | None]] = []
        now, started = self.now(), self._stopwatch()
        leap_s = self._leapt_s() - self._leaps_told_s
        if leap_s:
            self._leaps_told_s += leap_s
            log.warning("the clock was set ahead", by_s=leap_s)
            self._handle(ClockSet(leap_s), now, started, orders, seen)
        due = self.router.next_deadline()
        if due is not None and due <= now and now >= self._stuck_until:
            self._tick(now, orders, seen)
        while self._inbox and len(seen) < BATCH_MAX:
            event, since, answer = self._inbox.popleft()
            commands = self._handle(event, now, since, orders, seen)
            now += MICROSECOND_S
            if answer is not None:
                answers.append((answer, commands))
            if self._decided_at - started > BATCH_S:
                break
        self._now = now
        if self._journal:
            self._journal.flush(now)
        for order in orders:
            self._leave(order)
        for turn in seen:
            self._tell(*turn)
        for answer, decided in answers:
            if answer.done():
                continue  # who asked has gone
            if decided is None:
                answer.set_exception(NotDecided("the router failed on this event; see the log"))
            else:
                answer.set_result(decided)

    def _tick(self, now: float, orders: list[Order], seen: list[_Turn]) -> None:
        before = self.router.next_deadline()
        self._handle(Tick(), now, self._stopwatch(), orders, seen)
        if self.router.next_deadline() == before:
            self._stuck_until = now + STUCK_S
            log.error("a deadline does not move on", due=before)

    def _handle(
        self, event: Event, now: float, since: float, orders: list[Order], seen: list[_Turn]
    ) -> tuple[Command, ...] | None:
        """What the router decides, or None if it failed."""
        self._seq += 1
        failed = ""
        commands: tuple[Command, ...] = ()
        started = self._stopwatch()
        try:
            commands = tuple(self.router.handle(event, now))
        except Exception as error:
            failed = type(error).__name__
            self.failed_count += 1
            log.exception("the router failed on an event", seq=self._seq, event_=type(event).__name__)
            if self._meter:
                self._meter.failed(event)
        self._decided_at = decided = self._stopwatch()
        if self._meter:
            self._meter.handled(event, started - since, decided - started)
        if self._journal:
            self._journal.append(self._seq, now, event, commands, failed)
        self._history.note(self._seq, now, event, commands)
        seen.append((event, commands, now))
        if failed:  # whom it concerned may now be half done: what is true stands in the sites
            for site in (_site_of(event),) if _site_of(event) else tuple(self._rereads):
                self._reread(site, f"the router failed on {type(event).__name__} ({failed})")
            return None
        for command in commands:
            if type(command) in ORDERS:
                orders.append(command)  # type: ignore[arg-type]  # it is one of them
        if isinstance(event, SiteRead):
            rereads = self._rereads.setdefault(event.site, _Rereads())
            rereads.pause_s = max(REREAD_FIRST_S, rereads.pause_s / 2)
        return commands

    def _leave(self, order: Order) -> None:
        withheld = bool(self.standing_down)
        if self._meter:
            self._meter.ordered(order, withheld=withheld)
        if withheld:
            return
        try:
            self._execute(order)
        except Exception as error:
            log.exception("an order could not be given", order=type(order).__name__)
            if self._meter:
                self._meter.execute_failed()
            if not isinstance(order, Reread):
                self.submit(OrderLost(order.call, getattr(order, "attempt", None), True, f"{type(error).__name__}"))

    def _tell(self, event: Event, commands: tuple[Command, ...], now: float) -> None:
        for observer in self._observers:
            try:
                observer(event, commands, now)
            except Exception:
                log.exception("an observer failed", observer=getattr(observer, "__qualname__", repr(observer)))
                if self._meter:
                    self._meter.observer_failed()

    def _reread(self, site: str, because: str) -> None:
        """Have a site read back, not too often: an event that always fails must not become a storm."""
        rereads = self._rereads.setdefault(site, _Rereads())
        if rereads.timer is not None or self._stopping:
            return  # one is on its way
        rereads.timer = self._later(rereads.not_before - self.now(), self._reread_now, site, because)

    def _reread_now(self, site: str, because: str) -> None:
        rereads = self._rereads[site]
        rereads.timer = None
        rereads.not_before = self.now() + rereads.pause_s
        rereads.pause_s = min(REREAD_LONGEST_S, rereads.pause_s * 2)
        self._leave(Reread(site, because))

    def _end(self) -> None:
        for timer in (self._timer, *[one.timer for one in self._rereads.values()]):
            if timer is not None:
                timer.cancel()
        for _, _, answer in self._inbox:
            if answer is not None and not answer.done():
                answer.set_exception(NotDecided("the service has stopped"))
        self._inbox.clear()


def _site_of(event: Event) -> str:
    """The site that the event came from; '' when people sent it."""
    if isinstance(event, AgentActed):
        return ""
    site = getattr(event, "site", "")
    if site:
        return str(site)
    call = getattr(event, "call", "")
    return str(call).partition("/")[0]
