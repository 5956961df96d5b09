"""UTC seconds that never run backwards: the one clock of the service.

Durations follow the machine's steady clock, so a correction by NTP neither freezes a wait nor ends it early. The
reading is led back to the wall clock gently. Only when the wall clock is far ahead (it was set after the start) is the
reading put right at once, since opening hours would be wrong all day; `leapt_s` tells by how much, so that nobody takes
it for time that has passed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LEAP_S = 300.0  # so far ahead, the wall clock is believed at once
SLEW = 0.1  # seconds of correction per second


_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # counts on while the machine sleeps


def _steady() -> float:
    return time.clock_gettime(_STEADY)


class Clock:
    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = _steady) -> None:
        self._wall = wall
        self._steady = steady
        self._last = wall()
        self.leapt_s = 0.0  # in all
        self._steady_last = steady()

    def __call__(self) -> float:
        steady = self._steady()
        passed = steady - self._steady_last
        if passed < 0.0:
            passed = 0.0
        self._steady_last = steady
        now = self._last + passed
        error, slew = self._wall() - now, SLEW * passed
        if error <= slew:
            now += error if error >= -slew else -slew
        elif error > LEAP_S:
            now += error
            self.leapt_s += error
        else:
            now += slew
        if now > self._last:
            self._last = now
        return self._last
