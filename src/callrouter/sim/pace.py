"""How fast the make-believe part of the world runs: talks, patience, ringing, arrivals. It knows nothing of telephony.

Only what people do is hurried. What machines do (an answer on the wire, a bell, the dialplan's look for a living
router) keeps its real duration, so that a demo at 20 times the pace exercises the same races as a real day.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Pace:
    """A clock (call it for UTC seconds) that runs `rate` times as fast as the machine's, and timers that follow it."""

    def __init__(
        self, rate: float = 1.0, start: float | None = None, steady: Callable[[], float] = time.monotonic
    ) -> None:
        assert rate > 0
        self.rate = rate
        self._steady = steady
        self._zero = steady()
        self._start = time.time() if start is None else start

    def __call__(self) -> float:
        return self._start + (self._steady() - self._zero) * self.rate

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self.rate)

    def later(self, seconds: float, then: Callable[[], object]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, seconds) / self.rate, then)
