"""Intervals: against scipy, and against what they promise."""

from __future__ import annotations

from random import Random
from statistics import mean, stdev

import pytest

from callrouter.sim.estimate import Estimate, difference, estimate, quantiles, shared, student_t


@pytest.mark.parametrize("sure", [0.5, 0.95, shared(6), shared(120)])
@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 19, 30, 31, 50, 200])
def test_students_t_is_that_of_scipy(degrees: int, sure: float) -> None:
    """For one interval and for one of many."""
    from scipy.special import stdtrit  # here and not above: each worker of the tests imports each module

    assert student_t(degrees, sure) == pytest.approx(stdtrit(degrees, (1 + sure) / 2), rel=1e-8)


def test_a_plain_count_has_the_interval_of_its_mean() -> None:
    """With a base of one the ratio estimator is Student's interval."""
    values = [3.0, 5.0, 4.0, 8.0]
    found = estimate([(value, 1.0) for value in values])
    assert found.value == pytest.approx(mean(values))
    assert found.half == pytest.approx(3.182446 * stdev(values) / 2)


def test_one_run_has_no_interval_and_nothing_has_no_value() -> None:
    """Nothing is made up where there is nothing."""
    assert (estimate([(3.0, 4.0)]).value, estimate([(3.0, 4.0)]).half) == (0.75, None)
    assert estimate([(0.0, 0.0)] * 3).value is None
    assert difference([(1.0, 2.0)], [(0.0, 0.0)]).value is None


def test_ninety_five_of_a_hundred_intervals_hold_the_truth() -> None:
    """Of a share whose base differs from run to run, and of a paired difference."""
    rng = Random(1)
    held = paired = 0
    sums = [0.0, 0.0]
    for _ in range(400):
        runs, others = [], []
        for _ in range(12):
            base = rng.randint(20, 60)
            draws = [rng.random() for _ in range(base)]
            runs.append((sum(u < 0.7 for u in draws), base))
            others.append((sum(u < 0.6 for u in draws), base))
        found, gap = estimate(runs), difference(others, runs)
        assert found.value is not None
        assert gap.value is not None
        held += abs(found.value - 0.7) <= (found.half or 0)
        paired += abs(gap.value + 0.1) <= (gap.half or 0)
        sums[0] += gap.half or 0
        sums[1] += found.half or 0
    assert sums[0] < 0.75 * sums[1], "what both share is not in the difference"
    assert 370 <= held <= 394
    assert 370 <= paired <= 394


@pytest.mark.parametrize("looks", [1, 7, 60])
def test_as_many_looks_as_there_are_miss_no_more_than_one_may(looks: int) -> None:
    """Bonferroni: the chances to miss add up to 5 % at most."""
    assert looks * (1 - shared(looks)) == pytest.approx(0.05)


def test_variants_that_are_equal_differ_by_nothing() -> None:
    """Not by what rounding leaves, which would look like a difference that is sure."""
    runs = [(0.1 * n, 0.3 * n + 0.7) for n in range(1, 8)]
    assert difference(runs, runs) == Estimate(0.0, 0.0)


def test_quantiles_lie_between_the_values() -> None:
    """In proportion, ends included."""
    assert quantiles([4, 1, 3, 2], 0, 0.5, 1) == [1, 2.5, 4]
    assert quantiles([7], 0.1, 0.9) == [7, 7]
