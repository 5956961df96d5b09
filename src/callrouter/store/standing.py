"""Callbacks as they stand, counted now and then for whoever watches: open, overdue, and of late due and kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.core.callbacks import CallbackStatus
from callrouter.desk.callbacks import PROMISED, SERVED, WITHDRAWN
from callrouter.store.schema import CALLBACK
from callrouter.store.store import FAULTS, reading, said

log = structlog.get_logger(__name__)

EVERY_S = 15.0
RECENT_S = 7 * 86_400.0
_C = CALLBACK.c


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one hotline and kind. due: promises whose time came within RECENT_S, withdrawn ones left out."""

    hotline: str
    kind: str
    open: int
    overdue: int
    due: int
    kept: int


async def standing(engine: AsyncEngine, now: float) -> tuple[Standing, ...]:
    """Raises SQLAlchemyError or OSError."""
    promised = _C.kind.in_(sorted(kind.value for kind in PROMISED))
    is_open = _C.status != CallbackStatus.DONE.value
    overdue = and_(is_open, promised, _C.due_at < now)
    withdrawn = func.coalesce(_C.result, "").in_(sorted(result.value for result in WITHDRAWN))
    due = and_(promised, _C.due_at >= now - RECENT_S, _C.due_at < now, ~withdrawn)
    kept = and_(due, _C.result.in_(sorted(result.value for result in SERVED)), _C.done_at <= _C.due_at)
    sums = [
        func.sum(case((what, 1), else_=0)).label(name)
        for name, what in (("open", is_open), ("overdue", overdue), ("due", due), ("kept", kept))
    ]
    query = (
        select(_C.hotline, _C.kind, *sums)
        .where(is_open | (_C.due_at >= now - RECENT_S))
        .group_by(_C.hotline, _C.kind)
        .order_by(_C.hotline, _C.kind)
    )
    async with reading(engine) as connection:
        rows = await connection.execute(query)
        return tuple(Standing(row.hotline, row.kind, row.open, row.overdue, row.due, row.kept) for row in rows)


class Watch:
    """`run()` as a task; `found` is what the last look saw, empty until then. A fault is the store's to tell."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float], opened: Callable[[], bool]) -> None:
        self._engine = engine
        self._clock = clock
        self._opened = opened
        self.found: tuple[Standing, ...] = ()

    async def run(self) -> None:
        while True:
            if self._opened():
                try:
                    self.found = await standing(self._engine, self._clock())
                except FAULTS as error:
                    log.warning("callbacks cannot be counted; the last count stands", error=said(error))
            await asyncio.sleep(EVERY_S)
