"""What a search looks at: how many calls of each half hour of each day are answered in time, over some runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from callrouter.core.calendar import is_open
from callrouter.sim.call import ANSWERED, CLOSED, Call
from callrouter.sim.callers import SLOT_S, Callers
from callrouter.sim.case import Case
from callrouter.sim.clock import DAY_S
from callrouter.sim.desks import whole
from callrouter.sim.kernel import SECOND_US
from callrouter.sim.runs import day_of

Place = tuple[str, int, int]  # hotline, day, half hour of the day
Tally = dict[Place, tuple[int, int, int]]  # calls in opening hours, those answered in time, their work in microseconds


@dataclass(frozen=True, slots=True)
class Look:
    """One run. until: per day, the second after which nobody new calls."""

    case: Case
    seed: int
    run: int
    until: Mapping[int, int]


def tally(look: Look) -> Tally:
    """What became of the calls of the scenario's days."""
    clock, hotlines = look.case.clock, {one.name: one for one in look.case.plan.hotlines}
    day, callers = day_of(look.case, look.seed, look.run)
    arrivals: Iterator[Call] = callers.arrivals()
    if look.until:
        ends = {number: clock.us(number, second) for number, second in look.until.items()}
        arrivals = (call for call in arrivals if call.at_us < ends.get(call.key[1], call.at_us + 1))
    found: Tally = {}
    for call in day.run(arrivals):
        if call.outcome == CLOSED:
            continue
        number, second = clock.second_of_day(call.at_us)
        limit_us = round(hotlines[call.hotline].target_s * SECOND_US)
        within = call.outcome == ANSWERED and call.wait_us is not None and call.wait_us <= limit_us
        place = (whole(call.hotline), number, second // SLOT_S)
        calls, before, work_us = found.get(place, (0, 0, 0))
        found[place] = (calls + 1, before + within, work_us + call.talk_us + call.wrap_us)
    return found


def load(look: Look) -> dict[Place, float]:
    """How many agents the first calls keep busy on average, if each is answered at once (the offered load)."""
    case, clock = look.case, look.case.clock
    hotlines = {one.name: one for one in case.plan.hotlines}
    found: dict[Place, float] = {}
    for call in Callers(case, look.seed, look.run).arrivals():
        if not is_open(hotlines[call.hotline].hours, (case.setting.start_us + call.at_us) / SECOND_US):
            continue
        number, second = clock.second_of_day(call.at_us)
        until_s = min(DAY_S, second + (call.talk_us + call.wrap_us) / SECOND_US)
        at_s = float(second)
        while at_s < until_s:
            slot = int(at_s // SLOT_S)
            end_s = min(until_s, (slot + 1) * SLOT_S)
            place = (whole(call.hotline), number, slot)
            found[place] = found.get(place, 0.0) + (end_s - at_s) / SLOT_S
            at_s = end_s
    return found


class Lookout:
    """Runs looks over the processors; processes are started once, and end with `close`.

    told: hears of every run that is done.
    """

    def __init__(self, seed: int, runs: int, processes: int | None, told: Callable[[], None] = lambda: None) -> None:
        self.seed, self.runs = seed, runs
        self._told = told
        processes = min(runs, processes or os.cpu_count() or 1)
        self._pool = ProcessPoolExecutor(processes) if processes > 1 else None

    def close(self) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def tallies(self, case: Case, until: Mapping[int, int]) -> list[Tally]:
        """One for each run."""
        looks = [Look(case, self.seed, run, until) for run in range(self.runs)]
        found = []
        for one in map(tally, looks) if self._pool is None else self._pool.map(tally, looks):
            found.append(one)
            self._told()
        return found

    def loads(self, case: Case) -> list[dict[Place, float]]:
        """One for each run."""
        return [load(Look(case, self.seed, run, {})) for run in range(self.runs)]
