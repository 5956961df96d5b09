"""Looks after what departments owe: counts it, and writes to those who must know when a callback is overdue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from secrets import token_hex

import structlog
from sqlalchemy.exc import IntegrityError

from callrouter.core.callbacks import Callback
from callrouter.desk.mail import escalation, stages_reached
from callrouter.desk.plan import Department, Desk
from callrouter.i18n import texts
from callrouter.office.figures import OfficeFigures
from callrouter.office.rounds import nap, whole
from callrouter.office.worklists import Worklists
from callrouter.store.mail import Escalations, OutboxFull
from callrouter.store.store import FAULTS, said

log = structlog.get_logger(__name__)

EVERY_S = 5.0


class Watchman:
    """Run `run()` as a task."""

    def __init__(
        self,
        worklists: Worklists,
        escalations: Escalations,
        desk: Callable[[], Desk],
        clock: Callable[[], float],
        figures: OfficeFigures,
        page: str,
        written: Callable[[], None],
    ) -> None:
        """page: address of the departments' list ('' = unknown). written: told when there is something to send."""
        self._worklists = worklists
        self._wake = asyncio.Event()
        self._escalations = escalations
        self._desk = desk
        self._clock = clock
        self._figures = figures
        self._page = page
        self._written = written
        self._known: set[str] = set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await whole(self.round())
            except FAULTS as error:
                log.error("callbacks of departments cannot be looked after", error=said(error))
            await nap(self._wake, EVERY_S)

    def nudge(self) -> None:
        """Something was promised or done elsewhere: look now."""
        self._wake.set()

    async def round(self) -> int:
        """Look once; how many messages were written. Raises SQLAlchemyError or OSError."""
        now = self._clock()
        owed = await self._worklists.refresh()
        overdue = [one for one in owed if now > one.due_at]
        self._count(owed, overdue)
        told = await self._escalations.told([one.id for one in overdue])
        written = 0
        for department in self._desk().departments:
            theirs = [one for one in overdue if one.department == department.name]
            for stage in range(len(department.stages)):
                fresh = [
                    one
                    for one in theirs
                    if stage in stages_reached(department, one.due_at, now) and (one.id, stage) not in told
                ]
                written += await self._tell(department, stage, fresh, now) if fresh else 0
        if written:
            self._written()
        return written

    async def _tell(self, department: Department, stage: int, overdue: list[Callback], now: float) -> int:
        words = texts(department.language)
        mail = escalation(token_hex(16), department, stage, overdue, words, self._page, now)
        try:
            await self._escalations.tell(mail, stage, overdue)
        except IntegrityError:  # another service on this database was first
            return 0
        except OutboxFull:
            log.error("nobody was written to about overdue callbacks: the outbox is full", department=department.name)
            return 0
        log.warning("callbacks are overdue", department=department.name, stage=stage, callbacks=len(overdue))
        self._figures.escalations.labels(department.name).inc()
        return 1

    def _count(self, owed: list[Callback], overdue: list[Callback]) -> None:
        names = {one.name for one in self._desk().departments}
        for gone in self._known - names:
            self._figures.forget_department(gone)
        self._known = names
        self._figures.departments(
            {
                name: (
                    sum(one.department == name for one in owed),
                    sum(one.department == name for one in overdue),
                )
                for name in names
            }
        )
