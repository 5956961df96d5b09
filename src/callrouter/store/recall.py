"""Callbacks that are kept and that the router does not know: after a start, from another router, or erased by hand.

The router decides about a callback and the database keeps it; what the router says comes here by its journal. This is
the way back, and it waits until the journal is in SQL: else what the router has done would be open again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Protocol

import structlog

from callrouter.core.callbacks import CallbackKind, CallbackResult
from callrouter.core.events import CallbackClosed, CallbackKnown
from callrouter.store.callbacks import OPEN_MAX, Callbacks, open_
from callrouter.store.schema import CALLBACK
from callrouter.store.store import FAULTS, said

log = structlog.get_logger(__name__)

EVERY_S = 5.0
SOON_S = 0.2  # after a start each moment is one in which a caller might be promised a second call
SOME = 500  # ids in one query


class Backs(Protocol):
    """The router's side."""

    def open(self) -> Mapping[str, int]:
        """Versions by id."""

    def ended(self, callback: str) -> bool:
        """Did it close this one of late?"""


class Recall:
    """Run `run()` as a task. ready: is the journal in SQL? tell: False if the router could not be told now."""

    def __init__(
        self,
        callbacks: Callbacks,
        backs: Backs,
        tell: Callable[[CallbackKnown | CallbackClosed], Awaitable[bool]],
        ready: Callable[[], bool],
    ) -> None:
        self._callbacks = callbacks
        self._backs = backs
        self._tell = tell
        self._ready = ready
        self._unreadable: set[str] = set()

    async def run(self) -> None:
        """Until cancelled. A fault is the store's to tell."""
        while True:
            if not self._ready():
                await asyncio.sleep(SOON_S)
                continue
            try:
                await self.round()
            except FAULTS as error:
                log.warning("callbacks cannot be looked up; tried again", error=said(error))
            await asyncio.sleep(EVERY_S)

    async def round(self) -> None:
        """Raises SQLAlchemyError or OSError."""
        kept = await self._callbacks.heads(*open_(CallbackKind.CAPTURED, CallbackKind.UNREACHED))
        known = self._backs.open()
        news = [id_ for id_, (version, _) in kept.items() if version > known.get(id_, -1)]
        news = [id_ for id_ in news if id_ not in self._unreadable and not self._backs.ended(id_)]
        for some in _some(news):
            for one in await self._callbacks.find(CALLBACK.c.id.in_(some)):
                if not one.number and len(self._unreadable) < OPEN_MAX:
                    self._unreadable.add(one.id)  # sealed with another key, which was said
                elif not await self._tell(CallbackKnown(one)):
                    return
        await self._done_elsewhere({id_: version for id_, version in known.items() if id_ not in kept})

    async def _done_elsewhere(self, open_here: Mapping[str, int]) -> None:
        for some in _some(list(open_here)):
            done = await self._callbacks.heads(CALLBACK.c.id.in_(some), CALLBACK.c.result.is_not(None))
            for id_, (version, result) in done.items():
                if result is CallbackResult.FORGOTTEN:
                    told = await self._tell(CallbackClosed(id_, result, "the caller wanted to be forgotten", "forget"))
                elif version > open_here[id_]:
                    (one,) = await self._callbacks.find(CALLBACK.c.id == id_)
                    told = await self._tell(CallbackKnown(one))
                else:
                    told = True  # the router goes on with it, and its journal will say so
                if not told:
                    return


def _some(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), SOME):
        yield ids[start : start + SOME]
