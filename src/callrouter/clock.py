"""UTC seconds that never run backwards: the one clock of the service.

Durations follow the machine's steady clock, so a correction by NTP neither freezes a wait nor ends it early. The
reading is led back to the wall clock gently. Only when the wall clock is far ahead (it was set after the start, or the
machine slept) is the reading put right at once, since opening hours would be wrong all day.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LEAP_S = 300.0  # so far ahead, the wall clock is believed at once
SLEW = 0.1  # seconds of correction per second


def _steady() -> float:
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # counts on while the machine sleeps
    return time.clock_gettime(clock)


class Clock:
    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = _steady) -> None:
        self._wall = wall
        self._steady = steady
        self._last = wall()
        self._steady_last = steady()

    def __call__(self) -> float:
        steady = self._steady()
        passed = max(0.0, steady - self._steady_last)
        self._steady_last = steady
        now = self._last + passed
        error = self._wall() - now
        now += error if error > LEAP_S else max(-SLEW * passed, min(error, SLEW * passed))
        self._last = max(self._last, now)
        return self._last
