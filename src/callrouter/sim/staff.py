"""The smallest rosters per half hour with which teams meet a target, all together, found and checked by simulation.

First it is looked what everybody reaches with plenty of agents; what even then is missed no roster can mend. Then every
half hour that misses gets more agents until none does, and gives them up again, one half hour after the other, as long
as all still reach their goals. Every look is a simulation with the same callers, so the answer follows from scenario,
seed and runs. Days are looked at one by one; what is found is looked at in one go.

Agreements even out chance and are no second workforce: a team that borrows keeps in each half hour as many agents as
the wanted share of its own callers would keep busy. Teams that were not asked for keep the share, or what they reach
without those that were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, sqrt

from callrouter.core.plan import Plan
from callrouter.sim.callers import SLOTS
from callrouter.sim.case import make_case
from callrouter.sim.estimate import Estimate, Pair, estimate
from callrouter.sim.kernel import SECOND_US
from callrouter.sim.looks import Lookout, Tally
from callrouter.sim.part import about, apart, called, connected, part_of
from callrouter.sim.roster import Calendar, Roster, Shift, clock_of
from callrouter.sim.scenario import SLOT_S, Checked

AGENTS_MAX = 2_000
LOOKS_MAX = 2_000  # most of them at a few half hours
SOON = 3  # half hours, in all but the last of which it shows that one has an agent too few
ROUNDS_MAX = 30
DUST = 1e-9

Cell = tuple[str, int, int]  # team, kind of day, half hour
Rosters = dict[Cell, int]  # to agents


@dataclass(frozen=True, slots=True)
class Reach:
    """The calls for one team in one half hour. pairs: per run (in time, calls); load: agents whom they keep busy."""

    pairs: tuple[Pair, ...]
    load: float

    @property
    def calls(self) -> float:
        return sum(calls for _, calls in self.pairs)

    @property
    def share(self) -> float:
        return sum(within for within, _ in self.pairs) / self.calls


Seen = Mapping[Cell, Reach]


@dataclass(frozen=True, slots=True)
class Need:
    """One half hour: agents, and what they reach. calls: of such a day. in_vain: more agents do not reach the share."""

    days: tuple[str, ...]
    slot: int
    agents: int
    calls: float
    within: Estimate
    met: bool
    in_vain: bool

    @property
    def clock(self) -> str:
        return clock_of(self.slot)


@dataclass(frozen=True, slots=True)
class Staffing:
    """A team's answer. agent_hours: of one week, or of the day if it is one; looks: simulations, for all its teams.

    met: does every half hour reach the share? smallest: False if it was given up to look for less.
    """

    team: str
    needs: tuple[Need, ...]
    shifts: tuple[Shift, ...]
    agent_hours: float
    looks: int
    met: bool
    smallest: bool


class Search:
    """Looks for the rosters of teams that may touch each other; other teams are as the scenario has them."""

    def __init__(
        self,
        network: Plan,
        checked: Checked,
        teams: Sequence[str],
        share: float,
        seed: int,
        runs: int,
        processes: int | None = None,
    ) -> None:
        """share: of the calls of each half hour that are to be answered within the hotlines' target."""
        touched = frozenset().union(*(one for one in connected(network, checked) if one & set(teams)))
        self._plan, self._checked = part_of(network, checked, touched)
        self._teams, self._share = tuple(teams), share
        hotlines = called(self._plan, checked.scenario)
        homes = {team.name: [one.name for one in hotlines if team.name in one.teams] for team in self._plan.teams}
        self._homes = {team: names for team, names in homes.items() if names}
        case = make_case(self._plan, self._checked.scenario, self._checked.changes)
        self._lookout = Lookout(seed, runs, case.scenario.days, processes, self._ran)
        self._case = case
        self._calendar = Calendar(self._plan, case, teams)
        self._own: dict[Cell, float] = {}  # load of the team's own first calls
        self._goals: dict[Cell, float] = {}
        self._plenty: dict[str, int] = {}
        self._vain: set[Cell] = set()
        self._known: dict[frozenset[tuple[Cell, int]], Seen] = {}
        self._doing = "with plenty"
        self._in_one_go = False
        self.looks = 0
        self.told: Callable[[str], None] = lambda _: None  # what is being done, after each run

    def __enter__(self) -> Search:
        return self

    def __exit__(self, *_: object) -> None:
        self._lookout.close()

    def find(self, start: Rosters | None = None) -> list[Staffing]:
        """Costs up to about `LOOKS_MAX` looks. start: without it, near what the load lets expect."""
        self._learn()
        roster = self._raised(dict(start or self._guess()))
        smallest = self._lower(roster)
        if self._case.scenario.days > 1:  # they were looked at one by one
            self._in_one_go = True
            self._known.clear()
            if not self.meets(roster):
                roster = self._raised(roster)
                smallest = self._lower(roster)
        seen = self._look(roster)
        return [self._answer(team, roster, seen, smallest) for team in self._teams]

    def meets(self, roster: Rosters) -> bool:
        """Does every half hour of every team reach its goal?"""
        return not self._short(self._look(roster))

    # ---- what can be reached

    def _learn(self) -> None:
        """What calls, how much work that is, and what plenty of agents reach: the goals are no higher."""
        loads = self._lookout.loads(self._case)
        peaks = dict.fromkeys(self._homes, 0.0)
        for found in loads:
            for team, names in self._homes.items():
                places = {(day, slot) for name, day, slot in found if name in names}
                by_place = (sum(found.get((name, *place), 0.0) for name in names) for place in places)
                peaks[team] = max(peaks[team], *by_place, 0.0)
            for (name, day, slot), load in found.items():
                teams = [team for team, names in self._homes.items() if name in names]
                kind = self._calendar.kinds[day]
                for team in teams:
                    days = self._calendar.count(kind) * len(loads) * len(teams)
                    self._own[team, kind, slot] = self._own.get((team, kind, slot), 0.0) + load / days
        self._plenty = {team: min(AGENTS_MAX, 4 * ceil(peak) + 10) for team, peak in peaks.items()}
        flood = self._flood()
        best = self._look(flood)
        others = set(self._homes) - set(self._teams)
        alone = self._look(flood, apart(self._plan, self._teams)) if others else {}
        for cell, reach in best.items():
            if cell[0] in others:
                own = alone[cell].share if cell in alone else self._share
                self._goals[cell] = min(self._share, own, reach.share)
            elif reach.share < self._share:
                self._vain.add(cell)
                self._goals[cell] = self._share * reach.share
            else:
                self._goals[cell] = self._share
        self._known[frozenset(flood.items())] = best

    def _flood(self) -> Rosters:
        kinds = dict.fromkeys(self._calendar.kinds)
        return {(team, kind, slot): self._plenty[team] for team in self._teams for kind in kinds for slot in range(48)}

    def _goal(self, cell: Cell) -> float:
        """A half hour that only redials reach has no goal yet, if more agents would spare them."""
        return self._goals.get(cell, self._share if cell[0] in self._teams else 0.0)

    def _floor(self, cell: Cell) -> int:
        """What a team owes itself, whoever lends."""
        if cell not in self._goals or all(one.borrower != cell[0] for one in self._plan.agreements):
            return 0
        return min(self._plenty[cell[0]], ceil(self._goals[cell] * self._own.get(cell, 0.0) - DUST))

    def _guess(self) -> Rosters:
        """A little less than it takes: the wanted share of the work, and half its standard deviation."""
        found = {}
        for cell, goal in self._goals.items():
            load = self._own.get(cell, 0.0)
            if cell[0] in self._teams:
                agents = ceil(goal * load + sqrt(load) / 2)
                found[cell] = min(self._plenty[cell[0]], max(1, self._floor(cell), agents))
        return found

    # ---- more

    def _raised(self, roster: Rosters) -> Rosters:
        """More agents where somebody misses his goal, until nobody does; plenty, if that does not help."""
        self._doing = "more"
        for turn in range(ROUNDS_MAX):
            seen = self._look(roster)
            short = self._short(seen)
            if not short:
                return roster
            before = dict(roster)
            for cell in short:
                team, kind, slot = cell
                missing = (self._goal(cell) - seen[cell].share) * seen[cell].load
                share = 0.35 if (team, kind, slot - 1) in short else 0.7  # who waits since the half hour before
                step = max(1, round(missing * share)) + turn // 5
                for helper in self._helpers(team):
                    self._add(roster, before, (helper, kind, slot), step)
            if roster == before:
                break
        return self._flood()

    def _helpers(self, team: str) -> Iterable[str]:
        if team in self._teams:
            return (team,)
        partners = {one.lender if one.borrower == team else one.borrower for one in self._plan.agreements}
        return [one for one in self._teams if one in partners] or self._teams

    def _add(self, roster: Rosters, before: Rosters, cell: Cell, step: int) -> None:
        """There, or where that is no use any more in the half hours before."""
        team, kind, slot = cell
        plenty = self._plenty[team]
        for earlier in range(slot, -1, -1):
            place = (team, kind, earlier)
            if before.get(place, 0) < plenty:
                roster[place] = min(plenty, max(roster.get(place, 0), before.get(place, 0) + step))
                return

    # ---- fewer

    def _lower(self, roster: Rosters) -> bool:
        """Fewer agents, until no half hour can spare any. False: it was given up to look for less.

        A sweep asks one half hour after the other, each no further than it shows soon after; all that it takes is then
        looked at together, to the end of the day. Where that fails, as much is kept as does not. At last everybody
        is asked again whose answer was given beside another roster.
        """
        self._doing = "fewer"
        tight = _Tight()
        steps: dict[Cell, int] = {}
        while True:
            asked = self._sweep(roster, tight, steps)
            if self.looks >= LOOKS_MAX:
                return False
            if not any(step for _, step in asked):
                tight.told(asked)
                if tight.ask_again():
                    continue
                return True
            for kind, number in self._kept(roster, asked).items():
                mine = [(cell, step) for cell, step in asked if cell[1] == kind]
                places = [place for place, (_, step) in enumerate(mine) if step]
                end = places[number] if number < len(places) else len(mine)
                tight.told(mine[:end])
                for cell, step in mine[:end]:
                    roster[cell] -= step
                if end < len(mine) and mine[end][1] == 1:
                    tight.until[mine[end][0]] = SLOTS

    def _kept(self, roster: Rosters, asked: Sequence[tuple[Cell, int]]) -> dict[int, int]:
        """Per kind of day: of those who were asked in turn and could spare some, how many together still can."""
        good = dict.fromkeys(self._calendar.kinds, 0)
        bad = {kind: 1 + sum(1 for cell, step in asked if step and cell[1] == kind) for kind in good}
        tried = {kind: number - 1 for kind, number in bad.items()}  # at first all of them
        while any(tried[kind] > good[kind] for kind in good):
            fewer, left = dict(roster), dict(tried)
            for cell, step in asked:
                if step and left[cell[1]]:
                    fewer[cell] -= step
                    left[cell[1]] -= 1
            failed = {kind for _, kind, _ in self._short(self._look(fewer))}
            for kind, number in tried.items():
                (bad if kind in failed else good)[kind] = number
            tried = {kind: (good[kind] + bad[kind]) // 2 for kind in good}
        return good

    def _sweep(self, roster: Rosters, tight: _Tight, steps: dict[Cell, int]) -> list[tuple[Cell, int]]:
        """Who was asked in turn, and could spare so many. steps: as many as are worth a try; fewer after each."""
        trial, seen = dict(roster), self._look(roster)
        asked: list[tuple[Cell, int]] = []
        over = set(tight.until)
        while some := _first_of_each_kind(
            cell for cell in sorted(trial) if cell not in over and self._spare(trial, cell)
        ):
            if self.looks >= LOOKS_MAX:
                break
            tried = {cell: min(self._spare(trial, cell), self._step(cell, seen, steps)) for cell in some}
            slots = {kind: slot for _, kind, slot in some}
            ends = {
                day: (slots[kind] + SOON) * SLOT_S if kind in slots else 0
                for day, kind in enumerate(self._calendar.kinds)
            }
            short = self._short(self._look(_less(trial, tried), until=ends))
            failed = {kind for _, kind, slot in short if slot < slots[kind] + SOON - 1}
            for cell, step in tried.items():
                steps[cell] = max(1, step // 2)
                if cell[1] not in failed:
                    trial[cell] -= step
                    asked.append((cell, step))
                elif step == 1:
                    over.add(cell)
                    asked.append((cell, 0))
        return asked

    def _step(self, cell: Cell, seen: Seen, steps: Mapping[Cell, int]) -> int:
        most = steps.get(cell, AGENTS_MAX)
        if cell not in seen:
            return most  # nobody calls
        return max(1, min(most, int((seen[cell].share - self._goal(cell)) * seen[cell].load / 2)))

    def _spare(self, roster: Rosters, cell: Cell) -> int:
        return max(0, roster.get(cell, 0) - self._floor(cell))

    # ---- looks

    def _short(self, seen: Seen) -> list[Cell]:
        """Who misses his goal."""
        return [cell for cell, reach in seen.items() if reach.share < self._goal(cell) - DUST]

    def _look(self, roster: Rosters, plan: Plan | None = None, until: Mapping[int, int] | None = None) -> Seen:
        """Per half hour with calls. plan: instead of the own. until: see `looks.Look`."""
        key = frozenset(roster.items())
        if plan is None and until is None and key in self._known:
            return self._known[key]
        self.looks += 1
        scenario, changes = self._checked.scenario, self._checked.changes
        duties = {team: [shift.duty() for shift in self._shifts(team, roster)] for team in self._teams}
        scenario = scenario.model_copy(update={"roster": {**scenario.roster, **duties}})
        case = make_case(plan or self._plan, scenario, about(plan or self._plan, changes))
        whole = self._in_one_go and until is None
        seen = self._summed(self._lookout.in_one_go(case) if whole else self._lookout.tallies(case, until))
        if plan is None and until is None:
            self._known[key] = seen
        return seen

    def _ran(self) -> None:
        self.told(f"{self._doing}, look {self.looks}")

    def _summed(self, tallies: Sequence[Tally]) -> Seen:
        sums: dict[Cell, tuple[list[list[float]], list[float]]] = {}
        teams: dict[str, list[str]] = {}
        for team, names in self._homes.items():
            for name in names:
                teams.setdefault(name, []).append(team)
        for run, found in enumerate(tallies):
            for (name, day, slot), (calls, within, work_us) in found.items():
                if day >= len(self._calendar.kinds):
                    continue
                kind = self._calendar.kinds[day]
                for team in teams[name]:
                    cell = (team, kind, slot)
                    pairs, work = sums.setdefault(cell, ([[0.0, 0.0] for _ in tallies], [0.0]))
                    pairs[run][0] += within
                    pairs[run][1] += calls
                    work[0] += work_us
        return {
            cell: Reach(
                tuple((within, calls) for within, calls in pairs),
                work[0] / SECOND_US / SLOT_S / len(tallies) / self._calendar.count(cell[1]),
            )
            for cell, (pairs, work) in sorted(sums.items())
        }

    # ---- the answer

    def _shifts(self, team: str, roster: Rosters) -> list[Shift]:
        own: Roster = {(kind, slot): agents for (name, kind, slot), agents in roster.items() if name == team}
        return self._calendar.shifts(own)

    def _answer(self, team: str, roster: Rosters, seen: Seen, smallest: bool) -> Staffing:
        calendar = self._calendar
        needs = tuple(
            Need(
                days=tuple(calendar.said([kind])),
                slot=slot,
                agents=roster.get((team, kind, slot), 0),
                calls=reach.calls / len(reach.pairs) / calendar.count(kind),
                within=estimate(reach.pairs),
                met=reach.share >= self._share - DUST,
                in_vain=(team, kind, slot) in self._vain,
            )
            for (name, kind, slot), reach in seen.items()
            if name == team
        )
        hours = sum(n * calendar.count(kind) for (name, kind, _), n in roster.items() if name == team) / 2
        met = all(need.met for need in needs)
        shifts = tuple(self._shifts(team, roster))
        return Staffing(team, needs, shifts, hours / calendar.weeks(), self.looks, met, smallest)


@dataclass(slots=True)
class _Tight:
    """Half hours that can spare nobody. until: to the last half hour whose roster the answer rests on. old: those since
    whose answer that roster has changed.
    """

    until: dict[Cell, int] = field(default_factory=dict)
    old: set[Cell] = field(default_factory=set)

    def told(self, asked: Iterable[tuple[Cell, int]]) -> None:
        """Who was asked in turn, and could spare so many."""
        for cell, step in asked:
            if step:
                self.old |= {one for one, last in self.until.items() if one[1] == cell[1] and cell[2] <= last}
            else:
                self.until[cell] = cell[2] + SOON - 1
                self.old.discard(cell)

    def ask_again(self) -> bool:
        """Forget the old answers. False: there are none."""
        some = bool(self.old)
        for cell in self.old:
            del self.until[cell]
        self.old = set()
        return some


def _less(roster: Rosters, some: Mapping[Cell, int]) -> Rosters:
    return {cell: agents - some.get(cell, 0) for cell, agents in roster.items()}


def _first_of_each_kind(cells: Iterable[Cell]) -> list[Cell]:
    found: dict[int, Cell] = {}
    for cell in cells:
        first = found.setdefault(cell[1], cell)
        if cell[2] < first[2]:
            found[cell[1]] = cell
    return list(found.values())
