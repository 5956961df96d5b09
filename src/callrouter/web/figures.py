"""Figures of the day: what the database says, and what has ended since it was asked; who switched what and why.

It observes the engine and asks the database now and then; pages look at it. After a restart the database knows
everything that ended before. Nothing counts twice: a call that ended is ours until the database names it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.core.calendar import instant
from callrouter.core.commands import AgreementChanged, CallFinished, Command, HotlineChanged
from callrouter.core.demands import COUNTED
from callrouter.core.events import Event
from callrouter.core.plan import Plan
from callrouter.store.store import FAULTS, said
from callrouter.store.switches import switches
from callrouter.store.today import Today, today

log = structlog.get_logger(__name__)
Key = TypeVar("Key")

EVERY_S = 2.0
LONGEST_S = 60.0  # also when nothing was stored: the day may have changed
SHARE = 10  # of the time at most one part in so many is spent asking
RECENT_MAX = 20_000
EXPIRY = "expiry"  # who switches when a switch is over


@dataclass(frozen=True, slots=True)
class Switched:
    """Who did it, when (UTC seconds) and why."""

    by: str
    at: float
    reason: str


def midnight(zone: str, now: float) -> float:
    """When the present day began there."""
    local = ZoneInfo(zone)
    return instant(local, datetime.fromtimestamp(now, UTC).astimezone(local).date(), 0)


class Figures:
    """`observe` from the engine, `run()` as a task."""

    def __init__(
        self,
        engine: AsyncEngine,
        plan: Callable[[], Plan],
        clock: Callable[[], float],
        stored: Callable[[], int],
    ) -> None:
        """stored: a number that grows when records are kept."""
        self._engine = engine
        self._plan = plan
        self._clock = clock
        self._stored = stored
        self.changed: Callable[[], None] = lambda: None  # told when there are new figures
        self._recent: OrderedDict[str, CallFinished] = OrderedDict()
        self._days: dict[str, Today] = {}
        self._read = asyncio.Event()
        self.agreements: dict[tuple[str, str], Switched] = {}  # (agreement, borrower)
        self.hotlines: dict[str, Switched] = {}
        self.read_at: float | None = None  # by the router's clock
        self.trouble = ""

    # ---- what pages ask

    def today(self, zone: str) -> Today:
        """The sums of the day in this zone, without `recent`."""
        since = midnight(zone, self._clock())
        found = self._days.get(zone)
        return found if found is not None and found.since == since else Today(since)

    @property
    def recent(self) -> Sequence[CallFinished]:
        """Attempts that ended and are not in the sums yet."""
        return tuple(self._recent.values())

    async def first(self) -> None:
        """Until the database was asked once."""
        await self._read.wait()

    # ---- what happens

    def observe(self, _event: Event, commands: Sequence[Command], now: float) -> None:
        for command in commands:
            match command:
                case CallFinished() if command.hotline and command.outcome in COUNTED:
                    self._recent[command.call] = command
                    if len(self._recent) > RECENT_MAX:  # the database has been away for hours; the page says so
                        self._recent.popitem(last=False)
                case AgreementChanged():
                    _note(self.agreements, (command.agreement, command.borrower), command, now)
                case HotlineChanged():
                    _note(self.hotlines, command.hotline, command, now)

    async def run(self) -> None:
        """Ask the database until cancelled: soon after something was stored, not all the time."""
        steady = asyncio.get_running_loop().time
        stored = -1
        asked = steady() - LONGEST_S
        while True:
            began = steady()
            if self._stored() != stored or began - asked >= LONGEST_S:
                asked, stored = began, self._stored()
                await self.read()
            spent = steady() - began
            await asyncio.sleep(max(EVERY_S, SHARE * spent))

    async def read(self) -> None:
        """Ask now."""
        now = self._clock()
        recent = list(self._recent)
        try:
            if self.read_at is None:
                await self._who_switched()
            days = {}
            for zone in sorted({site.zone for site in self._plan().sites}):
                days[zone] = await today(self._engine, midnight(zone, now), recent)
        except FAULTS as error:
            if not self.trouble:
                log.warning("figures of the day cannot be read", error=said(error))
            self.trouble = said(error)
            self.changed()
            return
        self._days, self.read_at, self.trouble = days, now, ""
        for call in frozenset[str]().union(*(day.known for day in days.values())):
            self._recent.pop(call, None)
        self._read.set()
        self.changed()

    async def _who_switched(self) -> None:
        """What was switched before the start; it came back as if it had been switched then."""
        agreements, hotlines = await switches(self._engine)
        for direction, (by, at, reason) in agreements.items():
            self.agreements[direction] = Switched(by, at, reason)
        for hotline, (by, at, reason) in hotlines.items():
            self.hotlines[hotline] = Switched(by, at, reason)


def _note(found: dict[Key, Switched], key: Key, changed: AgreementChanged | HotlineChanged, now: float) -> None:
    if changed.by == EXPIRY:
        found.pop(key, None)
    else:
        found[key] = Switched(changed.by, now, changed.reason)
