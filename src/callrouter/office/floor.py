"""The agents at their pages: who is there, whose result is missing, what is known of a caller.

Observes the engine, and asks it for states as a person would. Everything that pages draw is in memory; SQL is asked
behind their backs, when a call is offered to somebody whose page is open: who works by feature codes costs no query.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import structlog

from callrouter.callers import Callers
from callrouter.core.agents import WORKING, AgentState, Intent
from callrouter.core.callbacks import Callback, CallbackStatus
from callrouter.core.commands import AgentChanged, CallAnswered, CallFinished, Command
from callrouter.core.events import AgentAct, AgentActed, AgentId, CallId, Event, PhoneActed
from callrouter.core.router import Router
from callrouter.core.snapshot import AgentView, CallView
from callrouter.desk.presence import Presence
from callrouter.desk.results import Conversation, Owed
from callrouter.office.figures import OfficeFigures
from callrouter.office.rounds import whole
from callrouter.store.callbacks import Callbacks
from callrouter.store.results import Contact, Results
from callrouter.store.schema import CALLBACK
from callrouter.store.store import FAULTS, said

log = structlog.get_logger(__name__)

LOOK_S = 5.0  # how often pages are missed and results lapse
KNOWN_MAX = 2_000  # calls whose callers' contacts are kept in memory
CLOSE_S = 5.0
LOOKUPS_MAX = 50  # at once; more are not looked up: the call goes on without
CALLBACKS_SHOWN = 10
PAGE_GONE = "page_gone"  # the reason of a pause that ends when the page is there again
BY = "page"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a caller. attempts: earlier ones of this day. looked: whether it was looked up at all."""

    contacts: tuple[Contact, ...] = ()
    callbacks: tuple[Callback, ...] = ()
    attempts: int = 0
    looked: bool = True


NOBODY = Known()
NOT_YET = Known(looked=False)


def tag(agent: AgentId) -> str:
    """What pages of this agent wait for (`LivePage.tags`)."""
    return f"seat {agent}"


class Floor:
    """Let the engine be observed by `observe`; run `run()` as a task."""

    def __init__(
        self,
        router: Router,
        submit: Callable[[Event], bool],
        results: Results,
        callbacks: Callbacks,
        callers: Callers,
        clock: Callable[[], float],
        steady: Callable[[], float],
        figures: OfficeFigures,
    ) -> None:
        """steady: real seconds, since pages live in real time even when a demo hurries."""
        self._router = router
        self._submit = submit
        self._results = results
        self._callbacks = callbacks
        self._callers = callers
        self._clock = clock
        self._steady = steady
        self._figures = figures
        self._known: OrderedDict[CallId, Known] = OrderedDict()
        self._lookups: dict[CallId, asyncio.Task[None]] = {}
        self._pausing: set[AgentId] = set()
        self.presence = Presence()
        self.owed = Owed()
        self.changed: Callable[[str], None] = lambda _: None  # told the tag of an agent whose page looks otherwise now
        self.moved: Callable[[AgentId], None] = lambda _: None  # told of agents whose state changed

    # ---- for pages

    def seat(self, agent: AgentId) -> AgentView | None:
        return self._router.agent(agent)

    def link_up(self, site: str) -> bool:
        return self._router.state.links.get(site, False)

    def call(self, call: CallId) -> CallView | None:
        return self._router.call(call, self._clock()) if call else None

    def known(self, call: CallId) -> Known:
        """What is known of the caller of this call; `NOT_YET` while it is being looked up."""
        return self._known.get(call, NOT_YET)

    def caller(self, call: CallId) -> str:
        """The digits of a live call's caller; '' withheld or gone."""
        found = self._router.state.calls.get(call)
        return found.caller if found is not None else ""

    def take(self, agent: AgentId, window: str) -> None:
        """This window is the agent's from now on. Who is logged out is logged in, to a pause."""
        self.presence.take(agent, window, self._steady())
        self._back(agent)
        self.changed(tag(agent))

    def ping(self, agent: AgentId, window: str) -> bool:
        """A page says that it is there. False: another window is his."""
        if not self.presence.seen(agent, window, self._steady()):
            return False
        self._back(agent)
        return True

    def leave(self, agent: AgentId, window: str) -> None:
        self.presence.left(agent, window)

    def elsewhere(self, agent: AgentId, window: str) -> str:
        return self.presence.elsewhere(agent, window, self._steady())

    def pauses_after(self, agent: AgentId) -> bool:
        """Will he pause after the call that he has, or gets next?"""
        seat = self._router.agent(agent)
        if seat is not None and seat.state in WORKING:
            return seat.intent == Intent.PAUSED
        return agent in self._pausing

    def pause_after(self, agent: AgentId, *, wanted: bool) -> None:
        """He wants to pause after his call, or after all does not. Before a call it is kept until he has one."""
        seat = self._router.agent(agent)
        talks = seat is not None and seat.state == AgentState.TALKING
        if talks and wanted != self.pauses_after(agent):
            self._act(agent, AgentAct.PAUSE if wanted else AgentAct.READY)
        if wanted:
            self._pausing.add(agent)
        else:
            self._pausing.discard(agent)
        self.changed(tag(agent))

    def result_missing(self, agent: AgentId) -> Conversation | None:
        """The conversation that keeps the agent from being ready; None: nothing does."""
        one = self.owed.of(agent)
        return one if one is not None and one.ended_at is not None else None

    def given(self, agent: AgentId, call: CallId, disposition: str) -> None:
        """The result is kept."""
        one = self.owed.given(agent, call)
        if one is not None:
            self._figures.results.labels(one.hotline, disposition).inc()
            seat = self._router.agent(agent)
            wraps_up = seat is not None and seat.state == AgentState.WRAP_UP
            pauses = wraps_up and agent in self._pausing  # he said so when the call was just over
            self._act(agent, AgentAct.PAUSE if pauses else AgentAct.WRAP_UP_DONE)
        self.changed(tag(agent))

    # ---- the engine's observer

    def observe(self, happened: Event, commands: Sequence[Command], now: float) -> None:
        if isinstance(happened, PhoneActed):
            agent = self._router.state.by_phone.get((happened.site, happened.phone), "")
            if not self.presence.here(agent):
                self.presence.forget(agent)
        for command in commands:
            if isinstance(command, AgentChanged):
                self._agent_changed(command, now)
            elif isinstance(command, CallAnswered):
                self._answered(command, now)
            elif isinstance(command, CallFinished):
                self._finished(command)

    def _agent_changed(self, changed: AgentChanged, now: float) -> None:
        agent = changed.agent
        if changed.before == AgentState.TALKING:
            self.owed.left(agent, now)
        if changed.after in (AgentState.OFFERED, AgentState.TALKING):
            self._look_up(agent)
            if changed.after == AgentState.TALKING and agent in self._pausing:
                self._act(agent, AgentAct.PAUSE)
        elif changed.after in (AgentState.LOGGED_OUT, AgentState.PAUSED):
            self._pausing.discard(agent)
            if changed.after == AgentState.LOGGED_OUT:
                self.presence.forget(agent)
        self.changed(tag(agent))
        self.moved(agent)

    def _answered(self, told: CallAnswered, now: float) -> None:
        live = self._router.state.calls.get(told.call)
        topic, caller = (live.topic, live.caller) if live is not None else ("", "")
        one = Conversation(told.call, told.hotline, topic, told.site, told.agent, caller, told.wait_s, now)
        for lapsed in self.owed.answered(one):
            self._figures.missing.labels(lapsed.hotline).inc()
        if self.presence.here(told.agent):
            self._act(told.agent, AgentAct.WRAP_UP_OPEN)

    def _finished(self, told: CallFinished) -> None:
        """It may have ended in the turn in which it was answered: only its record says whose it was."""
        one = self.owed.of(told.agent)
        if one is not None and one.call == told.call and not one.topic:
            self.owed.correct(replace(one, topic=told.topic, caller=told.caller))

    # ---- behind it

    async def run(self) -> None:
        """Until cancelled."""
        try:
            await whole(self.restore())
        except FAULTS as error:
            log.warning("which results are missing is unknown", error=said(error))
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Whose page is gone? Which results does nobody ask for any more?"""
        for agent in self.presence.find_gone(self._steady()):
            seat = self._router.agent(agent)
            if seat is not None and seat.intent == Intent.READY:
                log.warning("an agent's page is gone", agent=agent)
                self._act(agent, AgentAct.PAUSE, PAGE_GONE)
            self.changed(tag(agent))
        for one in self.owed.lapse(self._clock()):
            self._figures.missing.labels(one.hotline).inc()
            self.changed(tag(one.agent))

    async def restore(self) -> None:
        """After a restart: results that may still be given. Raises SQLAlchemyError or OSError."""
        for one in await self._results.owed(self._clock()):
            if self.owed.of(one.agent) is None:
                self.owed.answered(one)

    async def close(self) -> None:
        """What is being looked up comes to its end: a query that is cut off would leave its connection behind."""
        if self._lookups:
            await asyncio.wait(self._lookups.values(), timeout=CLOSE_S)

    # ---- inside

    def _act(self, agent: AgentId, act: AgentAct, reason: str = "") -> None:
        self._submit(AgentActed(agent, act, reason, BY))

    def _back(self, agent: AgentId) -> None:
        """His page is there (again)."""
        seat = self._router.agent(agent)
        if seat is None:
            return
        if seat.intent == Intent.LOGGED_OUT:
            self._act(agent, AgentAct.LOG_IN)
        elif seat.intent == Intent.PAUSED and seat.reason == PAGE_GONE:
            self._act(agent, AgentAct.READY)
        if seat.state in (AgentState.TALKING, AgentState.WRAP_UP) and self.owed.of(agent) is not None:
            self._act(agent, AgentAct.WRAP_UP_OPEN)
        self._look_up(agent)

    def _look_up(self, agent: AgentId) -> None:
        """The caller whom he has, or whose result he owes, if his page is there to show it. What fails is tried again
        when the page says next that it is there."""
        call, caller = self._concerned(agent)
        if not call or call in self._known or not self.presence.here(agent):
            return
        key = self._callers.key_of(caller)
        if not key:
            self._keep(call, NOBODY)
        elif call not in self._lookups and len(self._lookups) < LOOKUPS_MAX:
            self._lookups[call] = asyncio.get_running_loop().create_task(self._fetch(call, key))
            self._lookups[call].add_done_callback(lambda _: self._lookups.pop(call))

    def _concerned(self, agent: AgentId) -> tuple[CallId, str]:
        """The call that his page is about, and its caller."""
        seat, owed = self._router.agent(agent), self.owed.of(agent)
        if seat is not None and seat.call:
            return seat.call, self.caller(seat.call)
        return (owed.call, owed.caller) if owed is not None else ("", "")

    async def _fetch(self, call: CallId, key: str) -> None:
        try:
            found = await self.contacts(key, self._clock(), self._zone(call))
        except FAULTS as error:
            log.warning("contacts cannot be looked up", error=said(error))
            return
        self._keep(call, found)
        for agent in self.presence.agents():  # several may be rung at once
            if self._concerned(agent)[0] == call:
                self.changed(tag(agent))

    async def contacts(self, key: str, now: float, zone: str = "Europe/Berlin") -> Known:
        """What is known of the caller with this key. Raises SQLAlchemyError or OSError."""
        midnight = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0)
        contacts, callbacks, attempts = await asyncio.gather(
            self._results.contacts(key, now),
            self._callbacks.find(
                CALLBACK.c.caller == key, CALLBACK.c.status != CallbackStatus.DONE.value, limit=CALLBACKS_SHOWN
            ),
            self._results.attempts(key, midnight.timestamp()),
        )
        return Known(tuple(contacts), tuple(callbacks), attempts)

    def _zone(self, call: CallId) -> str:
        site = call.partition("/")[0]
        return next((one.zone for one in self._router.plan.sites if one.name == site), "Europe/Berlin")

    def _keep(self, call: CallId, known: Known) -> None:
        self._known[call] = known
        self._known.move_to_end(call)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
