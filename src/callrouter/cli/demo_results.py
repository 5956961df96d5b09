"""What the demo's agents say came of their calls: drawn from the call's id, so the same for the same call."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

from callrouter.core.commands import CallFinished, Command, Outcome
from callrouter.core.events import AgentId, CallId, Event
from callrouter.desk.promise import Given, Wrong
from callrouter.desk.results import Disposition
from callrouter.office.results import ResultDesk
from callrouter.store.store import FAULTS

OWED = 0.04  # of the answered calls, as in life
CAME = {Disposition.RESOLVED: 82, Disposition.APPOINTMENT: 8, Disposition.FORWARDED: 7, Disposition.BROKEN_OFF: 3}
SAYING_MAX = 200  # more at once stay without a result


def came_of(call: CallId) -> Disposition | None:
    """None: nobody says it."""
    drawn = random.Random(call)  # noqa: S311  no secret
    if drawn.random() < OWED:
        return None
    return drawn.choices(tuple(CAME), tuple(CAME.values()))[0]


class Sayings:
    """`observe` from the engine, `run()` as a task. real: seats that somebody sits at; he says it himself."""

    def __init__(self, desk: Callable[[], ResultDesk], real: Collection[AgentId]) -> None:
        self._desk, self._real = desk, frozenset(real)
        self._waiting: asyncio.Queue[tuple[AgentId, CallId]] = asyncio.Queue(SAYING_MAX)

    def observe(self, _event: Event, commands: Sequence[Command], _now: float) -> None:
        for one in commands:
            if isinstance(one, CallFinished) and one.outcome is Outcome.ANSWERED and one.agent not in self._real:
                with suppress(asyncio.QueueFull):
                    self._waiting.put_nowait((one.agent, one.call))

    async def run(self) -> None:
        while True:
            agent, call = await self._waiting.get()
            came = came_of(call)
            if came is not None:
                with suppress(Wrong, *FAULTS):  # he talks to the next caller already, or the database is busy
                    await self._desk().give(agent, call, Given(came.value), agent)
