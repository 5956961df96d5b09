"""What SQLite's connections do when they are given up."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import aiosqlite

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


def test_a_loop_that_ends_before_its_connection_is_told_nothing() -> None:
    """The connection of a cancelled query is stopped without waiting; its thread ends quietly after the loop."""
    held = threading.Event()
    faults: list[threading.ExceptHookArgs] = []
    before, threading.excepthook = threading.excepthook, faults.append

    async def cancelled() -> aiosqlite.Connection:
        connection = await connect(":memory:")
        connection._tx.put_nowait((asyncio.get_running_loop().create_future(), partial(held.wait, 20)))
        connection.stop()
        return connection

    try:
        connection = asyncio.run(cancelled())
        held.set()
        connection._thread.join(20)
    finally:
        threading.excepthook = before
    assert not connection._thread.is_alive()
    assert faults == []
