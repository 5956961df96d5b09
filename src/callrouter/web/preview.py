"""What switching is likely to do within the next hour. Whoever can foresee it fills `Preview` in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """A share answered in time: the median of the runs, and what nine of ten lie above and below."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Effect:
    """On one site, without and with the switch."""

    site: str
    before: Range
    after: Range


@dataclass(frozen=True, slots=True)
class Outlook:
    """moved_per_h: calls that go over an hour more than without. minutes: how far it looks."""

    effects: tuple[Effect, ...]
    moved_per_h: float
    minutes: int


class Preview:
    def __init__(self, foresee: Callable[[str, bool], Awaitable[Outlook | None]] | None = None) -> None:
        """foresee: agreement and whether it would be on."""
        self._foresee = foresee

    async def outlook(self, agreement: str, enabled: bool) -> Outlook | None:
        """None: nobody can say."""
        return await self._foresee(agreement, enabled) if self._foresee else None
