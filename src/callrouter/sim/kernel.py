"""Virtual time: what is going to happen, in a total order of (microsecond, rank, sequence).

Instants and spans of time are whole microseconds (`_us`), so that ties are ties. Knows nothing of calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from enum import IntEnum
from heapq import heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T")
SECOND_US = 1_000_000
NEVER_US = 1 << 62


class Rank(IntEnum):
    """What comes first at one instant."""

    CHANGE = 0  # of rosters, and what people switch
    END = 1  # of a conversation or a wrap-up
    PATIENCE = 2
    DEADLINE = 3  # the router's own, the ring limit among them
    ARRIVAL = 4


class Agenda(Generic[T]):
    """A heap of what is to come."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, int, T]] = []
        self._sequence = 0

    def add(self, at_us: int, rank: Rank, what: T) -> None:
        """Of two entries with the same instant and rank the earlier added comes first."""
        self._sequence += 1
        heappush(self._heap, (at_us, rank, self._sequence, what))

    def next(self) -> tuple[int, int] | None:
        """(instant, rank) of what comes first; None: nothing does."""
        return self._heap[0][:2] if self._heap else None

    def pop(self) -> T:
        return heappop(self._heap)[3]

    def exchange(self, goes: Callable[[T], bool], comes: Iterable[tuple[int, Rank, T]]) -> None:
        """Entries for others, which come before what is there of the same instant and rank."""
        stays = sorted((entry for entry in self._heap if not goes(entry[3])), key=lambda entry: entry[2])
        self._heap, self._sequence = [], 0
        for at_us, rank, what in (*comes, *((entry[0], Rank(entry[1]), entry[3]) for entry in stays)):
            self.add(at_us, rank, what)

    def __len__(self) -> int:
        return len(self._heap)


def to_us(seconds: str | int | float) -> int:
    """Seconds to the nearest microsecond, text without a detour over floats. Raises ValueError."""
    try:
        number = Decimal(seconds)
        return int((number * SECOND_US).to_integral_value(ROUND_HALF_EVEN))
    except (ArithmeticError, ValueError):
        raise ValueError(f"{seconds!r} is no number of seconds") from None


def from_us(us: int) -> str:
    """Seconds as text, exact, without zeros at the end."""
    whole, rest = divmod(abs(us), SECOND_US)
    text = f"{whole}.{rest:06}".rstrip("0").rstrip(".")
    return f"-{text}" if us < 0 else text
