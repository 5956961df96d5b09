"""The simulator against exact results: Erlang B, C and A, and overflow systems solved as Markov chains.

Each case is simulated in independent runs; z is the distance between the mean of the runs and the exact value in
standard errors. The formulas themselves are held against printed tables (their sources stand beside them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, inf, sqrt
from statistics import mean

import pytest

from callrouter.core.plan import Agent, Agreement, Hotline, Number, Plan, Site, Team, Topic
from callrouter.sim.call import ABANDONED, BUSIED, Call
from callrouter.sim.day import Day, Setting
from callrouter.sim.draws import Exponential, Stream
from callrouter.sim.kernel import SECOND_US
from callrouter.sim.stage import staged
from tests.sim.exact import (
    ErlangA,
    common_overflow_loss,
    erlang_b,
    erlang_c,
    mutual_loss,
    one_way_queue,
    overflow_by_elimination,
)
from tests.sim.worlds import MIDNIGHT_US

TALK_S = 100.0


@dataclass(frozen=True)
class Side:
    """One team and its callers. load: Erlang. limit_s: ring limit; None: no limit."""

    agents: int
    load: float
    limit_s: float | None = None
    patience_s: float | None = None


def plan(sides: Sequence[Side], agreements: Sequence[Agreement] = ()) -> Plan:
    names = [f"t{n}" for n in range(len(sides))]
    return Plan(
        "theory",
        (Site("s", "S", "ST", "Europe/Berlin"),),
        tuple(
            Hotline(n, n, "s", (Number(n),), None, (n,), (Topic("any", "any"),), "any", ring_max_s=side.limit_s)
            for n, side in zip(names, sides, strict=True)
        ),
        tuple(Team(n, n, "s") for n in names),
        tuple(
            Agent(f"s/{n}-{k}", n, "s", f"{n}-{k}")
            for n, side in zip(names, sides, strict=True)
            for k in range(side.agents)
        ),
        tuple(agreements),
    )


def arrivals(sides: Sequence[Side], hours: float, seed: str) -> Iterator[Call]:
    """Poisson arrivals, exponential talk and patience; in order."""
    every = []
    for n, side in enumerate(sides):
        if not side.load:
            continue
        stream, at_s, number = Stream(seed, n), 0.0, 0
        gap, talk = Exponential(TALK_S / side.load), Exponential(TALK_S)
        while True:
            u = stream.at(number)
            at_s += gap.of(u[0])
            if at_s >= hours * 3600:
                break
            patience = None if side.patience_s is None else round(Exponential(side.patience_s).of(u[2]) * 1e6)
            every.append(Call(round(at_s * 1e6), f"t{n}", "", round(talk.of(u[1]) * 1e6), 0, patience))
            number += 1
    every.sort(key=lambda call: call.at_us)
    yield from every


Measure = Callable[[Call], float | None]
"""What a call adds to a mean; None: it does not count."""


def share(outcome: str, hotline: str = "") -> Measure:
    return lambda call: float(call.outcome == outcome) if hotline in ("", call.hotline) else None


def waits(call: Call) -> float:
    return float((call.wait_us or 0) > 0)


def wait_s(call: Call) -> float:
    return (call.wait_us or 0) / 1e6


def later_than(seconds: float) -> Measure:
    return lambda call: float((call.wait_us or 0) > seconds * 1e6)


def away(hotline: str = "") -> Measure:
    return lambda call: float(bool(call.agreement)) if hotline in ("", call.hotline) else None


def simulated(case: Case, calls: int, runs: int) -> list[float]:
    """z of each measure: a ratio over independent runs, the first fifth of each of which is not looked at."""
    network = staged(plan(case.sides, case.agreements), {})
    hours = calls / runs / (sum(side.load for side in case.sides) / TALK_S) / 3600
    warm_us = hours / 5 * 3600 * SECOND_US
    sums: list[list[tuple[float, int]]] = [[] for _ in case.measures]
    for run in range(runs):
        day = Day(Setting(network, MIDNIGHT_US, round(hours * 3600) * SECOND_US))
        done = [call for call in day.run(arrivals(case.sides, hours, f"{case.name}, {run}")) if call.at_us >= warm_us]
        for found, (_, measure, _) in zip(sums, case.measures, strict=True):
            values = [value for call in done if (value := measure(call)) is not None]
            found.append((sum(values), len(values)))
    return [z_of(found, exact) for found, (*_, exact) in zip(sums, case.measures, strict=True)]


def z_of(found: Sequence[tuple[float, int]], exact: float) -> float:
    """How many standard errors the quotient of the sums lies from the exact value."""
    base = sum(below for _, below in found)
    value = sum(above for above, _ in found) / base
    rests = [above - value * below for above, below in found]
    error = sqrt(sum(rest * rest for rest in rests) * len(found) / (len(found) - 1)) / base
    if not error:
        return 0.0 if abs(value - exact) < 1e-9 else inf
    return (value - exact) / error


@dataclass(frozen=True)
class Case:
    """What is simulated, what is looked at, and what must come out."""

    name: str
    sides: tuple[Side, ...]
    measures: tuple[tuple[str, Measure, float], ...]
    agreements: tuple[Agreement, ...] = ()


def loss(agents: int, load: float) -> Case:
    return Case(
        f"Erlang B {load:g} on {agents}",
        (Side(agents, load, limit_s=0.0),),
        (("lost", share(BUSIED), erlang_b(load, agents)),),
    )


def delay(agents: int, load: float) -> Case:
    wait = erlang_c(load, agents)
    mean_s = wait * TALK_S / (agents - load)
    late = wait * exp(-(agents - load) * 0.2)
    measures = (("waits", waits, wait), ("wait", wait_s, mean_s), ("waits over 20 s", later_than(20), late))
    return Case(f"Erlang C {load:g} on {agents}", (Side(agents, load),), measures)


def patience(agents: int, load: float, patience_s: float) -> Case:
    exact = ErlangA(load / TALK_S, TALK_S, patience_s, agents)
    measures = (
        ("gives up", share(ABANDONED), exact.abandon),
        ("wait", wait_s, exact.mean_wait_s),
        ("waits", waits, exact.waits),
    )
    return Case(
        f"Erlang A {load:g} on {agents}, {patience_s:g} s", (Side(agents, load, patience_s=patience_s),), measures
    )


def common(loads: tuple[float, ...], agents: tuple[int, ...], spare: int) -> Case:
    """Several teams whose overflow goes to one lender without calls of its own."""
    sides = (
        *(Side(n, load, limit_s=0.0) for n, load in zip(agents, loads, strict=True)),
        Side(spare, 0.0, limit_s=0.0),
    )
    deals = tuple(Agreement(f"g{n}", f"t{n}", f"t{len(loads)}") for n in range(len(loads)))
    exact = common_overflow_loss(loads, agents, spare)
    return Case(f"overflow of {loads} on {agents} to {spare}", sides, (("lost", share(BUSIED), exact),), deals)


def mutual(
    loads: tuple[float, float], agents: tuple[int, int], reserve: tuple[int, int], cap: tuple[int | None, int | None]
) -> Case:
    first, second, lent = mutual_loss(loads, agents, reserve, cap)
    deals = (
        Agreement("g", "t0", "t1", reserve=reserve[1], max_calls=cap[1]),
        Agreement("g", "t1", "t0", reserve=reserve[0], max_calls=cap[0]),
    )
    measures = (("lost", share(BUSIED, "t0"), first), ("lost", share(BUSIED, "t1"), second), ("lent", away(), lent))
    sides = tuple(Side(n, load, limit_s=0.0) for n, load in zip(agents, loads, strict=True))
    return Case(f"mutual, {loads} on {agents}, reserve {reserve}, cap {cap}", sides, measures, deals)


def one_way(
    loads: tuple[float, float], agents: tuple[int, int], reserve: int, cap: int | None, patience: tuple[float, float]
) -> Case:
    first, second, served_away = one_way_queue(loads, agents, reserve, cap, patience)
    deals = (Agreement("g", "t0", "t1", reserve=reserve, max_calls=cap),)
    measures = (
        ("gives up", share(ABANDONED, "t0"), first),
        ("gives up", share(ABANDONED, "t1"), second),
        ("away", away("t0"), served_away),
    )
    sides = tuple(Side(n, load, patience_s=p * TALK_S) for n, load, p in zip(agents, loads, patience, strict=True))
    return Case(
        f"one way, {loads} on {agents}, reserve {reserve}, cap {cap}, patience {patience}", sides, measures, deals
    )


# ---- printed tables

# ITU, table of the Erlang loss formula (com 2, question 16/2): servers, loss, Erlang
ITU = (
    (1, 0.01, 0.0101), (1, 0.2, 0.25), (2, 0.001, 0.04576), (2, 0.1, 0.59543), (5, 0.005, 1.132), (5, 0.2, 4.0104),
    (10, 0.01, 4.4612), (10, 0.1, 7.5106), (20, 0.001, 9.4115), (20, 0.05, 15.249), (50, 0.02, 40.255),
    (50, 0.1, 49.562), (100, 0.01, 84.064), (100, 0.2, 120.64),
)  # fmt: skip
# Tijms, A First Course in Stochastic Models (2003), table 5.3.2: Erlang, share that waits, least servers
TIJMS = (
    (1, 0.5, 2), (5, 0.5, 7), (10, 0.5, 12), (50, 0.5, 54), (100, 0.5, 106), (250, 0.5, 259), (500, 0.5, 512),
    (1000, 0.5, 1017), (1, 0.2, 3), (5, 0.2, 8), (10, 0.2, 14), (50, 0.2, 58), (100, 0.2, 111), (250, 0.2, 268),
    (500, 0.2, 525), (1000, 0.2, 1034), (1, 0.1, 3), (5, 0.1, 9), (10, 0.1, 16), (50, 0.1, 61), (100, 0.1, 115),
    (250, 0.1, 274), (500, 0.1, 533), (1000, 0.1, 1046),
)  # fmt: skip
# Erlang A, as pinned in the tests of github.com/FelixKleineBoesing/queuingSystem (its "Erlang CP", which computes them
# by products of rates): calls/s, talk s, patience s, agents, places in all
PUBLIC = ErlangA(0.1, 240, 300, 28, 80), ErlangA(0.1, 240, 30, 25, 80)
# Small overflow systems: loads, servers, common servers
OVERFLOW = (
    ((4, 4, 4), (4, 4, 4), 3),
    ((8, 3, 2), (8, 4, 3), 4),
    ((6, 6), (6, 6), 6),
    ((5, 2, 1), (3, 3, 3), 2),
)


@lru_cache(maxsize=1)
def grid() -> tuple[Case, ...]:
    """Solving the chains takes seconds: not while tests are collected."""
    losses = [loss(agents, agents * ratio) for agents in (1, 2, 5, 10, 20, 50) for ratio in (0.5, 0.8, 1.0, 1.3)]
    delays = [delay(agents, agents * ratio) for agents in (1, 2, 5, 10, 25) for ratio in (0.3, 0.6, 0.8)]
    sizes = [(agents, agents * ratio) for agents in (1, 3, 10, 30) for ratio in (0.7, 1.0, 1.4)]
    impatient = [patience(*size, patience_s) for size in sizes for patience_s in (30.0, 150.0)]
    return (
        *losses,
        *delays,
        *impatient,
        *(common(loads, agents, spare) for loads, agents, spare in OVERFLOW),
        mutual((3, 3), (3, 3), (0, 0), (None, None)),
        mutual((4, 2), (4, 4), (1, 2), (None, None)),
        mutual((6, 3), (4, 5), (0, 1), (None, 2)),
        mutual((2, 5), (3, 5), (1, 0), (1, 1)),
        one_way((4, 3), (3, 4), 0, None, (1.0, 1.0)),
        one_way((3, 2), (2, 4), 1, None, (0.5, 2.0)),
        one_way((4, 3), (3, 5), 1, 1, (1.0, 0.7)),
    )


CALLS = 16_000  # of each system


FEW: tuple[Callable[[], Case], ...] = (
    lambda: loss(5, 4),
    lambda: delay(5, 3),
    lambda: patience(3, 4.2, 150.0),
    lambda: common((4, 4, 4), (4, 4, 4), 3),
    lambda: mutual((4, 2), (4, 4), (1, 2), (None, 1)),
    lambda: one_way((2, 2), (2, 3), 1, 1, (0.5, 1.0)),
)


@pytest.mark.parametrize("case", FEW, ids=["Erlang B", "Erlang C", "Erlang A", "overflow", "mutual", "one way"])
def test_the_simulator_agrees_with_theory(case: Callable[[], Case]) -> None:
    """One of each kind, few calls: within four standard errors."""
    assert all(abs(z) < 4 for z in simulated(case(), 4_000, 20))


@pytest.mark.slow
def test_the_simulator_agrees_with_theory_over_the_whole_grid() -> None:
    """Every figure within four standard errors, and all together spread as they would by chance alone."""
    found = {
        (case.name, place): z
        for case in grid()
        for place, z in enumerate(simulated(case, CALLS, 20))
        if CALLS * case.measures[place][2] > 100  # what hardly happens is not normally spread
    }
    worst = max(found, key=lambda key: abs(found[key]))
    squares = sum(z * z for z in found.values()) / len(found)
    print(f"\n{len(found)} figures of {len(grid())} systems: largest deviation {found[worst]:+.2f} standard errors")
    print(f"({worst[0]}); mean square {squares:.2f}, by chance 1.12")
    assert abs(found[worst]) < 4.5, worst
    assert squares < 1.12 + 4 * sqrt(2.6 / len(found))
    assert abs(mean(found.values())) < 4 * sqrt(1.12 / len(found))


# ---- the formulas themselves


def test_the_formulas_are_those_of_the_printed_tables() -> None:
    """Erlang B to the print's digits, Erlang C by the least number of servers, Erlang A to all digits."""
    for servers, lost, load in ITU:
        assert erlang_b(load, servers) == pytest.approx(lost, rel=2e-3)
    for load, waiting, least in TIJMS:
        assert erlang_c(load, least) <= waiting < (1.0 if least - 1 <= load else erlang_c(load, least - 1))
    assert PUBLIC[0].p[30] == pytest.approx(0.03655086716188359, rel=1e-9)
    assert PUBLIC[0].mean_queue == pytest.approx(0.6833261838358367, rel=1e-9)
    assert PUBLIC[0].mean_wait_s == pytest.approx(6.833261838358366, rel=1e-9)
    assert PUBLIC[1].abandon == pytest.approx(0.09759081562546817, rel=1e-6)


@pytest.mark.parametrize(("loads", "servers", "spare"), OVERFLOW)
def test_overflow_is_found_a_second_way(loads: tuple[float, ...], servers: tuple[int, ...], spare: int) -> None:
    """The same chain put together from one matrix a site, and solved by elimination without subtraction: all digits."""
    found = overflow_by_elimination(loads, servers, spare)
    assert common_overflow_loss(loads, servers, spare) == pytest.approx(found, rel=1e-9)


def test_the_markov_chains_come_to_erlang_where_they_must() -> None:
    """A mutual agreement without reserve and cap pools the teams; a reserve of everything parts them."""
    first, second, _ = mutual_loss((3, 3), (3, 3), (0, 0), (None, None))
    assert first == pytest.approx(erlang_b(6, 6))
    assert second == pytest.approx(erlang_b(6, 6))
    first, second, away = mutual_loss((3, 2), (3, 4), (3, 4), (None, None))
    assert (first, second) == pytest.approx((erlang_b(3, 3), erlang_b(2, 4)))
    assert away == 0
    gone, other, away = one_way_queue((4, 3), (3, 4), 9, None, (1.0, 1.0))
    assert gone == pytest.approx(ErlangA(4 / TALK_S, TALK_S, TALK_S, 3).abandon, rel=1e-6)
    assert other == pytest.approx(ErlangA(3 / TALK_S, TALK_S, TALK_S, 4).abandon, rel=1e-6)
    assert away == 0
