"""The link to one site's Asterisk: keeps a session, holds the epoch, reads the site back, passes events and orders.

It turns neither messages nor orders itself (`translate`, `actions`, `readback` do) and knows nothing of routing. To the
engine it gives events by `submit`, which says False when the inbox is full; from it it takes orders by `execute`, which
never waits. Whatever was missed is made good by reading the site back whole, and nothing is ever sent twice.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from callrouter.ami import asking
from callrouter.ami.actions import BadOrder, actions
from callrouter.ami.epoch import Duty, Lease
from callrouter.ami.linkstate import USUAL, Fault, LinkState, Phase, Timing
from callrouter.ami.protocol import BadValue, Headers
from callrouter.ami.readback import meanwhile
from callrouter.ami.session import Lost, Refused, Session, refusal
from callrouter.ami.translate import REPEATABLE, WATCHED, Fenced, fenced, translate
from callrouter.core.commands import CallOrder, CancelOffer, DialOut, Offer, Order, Reread
from callrouter.core.events import Event, LinkDown, OrderLost

log = logging.getLogger(__name__)

HELD_MAX = 20_000  # events kept while the site is read back; more than that, and it is read again
_NUMBER = re.compile(r"\+?\d[\d /()-]{3,}\d")


class _Again(Exception):
    """The session is of no use any more; try anew."""

    def __init__(self, fault: Fault, text: str) -> None:
        super().__init__(text)
        self.fault = fault


class SiteLink:
    """start() once, from inside the running loop; execute() from then on; await close() once."""

    def __init__(
        self,
        site: str,
        host: str,
        port: int,
        user: str,
        secret: str,
        *,
        lease: Lease,
        submit: Callable[[Event], bool],
        clock: Callable[[], float],
        rng: Callable[[], float],
        tls: ssl.SSLContext | None = None,
        peers: Sequence[str] = (),
        on_fenced: Callable[[Fenced], None] = lambda _: None,
        timing: Timing = USUAL,
    ) -> None:
        """clock: steady seconds. rng: 0 ≤ x < 1, for jitter. peers: sites that this one has trunks to."""
        self.site = site
        self.peers = tuple(peers)
        self._host, self._port, self._user, self._secret, self._tls = host, port, user, secret, tls
        self._lease, self._submit, self._clock, self._rng = lease, submit, clock, rng
        self._on_fenced, self._timing = on_fenced, timing
        self._state = LinkState(site)
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()  # something for `_serve` to do
        self._booted = False
        self._want_read = False
        self._want_look = False
        self._trusted = True  # False: events are dropped until the site is read back
        self._held: deque[Event] | None = None  # events that came while the site is read back
        self._late: list[tuple[float, Offer | DialOut]] = []  # offers that wait for the read-back
        self._told_up = False  # the engine believes that the link is up
        self._base = (0, 0, 0, 0)  # counters of earlier sessions
        self._beat_at = 0.0  # the last answer to a beat
        self._next_look = self._next_read = self._next_audit = self._next_versions = 0.0
        self._ours = False  # this router has the site
        self._fenced_call = ""  # the last call whose order was fenced

    # ---- for the engine

    @property
    def state(self) -> LinkState:
        """Counters as of now."""
        session = self._session
        if session is not None:
            s, base = self._state, self._base
            s.messages = base[0] + session.messages
            s.ignored = base[1] + session.ignored
            s.rejects = base[2] + session.rejected
            s.failures = base[3] + session.failed
            s.pending = session.pending
        return self._state

    def start(self) -> None:
        assert self._task is None
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"link {self.site}")

    async def close(self) -> None:
        """Final, in whatever state: no reconnecting, no orders, no event after it."""
        self._state.phase = Phase.CLOSED
        self._told_up = False
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._session is not None:
            self._session.close()

    def execute(self, order: Order) -> None:
        """Give an order. Returns at once; what goes wrong comes back as `OrderLost`."""
        if isinstance(order, Reread):
            self._reread()
            return
        self._state.orders += 1
        session, phase = self._session, self._state.phase
        if session is None or phase not in (Phase.UP, Phase.READING) or not self._told_up:
            self._lost(order, unknown=False, why=f"the link to {self.site} is {phase}")
        elif self._clock() - self._beat_at > self._timing.silence_s:
            self._lost(order, unknown=False, why="this router has not been heard of for too long")
        elif phase is Phase.READING and isinstance(order, Offer | DialOut):
            # it could fall between what is read and what is told after it; the others mean the same at any moment
            self._late.append((self._clock(), order))
        else:
            self._give(session, order)

    # ---- orders

    def _give_late(self, session: Session | None) -> None:
        """The read-back is over: offers that came meanwhile go out, unless the engine may have given them up."""
        late, self._late = self._late, []
        for since, order in late:
            if session is not None and self._clock() - since <= self._timing.late_s:
                self._give(session, order)
            else:
                self._lost(order, unknown=False, why="the site was being read back for too long")

    def _give(self, session: Session, order: CallOrder) -> None:
        try:
            sent = session.fire(actions(order, self._lease.held), self._timing.action_s)
        except (BadOrder, BadValue) as error:
            self._lost(order, unknown=False, why=str(error))
            return
        bad: list[str] = []
        for step, pending in enumerate(sent):
            pending.then(partial(self._answered, order, step, bad))

    def _answered(self, order: CallOrder, step: int, bad: list[str], rows: Sequence[Headers] | None) -> None:
        """The first bad answer settles it. A variable that was set works without its bell too, only later: unknown."""
        if bad:
            return
        error = "no answer" if rows is None else refusal(rows)
        if error is not None:
            bad.append(error)
            self._lost(order, unknown=rows is None or step > 0, why=error)

    def _lost(self, order: CallOrder, unknown: bool, why: str) -> None:
        self._state.orders_lost += 1
        attempt = order.attempt if isinstance(order, Offer | CancelOffer) else None
        lost = OrderLost(order.call, attempt, unknown, f"{type(order).__name__}: {why}")
        # not from inside execute(): the engine is in the midst of its turn
        asyncio.get_running_loop().call_soon(self._emit_lost, lost)

    def _emit_lost(self, lost: OrderLost) -> None:
        if self._state.phase is not Phase.CLOSED and not self._submit(lost):
            self._gap()

    # ---- events

    def _event(self, name: str, message: Headers) -> None:
        state = self._state
        state.last_message_at = self._clock()
        if name == "FullyBooted":
            self._booted = True
            self._wake.set()
            return
        if name == "Shutdown":
            self._close_session("Asterisk shuts down")
            return
        if state.phase not in (Phase.UP, Phase.READING):
            return
        if name == "UserEvent" and message.get("UserEvent") == "CrFenced":
            self._fenced(message)
            return
        for event in translate(self.site, message):
            self._pass_on(event)

    def _pass_on(self, event: Event) -> None:
        if not self._trusted:
            self._state.shed += 1
        elif self._held is not None:
            if len(self._held) < HELD_MAX:
                self._held.append(event)
            else:
                self._gap()
        elif self._submit(event):
            self._state.events += 1
        else:
            self._gap()

    def _fenced(self, message: Headers) -> None:
        """An order of another epoch than the site's was refused: was it ours?"""
        news = fenced(self.site, message)
        if news is None:
            return
        self._state.fenced += 1
        if news.epoch == self._lease.held:
            # the dialplan did nothing and the call waits on; whether somebody else has the site, a look will show
            self._fenced_call = news.call
            self._pass_on(OrderLost(news.call, news.attempt, unknown=False, text="fenced: another epoch is in force"))
            self._want_look = True
            self._wake.set()
        else:  # it may have overwritten an order of ours that the dialplan had not read yet, and whose bell it answered
            self._reread()

    def _rejected(self, text: str) -> None:
        """Trust nothing until the site has been read back: what follows in the same breath may be forged too."""
        veiled = _NUMBER.sub(lambda number: f"•••{number[0][-3:]}", text)  # callers' numbers are nothing for a log
        log.error("%s: a message that Asterisk cannot have meant; are events being forged? %r", self.site, veiled)
        if self._state.phase in (Phase.UP, Phase.READING):
            self._next_read = max(self._next_read, self._clock() + self._timing.distrust_s)
            self._gap()

    def _gap(self) -> None:
        """Events are missing from here on."""
        self._state.shed += 1
        self._trusted = False
        self._reread()

    def _reread(self) -> None:
        self._want_read = True
        self._wake.set()

    # ---- the life of the link

    async def _run(self) -> None:
        tries = 0
        while True:
            began = self._clock()
            try:
                await self._serve()
            except _Again as again:
                fault, why = again.fault, str(again)
            except Lost as error:
                ended = self._session is not None and self._session.ended.done()
                fault, why = Fault.ENDED if ended else Fault.SILENT, str(error)
            except Refused as error:
                fault, why = Fault.RIGHTS, str(error)
            except (ssl.SSLError, ssl.CertificateError) as error:
                fault, why = Fault.TLS, str(error)
            except (OSError, TimeoutError) as error:
                fault, why = Fault.UNREACHABLE, f"{self._host} port {self._port}: {str(error) or type(error).__name__}"
            except Exception as error:
                fault, why = Fault.BUG, f"{type(error).__name__}: {error}"
                log.exception("%s: the link failed", self.site)
            finally:
                self._end_session()
            news = fault is not self._state.fault
            self._state.fault, self._state.fault_text = fault, why
            if news:
                log.warning("%s: link down: %s", self.site, self._state.why)
            self._state.phase = Phase.DOWN
            while self._told_up and not self._submit(LinkDown(self.site)):
                await asyncio.sleep(self._timing.beat_s / 10)  # the inbox is full; this must not be lost
            self._told_up = False
            tries = 0 if self._clock() - began >= self._timing.steady_s else tries + 1
            refused = fault in (Fault.LOGIN_REFUSED, Fault.RIGHTS)  # a person must mend it: no hurry
            await asyncio.sleep(self._timing.refused_s if refused else self._timing.back_off_s(tries, self._rng()))

    def _end_session(self) -> None:
        session = self._session
        if session is None:
            return
        state = self.state
        self._base = (state.messages, state.ignored, state.rejects, state.failures)
        self._session = None
        session.close()
        state.pending = 0
        self._give_late(None)

    def _close_session(self, why: str) -> None:
        if self._session is not None:
            self._session.close(why)
            self._wake.set()

    async def _serve(self) -> None:
        """One session: log in, take the epoch, read back, then serve until it ends. Always leaves by an exception."""
        timing, state = self._timing, self._state
        state.phase = Phase.CONNECTING
        self._booted = False
        session = Session(
            self._host, self._port, self._tls, WATCHED, REPEATABLE, on_event=self._event, on_reject=self._rejected
        )
        self._session = session
        session.ended.add_done_callback(lambda _: self._wake.set())
        async with asyncio.timeout(timing.connect_s):
            await session.open()
        state.connects += 1
        state.reconnects = state.connects - 1
        state.phase = Phase.LOGIN
        try:
            await asking.login(session, self._user, self._secret, timing.login_s)
        except (Refused, BadValue) as error:
            state.logins_refused += 1
            raise _Again(Fault.LOGIN_REFUSED, str(error)) from None
        state.phase = Phase.BOOTING
        await self._wait_booted(session)
        state.phase = Phase.EPOCH
        self._beat_at = self._clock()
        self._trusted, self._held, self._ours = False, None, False
        self._want_read, self._want_look = True, True
        self._next_versions = 0.0
        while True:
            await self._step(session)

    async def _wait_booted(self, session: Session) -> None:
        try:
            async with asyncio.timeout(self._timing.boot_s):
                while not self._booted:
                    self._check(session)
                    self._wake.clear()
                    await self._wake.wait()
        except TimeoutError:
            text = "no FullyBooted came: Asterisk still starts, or the manager user lacks read class 'system'"
            raise _Again(Fault.NOT_BOOTED, text) from None

    def _check(self, session: Session) -> None:
        if session.ended.done():
            raise _Again(Fault.ENDED, session.ended.result())

    async def _step(self, session: Session) -> None:
        """Beat and look when it is time, read back when it is wanted, sleep until one of them is."""
        self._check(session)
        timing = self._timing
        if self._want_look:
            self._want_look = False
            await self._look(session)
            self._next_look = self._clock() + timing.beat_s
        if self._ours and self._clock() >= self._next_audit:
            self._want_read = True
        if self._want_read and self._ours and self._clock() >= self._next_read:
            self._want_read = False
            await self._read(session)
            self._next_read = self._clock() + timing.reread_s
            return
        if self._clock() >= self._next_versions:
            self._next_versions = self._clock() + timing.audit_s
            self._ask_versions(session)
        self._wake.clear()
        if session.ended.done() or self._want_look:
            return
        until = self._next_look
        if self._want_read and self._ours:
            until = min(until, self._next_read)
        try:
            async with asyncio.timeout(max(0.0, until - self._clock())):
                await self._wake.wait()
        except TimeoutError:
            self._want_look = self._want_look or self._clock() >= self._next_look

    # ---- the epoch

    async def _look(self, session: Session) -> None:
        """Who has the site? Writes our epoch and our beat as long as it is ours."""
        lease, state, silence_s = self._lease, self._state, self._timing.silence_s
        try:
            look = await asking.epoch(session, lease.rival or lease.held, silence_s)
            duty = lease.judge(look, self._clock())
            if duty is Duty.TAKE:
                log.info("%s: takes epoch %d", self.site, lease.held)
                await session.ask(asking.put("CR_EPOCH", str(lease.held)), silence_s)
            if duty is not Duty.WATCH:
                await session.ask(asking.put(*lease.beat()), silence_s)
        except Lost as error:
            self._check(session)
            raise _Again(Fault.SILENT, f"half-open connection? {error}") from None
        self._beat_at = state.last_message_at = self._clock()
        ours = duty is not Duty.WATCH
        if lease.rival and not state.rival:
            log.warning("%s: another router has the site: epoch %d, ours %d", self.site, look.epoch, lease.held)
            self._on_fenced(Fenced(self.site, self._fenced_call, lease.rival, None))
        state.epoch, state.rival = lease.held, lease.rival
        if ours and not self._ours:
            state.phase = Phase.READING
            self._want_read, self._trusted = True, False
        elif not ours:
            state.phase = Phase.WATCHING
            self._told_up = self._told_up and not self._submit(LinkDown(self.site))
        self._ours = ours

    def _ask_versions(self, session: Session) -> None:
        """For people only: nothing waits for the answers. Again and again, since a dialplan is exchanged unseen."""
        asterisk, dialplan = session.fire(asking.VERSIONS, self._timing.action_s)
        asterisk.then(lambda rows: setattr(self._state, "asterisk", asking.said(rows, "AsteriskVersion")))
        dialplan.then(lambda rows: setattr(self._state, "dialplan", asking.said(rows, "Value")))

    # ---- reading back

    async def _read(self, session: Session) -> None:
        """Read the site whole, tell it as one event, then what came meanwhile."""
        state, timing, began = self._state, self._timing, self._clock()
        state.phase = Phase.READING
        await session.settled()  # what was ordered before has been answered
        self._check(session)
        self._held, self._trusted = deque(), True
        read = await asking.site(session, self.site, self.peers, self._timing.list_s)
        held, self._held = self._held, None
        state.reads += 1
        state.read_s = self._clock() - began
        self._next_audit = self._clock() + timing.audit_s * (0.9 + 0.2 * self._rng())
        before, after = meanwhile(read, held) if self._trusted else ((), ())
        for event in before:
            self._pass_on(event)
        if not self._submit(read):
            self._gap()
            return
        state.phase = Phase.UP
        state.fault, state.fault_text = Fault.NONE, ""
        self._told_up = True
        for event in after:
            self._pass_on(event)
        # if not trusted: too much came meanwhile, or something that cannot be true; it is read once more
        self._give_late(session)
