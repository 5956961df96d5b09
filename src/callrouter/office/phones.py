"""Answering one's phone from the page (F2): only the agent's own, only while it rings for what the router offered him.

Who can ask a phone is told from outside, for the sites that have somebody; everywhere else agents lift their handsets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import StrEnum
from math import inf
from typing import Protocol

from callrouter.core.agents import AgentSeat, AgentState
from callrouter.core.commands import Command
from callrouter.core.events import AgentId, Event, LegId
from callrouter.core.router import Router

PACE_S = 1.0  # one phone is not asked more often
PATIENCE_S = 3.0  # so long a phone may take to answer


class PhoneControl(Protocol):
    """What asks phones to answer."""

    def can(self, site: str) -> bool: ...

    async def answer(self, site: str, leg: LegId) -> bool:
        """Ask the phone that this leg rings. False: it could not be asked."""
        ...


class ByHand:
    """No phone can be asked: agents lift their handsets."""

    def can(self, site: str) -> bool:
        return False

    async def answer(self, site: str, leg: LegId) -> bool:
        return False


class Lifted(StrEnum):
    """What came of it."""

    DONE = "done"  # it rings no more
    IDLE = "idle"  # it did not ring
    AGAIN = "again"  # it has been asked a moment ago
    FAILED = "failed"  # it could not be asked, or two calls ring it
    DEAF = "deaf"  # it was asked, and rings on


class Handset:
    """Let the engine be observed by `observe`. steady: real seconds."""

    def __init__(self, router: Router, phones: PhoneControl, steady: Callable[[], float]) -> None:
        self._router = router
        self._phones = phones
        self._steady = steady
        self._asked: dict[AgentId, float] = {}  # since when; this and the others: at most as many as there are seats
        self._busy: set[AgentId] = set()
        self._waiting: dict[AgentId, tuple[Callable[[AgentSeat | None], bool], asyncio.Future[None]]] = {}
        self.can = phones.can

    async def lift(self, agent: AgentId) -> Lifted:
        """Have his phone answer, and wait until it has, or has not for too long."""
        seat = self._router.state.seats.get(agent)
        if seat is None or _silent(seat):
            return Lifted.IDLE
        now = self._steady()
        if agent in self._busy or now - self._asked.get(agent, -inf) < PACE_S:
            return Lifted.AGAIN
        self._asked[agent] = now
        self._busy.add(agent)
        try:
            await self._until(agent, _rung)  # he may be quicker than his phone
            if len(seat.legs) != 1 or _silent(seat):
                return Lifted.FAILED
            if not await self._phones.answer(self._router.state.agents[agent].site, seat.legs[0]):
                return Lifted.FAILED
            return Lifted.DONE if await self._until(agent, _silent) else Lifted.DEAF
        finally:
            self._busy.discard(agent)

    async def _until(self, agent: AgentId, true: Callable[[AgentSeat | None], bool]) -> bool:
        """Until this is true of his seat; False: it is not, for too long."""
        if true(self._router.state.seats.get(agent)):
            return True
        came = asyncio.get_running_loop().create_future()
        self._waiting[agent] = true, came
        try:
            async with asyncio.timeout(PATIENCE_S):
                await came
        except TimeoutError:
            return False
        finally:
            del self._waiting[agent]
        return True

    def observe(self, _happened: Event, _commands: Sequence[Command], _now: float) -> None:
        for agent, (true, came) in self._waiting.items():
            if not came.done() and true(self._router.state.seats.get(agent)):
                came.set_result(None)


def _silent(seat: AgentSeat | None) -> bool:
    return seat is None or seat.state is not AgentState.OFFERED


def _rung(seat: AgentSeat | None) -> bool:
    return seat is None or bool(seat.legs) or _silent(seat)
