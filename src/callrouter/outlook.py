"""What a switch would do today, asked of the simulator while the service runs.

Takes the router's state between two events, lets other processes simulate, and looks at today's calls, which say how
busy this day is: at the records, so that a restart forgets none, and at those that are not among them yet. One question
at a time; the loop only waits. Decides nothing.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from callrouter.config.source import ConfigError
from callrouter.core.checkpoint import Checkpoint
from callrouter.core.commands import Command
from callrouter.core.events import Event
from callrouter.sim.changes import Change, ChangeError
from callrouter.sim.forecast import CALLS_MAX, Horizon, felt, forecast, idle_of, notes_of, said_of
from callrouter.sim.live import Live
from callrouter.sim.page import Text
from callrouter.sim.scenario import Checked, read_scenario, understood_all
from callrouter.sim.today import Recent, Today, together, told
from callrouter.store.store import FAULTS
from callrouter.store.today import Attempt
from callrouter.web import preview
from callrouter.web.context import CannotTell
from callrouter.web.models import HorizonOut, OutlookOut, ShareOut, WhatIfOut

log = structlog.get_logger(__name__)

WORKERS = 2
ASKING_MAX = 4  # questions that may wait for their turn
ANSWER_S = 20.0
SENTENCES_MAX = 8
RECORDS_S = 1.0  # for the database; what it does not say by then is left out, and the answer says so
RECORDS_MAX = 50_000  # of a day; with more only the latest are looked at


def _worker() -> None:
    """In a process of its own: it ends when its pool does, not at Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _processes() -> Executor:
    """Not forked: this process has threads, sockets and a loop that a child must not inherit."""
    return ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn"), initializer=_worker)


@dataclass(frozen=True, slots=True)
class Records:
    """Of calls that have ended. read: as `store.today.attempts`. key_of: a number as it stands in them.

    complete: are those among them that a router before us had?
    """

    read: Callable[[float, float, int], Awaitable[Sequence[Attempt]]]
    key_of: Callable[[str], str] = str
    complete: Callable[[], bool] = lambda: True


async def _none(_since: float, _until: float, _most: int) -> Sequence[Attempt]:
    return ()


NO_RECORDS = Records(_none, complete=lambda: False)


class Outlook:
    """`observe` every turn of the router; `ask` what a change would do; `close`."""

    def __init__(
        self,
        scenario: Path | None,
        checkpoint: Callable[[], Checkpoint],
        now: float,
        processes: Callable[[], Executor] = _processes,
        calls_max: int = CALLS_MAX,
        records: Records = NO_RECORDS,
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
        self._records = records
        self._complete = False
        self._recent = Recent(now)

    def observe(self, event: Event, commands: Sequence[Command], now: float) -> None:
        """Hear of every turn of the router."""
        self._recent.observe(event, commands, now)

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
        answer = WhatIfOut.model_validate(told)
        notes = tuple((one.de, one.en) for one in answer.notes)
        return preview.Outlook(tuple(_span(one, titles) for one in answer.horizons), notes)

    async def _answer(self, text: str) -> Mapping[str, object]:
        checkpoint, recent = self._checkpoint(), self._recent.attempts()  # of one instant: all that follows may wait
        checked = await asyncio.to_thread(self._read, checkpoint)
        try:
            changes = understood_all(text, checkpoint.plan)
        except ChangeError as error:
            raise CannotTell(error.what, error.mend, question=True) from None
        zone = ZoneInfo(checked.scenario.zone or checkpoint.plan.sites[0].zone)
        local = datetime.fromtimestamp(checkpoint.now, UTC).astimezone(zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        since, today = await self._today(recent, midnight, checkpoint.now)
        live = Live(
            checkpoint, checked.scenario, today.came, since, today.missed, today.withheld, today.attempts, today.tries,
            today.quiet,
        )  # fmt: skip
        notes = [] if since == midnight else [_unknown_before(datetime.fromtimestamp(since, zone))]
        wanted = threading.Event()
        wanted.set()
        try:
            horizons = await asyncio.to_thread(self._simulate, live, changes, wanted.is_set)
            notes += await asyncio.to_thread(idle_of, live, changes)
        finally:  # who does not wait for the answer any more leaves no work behind
            wanted.clear()
        return _told(live, changes, horizons, zone, notes)

    async def _today(self, recent: Sequence[Attempt], midnight: float, now: float) -> tuple[float, Today]:
        """Since when the day's calls are known, and what they tell. recent: what the router has said itself."""
        since, records = max(midnight, self._recent.since), await self._recorded(midnight, now)
        if records is not None:
            since = midnight if len(records) < RECORDS_MAX else min(one.arrived_at for one in records)
        key_of = str if records is None else self._records.key_of  # none was among the records: a number will do

        def look() -> Today:
            return told(together(records or (), recent, key_of, since), since, now)

        return since, await asyncio.to_thread(look)

    async def _recorded(self, midnight: float, now: float) -> Sequence[Attempt] | None:
        """None: they cannot be looked at, or not all of them are there."""
        self._complete = self._complete or self._records.complete()
        if not self._complete:
            return None
        try:
            async with asyncio.timeout(RECORDS_S):
                return await self._records.read(midnight, now, RECORDS_MAX)
        except (*FAULTS, TimeoutError) as error:
            log.warning("a forecast does without the records of today's calls", error=str(error).partition("\n")[0])
            return None

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

    def _simulate(self, live: Live, changes: Sequence[Change], wanted: Callable[[], bool]) -> tuple[Horizon, ...]:
        return forecast(live, changes, self._workers(), WORKERS, self.calls_max, wanted)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _span(horizon: HorizonOut, titles: Mapping[str, str]) -> preview.Span:
    effects = tuple(
        preview.Effect(titles.get(site.name, site.name), before, after, _sure_points(site), site.points_half or 0.0)
        for site in horizon.sites
        if (before := _range(site.as_is)) is not None and (after := _range(site.changed)) is not None
    )
    moved = sum(site.extra_calls_per_h for site in horizon.sites)
    until = "" if horizon.whole else horizon.until
    return preview.Span(effects, moved, round(horizon.seconds / 60), horizon.runs, until)


def _range(share: ShareOut) -> preview.Range | None:
    if share.low is None or share.median is None or share.high is None:
        return None
    return preview.Range(share.low, share.median, share.high)


def _sure_points(site: OutlookOut) -> float:
    return site.points if site.points is not None and felt(site.points, site.points_half) else 0.0


def _unknown_before(since: datetime) -> Text:
    clock = since.strftime("%H:%M")
    return (
        f"Die Anrufe vor {clock} Uhr sind hier nicht bekannt: Wie viele noch kommen, ist aus denen seither geschätzt.",
        f"The calls before {clock} are not known here: how many are still to come is judged by those since then.",
    )


def _told(
    live: Live, changes: Sequence[Change], horizons: Sequence[Horizon], zone: ZoneInfo, notes: Sequence[Text]
) -> Mapping[str, object]:
    """As `web.models.WhatIfOut`. notes: before those of the forecast."""
    plan, now = live.plan, live.checkpoint.now
    titles = {one.name: one.title for one in plan.hotlines} | {one.name: one.title for one in plan.sites}
    shown = []
    for horizon in horizons:
        parts: dict[str, list[dict[str, object]]] = {"site": [], "hotline": []}
        for one in horizon.outlooks:
            part = asdict(one)
            parts[part.pop("kind")].append(part)
        until = datetime.fromtimestamp(now + horizon.seconds, zone).strftime("%H:%M")
        says = [{"de": de, "en": en} for de, en in said_of(changes, horizon, titles, until)][:SENTENCES_MAX]
        shown.append(
            {
                "name": horizon.name,
                "seconds": horizon.seconds,
                "until": until,
                "whole": horizon.whole,
                "runs": horizon.runs,
                "says": says,
                "sites": parts["site"],
                "hotlines": parts["hotline"],
            }
        )
    return {
        "at": datetime.fromtimestamp(round(now, 3), UTC),
        "change": "; ".join(change.text for change in changes),
        "notes": [{"de": de, "en": en} for de, en in (*notes, *notes_of(live, changes, horizons, titles))],
        "horizons": shown,
    }
