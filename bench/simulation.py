"""The simulator beside SimPy and Ciw: the same day of one team, call by call, in one run.

All three are given the same calls (arrival, conversation, wrap-up, patience) and the same rules: longest-idle agent,
first come first served, patience, ring limit. SimPy must come to the same outcome for every call, Ciw (which draws from
the same lists) to the same share of answered calls; else the comparison means nothing and fails.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from time import perf_counter, process_time
from typing import Any

import ciw
import simpy

from bench.result import Figure
from bench.run import Run
from callrouter.core.plan import Agent, Hotline, Number, Plan, Site, Team, Topic
from callrouter.sim.call import ANSWERED, Call
from callrouter.sim.day import Day, Setting
from callrouter.sim.kernel import SECOND_US
from callrouter.sim.stage import staged

GROUP = "Simulation"
CALLS, AGENTS = 2_650, 25
DAY_S, LIMIT_S = 36_000, 110.0
START_US = 1_795_388_400 * SECOND_US
SMALL, LARGE = 100, 10_000


@dataclass(frozen=True, slots=True)
class Wish:
    """One call, in whole seconds so that all three count alike."""

    at_s: int
    talk_s: int
    wrap_s: int
    patience_s: int


def wishes(calls: int = CALLS, load: float = 0.9 * AGENTS, seed: int = 1) -> list[Wish]:
    """Distinct instants wherever they may meet: odd arrivals, even durations; ties are for the tests."""
    rng = Random(seed)
    mean_s = load * DAY_S / CALLS - 30
    made = []
    for at in sorted(rng.uniform(0, DAY_S * calls / CALLS) for _ in range(calls)):
        talk = rng.lognormvariate(0, 0.7) * mean_s / 1.2776
        made.append(Wish(round(at), max(1, round(talk)), 30, max(1, round(rng.expovariate(1 / 150)))))
    return made


def network(agents: int) -> Plan:
    hotline = Hotline("line", "Line", "site", (Number("1"),), None, ("team",), (Topic("any", "Any"),), "any")
    people = tuple(Agent(f"site/{n}", "team", "site", str(n)) for n in range(agents))
    site = Site("site", "Site", "ST", "Europe/Berlin")
    return staged(Plan("bench", (site,), (hotline,), (Team("team", "Team", "site"),), people, ()), {})


def by_callrouter(day: Sequence[Wish], agents: int = AGENTS, plan: Plan | None = None) -> list[tuple[bool, int]]:
    """(answered, wait) of each call; the production router decides."""
    second = SECOND_US
    calls = [
        Call(one.at_s * second, "line", "", one.talk_s * second, one.wrap_s * second, one.patience_s * second)
        for one in day
    ]
    done = Day(Setting(plan or network(agents), START_US, DAY_S * second)).run(calls)
    return [(call.outcome == ANSWERED, (call.wait_us or 0) // second) for call in done]


def by_simpy(day: Sequence[Wish], agents: int = AGENTS) -> list[tuple[bool, int]]:
    """Agents wait in a store, the longest idle in front; each caller is a process."""
    env = simpy.Environment()
    idle = simpy.Store(env)
    idle.items.extend(range(agents))
    found: list[tuple[bool, int]] = [(False, 0)] * len(day)

    def caller(number: int, one: Wish) -> Generator[Any, Any, None]:
        asked = idle.get()
        gives_up = env.timeout(min(one.patience_s, LIMIT_S))
        yield asked | gives_up
        wait_s = int(env.now) - one.at_s
        if not asked.triggered:
            asked.cancel()
            found[number] = (False, wait_s)
            return
        found[number] = (True, wait_s)
        yield env.timeout(one.talk_s + one.wrap_s)
        yield idle.put(asked.value)

    def arrivals() -> Generator[Any, Any, None]:
        for number, one in enumerate(day):
            yield env.timeout(one.at_s - env.now)
            env.process(caller(number, one))

    env.process(arrivals())
    env.run()
    return found


def by_ciw(day: Sequence[Wish], agents: int = AGENTS) -> float:
    """Share answered. Ciw counts a wrap-up as part of the service, and its callers draw one after the other."""
    gaps = [b.at_s - a.at_s for a, b in pairwise(day)]
    never = float(10 * DAY_S)
    model = ciw.create_network(
        arrival_distributions=[ciw.dists.Sequential([day[0].at_s, *gaps, never])],
        service_distributions=[ciw.dists.Sequential([one.talk_s + one.wrap_s for one in day])],
        reneging_time_distributions=[ciw.dists.Sequential([min(one.patience_s, LIMIT_S) for one in day])],
        number_of_servers=[agents],
    )
    ciw.seed(1)
    simulation = ciw.Simulation(model)
    simulation.simulate_until_max_time(2 * DAY_S)
    records = simulation.get_all_records()
    return sum(record.record_type == "service" for record in records) / len(records)


def compare(rounds: Iterable[int]) -> dict[str, float]:
    """Seconds of processor time of each, the least of some rounds, measured in turn."""
    day = wishes()
    runs: dict[str, Callable[[], object]] = {
        "callrouter": lambda: by_callrouter(day),
        "SimPy": lambda: by_simpy(day),
        "Ciw": lambda: by_ciw(day),
    }
    ours, theirs, share = by_callrouter(day), by_simpy(day), by_ciw(day)
    different = sum(one != other for one, other in zip(ours, theirs, strict=True))
    answered = sum(good for good, _ in ours) / len(ours)
    if different > len(ours) / 200:  # whole seconds meet now and then, and SimPy then has another order
        raise AssertionError(f"SimPy comes to another outcome for {different} of {len(ours)} calls")
    if abs(share - answered) > 0.03:
        raise AssertionError(f"Ciw answers {share:.1%}, callrouter {answered:.1%}")
    costs: dict[str, list[float]] = {name: [] for name in runs}
    for _ in rounds:
        for name, run in runs.items():
            started = process_time()
            run()
            costs[name].append(process_time() - started)
    return {name: min(found) for name, found in costs.items()}


def per_call(agents: int, calls: int, rounds: int) -> float:
    """Seconds per call of a team of this size, the same load per agent."""
    plan = network(agents)
    day = wishes(calls, load=0.9 * agents)
    least = float("inf")
    for _ in range(rounds):
        started = process_time()
        by_callrouter(day, agents, plan)
        least = min(least, process_time() - started)
    return least / calls


def figures(run: Run) -> list[Figure]:
    cost = compare(run.rounds(3 if run.quick else 7, f"a day of {CALLS:,} calls by all three"))
    calls = 20_000 if run.quick else 60_000
    run.say(f"{calls:,} calls for {SMALL} and {LARGE:,} agents")
    small, large = per_call(SMALL, calls, 2), per_call(LARGE, calls, 2)
    us = cost["callrouter"] / CALLS * 1e6
    return [
        Figure(GROUP, f"a day of {CALLS:,} calls", cost["callrouter"], "s", most=0.5, note=f"{us:.0f} µs a call"),
        Figure(GROUP, "the same day by SimPy", cost["SimPy"], "s"),
        Figure(GROUP, "the same day by Ciw", cost["Ciw"], "s"),
        Figure(GROUP, "SimPy's time against ours", cost["SimPy"] / cost["callrouter"], "×", least=1.0, judged=True),
        Figure(GROUP, "Ciw's time against ours", cost["Ciw"] / cost["callrouter"], "×", least=1.0, judged=True),
        Figure(GROUP, f"cost of a call, {LARGE:,} agents against {SMALL}", large / small, "×", most=2.0, judged=True),
        _forecast("monday", "what a switch would do, asked at 9:00"),
        _forecast("bad-monday", "the same on a bad Monday"),
    ]


def _forecast(day_is: str, title: str) -> Figure:
    """What a switch would do, of the example network at its busiest, with two warm processes."""
    from bench.forecast import live_morning
    from callrouter.sim.changes import understood
    from callrouter.sim.forecast import forecast

    live = live_morning(day_is)
    change = [understood("agreement magdeburg-gera off", live.plan)]
    with ThreadPoolExecutor(1) as here:
        started = process_time()
        forecast(live, change, here, workers=1)
        work_s = process_time() - started
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(abs, range(2)))
        forecast(live, change, pool)
        started = perf_counter()
        forecast(live, change, pool)
        took_s = perf_counter() - started
    note = f"{work_s / 2:.2f} s of processor time in each of two processes"
    return Figure(GROUP, title, took_s, "s", most=2.0, note=note)
