"""What a switch would do today, asked of the simulator while the service runs.

Takes the router's state between two events, lets other processes simulate, and counts today's calls, which say how
busy this day is. One question at a time; the loop only waits. Decides nothing.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from callrouter.config.source import ConfigError
from callrouter.core.checkpoint import Checkpoint
from callrouter.core.commands import Command
from callrouter.core.events import Event
from callrouter.sim.changes import Change, ChangeError
from callrouter.sim.forecast import CALLS_MAX, Horizon, felt, forecast, said_of
from callrouter.sim.live import Live
from callrouter.sim.scenario import Checked, read_scenario, understood_all
from callrouter.sim.today import Today
from callrouter.web import preview
from callrouter.web.context import CannotTell
from callrouter.web.models import HorizonOut, OutlookOut, ShareOut, WhatIfOut

log = structlog.get_logger(__name__)

WORKERS = 2
ASKING_MAX = 4  # questions that may wait for their turn
ANSWER_S = 20.0
SENTENCES_MAX = 8


def _worker() -> None:
    """In a process of its own: it ends when its pool does, not at Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _processes() -> Executor:
    """Not forked: this process has threads, sockets and a loop that a child must not inherit."""
    return ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn"), initializer=_worker)


class Outlook:
    """`observe` every turn of the router; `ask` what a change would do; `close`."""

    def __init__(
        self,
        scenario: Path | None,
        checkpoint: Callable[[], Checkpoint],
        now: float,
        processes: Callable[[], Executor] = _processes,
        calls_max: int = CALLS_MAX,
    ) -> None:
        """scenario: of an ordinary day; None: nothing can be asked. calls_max: simulated for one answer."""
        self._path = scenario
        self._checkpoint = checkpoint
        self._make = processes
        self.calls_max = calls_max
        self._pool: Executor | None = None
        self._turn = asyncio.Lock()
        self._asking = 0
        self._scenario: tuple[str, float, Checked] | None = None  # plan's version, the file's time
        self._today = Today(now)

    def observe(self, event: Event, commands: Sequence[Command], now: float) -> None:
        """Hear of every turn of the router."""
        self._today.observe(event, commands, now)

    async def ask(self, text: str) -> Mapping[str, object]:
        """text: sentences of change, parted by ';'. Raises CannotTell."""
        if self._path is None:
            raise CannotTell("no scenario of an ordinary day is configured", "name it in service.forecast")
        if self._asking >= ASKING_MAX:
            raise CannotTell("others are asking already", "ask again in a few seconds", busy=True)
        self._asking += 1
        try:
            async with asyncio.timeout(ANSWER_S), self._turn:
                return await self._answer(text)
        except TimeoutError:
            raise CannotTell("the answer took too long", "ask again in a few seconds", busy=True) from None
        except BrokenProcessPool as error:
            log.error("a process that simulates has died; the next question starts others", error=str(error))
            self.close()
            raise CannotTell("a process that simulates has died", "ask again in a few seconds", busy=True) from None
        except CannotTell:
            raise
        except Exception:  # ours to mend, and no reason to leave whoever asks without an answer
            log.exception("a forecast failed", change=text)
            raise CannotTell("the simulation failed", "the log says why; ask again in a minute", busy=True) from None
        finally:
            self._asking -= 1

    async def foresee(self, wish: preview.Wish) -> preview.Outlook | None:
        """For the page on which an agreement is switched, site by site. None: it cannot be said."""
        direction = f" for {wish.borrower}" if wish.borrower else ""
        until = f" until {wish.until}" if wish.until else ""
        try:
            told = await self.ask(f"agreement {wish.agreement} {'on' if wish.enabled else 'off'}{direction}{until}")
        except CannotTell as error:
            log.info("no forecast", agreement=wish.agreement, why=str(error))
            return None
        titles = {one.name: one.title for one in self._checkpoint().plan.sites}
        hour, rest = (_span(one, titles) for one in WhatIfOut.model_validate(told).horizons)
        return preview.Outlook(hour, rest)

    async def _answer(self, text: str) -> Mapping[str, object]:
        checkpoint, today = self._checkpoint(), self._today  # of one instant: all that follows may wait
        came, missed, withheld, attempts = (
            today.came(),
            today.missed(checkpoint.now),
            today.withheld(),
            today.attempts(),
        )
        checked = await asyncio.to_thread(self._read, checkpoint)
        try:
            changes = understood_all(text, checkpoint.plan)
        except ChangeError as error:
            raise CannotTell(error.what, error.mend, question=True) from None
        zone = ZoneInfo(checked.scenario.zone or checkpoint.plan.sites[0].zone)
        local = datetime.fromtimestamp(checkpoint.now, UTC).astimezone(zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        live = Live(checkpoint, checked.scenario, came, today.since(midnight), missed, withheld, attempts)
        horizons = await asyncio.to_thread(self._simulate, live, changes)
        return _told(checkpoint, changes, horizons)

    def _read(self, checkpoint: Checkpoint) -> Checked:
        """The scenario, read again when its file or the plan is another. Blocks."""
        assert self._path is not None
        try:
            changed_at = self._path.stat().st_mtime
            version = checkpoint.plan.version
            if self._scenario is None or self._scenario[:2] != (version, changed_at):
                self._scenario = (version, changed_at, read_scenario(self._path, checkpoint.plan))
        except OSError as error:
            raise CannotTell(f"{self._path} cannot be read: {error.strerror}", "see service.forecast") from None
        except ConfigError as error:
            raise CannotTell(str(error.problems[0]), "see service.forecast") from None
        return self._scenario[2]

    async def warm(self) -> None:
        """Start the processes and read the scenario, so that the first question is answered as fast as others."""
        if self._path is not None:
            checkpoint = self._checkpoint()
            await asyncio.to_thread(lambda: list(self._workers().map(abs, range(WORKERS))))
            with suppress(CannotTell):  # whoever asks is told
                await asyncio.to_thread(self._read, checkpoint)

    def _workers(self) -> Executor:
        if self._pool is None:
            self._pool = self._make()
        return self._pool

    def _simulate(self, live: Live, changes: Sequence[Change]) -> tuple[Horizon, ...]:
        return forecast(live, changes, self._workers(), WORKERS, self.calls_max)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _span(horizon: HorizonOut, titles: Mapping[str, str]) -> preview.Span:
    effects = tuple(
        preview.Effect(titles.get(site.name, site.name), before, after, _sure_points(site))
        for site in horizon.sites
        if (before := _range(site.as_is)) is not None and (after := _range(site.changed)) is not None
    )
    moved = sum(site.extra_calls_per_h for site in horizon.sites)
    return preview.Span(effects, moved, round(horizon.seconds / 60))


def _range(share: ShareOut) -> preview.Range | None:
    if share.low is None or share.median is None or share.high is None:
        return None
    return preview.Range(share.low, share.median, share.high)


def _sure_points(site: OutlookOut) -> float:
    return site.points if site.points is not None and felt(site.points, site.points_half) else 0.0


def _told(checkpoint: Checkpoint, changes: Sequence[Change], horizons: Sequence[Horizon]) -> Mapping[str, object]:
    """As `web.models.WhatIfOut`."""
    titles = {one.name: one.title for one in checkpoint.plan.sites}
    shown = []
    for horizon in horizons:
        parts: dict[str, list[dict[str, object]]] = {"site": [], "hotline": []}
        for one in horizon.outlooks:
            part = asdict(one)
            parts[part.pop("kind")].append(part)
        says = [{"de": de, "en": en} for de, en in said_of(changes, horizon, titles)][:SENTENCES_MAX]
        shown.append(
            {
                "name": horizon.name,
                "seconds": horizon.seconds,
                "runs": horizon.runs,
                "says": says,
                "sites": parts["site"],
                "hotlines": parts["hotline"],
            }
        )
    at = datetime.fromtimestamp(round(checkpoint.now, 3), UTC)
    return {"at": at, "change": "; ".join(change.text for change in changes), "horizons": shown}
