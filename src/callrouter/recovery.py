"""What was before the start: switches and agents' states from the database, live calls from the journal.

Routing begins without it if it must; what the database knows is brought back as soon as it can be asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from callrouter import wiring
from callrouter.core.events import LinkDown
from callrouter.core.router import Router
from callrouter.engine import Engine, NotDecided, Overloaded
from callrouter.journal.memory import remembered
from callrouter.measures import Measures
from callrouter.store.store import FAULTS, RETRY_LONGEST_S, Store, said

log = structlog.get_logger(__name__)

FIRST_PAUSE_S = 1.0
RESTORE_MAX = 500  # events at once: the inbox is bounded


class Recovery:
    def __init__(self, router: Router, engine: Engine, store: Store, measures: Measures) -> None:
        self._router, self._engine, self._store, self._measures = router, engine, store, measures

    async def restore(self) -> bool:
        """Switches and agents as they were. False: the database cannot be read now, and `later` is needed."""
        try:
            await self._bring_back()
        except FAULTS as error:
            self._store.trouble = f"{said(error)}; what was switched before the start is unknown until it can be read"
            place = self._store.place
            log.error("the database cannot be read; routing begins as configured", database=place, error=said(error))
            return False
        return True

    async def later(self) -> None:
        """An instant without a database must not leave every agent logged out for the day."""
        pause_s = FIRST_PAUSE_S
        while True:
            await asyncio.sleep(pause_s)
            pause_s = min(RETRY_LONGEST_S, pause_s * 2)
            try:
                await self._bring_back()
            except FAULTS:
                continue
            self._store.trouble = ""
            log.warning("what was switched before the start is known now")
            return

    async def remember(self, folder: Path, sites: Sequence[str], current: Path | None) -> None:
        """Calls that a router before us knew: if they are gone when their site is read, their records end then.

        folder: of the journal. current: the segment that this process writes.
        """
        self._measures.recalling = True
        try:
            memory = await asyncio.to_thread(remembered, folder, tuple(sites), current)
            found = {call.site for call in memory.calls} | {out.site for out in memory.outbound}
            for site in sorted(found):
                await self._engine.ask(wiring.recalled(site, memory, self._router.plan, self._engine.now()))
                await self._engine.ask(LinkDown(site))
            if found:
                live = len(memory.calls) + len(memory.outbound)
                log.warning("the router before this one ended with live calls", calls=live)
        except (OSError, NotDecided, Overloaded):
            log.exception("what the router before this one knew could not be used")
        finally:
            self._measures.recalling = False

    async def _bring_back(self) -> None:
        """Raises FAULTS."""
        await self._store.open()
        events = await self._store.restore(self._router.plan)
        for start in range(0, len(events), RESTORE_MAX):
            some = events[start : start + RESTORE_MAX]
            answers = await asyncio.gather(*map(self._engine.ask, some), return_exceptions=True)
            for event, answer in zip(some, answers, strict=True):
                if isinstance(answer, BaseException):
                    log.error("could not be restored", event_=type(event).__name__, error=repr(answer))
