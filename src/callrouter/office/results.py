"""Keeps the result of a call, with the callback that it promises: both or neither."""

from __future__ import annotations

from collections.abc import Callable
from secrets import token_hex

from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.callers import Callers
from callrouter.core.callbacks import Callback
from callrouter.core.events import AgentId, CallId
from callrouter.desk.plan import Desk
from callrouter.desk.promise import Given, Wrong, result_of
from callrouter.desk.results import Result
from callrouter.i18n import mark
from callrouter.office.floor import Floor
from callrouter.store.callbacks import Callbacks
from callrouter.store.results import Results


class ResultDesk:
    def __init__(
        self,
        engine: AsyncEngine,
        results: Results,
        callbacks: Callbacks,
        callers: Callers,
        floor: Floor,
        desk: Callable[[], Desk],
        clock: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._results = results
        self._callbacks = callbacks
        self._callers = callers
        self._floor = floor
        self._desk = desk
        self._clock = clock
        self.promised: Callable[[Callback], None] = lambda _: None  # told of each new callback

    async def give(self, agent: AgentId, call: CallId, given: Given, who: str) -> tuple[Result, Callback | None]:
        """The agent's word about his call. Raises Wrong, SQLAlchemyError or OSError."""
        about = self._floor.owed.of(agent)
        if about is None or about.call != call:
            raise Wrong({"": mark("Für diesen Anruf wird kein Ergebnis mehr erfasst.")})
        now = self._clock()
        department = self._desk().department(given.department)
        id_ = f"{department.site if department else about.site}/d{token_hex(8)}"
        key = self._callers.key_of(given.number or about.caller)
        result, callback = result_of(given, about, self._desk(), now, id_, who, key)
        async with self._engine.begin() as connection:
            if not await self._results.give(connection, result):
                callback = None  # it was given a moment ago: twice pressed
            elif callback is not None:
                await self._callbacks.insert(connection, callback)
        self._floor.given(agent, call, result.disposition.value)
        if callback is not None:
            self.promised(callback)
        return result, callback
