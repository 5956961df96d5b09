"""Figures of several runs as one value with its 95 % interval.

A figure of one run is a pair (sum, base): answered in time over offered, seconds over calls; the base of a plain count
is 1. Over runs the value is the quotient of the sums, and its interval is that of a ratio estimator (each run is one
observation, its weight is its base), so that a run or half hour without calls spoils nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

Pair = tuple[float, float]

# Student's t, 97.5 %, for 1 to 30 degrees of freedom (Abramowitz and Stegun, table 26.10)
_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def student_t(degrees: int) -> float:
    """97.5 % quantile; beyond the table by its first correction to the normal distribution."""
    return _T[degrees - 1] if degrees <= len(_T) else 1.959964 + 2.3723 / degrees + 2.82 / degrees**2


@dataclass(frozen=True, slots=True)
class Estimate:
    """value None: nothing of the kind happened. half: half the width of the interval; None: one run has none."""

    value: float | None
    half: float | None


def estimate(pairs: Sequence[Pair]) -> Estimate:
    """Of one figure over the runs of one variant."""
    base = sum(below for _, below in pairs)
    if not base:
        return Estimate(None, None)
    value = sum(above for above, _ in pairs) / base
    return Estimate(value, _half([above - value * below for above, below in pairs], base))


def difference(pairs: Sequence[Pair], others: Sequence[Pair]) -> Estimate:
    """Of `pairs` less `others`, run by run the same callers: what is common to both is not in the interval."""
    base, other_base = sum(below for _, below in pairs), sum(below for _, below in others)
    if not base or not other_base:
        return Estimate(None, None)
    value = sum(above for above, _ in pairs) / base
    other = sum(above for above, _ in others) / other_base
    rests = [
        (above - value * below) - (above2 - other * below2) * base / other_base
        for (above, below), (above2, below2) in zip(pairs, others, strict=True)
    ]
    return Estimate(value - other, _half(rests, base))


def _half(rests: Sequence[float], base: float) -> float | None:
    """rests: what each run's sum is more than the common quotient gives it; together 0."""
    n = len(rests)
    if n < 2:
        return None
    return student_t(n - 1) * sqrt(sum(rest * rest for rest in rests) / (n - 1) * n) / base


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
