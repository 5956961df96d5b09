"""A day (or a year) of calls at the production router, in virtual time.

The people are ideal: an offered call is answered at once, prompts take no time, who talks talks as long as his call
says and wraps up as long, and phones always work. Everything that is decided is decided by `core.router.Router`. Which
instants tie, and what comes first then, is said in `kernel.Rank`; docs/simulation.md has the rules in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from callrouter.core.commands import CallAnswered, CallFinished, Offer, Outcome, Release
from callrouter.core.events import (
    CallArrived,
    CallEnded,
    CallHeld,
    Event,
    LegAnswered,
    LegStarted,
    Tick,
)
from callrouter.core.plan import Plan
from callrouter.core.router import Router
from callrouter.sim.call import ABANDONED, ANSWERED, BUSIED, CLOSED, Call, Kind
from callrouter.sim.crew import Crew, mixed
from callrouter.sim.kernel import NEVER_US, SECOND_US, Agenda, Rank
from callrouter.sim.outage import Dark

_END, _DEADLINE, _ARRIVAL = int(Rank.END), int(Rank.DEADLINE), int(Rank.ARRIVAL)
WAITS_US = 8 * 86_400 * SECOND_US  # a week and a day after all that was planned nobody is served any more


@dataclass(frozen=True, slots=True)
class Switch:
    """Something that people change or that breaks while the day goes on: SWITCH, SITE_DOWN or SITE_UP."""

    at_us: int
    kind: Kind
    what: Event | str


@dataclass(frozen=True, slots=True)
class Setting:
    """All that a day is given, the calls excepted. Instants count from `start_us`, itself UTC.

    crews: per team the steps of its roster, (instant, number from then on), sorted, the first at 0; a team that is not
    named has all its agents on duty all the time. until_us: the end of the period that is looked at.
    """

    plan: Plan
    start_us: int
    until_us: int
    crews: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    switches: Sequence[Switch] = ()


def number_of(hotline: str, topic: str) -> str:
    """The number that stands for a hotline and a topic in the plan of a simulation."""
    return f"{hotline}/{topic}"


class Day:
    """One run. `run(calls)` returns every call in the order of arrival, with what became of it.

    again: asked when a caller was not reached in opening hours, and when; the call that he makes later, or None.
    """

    mark = "sim"  # of the ids of its calls
    mark_us = NEVER_US  # `marked` is called before anything of this instant or later happens

    def __init__(
        self,
        setting: Setting,
        again: Callable[[Call, int], Call | None] | None = None,
        make: Callable[[Plan, float], Router] = Router,
    ) -> None:
        plan = setting.plan
        self.setting = setting
        self._start_us = setting.start_us
        self.router = make(plan, setting.start_us / SECOND_US)
        self.hotlines = {one.name: one for one in plan.hotlines}
        agents: dict[str, list[str]] = {team.name: [] for team in plan.teams}
        for agent in mixed(plan.agents):
            agents[agent.team].append(agent.id)
        self.crews = {team: Crew(ids, 0) for team, ids in agents.items()}
        self.calls: list[Call] = []
        self.live: dict[str, Call] = {}  # who rings or talks
        self.end_us = 0
        self.agenda: Agenda[tuple[Kind, object]] = Agenda()
        self.dark = Dark(self)
        self._again = again
        self._due_us = -1  # until when all deadlines but the ring limits are over
        self._opened = False
        self._arrived = 0
        self._to_come = 0  # ends and calls on the agenda, without which the day is not over
        self.waiting = 0
        self._numbers = {(h.name, t.name): (h.site, number_of(h.name, t.name)) for h in plan.hotlines for t in h.topics}
        self._numbers |= {(h.name, ""): (h.site, number_of(h.name, h.default_topic)) for h in plan.hotlines}

    # ---- the day

    def run(self, calls: Iterable[Call]) -> list[Call]:
        """calls: in the order of arrival. One that was marked goes on, with those that come from then on."""
        if not self._opened:
            self.open()
        self._opened = True
        incoming = iter(calls)
        coming = next(incoming, None)
        last_us = self.setting.until_us
        while coming is not None or self._to_come or self.waiting:
            at_us, rank = self._next()
            first_us = at_us if coming is None else min(at_us, coming.at_us)
            if first_us >= self.mark_us:
                self.marked(first_us)
            if coming is not None and (coming.at_us < at_us or (coming.at_us == at_us and rank == _ARRIVAL)):
                last_us = max(last_us, coming.at_us)
                self._arrives(coming, coming.at_us)
                coming = next(incoming, None)
            elif not self._to_come and coming is None and at_us > last_us + WAITS_US:
                break
            else:
                self._happens(at_us, rank)
        self._close()
        return self.calls

    def marked(self, at_us: int) -> None:
        """A look at what was before `mark_us`, and at it the next one is set. at_us: when something happens next."""

    def recrewed(self, setting: Setting, from_us: int) -> None:
        """From this instant on, before which it was marked, another roster."""
        crews = ((team, step) for team in self.crews for step in setting.crews.get(team, ()))
        steps = [
            (at_us, Rank.CHANGE, (Kind.CREW, (team, number))) for team, (at_us, number) in crews if at_us >= from_us
        ]
        self.agenda.exchange(lambda what: what[0] is Kind.CREW, steps)
        self.setting = setting

    def _next(self) -> tuple[int, int]:
        """What comes next, arrivals that are not on the agenda excepted: (instant, rank)."""
        first = self.agenda.next() or (NEVER_US, _ARRIVAL)
        due = self.router.next_deadline()
        if due is None:
            return first
        due_us = max(self.end_us, round(due * 1e6) - self._start_us)
        if due_us <= first[0] and due_us > self._due_us:
            return due_us, _END  # what comes before ring limits comes before agents are handed out
        if due_us > first[0] or (due_us == first[0] and first[1] <= _DEADLINE):
            return first
        return due_us, _DEADLINE

    def _happens(self, at_us: int, rank: int) -> None:
        agenda = self.agenda
        self.end_us = at_us
        if rank <= _END:  # all of this instant, before anybody is handed out
            events: list[Event] = []
            done: list[Call] = []
            while (first := agenda.next()) is not None and first[0] == at_us and first[1] <= _END:
                self._change_or_end(*agenda.pop(), at_us, events, done)
            self._work_ends(done, at_us, events)
            self._due_us = at_us
            self.tell(events, at_us)
        elif rank == _DEADLINE and agenda.next() != (at_us, rank):
            self.tell([Tick()], at_us)
        else:
            kind, call = agenda.pop()
            assert isinstance(call, Call)
            if kind is Kind.CALLS:
                self._to_come -= 1
                self._arrives(call, at_us)
            elif not call.outcome and kind is Kind.GIVES_UP:
                self.ended(call, ABANDONED, at_us)
                if not self.dark.hides(call):
                    self.tell([CallEnded(call.id)], at_us)
            elif not call.outcome and self.hotlines[call.hotline].site in self.dark.sites:
                self.ended(call, BUSIED, at_us)

    def open(self) -> None:
        """All sites are read, and the crews begin."""
        plan = self.setting.plan
        self.tell([self.dark.read(site.name, 0) for site in plan.sites], 0)
        for team, crew in self.crews.items():
            for at_us, number in self.setting.crews.get(team, ((0, len(crew.duty)),)):
                self.agenda.add(at_us, Rank.CHANGE, (Kind.CREW, (team, number)))
        for switch in self.setting.switches:
            self.agenda.add(switch.at_us, Rank.CHANGE, (switch.kind, switch.what))

    def _close(self) -> None:
        """Nobody calls any more; the crews stay to the end of the period."""
        while (first := self.agenda.next()) is not None and first[0] < self.setting.until_us:
            kind, what = self.agenda.pop()
            if kind is Kind.CREW:
                self._change_or_end(kind, what, first[0], [], [])
        self.end_us = max(self.end_us, self.setting.until_us)
        for crew in self.crews.values():
            crew.settle(self.end_us)
        for call in self.live.values():
            if not call.outcome:  # he never gave up, and nobody will ever come
                call.outcome = ABANDONED

    # ---- what happens

    def _change_or_end(self, kind: Kind, what: object, at_us: int, events: list[Event], done: list[Call]) -> None:
        """One change of roster or switch, or one end, as events for the router. done: calls whose agents come free."""
        if kind is Kind.TALK_ENDS:
            assert isinstance(what, Call)
            self._to_come -= 1
            del self.live[what.id]
            if not self.dark.hides(what):
                events.append(CallEnded(what.id, 16, answered=True))
            if what.wrap_us:
                self.later(at_us + what.wrap_us, Rank.END, Kind.WRAP_UP_ENDS, what)
            else:
                done.append(what)
        elif kind is Kind.WRAP_UP_ENDS:
            assert isinstance(what, Call)
            self._to_come -= 1
            done.append(what)
        elif kind is Kind.CREW:
            assert isinstance(what, tuple)
            team, number = what
            events += self.crews[team].want(number, at_us)
        elif kind is Kind.SITE_DOWN:
            events.append(self.dark.fall(str(what), at_us))
        elif kind is Kind.SITE_UP:
            events += self.dark.rise(str(what), at_us)
        else:
            events.append(what)  # type: ignore[arg-type]  # Switch says that it is one

    def _work_ends(self, done: list[Call], at_us: int, events: list[Event]) -> None:
        teams: dict[str, list[str]] = {}
        for call in done:
            teams.setdefault(call.team, []).append(call.agent)
            if self.dark.hides(call):
                self.dark.owes(call)
        for team, agents in teams.items():
            events += self.crews[team].done(agents, at_us)

    def _arrives(self, call: Call, at_us: int) -> None:
        self.end_us = at_us
        site, number = self._numbers[call.hotline, call.topic]
        self.calls.append(call)
        self._arrived += 1
        call.id = f"{site}/{self.mark}-{self._arrived}"
        self.live[call.id] = call
        self.waiting += 1
        if site in self.dark.sites:
            self.dark.arrives(call, at_us)
        else:
            self.tell([CallArrived(call.id, site, number, call.caller), CallHeld(call.id)], at_us)
        if not call.outcome and call.patience_us is not None:
            self.agenda.add(call.at_us + call.patience_us, Rank.PATIENCE, (Kind.GIVES_UP, call))

    def number(self, call: Call) -> str:
        return self._numbers[call.hotline, call.topic][1]

    def later(self, at_us: int, rank: Rank, kind: Kind, call: Call) -> None:
        """Something without which the day is not over."""
        self._to_come += 1
        self.agenda.add(at_us, rank, (kind, call))

    # ---- the router

    def tell(self, events: Sequence[Event], at_us: int) -> None:
        """Events of one instant, and all that follows at once: phones are answered, callers who are told to end do."""
        now = (self._start_us + at_us) / SECOND_US
        while True:
            follow: list[Event] = []
            for command in self.router.handle_all(events, now):
                kind = type(command)
                if kind is Offer:
                    self._picks_up(command, follow)  # type: ignore[arg-type]
                elif kind is CallAnswered:
                    self._answered(command, at_us)  # type: ignore[arg-type]
                elif kind is Release:
                    follow.append(CallEnded(command.call, command.cause))  # type: ignore[union-attr]
                elif kind is CallFinished:
                    self._finished(command, at_us)  # type: ignore[arg-type]
            if not follow:
                return
            events = follow

    def _picks_up(self, offer: Offer, follow: list[Event]) -> None:
        """Of several phones the one whose turn it is."""
        leg = f"{offer.call}-{offer.attempt}"
        if len(offer.targets) > 1:
            first = offer.targets[0]
            follow.append(LegStarted(offer.call, offer.attempt, leg, first.site, first.phone))
        follow.append(LegAnswered(offer.call, offer.attempt, leg))

    def _answered(self, told: CallAnswered, at_us: int) -> None:
        call = self.live[told.call]
        call.outcome, call.wait_us = ANSWERED, at_us - call.at_us
        call.agent, call.team, call.agreement = told.agent, told.team, told.agreement
        self.waiting -= 1
        self.crews[told.team].take(told.agent)
        self.later(at_us + call.talk_us, Rank.END, Kind.TALK_ENDS, call)

    def _finished(self, told: CallFinished, at_us: int) -> None:
        call = self.live.get(told.call)
        if call is None or call.outcome:
            return  # the caller's own doing, or over long since and only now seen
        gave_up = call.patience_us is not None and call.at_us + call.patience_us <= at_us
        if told.outcome is Outcome.CLOSED:
            self.ended(call, CLOSED, at_us)
        else:  # who had no patience at all gave up at the instant of the order, which is before it takes effect
            self.ended(call, ABANDONED if gave_up else BUSIED, at_us)

    def ended(self, call: Call, outcome: str, at_us: int) -> None:
        """A caller who was not served is gone."""
        call.outcome, call.wait_us = outcome, at_us - call.at_us
        del self.live[call.id]
        self.waiting -= 1
        again = self._again(call, at_us) if self._again and outcome != CLOSED else None
        if again is not None:
            self.later(again.at_us, Rank.ARRIVAL, Kind.CALLS, again)
