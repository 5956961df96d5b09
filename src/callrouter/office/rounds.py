"""Work that comes again and again, and is not cut off in its middle: a query that is cancelled leaves its connection
behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")
END_S = 5.0  # so long the end of the service waits for a round


async def whole(work: Coroutine[None, None, T]) -> T:
    """Await it; whoever is cancelled meanwhile waits for its end, though not for ever."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        _, pending = await asyncio.wait({task}, timeout=END_S)
        for late in pending:
            late.cancel()
        raise


async def nap(wake: asyncio.Event, seconds: float) -> None:
    """Until the event, which is cleared, or so long."""
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        pass
    wake.clear()
