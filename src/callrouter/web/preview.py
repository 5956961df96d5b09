"""What switching is likely to do today. Whoever can foresee it fills `Preview` in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

WITHIN_S = 8.0  # a dialog that has no answer by then says so; on two free processors it takes two seconds


@dataclass(frozen=True, slots=True)
class Wish:
    """A switch that somebody is about to make. borrower: only his direction. until: 'hh:mm:ss' today, '' beyond."""

    agreement: str
    enabled: bool
    borrower: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Range:
    """A share answered in time: the median of the runs, the smallest and the largest."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Effect:
    """On one site, as it is and with the switch. points: that the switch brings for sure (negative: costs), else 0.

    half: of its 95 % interval.
    """

    site: str
    before: Range
    after: Range
    points: float = 0.0
    half: float = 0.0


@dataclass(frozen=True, slots=True)
class Span:
    """From now on for so many minutes. moved_per_h: calls that go over an hour more than as it is (negative: fewer).

    until: the clock at its end where that is not the end of the day's calls, else ''.
    """

    effects: tuple[Effect, ...]
    moved_per_h: float
    minutes: int
    runs: int
    until: str = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    """spans: the next hour and the rest of the day; none where nothing can be said. notes: why, German and English."""

    spans: tuple[Span, ...]
    notes: tuple[tuple[str, str], ...] = ()


class Preview:
    def __init__(
        self, foresee: Callable[[Wish], Awaitable[Outlook | None]] | None = None, within_s: float = WITHIN_S
    ) -> None:
        self._foresee = foresee
        self.within_s = within_s

    async def outlook(self, wish: Wish) -> Outlook | None:
        """None: nobody can say."""
        return await self._foresee(wish) if self._foresee else None
