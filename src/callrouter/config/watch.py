"""A configuration folder that is loaded again whenever it changes, or when somebody asks (SIGHUP).

Yields what `load` made of it; whether that takes effect is for others to decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

from watchfiles import Change, awatch

from callrouter.config.load import Loaded, load
from callrouter.config.source import ConfigError

_QUIET_MS = 200  # a burst of writes ends when so long nothing changed
_LOOK_MS = 1000  # how often the folder itself is looked at: it may be gone, or be another one


async def watch(folder: Path, nudge: asyncio.Event | None = None) -> AsyncGenerator[Loaded | ConfigError]:
    """One result per change of the folder's files and per `nudge.set()`; the first at the first change, not at once.

    An error is yielded, not raised: the caller keeps the plan he has. Ends when the iterator is closed; changes that
    come while the caller is busy are one change. nudge is cleared here.
    """
    changed = nudge or asyncio.Event()
    watcher = asyncio.create_task(_set_on_change(folder, changed))
    try:
        while True:
            await changed.wait()
            changed.clear()
            yield await asyncio.to_thread(_load, folder)
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher


def _load(folder: Path) -> Loaded | ConfigError:
    try:
        return load(folder)
    except ConfigError as error:
        return error


async def _set_on_change(folder: Path, changed: asyncio.Event) -> None:
    """The system tells of changes in a folder, not that another folder took its name: that is looked at besides."""
    seen = _identity(folder)
    while True:
        with suppress(FileNotFoundError):
            async for changes in awatch(
                folder,
                watch_filter=_counts,
                step=_QUIET_MS,
                rust_timeout=_LOOK_MS,
                yield_on_timeout=True,
                recursive=False,
            ):
                if changes:
                    changed.set()
                if _identity(folder) != seen:
                    break
        if _identity(folder) == seen:  # gone still
            await asyncio.sleep(_LOOK_MS / 1000)
        else:
            seen = _identity(folder)
            changed.set()


def _identity(folder: Path) -> tuple[int, int] | None:
    """Device and inode; None while there is no such folder."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _counts(_change: Change, path: str) -> bool:
    """YAML files, and the link `..data` by which Kubernetes exchanges all files of a mounted folder at once."""
    name = Path(path).name
    return name == "..data" or (name.endswith((".yaml", ".yml")) and not name.startswith("."))
