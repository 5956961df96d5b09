"""The state of the service itself, for those who run it: links, journal, database, configuration. No caller data."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol

from callrouter import __version__
from callrouter.config.dialplan import DIALPLAN_VERSION
from callrouter.config.load import Loaded
from callrouter.config.reloads import Reload, Reloads
from callrouter.config.source import ConfigError

SILENT_S = 10.0  # a link from which nothing came for so long is disturbed
DISK_S = 15.0  # between two looks at the disk
STEP_S = 1.0  # ages are shown in whole steps, so that a page need not be drawn all the time


class Link(Protocol):
    """What is looked at of `ami.linkstate.LinkState`."""

    site: str
    last_message_at: float
    orders_lost: int
    reconnects: int
    asterisk: str | None
    dialplan: str | None

    @property
    def up(self) -> bool: ...
    @property
    def phase(self) -> str: ...
    @property
    def why(self) -> str: ...


class JournalState(Protocol):
    trouble: str
    lines_lost: int
    written_at: float

    @property
    def path(self) -> Path | None: ...
    def write_p99_s(self) -> float: ...


class FeedState(Protocol):
    trouble: str
    behind: int
    stored: int


class StoreState(Protocol):
    trouble: str


class EngineState(Protocol):
    standing_down: str
    failed_count: int
    shed_count: int

    @property
    def waiting(self) -> int: ...


@dataclass(frozen=True, slots=True)
class SiteState:
    """state: good, risk (watches, reads), bad. silent_s: since the last message, in whole seconds."""

    site: str
    title: str
    state: str
    phase: str
    fault: str
    silent_s: int | None
    trunks: int
    trunks_up: int
    phones: int
    phones_up: int
    orders_lost: int
    reconnects: int
    asterisk: str | None
    dialplan: str | None

    @property
    def dialplan_state(self) -> str:
        """good, none, old, other (newer than this release, or not ours), '' (not known)."""
        found, needed = self.dialplan, str(DIALPLAN_VERSION)
        if not found or found == needed:
            return "" if found is None else "good" if found else "none"
        return "old" if found.isdecimal() and int(found) < DIALPLAN_VERSION else "other"

    @property
    def misfit(self) -> bool:
        return self.dialplan_state in ("none", "old", "other")


@dataclass(frozen=True, slots=True)
class JournalView:
    trouble: str
    last_s: int | None
    write_p99_ms: float
    free_gb: float | None
    lines_lost: int
    segment: str


@dataclass(frozen=True, slots=True)
class DatabaseView:
    trouble: str
    behind: int
    stored: int
    kind: str


@dataclass(frozen=True, slots=True)
class ConfigView:
    """folder: '' when it cannot be read again."""

    version: str
    since: float
    folder: str
    latest: Reload | None
    earlier: tuple[Reload, ...]


@dataclass(frozen=True, slots=True)
class EngineView:
    release: str
    dialplan: int  # that it needs
    python: str
    standing_down: str
    waiting: int
    failed: int
    shed: int


@dataclass(frozen=True, slots=True)
class Backstage:
    """What there is to look at. phones: site -> (phones that can be rung, all). check: read, change nothing."""

    links: Callable[[], Sequence[Link]]
    steady: Callable[[], float]  # the links' clock
    clock: Callable[[], float]
    phones: Callable[[], dict[str, tuple[int, int]]]
    journal: JournalState
    journal_folder: Path
    feed: FeedState
    store: StoreState
    engine: EngineState
    reloads: Reloads
    loaded: Callable[[], Loaded]
    folder: Path | None
    check: Callable[[], Awaitable[Loaded | ConfigError]]
    reload: Callable[[], Awaitable[None]]
    database: str = "sqlite"


class System:
    """The part that the pages for operators look at."""

    def __init__(self, backstage: Backstage) -> None:
        self.backstage = backstage
        self._free: tuple[float, float | None] = (-DISK_S, None)

    def sites(self, titles: dict[str, str], trunks_down: dict[str, int]) -> tuple[SiteState, ...]:
        """titles: of all sites of the plan, in its order. trunks_down: peers that a site cannot reach."""
        b = self.backstage
        links = {link.site: link for link in b.links()}
        phones = b.phones()
        found = []
        for name, title in titles.items():
            link = links.get(name)
            peers = len(titles) - 1
            up, every = phones.get(name, (0, 0))
            silent = b.steady() - link.last_message_at if link and link.last_message_at else None
            found.append(
                SiteState(
                    name,
                    title,
                    _state(link, silent),
                    str(link.phase) if link else "",
                    link.why if link else "",
                    None if silent is None else int(silent // STEP_S),
                    peers,
                    peers - trunks_down.get(name, 0),
                    every,
                    up,
                    link.orders_lost if link else 0,
                    link.reconnects if link else 0,
                    link.asterisk if link else None,
                    link.dialplan if link else None,
                )
            )
        return tuple(found)

    def journal(self) -> JournalView:
        b = self.backstage
        at = b.journal.written_at
        path = b.journal.path
        return JournalView(
            b.journal.trouble,
            int(max(0.0, b.clock() - at) // STEP_S) if at else None,
            round(b.journal.write_p99_s() * 1000, 1),
            self._disk(),
            b.journal.lines_lost,
            path.name if path else "",
        )

    def database(self) -> DatabaseView:
        b = self.backstage
        return DatabaseView(b.store.trouble or b.feed.trouble, b.feed.behind, b.feed.stored, b.database)

    def config(self) -> ConfigView:
        b = self.backstage
        every = b.reloads.all
        folder = b.folder.name if b.folder else ""
        return ConfigView(b.loaded().plan.version, b.reloads.since, folder, every[0] if every else None, every[1:6])

    def engine(self) -> EngineView:
        e = self.backstage.engine
        python = platform.python_version()
        return EngineView(
            __version__, DIALPLAN_VERSION, python, e.standing_down, e.waiting, e.failed_count, e.shed_count
        )

    def _disk(self) -> float | None:
        """Gigabytes free where the journal is; None: it cannot be said."""
        if monotonic() - self._free[0] > DISK_S:
            try:
                free: float | None = round(shutil.disk_usage(self.backstage.journal_folder).free / 1e9, 1)
            except OSError:
                free = None
            self._free = (monotonic(), free)
        return self._free[1]


def _state(link: Link | None, silent: float | None) -> str:
    if link is None or silent is None or silent > SILENT_S:
        return "bad"
    if link.up:
        return "good"
    return "risk" if str(link.phase) in ("reading", "watching") else "bad"
