"""Deadlines of the router: a heap with a total order (time, rank, sequence). Knows no clock.

At one instant ranks decide: agents become free before agreements change, those before a call asks for more, and the
ring limit comes last. What comes before it is in before agents are handed out, whatever else happens at that instant.

Instants are UTC seconds in whole microseconds: each microsecond is one float, the one nearest to it (until 2106 it is
found again from that float), and sums are made in microseconds. So what is due at one instant is equal, whichever way
it was computed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from heapq import heapify, heappop, heappush


def instant(at: float) -> float:
    """The float of the microsecond nearest to `at`."""
    return round(at * 1e6) / 1e6


def after(at: float, delay_s: float) -> float:
    """The instant `delay_s` after `at`. Comparing with it, never with a difference, keeps equal instants equal."""
    return (round(at * 1e6) + round(delay_s * 1e6)) / 1e6


class Rank(IntEnum):
    AGENT = 0  # wrap-up or a timed pause ends
    AGREEMENT = 1  # a switch expires, a window opens or closes
    TRUNK = 2  # a suspected trunk may be tried again
    WIDEN = 3  # a waiting call may go further: needs relax, an agreement's after_s
    LIMIT = 4  # the ring limit
    WATCH = 5  # something that must have happened has not
    TEAM = 6  # nobody of a team has been there for a while: who waits for it need not
    CALLBACK = 7  # a callback may be tried again, or expires; a hotline's callers may be rung again


@dataclass(slots=True, eq=False)
class Timer:
    due: float
    rank: Rank
    ref: str  # whom it concerns; '' once it is cancelled


@dataclass(slots=True)
class Timers:
    """Cancelled timers stay in the heap until they surface or until they are the larger part of it."""

    _heap: list[tuple[float, int, int, Timer]] = field(default_factory=list)
    _sequence: int = 0
    _dead: int = 0

    def set(self, due: float, rank: Rank, ref: str) -> Timer:
        timer = Timer(due, rank, ref)
        self._sequence += 1
        heappush(self._heap, (due, rank, self._sequence, timer))
        return timer

    def cancel(self, timer: Timer | None) -> None:
        """Safe to repeat, and on a timer that has fired."""
        if timer is None or not timer.ref:
            return
        timer.ref = ""
        self._dead += 1
        if self._dead > 64 and self._dead * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[3].ref]
            heapify(self._heap)
            self._dead = 0

    def next_due(self) -> float | None:
        heap = self._heap
        while heap and not heap[0][3].ref:
            heappop(heap)
            self._dead -= 1
        return heap[0][0] if heap else None

    def pop_due(self, now: float, before: Rank | None = None) -> tuple[Rank, str] | None:
        """The next timer with due <= now, taken out: (rank, ref). before: None, too, if its rank is not lower."""
        due = self.next_due()
        if due is None or due > now or (before is not None and self._heap[0][1] >= before):
            return None
        timer = heappop(self._heap)[3]
        found = (timer.rank, timer.ref)
        timer.ref = ""
        return found

    def drop(self, rank: Rank) -> None:
        """Cancel every timer of this rank."""
        for timer in self.alive():
            if timer.rank is rank:
                self.cancel(timer)

    def alive(self) -> list[Timer]:
        """All pending timers in the order in which they will come."""
        return [entry[3] for entry in sorted(self._heap, key=lambda e: e[:3]) if entry[3].ref]

    def clear(self) -> None:
        self._heap, self._dead = [], 0

    def __len__(self) -> int:
        return len(self._heap) - self._dead
