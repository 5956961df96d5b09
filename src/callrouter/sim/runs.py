"""Runs of a case: one after the other, or over the processors. The same seed gives the same figures either way."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

from callrouter.core.plan import Plan
from callrouter.core.router import Router
from callrouter.sim.call import Call
from callrouter.sim.callers import Callers
from callrouter.sim.case import Case
from callrouter.sim.day import Day, Setting
from callrouter.sim.desks import desk_crews
from callrouter.sim.draws import Stream
from callrouter.sim.figures import Numbers, numbers_of

RUNS_MAX = 10_000
TOLD_EVERY = 500  # calls


@dataclass(frozen=True, slots=True)
class Job:
    """One run that is to be made."""

    case: Case
    seed: int
    run: int


def day_of(
    case: Case, seed: int, run: int, make: Callable[[Plan, float], Router] = Router, kind: type[Day] = Day
) -> tuple[Day, Callers]:
    """A day that is ready to begin, and its callers."""
    callers = Callers(case, seed, run)
    return kind(with_desks(case, seed, run), callers.again, make), callers


def numbers(job: Job) -> Numbers:
    """One run's figures."""
    day, callers = day_of(job.case, job.seed, job.run)
    return figures(day, day.run(callers.arrivals()), job.case)


def figures(day: Day, calls: Sequence[Call], case: Case) -> Numbers:
    network = case.network
    agreements = tuple(dict.fromkeys(one.name for one in network.agreements))
    return numbers_of(calls, day.crews, network.hotlines, agreements, case.clock)


def many(
    jobs: Sequence[Job], processes: int | None = None, told: Callable[[int], None] = lambda _: None
) -> Iterator[Numbers]:
    """The figures of each job, in order. processes: without it as many as there are processors.

    told: hears of every job that is done.
    """
    processes = min(len(jobs), processes or os.cpu_count() or 1)
    if processes <= 1:
        yield from _counted(map(numbers, jobs), told)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from _counted(pool.map(numbers, jobs), told)


def _counted(found: Iterable[Numbers], told: Callable[[int], None]) -> Iterator[Numbers]:
    for done, one in enumerate(found, 1):
        told(done)
        yield one


def watched(calls: Iterable[Call], told: Callable[[int], None]) -> Iterator[Call]:
    """The same calls; tells now and then how far they are."""
    for number, call in enumerate(calls):
        if number % TOLD_EVERY == 0:
            told(call.at_us)
        yield call


def with_desks(case: Case, seed: int, run: int) -> Setting:
    """Desks that nobody sits at for a while do so at other times in each run."""
    crews = dict(case.setting.crews)
    done = set()
    for name in case.desks:
        team = case.desk_teams[name]
        desks = case.scenario.callers[name].desks
        if team in done or desks is None:
            continue
        done.add(team)
        stream = Stream(seed, run, team, "away")
        steps = crews.pop(team)
        end_us = case.setting.until_us
        crews |= desk_crews(steps, team, case.desks[name], desks.away, desks.away_mean_s, stream, end_us)
    return replace(case.setting, crews=crews)
