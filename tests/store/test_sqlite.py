"""What SQLite's connections do when they are given up."""

from __future__ import annotations

import asyncio

from callrouter.store.sqlite import connect


async def test_a_connection_stopped_while_it_closes_is_closed() -> None:
    """A query cancelled twice has its connection closed and stopped at once; nobody waits for its thread for ever."""
    connection = await connect(":memory:")
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)  # its thread has been asked to close
    connection.stop()
    done, _ = await asyncio.wait([closing], timeout=20)
    assert done
    closing.result()
