"""A configuration folder that is loaded again whenever it changes, when somebody asks (SIGHUP), and on each new day.

The day matters since a plan knows the holidays of a few years only: a service that runs over New Year needs the next.

Yields what `load` made of it; whether that takes effect is for others to decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

from watchfiles import Change, awatch

from callrouter.config import articles
from callrouter.config.load import Loaded, load, utc_today
from callrouter.config.source import ConfigError

_QUIET_MS = 200  # a burst of writes ends when so long nothing changed
_LOOK_MS = 1000  # how often the folder itself is looked at: it may be gone, or be another one
_DAY_LOOK_S = 60.0  # how often the calendar is looked at: a clock may be set, a machine sleep


async def watch(
    folder: Path,
    nudge: asyncio.Event | None = None,
    today: Callable[[], date] = utc_today,
    day_look_s: float = _DAY_LOOK_S,
) -> AsyncGenerator[Loaded | ConfigError]:
    """One result per change of the folder's files, per `nudge.set()` and per new day; none at once.

    An error is yielded, not raised: the caller keeps the plan he has. Ends when the iterator is closed; changes that
    come while the caller is busy are one change. nudge is cleared here.
    """
    changed = nudge or asyncio.Event()
    watcher = asyncio.create_task(_set_on_change(folder, changed))
    days = asyncio.create_task(_set_on_new_day(today, day_look_s, changed))
    try:
        while True:
            await changed.wait()
            changed.clear()
            yield await asyncio.to_thread(_load, folder, today())
    finally:
        for task in (watcher, days):
            task.cancel()
        await asyncio.gather(watcher, days, return_exceptions=True)


def _load(folder: Path, today: date) -> Loaded | ConfigError:
    try:
        return load(folder, today)
    except ConfigError as error:
        return error


async def _set_on_new_day(today: Callable[[], date], look_s: float, changed: asyncio.Event) -> None:
    day = today()
    while True:
        await asyncio.sleep(look_s)
        if today() != day:
            day = today()
            changed.set()


async def _set_on_change(folder: Path, changed: asyncio.Event) -> None:
    """The system tells of changes in a folder, not that another folder took its name: that is looked at besides."""
    seen = _identity(folder)
    while True:
        with suppress(FileNotFoundError):
            async for changes in awatch(
                folder,
                *(place for place in _places(folder)[1:] if place.is_dir()),
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


def _places(folder: Path) -> tuple[Path, ...]:
    """Where files of a configuration lie."""
    return folder, *(folder / name for name in articles.FOLDERS)


def _identity(folder: Path) -> tuple[tuple[int, int] | None, ...]:
    """Device and inode of each place; None while there is no such folder."""
    found: list[tuple[int, int] | None] = []
    for place in _places(folder):
        try:
            status = place.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_dev, status.st_ino))
    return tuple(found)


def _counts(_change: Change, path: str) -> bool:
    """YAML and Markdown, and the link `..data` by which Kubernetes exchanges all files of a mounted folder at once."""
    name = Path(path).name
    return name == "..data" or (name.endswith((".yaml", ".yml", ".md")) and not name.startswith("."))
