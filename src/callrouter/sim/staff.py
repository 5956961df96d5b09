"""The smallest roster per half hour with which a team meets a target, found and checked by simulation.

First every half hour that misses gets more agents until none does; then each half hour gives one up as long as all
still meet the target. Every look is a simulation with the same callers, so the answer follows from scenario, seed and
runs; what comes out is smallest in the sense that no half hour can spare another agent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from callrouter.core.plan import Plan, Span
from callrouter.sim.case import make_case
from callrouter.sim.changes import Change
from callrouter.sim.estimate import Estimate, estimate
from callrouter.sim.figures import SLOT_S, Key
from callrouter.sim.runs import Job, many
from callrouter.sim.scenario import Duty, Scenario

AGENTS_MAX = 2_000
LOOKS_MAX = 400
Roster = dict[int, int]  # half hour of the day to agents


@dataclass(frozen=True, slots=True)
class Need:
    """One half hour: agents, and what they reach."""

    slot: int
    agents: int
    calls: float
    within: Estimate

    @property
    def clock(self) -> str:
        return _clock(self.slot)


@dataclass(frozen=True, slots=True)
class Staffing:
    """A team's answer. looks: how often the scenario was simulated; met: does every half hour reach the share?"""

    team: str
    needs: tuple[Need, ...]
    looks: int
    met: bool

    @property
    def agent_hours(self) -> float:
        return sum(need.agents for need in self.needs) / 2

    def duties(self) -> list[dict[str, object]]:
        """As a scenario's roster, equal half hours joined."""
        spans: list[tuple[int, int, int]] = []
        for need in self.needs:
            if spans and spans[-1][1] == need.slot and spans[-1][2] == need.agents:
                spans[-1] = (spans[-1][0], need.slot + 1, need.agents)
            else:
                spans.append((need.slot, need.slot + 1, need.agents))
        return [{"agents": agents, "hours": f"{_clock(first)}-{_clock(end)}"} for first, end, agents in spans if agents]


def _clock(slot: int) -> str:
    return f"{slot // 2:02}:{slot % 2 * 30:02}"


class Search:
    """Looks for one team's roster; the other teams are as the scenario has them."""

    def __init__(
        self,
        network: Plan,
        scenario: Scenario,
        changes: Sequence[Change],
        team: str,
        share: float,
        seed: int,
        runs: int,
        processes: int | None = None,
    ) -> None:
        """share: of the calls of each half hour that are to be answered within the hotlines' target."""
        self._network, self._scenario, self._changes = network, scenario, changes
        self._team, self._share, self._seed, self._runs = team, share, seed, runs
        self._processes = processes
        self._hotlines = [one.name for one in network.hotlines if team in one.teams]
        self.looks = 0
        self.looked: Callable[[], None] = lambda: None  # after each simulation

    def find(self) -> Staffing:
        """Costs up to `LOOKS_MAX` simulations."""
        roster = self._guess()
        slots = self._look(roster)
        while self.looks < LOOKS_MAX and (short := [slot for slot in roster if not self._good(slots.get(slot))]):
            for slot in short:
                late = slots[slot][0]  # what is missing, in agents, at least one
                roster[slot] = min(AGENTS_MAX, roster[slot] + max(1, ceil(roster[slot] * (self._share - late) / 3)))
            slots = self._look(roster)
        while self.looks < LOOKS_MAX and self._lower(roster):
            pass
        slots = self._look(roster)
        needs = tuple(
            Need(slot, roster[slot], slots[slot][1] / self._runs, slots[slot][2])
            for slot in sorted(roster)
            if slot in slots
        )
        return Staffing(self._team, needs, self.looks, all(self._good(slots.get(slot)) for slot in roster))

    def _lower(self, roster: Roster) -> bool:
        """One agent less wherever that still does; True if any half hour could spare one.

        First many at once (every other half hour, so that neighbours do not fail together), then one by one.
        """
        spared = False
        for start in (0, 1):
            some = [slot for place, slot in enumerate(sorted(roster)) if place % 2 == start and roster[slot] > 0]
            fewer = {**roster, **{slot: roster[slot] - 1 for slot in some}}
            slots = self._look(fewer)
            good = [slot for slot in some if all(self._good(slots.get(near)) for near in (slot - 1, slot, slot + 1))]
            fewer = {**roster, **{slot: roster[slot] - 1 for slot in good}}
            if good and self.meets(fewer):
                roster.update(fewer)
                spared = True
        if spared:
            return True
        for slot in sorted(roster, reverse=True):
            fewer = {**roster, slot: roster[slot] - 1}
            if roster[slot] > 0 and self.looks < LOOKS_MAX and self.meets(fewer):
                roster.update(fewer)
                spared = True
        return spared

    def meets(self, roster: Roster) -> bool:
        """Does every half hour of it reach the share?"""
        slots = self._look(roster)
        return all(self._good(slots.get(slot)) for slot in roster)

    def _good(self, found: tuple[float, float, Estimate] | None) -> bool:
        """A half hour without calls needs nobody."""
        return found is None or found[0] >= self._share

    def _guess(self) -> Roster:
        """The load of each half hour in which somebody calls, rounded up."""
        loads: Roster = {}
        for name in self._hotlines:
            callers = self._scenario.callers.get(name)
            if callers is None or callers.arrivals is None:
                continue
            arrivals = callers.arrivals
            work_s = callers.talk.distribution().mean + callers.wrap_up.distribution().mean
            if arrivals.per_hour is not None:
                weights = dict.fromkeys(range(48), arrivals.per_hour / 2)
            else:
                profile = arrivals.profile
                known = self._scenario.profiles[profile] if isinstance(profile, str) else profile or {}
                total = sum(known.values()) or 1.0
                weights = {slot: (arrivals.per_day or 0.0) * weight / total for slot, weight in known.items()}
            for slot, calls in weights.items():
                if calls:
                    loads[slot] = loads.get(slot, 0) + max(1, round(calls * work_s / SLOT_S))
        return loads

    def with_roster(self, found: Staffing) -> Scenario:
        """The scenario with what was found."""
        return self._with({need.slot: need.agents for need in found.needs})

    def _with(self, roster: Roster) -> Scenario:
        duties = [
            Duty.model_construct(agents=number, hours=(Span(slot * SLOT_S, (slot + 1) * SLOT_S),))
            for slot, number in sorted(roster.items())
            if number
        ]
        return self._scenario.model_copy(update={"roster": {**self._scenario.roster, self._team: duties}})

    def _look(self, roster: Roster) -> dict[int, tuple[float, float, Estimate]]:
        """Per half hour with calls: (share in time, calls of all runs, the share's estimate)."""
        self.looks += 1
        case = make_case(self._network, self._with(roster), self._changes)
        jobs = [Job(case, self._seed, run) for run in range(self._runs)]
        found = list(many(jobs, self._processes))
        self.looked()
        shares: dict[int, tuple[float, float, Estimate]] = {}
        for slot in roster:
            keys = [Key("hotline", name, "within", _clock(slot)) for name in self._hotlines]
            pairs = [
                (sum(n.get(key, (0.0, 0.0))[0] for key in keys), sum(n.get(key, (0.0, 0.0))[1] for key in keys))
                for n in found
            ]
            one = estimate(pairs)
            if one.value is not None:
                shares[slot] = (one.value, sum(below for _, below in pairs), one)
        return shares
