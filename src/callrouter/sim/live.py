"""What would happen today if …: days that begin with the router's live state, as a checkpoint has it.

Calls in progress, callers who wait and agents are taken over as they are; how much longer they talk, wrap up and wait
is drawn, given how long they have already. Who is paused, on a call of his own or not reachable is back after
`AWAY_S`. More callers come as the scenario's profile says, in proportion to how many have come so far today; rosters
go on from those who are there now by the steps of the scenario's. Whatever may be configured is answered for; nothing
here can change what the live router does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zlib import crc32
from zoneinfo import ZoneInfo

from callrouter.core.agents import AgentState
from callrouter.core.calls import RINGING, CallState
from callrouter.core.checkpoint import Checkpoint, SavedCall, SavedSeat
from callrouter.core.events import (
    AgentAct,
    AgentActed,
    AgreementSwitched,
    CallEnded,
    CallHeld,
    Event,
    LegAnswered,
    LegStarted,
    LiveCall,
    PhoneState,
    PlanReplaced,
    SiteRead,
    Stage,
)
from callrouter.core.plan import Plan
from callrouter.core.router import Router
from callrouter.sim.call import ANSWERED, Call, Kind
from callrouter.sim.callers import Callers
from callrouter.sim.case import Case, make_case
from callrouter.sim.changes import Change
from callrouter.sim.clock import SimClock
from callrouter.sim.crew import Duty
from callrouter.sim.day import Day
from callrouter.sim.draws import Constant, Distribution, Lognormal, Stream, beyond
from callrouter.sim.kernel import SECOND_US, Rank
from callrouter.sim.scenario import Scenario

AWAY_S = 600.0
TALK, WRAP_UP, PATIENCE = Lognormal(240.0, 0.8), Constant(30.0), Lognormal(150.0, 1.0)  # of hotlines no scenario names
PRIOR_CALLS = 20.0  # as if so many had come as expected: a few calls say little about the day
FACTOR_MIN, FACTOR_MAX = 0.3, 3.0
_AWAY = (AgentState.PAUSED, AgentState.UNREACHABLE, AgentState.BUSY)
_STAGES = {CallState.OFFERED: Stage.OFFERED, CallState.TALKING: Stage.TALKING, CallState.TRANSFERRED: Stage.ELSEWHERE}


@dataclass(frozen=True, slots=True)
class Live:
    """What is known of now. scenario: of an ordinary day. came: calls in opening hours per hotline since `came_since`.

    came_since: UTC seconds, not before this day began.
    """

    checkpoint: Checkpoint
    scenario: Scenario
    came: Mapping[str, int]
    came_since: float

    @property
    def plan(self) -> Plan:
        return self.checkpoint.plan


def live_case(live: Live, changes: Sequence[Change]) -> Case:
    """The rest of today as a case. changes: those of the question; the scenario's own are of another day."""
    zone = live.scenario.zone or live.plan.sites[0].zone
    now = datetime.fromtimestamp(live.checkpoint.now, ZoneInfo(zone)).replace(tzinfo=None)
    pooled = {name: callers.model_copy(update={"desks": None}) for name, callers in live.scenario.callers.items()}
    scenario = live.scenario.model_copy(update={"days": 1, "changes": [], "callers": pooled})
    names = [one.name for one in live.plan.hotlines]
    as_is = make_case(live.plan, scenario, (), names, clock=SimClock(now, zone))
    case = make_case(live.plan, scenario, changes, names, clock=SimClock(now, zone))
    there, away = _present(live)
    crews = {
        team: tuple(_steps(steps, as_is.setting.crews[team][0][1], there[team], away[team], team in scenario.roster))
        for team, steps in case.setting.crews.items()
    }
    return replace(case, setting=replace(case.setting, crews=crews))


def _present(live: Live) -> tuple[dict[str, int], dict[str, int]]:
    """Per team: agents who are logged in, and those of them who cannot take a call for a while."""
    there = {team.name: 0 for team in live.plan.teams}
    away = dict(there)
    for seat in live.checkpoint.seats:
        if seat.team in there and seat.state is not AgentState.LOGGED_OUT:
            there[seat.team] += 1
            away[seat.team] += seat.state in _AWAY
    return there, away


def _steps(
    steps: Sequence[tuple[int, int]], planned: int, there: int, away: int, rostered: bool
) -> Iterator[tuple[int, int]]:
    """steps: as the scenario (and the question) has them; planned: what the scenario alone has for now."""
    back_us = round(AWAY_S * SECOND_US)
    edges = sorted({at_us for at_us, _ in steps} | {0, back_us})
    for at_us in edges:
        wanted = [number for since, number in steps if since <= at_us][-1]
        number = wanted - planned + there if wanted or not rostered or not planned else 0
        yield at_us, max(0, number - (away if at_us < back_us else 0))


def factors(live: Live, case: Case) -> dict[str, float]:
    """Per hotline: how many come today for each who was expected."""
    since_us = round(live.came_since * SECOND_US) - case.setting.start_us
    expected = Callers(case, 0, 0).expected(since_us, 0)
    found = {}
    for name, number in expected.items():
        factor = (live.came.get(name, 0) + PRIOR_CALLS) / (number + PRIOR_CALLS)
        found[name] = min(FACTOR_MAX, max(FACTOR_MIN, factor))
    return found


class LiveDay(Day):
    """The rest of today, once."""

    mark = "next"

    def __init__(
        self,
        live: Live,
        case: Case,
        seed: int,
        run: int,
        only: Collection[str] | None = None,
        restore: Callable[[Checkpoint], Router] = Router.restore,
    ) -> None:
        """only: the hotlines that are called at all."""
        self._live_state = live
        self._draws = Stream(seed, run, "live")
        self._case = case
        self.callers = Callers(case, seed, run, factors(live, case), only)
        super().__init__(case.setting, self.callers.again, lambda _plan, _now: restore(live.checkpoint))

    def open(self) -> None:
        """Takes the live state over and lets what is under way go on."""
        saved = self._live_state.checkpoint
        seats = {seat.id: seat for seat in saved.seats}
        events: list[Event] = [PlanReplaced(self.setting.plan)]
        follow: list[Event] = []
        kept: list[SavedCall] = []
        for call in saved.calls:
            if call.state in (CallState.RELEASING, CallState.FAILSAFE) or not call.hotline:
                events.append(CallEnded(call.id))
                continue
            kept.append(call)
            follow += self._take_call(call)
        for site in self.setting.plan.sites:
            events.append(_as_it_is(self.setting.plan, site.name, [call for call in kept if call.site == site.name]))
        for team, crew in self.crews.items():
            steps = self.setting.crews[team]
            for agent in crew.duty:
                seat = seats.get(agent)
                if seat is not None:
                    events += self._take_seat(seat)
            crew.wanted = crew.free + crew.busy  # whatever is wanted from now on comes with the first step
            for at_us, number in steps:
                self.agenda.add(at_us, Rank.CHANGE, (Kind.CREW, (team, number)))
        for change in self._case.changes:
            if change.kind == "agreement" and change.what in ("on", "off") and change.when.always:
                events.append(AgreementSwitched(change.name, change.what == "on", borrower=change.borrower))
        for switch in self.setting.switches:
            self.agenda.add(switch.at_us, Rank.CHANGE, (switch.kind, switch.what))
        self.tell([*events, *follow], 0)

    def _draw(self, name: str, one: Distribution, past_s: float, which: int) -> int:
        """What is left of something that has lasted `past_s`, in microseconds; at least a second."""
        u = self._draws.at(_number(name))[which]
        return max(SECOND_US, round((beyond(one, past_s, u) - past_s) * SECOND_US))

    def _take_call(self, saved: SavedCall) -> Iterator[Event]:
        """What the router has to hear of a call that goes on."""
        now = self._live_state.checkpoint.now
        callers = self._case.scenario.callers.get(saved.hotline)
        talk = callers.talk.distribution() if callers else TALK
        wrap_up = callers.wrap_up.distribution() if callers else WRAP_UP
        patience = PATIENCE if callers is None else callers.patience.distribution() if callers.patience else None
        age_us = round((now - saved.arrived_at) * SECOND_US)
        u = self._draws.at(_number(saved.id))
        call = Call(
            at_us=-age_us, hotline=saved.hotline, caller=saved.caller, talk_us=round(talk.of(u[3]) * SECOND_US),
            wrap_us=round(wrap_up.of(u[4]) * SECOND_US), patience_us=None, topic=saved.topic, id=saved.id,
            key=self.callers.somebody(saved.hotline, _number(saved.id)),
        )  # fmt: skip
        if saved.state is CallState.TRANSFERRED:
            left_us = self._draw(saved.id, talk, now - (saved.left_at or now), 0)
            self.agenda.add(left_us, Rank.CHANGE, (Kind.SWITCH, CallEnded(saved.id, answered=True)))
            return
        self.live[saved.id] = call
        if saved.state is CallState.TALKING:
            call.outcome, call.agent, call.team = ANSWERED, saved.agent, saved.team
            call.wait_us = round(((saved.answered_at or now) - saved.arrived_at) * SECOND_US)
            self.later(self._draw(saved.id, talk, now - (saved.answered_at or now), 0), Rank.END, Kind.TALK_ENDS, call)
            return
        assert saved.state in RINGING
        self.waiting += 1
        if patience is not None:
            left_us = self._draw(saved.id, patience, age_us / SECOND_US, 1)
            call.patience_us = age_us + left_us
            self.agenda.add(left_us, Rank.PATIENCE, (Kind.GIVES_UP, call))
        if saved.offer is not None and not saved.offer.cancelled:
            first = saved.offer.targets[0]
            yield LegStarted(saved.id, saved.offer.number, f"{saved.id}-live", first.site, first.phone)
            yield LegAnswered(saved.id, saved.offer.number, f"{saved.id}-live")
        else:  # a prompt ends now; told twice, since the first may echo a hold that was read back
            yield CallHeld(saved.id)
            yield CallHeld(saved.id)

    def _take_seat(self, saved: SavedSeat) -> Iterator[Event]:
        crew = self.crews[saved.team]
        if saved.state in (AgentState.READY, AgentState.OFFERED):
            crew.duty[saved.id] = Duty.FREE
            crew.free += 1
        elif saved.state in (AgentState.TALKING, AgentState.WRAP_UP):
            crew.duty[saved.id] = Duty.BUSY
            crew.busy += 1
            if saved.state is AgentState.WRAP_UP:
                past_s = self._live_state.checkpoint.now - saved.since
                call = Call(0, "", "", 0, 0, None, agent=saved.id, team=saved.team)
                call.id = f"{saved.id.partition('/')[0]}/wrap-up"
                left_us = self._draw(saved.id, self._wrap_up(saved.team), past_s, 2)
                self.later(left_us, Rank.END, Kind.WRAP_UP_ENDS, call)
        elif saved.state in _AWAY:
            yield AgentActed(saved.id, AgentAct.LOG_OUT)

    def _wrap_up(self, team: str) -> Distribution:
        """Of the first hotline with callers that the team serves."""
        for hotline in self.setting.plan.hotlines:
            callers = self._case.scenario.callers.get(hotline.name)
            if team in hotline.teams and callers is not None:
                return callers.wrap_up.distribution()
        return WRAP_UP


def _number(name: str) -> int:
    """A name as an address of draws."""
    return crc32(name.encode())


def _as_it_is(plan: Plan, site: str, calls: Iterable[SavedCall]) -> SiteRead:
    """The site with these calls as the books have them, and every phone in order."""
    live = tuple(
        LiveCall(call.id, call.number, call.caller, _STAGES.get(call.state, Stage.HELD), 0.0, call.attempt)
        for call in calls
    )
    phones = tuple(
        PhoneState(site, agent.phone, reachable=True, in_use=False) for agent in plan.agents if agent.site == site
    )
    return SiteRead(site, live, phones)
