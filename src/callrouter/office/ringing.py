"""Ringing people from a page: the agent's own phone first, then theirs. Who may, and when, the router decides.

Here is what pages need around that: the callers of an agent's own lines who are to be rung, the call that he makes, and
the departments' callbacks, which the router does not keep.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_hex

from callrouter.core.callbacks import Callback, CallbackKind, TryResult
from callrouter.core.commands import CallbackChanged, Command, OutboundFinished
from callrouter.core.events import (
    AgentId,
    Event,
    OutboundAnswered,
    OutboundAsked,
    OutboundEnded,
    OutboundMissed,
    OutboundRung,
    OutboundUp,
)
from callrouter.core.outcalls import Outcall
from callrouter.core.plan import Hotline
from callrouter.core.router import Router
from callrouter.office import floor, worklists
from callrouter.office.worklists import Worklists
from callrouter.store.callbacks import Callbacks

EVERY_DESK = "desk"  # what all agents' pages wait for
LISTED_MAX = 20  # of one team: who is next, not who is last
REMEMBERED_MAX = 10_000  # agents' last calls
STEPS = (OutboundRung, OutboundUp, OutboundAnswered, OutboundMissed, OutboundEnded)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A call that an agent makes. stage: ringing (his phone), dialling (theirs), talking. number: E.164."""

    callback: str
    kind: CallbackKind
    stage: str
    number: str
    hotline: str
    topic: str
    subject: str


class Ringing:
    """Let the engine be observed by `observe`."""

    def __init__(
        self, router: Router, callbacks: Callbacks, lists: Worklists, reach: Callable[[str], str] = lambda _: ""
    ) -> None:
        """reach: a number as people write it → E.164, '' = one that may not be rung."""
        self._router = router
        self._callbacks = callbacks
        self._lists = lists
        self._reach = reach
        self._asked: dict[str, Callback] = {}  # being rung, and on no list of the router's: as many as calls
        self._reached: dict[AgentId, str] = {}
        self._came: dict[str, TryResult] = {}  # agent or department's callback -> why nobody was reached last
        self.changed: Callable[[str], None] = lambda _: None

    # ---- for pages

    def listed(self, team: str) -> tuple[Callback, ...]:
        """Whom agents of this team may ring and nobody rings yet: who asked for it by due time, then who gave up, the
        latest first. Costs O(callbacks)."""
        plan = self._router.plan
        lines = {
            (hotline.name, topic.name)
            for hotline in plan.hotlines
            for topic in hotline.topics
            if team in (topic.teams or hotline.teams)
        }
        own = [
            back.record
            for back in self._router.state.backs.values()
            if not back.outbound and (back.record.hotline, back.record.topic) in lines
        ]
        asked = sorted((one for one in own if one.kind is CallbackKind.CAPTURED), key=lambda one: (one.due_at, one.id))
        gave_up = (one for one in own if one.kind is CallbackKind.UNREACHED)
        latest = sorted(gave_up, key=lambda one: (-one.asked_at, one.id))
        return tuple([*asked, *latest][:LISTED_MAX])

    def waiting(self, team: str) -> int:
        """Callers who wait in the lines of this team: they go first."""
        return sum(lane.waiting for lane in self._router.state.team_lanes.get(team, {}).values())

    def of(self, agent: AgentId) -> Outgoing | None:
        """The call that he makes now."""
        seat = self._router.agent(agent)
        out = self._router.state.outcalls.get(seat.call) if seat is not None else None
        return self._outgoing(out) if out is not None else None

    def to(self, callback: str) -> Outgoing | None:
        """The call that is made for this callback of a department now."""
        if callback not in self._asked:
            return None
        out = next((one for one in self._router.state.outcalls.values() if one.callback == callback), None)
        return self._outgoing(out) if out is not None else None

    def reached(self, agent: AgentId) -> str:
        """The callback whose caller he has reached last, if that was no department's; '' none, or he rang again."""
        return self._reached.get(agent, "")

    def came(self, of: str) -> TryResult | None:
        """Why the last call of this agent, or for this callback of a department, reached nobody; None: it did, or was
        taken back, or there is a new one."""
        return self._came.get(of)

    def denied(self, agent: AgentId) -> None:
        """It was not the caller, and it is said."""
        self._reached.pop(agent, None)
        self.changed(floor.tag(agent))

    async def for_department(
        self, callback: str, department: str, agent: AgentId, who: str, phone: str = ""
    ) -> OutboundAsked:
        """What to ask the router so that a phone is rung for this callback, which `who` has taken: the agent's, or
        without one (agent '') this phone of the department.

        Raises Refused, SQLAlchemyError or OSError.
        """
        await self._lists.own(callback, department, who)
        one = await self._callbacks.begin_ring(callback)
        assert one is not None, callback
        self._asked[callback] = one
        return OutboundAsked(agent, one, who, phone)

    def lines(self, team: str) -> tuple[Hotline, ...]:
        """Hotlines whose number agents of this team may show, their own first ones first."""
        every = [one for one in self._router.plan.hotlines if one.callback is not None]
        own = [one for one in every if team in one.teams]
        own.sort(key=lambda one: one.teams.index(team))
        return (*own, *(one for one in every if one not in own and any(team in topic.teams for topic in one.topics)))

    def for_anybody(
        self, agent: AgentId, hotline: Hotline, number: str, purpose: str, who: str
    ) -> OutboundAsked | None:
        """What to ask the router so that the agent's phone is rung, and then this number, however it is written. None:
        it is one that may not be rung. It is kept while the call lives, and with the router's journal."""
        reach = self._reach(number)
        if not reach:
            return None
        now, id_ = self._router.state.now, f"{hotline.site}/o{token_hex(8)}"
        one = Callback(
            id_, CallbackKind.OUTBOUND, hotline.name, "", hotline.site, reach, now, now, subject=purpose, made_by=who
        )  # fmt: skip
        self._asked[id_] = one
        return OutboundAsked(agent, one, who)

    def given_up(self, callback: str) -> None:
        """The router did not ring."""
        if self.to(callback) is None:
            self._asked.pop(callback, None)

    # ---- the engine's observer

    def observe(self, happened: Event, commands: Sequence[Command], _now: float) -> None:
        for command in commands:
            if isinstance(command, CallbackChanged):
                self.changed(EVERY_DESK)
            elif isinstance(command, OutboundFinished):
                self._finished(command)
        out = self._router.state.outcalls.get(happened.call) if isinstance(happened, STEPS) else None
        if out is not None:
            self._came.pop(out.agent, None)
            self._came.pop(out.callback, None)
            self._tell(out.agent, out.callback)

    def _finished(self, told: OutboundFinished) -> None:
        self._tell(told.agent, told.callback)
        keys = [told.agent, *([told.callback] if self._asked.pop(told.callback, None) is not None else [])]
        self._reached.pop(told.agent, None)
        if len(self._came) >= REMEMBERED_MAX:
            self._came.clear()
        for key in keys:
            self._came.pop(key, None)
            if told.result not in (TryResult.REACHED, TryResult.CANCELLED):
                self._came[key] = told.result
        if told.result is TryResult.REACHED and told.kind in (CallbackKind.CAPTURED, CallbackKind.UNREACHED):
            if len(self._reached) >= REMEMBERED_MAX:
                self._reached.clear()
            self._reached[told.agent] = told.callback

    # ---- inside

    def _tell(self, agent: AgentId, callback: str) -> None:
        self.changed(floor.tag(agent))
        one = self._asked.get(callback)
        if one is not None:
            self.changed(worklists.tag(one.department))

    def _outgoing(self, out: Outcall) -> Outgoing:
        back = self._router.state.backs.get(out.callback)
        one = back.record if back is not None else self._asked.get(out.callback)
        number, topic, subject = (one.number, one.topic, one.subject) if one is not None else ("", "", "")
        return Outgoing(out.callback, out.kind, str(out.state), number, out.hotline, topic, subject)
