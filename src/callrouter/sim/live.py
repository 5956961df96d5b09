"""What would happen today if …: days that begin with the router's live state, as a checkpoint has it.

Calls in progress, callers who wait and agents are taken over as they are; how much longer they talk, wrap up and wait
is drawn, given how long they have already. Who is paused, on a call of his own or not reachable is back after
`AWAY_S`, or when the router says so. More callers come as the scenario's profile says, in proportion to how many have
come so far today; who was not reached lately may try again. Rosters go on from those who are there now by the steps of
the scenario's. A site without link, or a trunk that is down, stays so unless the question says when it is back.
Whatever may be configured is answered for; nothing here can change what the live router does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zlib import crc32
from zoneinfo import ZoneInfo

from callrouter.core.agents import AgentState
from callrouter.core.calls import CallState
from callrouter.core.checkpoint import Checkpoint, SavedCall
from callrouter.core.events import AgreementSwitched, CallEnded, Event, PlanReplaced
from callrouter.core.plan import Plan
from callrouter.core.router import Router
from callrouter.sim.call import ANSWERED, Call, Kind
from callrouter.sim.callers import Callers
from callrouter.sim.case import Case, at, make_case, meant_for, roster_of, stepped, with_changes
from callrouter.sim.changes import Change
from callrouter.sim.clock import SimClock
from callrouter.sim.crew import Duty
from callrouter.sim.day import Day
from callrouter.sim.draws import Constant, Distribution, Lognormal, Stream, beyond
from callrouter.sim.kernel import SECOND_US, Rank
from callrouter.sim.scenario import Scenario
from callrouter.sim.takeover import Presence, Working, dark, presence, take_over

TALK, WRAP_UP, PATIENCE = Lognormal(240.0, 0.8), Constant(30.0), Lognormal(150.0, 1.0)  # of hotlines no scenario names
PRIOR_CALLS = 10.0  # as if so many had come as expected: a few calls say little about the day
FACTOR_MIN, FACTOR_MAX = 0.3, 3.0
QUIET_CALLS = 20.0  # expected in a span in which none came: the service was not there, and it tells nothing of the day


@dataclass(frozen=True, slots=True)
class Missed:
    """A call in opening hours, not long ago, that reached nobody. ended_at: UTC seconds. attempt: of this caller.

    known: he has not called again since; of who withholds his number nobody can know.
    """

    hotline: str
    ended_at: float
    attempt: int = 1
    known: bool = True


@dataclass(frozen=True, slots=True)
class Live:
    """What is known of now. scenario: of an ordinary day.

    came: first calls of a wish, in opening hours, per hotline since `came_since` (UTC seconds, not before this day
    began). quiet: spans since then, of half an hour at least, in which nobody called any hotline. withheld: those
    without a number, first or not, and how many of them reached nobody before `missed` begins. attempts: of the calls
    in progress those that are not their callers' first. tries: calls for each first one, of all.
    """

    checkpoint: Checkpoint
    scenario: Scenario
    came: Mapping[str, int]
    came_since: float
    missed: tuple[Missed, ...] = ()
    withheld: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)
    tries: float = 1.0
    quiet: tuple[tuple[float, float], ...] = ()

    @property
    def plan(self) -> Plan:
        return self.checkpoint.plan


def live_case(live: Live, changes: Sequence[Change]) -> Case:
    """The rest of today as a case. changes: those of the question; the scenario's own are of another day."""
    zone = live.scenario.zone or live.plan.sites[0].zone
    now = datetime.fromtimestamp(live.checkpoint.now, ZoneInfo(zone)).replace(tzinfo=None)
    pooled = {name: callers.model_copy(update={"desks": None}) for name, callers in live.scenario.callers.items()}
    scenario = live.scenario.model_copy(update={"days": 1, "changes": [], "callers": pooled})
    clock = SimClock(now, zone)
    present = presence(live.checkpoint)
    crews = {name: tuple(_steps(live, scenario, name, present[name], changes, clock)) for name in present}
    names = [one.name for one in live.plan.hotlines]
    return make_case(live.plan, scenario, changes, names, clock=clock, crews=crews)


def _steps(
    live: Live, scenario: Scenario, team: str, present: Presence, changes: Sequence[Change], clock: SimClock
) -> Sequence[tuple[int, int]]:
    """The team's roster from those on who are there now, and what the changes make of it."""
    roster = roster_of(team, live.plan, scenario, clock, 1)
    planned, rostered = roster[0][1], team in scenario.roster
    back_us = [round((at_s - live.checkpoint.now) * SECOND_US) for at_s in present.back_at]
    meant = meant_for(team, changes, clock, 1)

    def number(at_us: int) -> int:
        wanted = at(roster, at_us)
        there = wanted - planned + present.there if wanted or not rostered or not planned else 0
        return with_changes(max(0, there - sum(back > at_us for back in back_us)), at_us, meant)

    return list(stepped(number, roster, meant, back_us))


def factors(live: Live, case: Case) -> dict[str, float]:
    """Per hotline: how many want something today for each who was expected. Redials are no such wish."""

    def expect(from_s: float, to_s: float) -> dict[str, float]:
        instants = (round(at_s * SECOND_US) - case.setting.start_us for at_s in (from_s, to_s))
        return callers.expected(*instants)

    callers = Callers(case, 0, 0)
    expected = expect(live.came_since, live.checkpoint.now)
    for span in live.quiet:
        unseen = expect(*span)
        if sum(unseen.values()) >= QUIET_CALLS:
            expected = {name: number - unseen[name] for name, number in expected.items()}
    found = {}
    for name, number in expected.items():
        came = live.came.get(name, 0) + _withheld(live, callers, name)
        factor = (came + PRIOR_CALLS) / (number + PRIOR_CALLS)
        found[name] = min(FACTOR_MAX, max(FACTOR_MIN, factor))
    return found


def _withheld(live: Live, callers: Callers, hotline: str) -> float:
    """First calls among those without a number: all of them but the redials that those not reached have made."""
    number, missed = live.withheld.get(hotline, (0, 0))
    if not number:
        return 0.0
    ended = [one.ended_at for one in live.missed if one.hotline == hotline and not one.known]
    again = missed * callers.came_again(hotline, -(10**15))
    again += sum(callers.came_again(hotline, round((at_s - live.checkpoint.now) * SECOND_US)) for at_s in ended)
    return max(0.0, number - again)


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
        self._taken = take_over(live.checkpoint, case.plan)
        super().__init__(case.setting, self.callers.again, lambda _plan, _now: restore(self._taken.checkpoint))

    def open(self) -> None:
        """Takes the live state over and lets what is under way go on."""
        saved = self._taken.checkpoint
        for call in saved.calls:
            self._take_call(call)
        for seat in saved.seats:
            crew = self.crews[seat.team]
            if seat.state is AgentState.READY:
                crew.duty[seat.id] = Duty.FREE
                crew.free += 1
            elif seat.state in (AgentState.TALKING, AgentState.WRAP_UP):
                crew.duty[seat.id] = Duty.BUSY
                crew.busy += 1
        for work in self._taken.working:
            self._take_work(work)
        for number, one in enumerate(self._live_state.missed):
            ended_us = round((one.ended_at - saved.now) * SECOND_US)
            again = self.callers.still_to_come(one.hotline, number, one.attempt, min(ended_us, 0), one.known)
            if again is not None:
                self.later(again.at_us, Rank.ARRIVAL, Kind.CALLS, again)
        for team, crew in self.crews.items():
            crew.wanted = crew.free + crew.busy  # whatever is wanted from now on comes with the first step
            for at_us, agents in self.setting.crews[team]:
                self.agenda.add(at_us, Rank.CHANGE, (Kind.CREW, (team, agents)))
        events: list[Event] = [self.dark.fall(site, 0) for site in dark(self._live_state.checkpoint)]
        events.append(PlanReplaced(self.setting.plan))
        for change in self._case.changes:
            if change.kind == "agreement" and change.what in ("on", "off") and change.when.always:
                events.append(AgreementSwitched(change.name, change.what == "on", borrower=change.borrower))
        for switch in self.setting.switches:
            self.agenda.add(switch.at_us, Rank.CHANGE, (switch.kind, switch.what))
        self.tell(events, 0)

    def _draw(self, name: str, one: Distribution, past_s: float, which: int) -> int:
        """What is left of something that has lasted `past_s`, in microseconds; at least a second."""
        u = self._draws.at(_number(name))[which]
        return max(SECOND_US, round((beyond(one, past_s, u) - past_s) * SECOND_US))

    def _take_call(self, saved: SavedCall) -> None:
        """A call that goes on."""
        now = self._taken.checkpoint.now
        callers = self._case.scenario.callers.get(saved.hotline)
        talk, wrap_up = self._durations(saved.hotline)
        patience = PATIENCE if callers is None else callers.patience.distribution() if callers.patience else None
        age_us = round((now - saved.arrived_at) * SECOND_US)
        u = self._draws.at(_number(saved.id))
        call = Call(
            at_us=-age_us, hotline=saved.hotline, caller=saved.caller, talk_us=round(talk.of(u[3]) * SECOND_US),
            wrap_us=round(wrap_up.of(u[4]) * SECOND_US), patience_us=None, topic=saved.topic, id=saved.id,
            attempt=self._live_state.attempts.get(saved.id, 1),
            key=self.callers.somebody(saved.hotline, _number(saved.id)),
        )  # fmt: skip
        if saved.state is CallState.TRANSFERRED:
            left_us = self._draw(saved.id, talk, now - (saved.left_at or saved.answered_at or now), 0)
            self.agenda.add(left_us, Rank.CHANGE, (Kind.SWITCH, CallEnded(saved.id, answered=True)))
            return
        self.live[saved.id] = call
        if saved.state is CallState.TALKING:
            call.outcome, call.agent, call.team = ANSWERED, saved.agent, saved.team
            call.wait_us = round(((saved.answered_at or now) - saved.arrived_at) * SECOND_US)
            self.later(self._draw(saved.id, talk, now - (saved.answered_at or now), 0), Rank.END, Kind.TALK_ENDS, call)
            return
        assert saved.state is CallState.WAITING, f"{saved.id} is taken over but is {saved.state}"
        self.waiting += 1
        if patience is not None:
            left_us = self._draw(saved.id, patience, age_us / SECOND_US, 1)
            call.patience_us = age_us + left_us
            self.agenda.add(left_us, Rank.PATIENCE, (Kind.GIVES_UP, call))

    def _take_work(self, work: Working) -> None:
        """He is free when the rest of it is over, and his wrap-up if he talks."""
        talk, wrap_up = self._durations(work.hotline or self._served_by(work.team))
        past_s = max(0.0, self._taken.checkpoint.now - work.since)
        left_us = self._draw(work.agent, talk if work.talks else wrap_up, past_s, 2)
        if work.talks:
            left_us += round(wrap_up.of(self._draws.at(_number(work.agent))[3]) * SECOND_US)
        elif work.until is not None:
            left_us = min(left_us, max(0, round((work.until - self._taken.checkpoint.now) * SECOND_US)))
        call = Call(0, "", "", 0, 0, None, agent=work.agent, team=work.team)
        call.id = f"{work.agent.partition('/')[0]}/work"
        self.later(left_us, Rank.END, Kind.WRAP_UP_ENDS, call)

    def _served_by(self, team: str) -> str:
        """The first hotline with callers that the team serves; '' if there is none."""
        served = (one.name for one in self.setting.plan.hotlines if team in one.teams)
        return next((name for name in served if name in self._case.scenario.callers), "")

    def _durations(self, hotline: str) -> tuple[Distribution, Distribution]:
        """Of talk and wrap-up."""
        callers = self._case.scenario.callers.get(hotline)
        return (callers.talk.distribution(), callers.wrap_up.distribution()) if callers else (TALK, WRAP_UP)


def _number(name: str) -> int:
    """A name as an address of draws."""
    return crc32(name.encode())
