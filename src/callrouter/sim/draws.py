"""Chance that can be compared: every draw is a function of a seed and of what it is for.

The same caller draws the same numbers whatever else changes, so that two variants of a day differ only in what was
changed (common random numbers). All quantities come by inversion from one uniform number each: a longer mean stretches
every value and reorders none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import exp, log, log1p, sqrt
from statistics import NormalDist
from struct import Struct

UNIFORMS = 8  # of one draw
_WORDS = Struct("<8Q")
_PLACE = Struct("<4q")
_NORMAL = NormalDist()
CHUNK = 200.0  # a Poisson number of a larger mean is a sum of several


class Stream:
    """Uniform numbers for one purpose, addressed by up to four whole numbers."""

    def __init__(self, *purpose: object) -> None:
        self._key = blake2b("/".join(map(str, purpose)).encode(), digest_size=32).digest()

    def at(self, a: int, b: int = 0, c: int = 0, d: int = 0) -> tuple[float, ...]:
        """Eight numbers of (0, 1), always the same ones for one address."""
        words = _WORDS.unpack(blake2b(_PLACE.pack(a, b, c, d), key=self._key, digest_size=64).digest())
        return tuple([((word >> 11) + 0.5) * 2.0**-53 for word in words])


def poisson(mean: float, stream: Stream, a: int, b: int) -> int:
    """A number of that mean, drawn for (a, b): more with a larger mean."""
    number, chunk = 0, 0
    while mean > 0:
        part = min(mean, CHUNK)
        number += _poisson(part, stream.at(a, b, chunk)[0])
        mean -= part
        chunk += 1
    return number


def _poisson(mean: float, u: float) -> int:
    share = total = exp(-mean)
    number = 0
    while total < u and share > 0.0:
        number += 1
        share *= mean / number
        total += share
    return number


@dataclass(frozen=True, slots=True)
class Lognormal:
    mean: float
    cv: float

    def of(self, u: float) -> float:
        variance = log1p(self.cv * self.cv)
        return self.mean * exp(sqrt(variance) * _NORMAL.inv_cdf(u) - variance / 2)


@dataclass(frozen=True, slots=True)
class Exponential:
    mean: float

    def of(self, u: float) -> float:
        return -self.mean * log1p(-u)


@dataclass(frozen=True, slots=True)
class Constant:
    mean: float

    def of(self, u: float) -> float:
        return self.mean


@dataclass(frozen=True, slots=True)
class Empirical:
    """One of these values, each as likely."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return sum(self.values) / len(self.values)

    def of(self, u: float) -> float:
        return self.values[int(u * len(self.values))]


Distribution = Lognormal | Exponential | Constant | Empirical


def scaled(one: Distribution, factor: float) -> Distribution:
    """Every value times `factor`."""
    match one:
        case Lognormal():
            return Lognormal(one.mean * factor, one.cv)
        case Exponential():
            return Exponential(one.mean * factor)
        case Constant():
            return Constant(one.mean * factor)
        case Empirical():
            return Empirical(tuple(value * factor for value in one.values))


def beyond(one: Distribution, past: float, u: float) -> float:
    """A value given that it is more than `past`; just above it where the distribution holds none."""
    match one:
        case Exponential():
            return past + one.of(u)
        case Lognormal() if past > 0:
            variance = log1p(one.cv * one.cv)
            below = _NORMAL.cdf((log(past / one.mean) + variance / 2) / sqrt(variance))
            return max(past, one.of(min(below + u * (1 - below), 1 - 2.0**-53)))
        case Empirical():
            longer = tuple(value for value in one.values if value > past)
            return Empirical(longer).of(u) if longer else past
        case _:
            return max(past, one.of(u))


def chosen(shares: Sequence[tuple[str, float]], u: float) -> str:
    """One of the names, by their shares (which need not sum to one)."""
    left = u * sum(share for _, share in shares)
    for name, share in shares:
        left -= share
        if left < 0:
            return name
    return shares[-1][0]
