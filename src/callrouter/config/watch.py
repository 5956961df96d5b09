"""A configuration folder that is loaded again whenever it changes, or when somebody asks (SIGHUP).

Yields what `load` made of it; whether that takes effect is for others to decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from watchfiles import Change, awatch

from callrouter.config.load import Loaded, load
from callrouter.config.source import ConfigError

_QUIET_MS = 200  # a burst of writes ends when so long nothing changed
_RETRY_S = 1.0


async def watch(folder: Path, nudge: asyncio.Event | None = None) -> AsyncIterator[Loaded | ConfigError]:
    """One result per change of the folder's files and per `nudge.set()`; the first at the first change, not at once.

    An error is yielded, not raised: the caller keeps the plan he has. Ends when the iterator is closed; changes that
    come while the caller is busy are one change. nudge is cleared here.
    """
    changed = nudge or asyncio.Event()
    stop = asyncio.Event()
    watcher = asyncio.create_task(_set_on_change(folder, changed, stop))
    try:
        while True:
            await changed.wait()
            changed.clear()
            yield await asyncio.to_thread(_load, folder)
    finally:
        stop.set()
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher


def _load(folder: Path) -> Loaded | ConfigError:
    try:
        return load(folder)
    except ConfigError as error:
        return error


async def _set_on_change(folder: Path, changed: asyncio.Event, stop: asyncio.Event) -> None:
    """The folder itself may vanish and come back (a deployment): then it has changed."""
    while not stop.is_set():
        try:
            async for _ in awatch(
                folder, watch_filter=_counts, step=_QUIET_MS, stop_event=stop, recursive=False, raise_interrupt=False
            ):
                changed.set()
        except (FileNotFoundError, OSError):
            changed.set()
        await asyncio.sleep(_RETRY_S)


def _counts(_change: Change, path: str) -> bool:
    """YAML files, and the link `..data` by which Kubernetes exchanges all files of a mounted folder at once."""
    name = Path(path).name
    return name == "..data" or (name.endswith((".yaml", ".yml")) and not name.startswith("."))
