"""Finished calls from the journal into SQL, behind the router's back: routing never waits for it.

Live and after a crash it does the same thing: it asks the database how far each segment was read and reads on from
there. Knows neither files nor SQL, only their two ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from callrouter.core.commands import OutboundFinished
from callrouter.core.demands import Demand, Key
from callrouter.finished import Batch
from callrouter.store.books import Books
from callrouter.store.store import FAULTS, said

log = structlog.get_logger(__name__)

EVERY_S = 1.0
RETRY_LONGEST_S = 30.0


class Source(Protocol):
    """The journal's end. All of these block."""

    def identity(self) -> str: ...
    def names(self) -> list[str]: ...
    def behind(self, marks: Mapping[str, int]) -> int: ...
    def read(self, marks: Mapping[str, int]) -> Batch | None: ...


class Feed:
    """Run `run()` as a task; `round()` once more at the end."""

    def __init__(
        self,
        source: Source,
        books: Books,
        clock: Callable[[], float],
        ringing: Callable[[], Collection[Key]],
        on_closed: Callable[[Sequence[Demand]], None],
        unread: Callable[[Path, int], bool],
        opened: Callable[[], bool] = lambda: True,
        on_rung: Callable[[Sequence[OutboundFinished]], None] = lambda _: None,
    ) -> None:
        """ringing: callers with live calls. on_closed: told of demands once they are kept as closed.

        unread: does a segment hold more after this place? opened: are the tables there? on_rung: told of outbound calls
        once they are kept.
        """
        self._source = source
        self._books = books
        self._clock = clock
        self._ringing = ringing
        self._on_closed = on_closed
        self._unread = unread
        self._opened = opened
        self._on_rung = on_rung
        self._journal = ""
        self._marks: dict[str, int] | None = None
        self.trouble = ""
        self.caught_up = False  # all that the journal held at the last round is in SQL
        self.behind = 0  # bytes of the journal that are not in SQL yet, when last looked
        self.stored = self.replaced = self.damaged = 0

    def may_delete(self, path: Path) -> bool:
        """Is all of this segment in SQL? Asked in a thread."""
        marks = self._marks
        return marks is not None and not self._unread(path, marks.get(path.name, 0))

    async def run(self) -> None:
        """Until cancelled."""
        pause_s = EVERY_S
        while True:
            pause_s = EVERY_S if await self.round() else min(RETRY_LONGEST_S, pause_s * 2)
            await asyncio.sleep(pause_s)

    async def round(self) -> bool:
        """Everything that the journal has now. False: it could not be done and will be tried again."""
        if not self._opened():
            return True
        # Whoever rings now or has ended since is in the journal before it is read: nobody is closed out in between.
        now, ringing = self._clock(), frozenset(self._ringing())
        try:
            await self._take_all()
            closed = await self._books.close(now, ringing.__contains__)
        except FAULTS as error:
            self._marks = None
            self.caught_up = False
            if not self.trouble:
                log.error("call records cannot be kept; they wait in the journal", error=said(error))
            self.trouble = f"call records wait in the journal: {said(error)}"
            return False
        finally:
            self.behind = await asyncio.to_thread(self._source.behind, self._marks or {})
        if self.trouble:
            log.warning("call records are kept again")
        self.trouble = ""
        self.caught_up = True
        if closed:
            self._on_closed(closed)
        return True

    async def _take_all(self) -> None:
        if self._marks is None:
            self._journal = await asyncio.to_thread(self._source.identity)
            self._marks = await self._books.marks(self._journal)
        gone = set(self._marks) - set(await asyncio.to_thread(self._source.names))
        if gone:
            await self._books.unmark(self._journal, gone)
            self._marks = {name: place for name, place in self._marks.items() if name not in gone}
        refused = ("", -1)
        while (batch := await asyncio.to_thread(self._source.read, self._marks)) is not None:
            taken = await self._books.take(self._journal, batch)
            if taken is None:
                if refused == (batch.segment, batch.start):
                    raise SQLAlchemyError(f"the database refuses {batch.segment} from byte {batch.start} on")
                refused = batch.segment, batch.start
                self._marks = await self._books.marks(self._journal)
                continue
            self._marks = {**self._marks, batch.segment: batch.end}
            self.stored += taken.stored
            self.replaced += taken.replaced
            self.damaged += batch.damaged
            if taken.closed:
                self._on_closed(taken.closed)
            if taken.rung:
                self._on_rung(taken.rung)
