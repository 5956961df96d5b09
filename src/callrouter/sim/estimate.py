"""Figures of several runs as one value with its 95 % interval.

A figure of one run is a pair (sum, base): answered in time over offered, seconds over calls; the base of a plain count
is 1. Over runs the value is the quotient of the sums, and its interval is that of a ratio estimator (each run is one
observation, its weight is its base), so that a run or half hour without calls spoils nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin, sqrt, tan

Pair = tuple[float, float]

SURE = 0.95  # of intervals


@lru_cache(maxsize=4096)
def student_t(degrees: int, sure: float = SURE) -> float:
    """How far out an interval reaches that holds with this probability, by Student's distribution.

    Its distribution function is a finite sum (Abramowitz and Stegun, 26.7.3 and 26.7.4), in which the place is found
    by halving.
    """
    low, high = 0.0, pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _between(middle, degrees) < sure else (low, middle)
    return sqrt(degrees) * tan((low + high) / 2)


def _between(angle: float, degrees: int) -> float:
    """The probability of |t| < sqrt(degrees) * tan(angle)."""
    odd = degrees % 2
    term = total = 0.0 if degrees == 1 else cos(angle) if odd else 1.0
    for k in range(2 + odd, degrees - 1, 2):
        term *= cos(angle) ** 2 * (k - 1) / k
        total += term
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total


@dataclass(frozen=True, slots=True)
class Estimate:
    """value None: nothing of the kind happened. half: half the width of the interval; None: one run has none."""

    value: float | None
    half: float | None


def shared(looks: int) -> float:
    """How sure each of so many intervals must be for all of them to hold together as surely as one (Bonferroni)."""
    return 1 - (1 - SURE) / looks


def estimate(pairs: Sequence[Pair]) -> Estimate:
    """Of one figure over the runs of one variant."""
    base = sum(below for _, below in pairs)
    if not base:
        return Estimate(None, None)
    value = sum(above for above, _ in pairs) / base
    return Estimate(value, _half([above - value * below for above, below in pairs], base, SURE))


def difference(pairs: Sequence[Pair], others: Sequence[Pair], sure: float = SURE) -> Estimate:
    """Of `pairs` less `others`, run by run the same callers: what is common to both is not in the interval."""
    base, other_base = sum(below for _, below in pairs), sum(below for _, below in others)
    if not base or not other_base:
        return Estimate(None, None)
    value = sum(above for above, _ in pairs) / base
    other = sum(above for above, _ in others) / other_base
    rests = [
        (above - value * below) - (above2 - other * below2) * (base / other_base)
        for (above, below), (above2, below2) in zip(pairs, others, strict=True)
    ]
    return Estimate(value - other, _half(rests, base, sure))


def _half(rests: Sequence[float], base: float, sure: float) -> float | None:
    """rests: what each run's sum is more than the common quotient gives it; together 0."""
    n = len(rests)
    if n < 2:
        return None
    return student_t(n - 1, sure) * sqrt(sum(rest * rest for rest in rests) / (n - 1) * n) / base


def quantiles(values: Sequence[float], *shares: float) -> list[float]:
    """Of some values, between two of them in proportion."""
    ordered = sorted(values)
    found = []
    for share in shares:
        place = share * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        found.append(ordered[low] + (ordered[high] - ordered[low]) * (place - low))
    return found
