"""Waiting for a condition with a deadline; never for a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(true: Callable[[], object], say: Callable[[], str] = lambda: "", deadline_s: float = 60.0) -> None:
    """Until `true()` holds. Raises TimeoutError with what `say()` says then."""
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline_s
    while not true():
        if loop.time() > end:
            raise TimeoutError(f"not true after {deadline_s} s: {say()}")
        await asyncio.sleep(0.005)
