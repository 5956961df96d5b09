"""What every part of the bench gets: how much it may do, how long, and whom it tells; and a hand on its clock.

A part looks at `over` between two measurements and comes back with what it has; who does not is stopped by `within`.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

GRACE_S = 40.0  # after its limit: then a part is stopped, whatever it does


class TooLong(Exception):
    """A part did not come back in time."""


@dataclass
class Run:
    """quick: rough figures, soon. limit_s: begin nothing new after this. say: one line of progress."""

    quick: bool
    limit_s: float
    say: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)

    @property
    def spent_s(self) -> float:
        return time.monotonic() - self.began

    @property
    def over(self) -> bool:
        return self.spent_s >= self.limit_s

    def rounds(self, most: int, what: str) -> Iterator[int]:
        """0, 1, … most - 1, each told; fewer when the time is over, but one at least."""
        for number in range(most):
            if number and self.over:
                self.say(f"{what}: stopped after {number} of {most} rounds, the time is over")
                return
            self.say(f"{what}: round {number + 1} of {most}, {self.spent_s:.0f} of {self.limit_s:.0f} s")
            yield number


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raises TooLong inside when they have passed. In the main thread only."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise TooLong(f"not back after {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
