"""Answering one's phone from the page (F2): only the agent's own, only while it rings for what the router offered him.

Who can ask a phone is told from outside, for the sites that have somebody; everywhere else agents lift their handsets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from enum import StrEnum
from math import inf
from typing import Protocol

from callrouter.core.agents import AgentState
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
        self._asked: dict[AgentId, float] = {}  # since when; at most as many as there are seats
        self._ringing: dict[AgentId, asyncio.Future[None]] = {}
        self.can = phones.can

    async def lift(self, agent: AgentId) -> Lifted:
        """Have his phone answer, and wait until it has, or has not for too long."""
        seat = self._router.state.seats.get(agent)
        if seat is None or seat.state is not AgentState.OFFERED:
            return Lifted.IDLE
        now = self._steady()
        if agent in self._ringing or now - self._asked.get(agent, -inf) < PACE_S:
            return Lifted.AGAIN
        self._asked[agent] = now
        if len(seat.legs) != 1:
            return Lifted.FAILED
        stopped = self._ringing[agent] = asyncio.get_running_loop().create_future()
        try:
            if not await self._phones.answer(self._router.state.agents[agent].site, seat.legs[0]):
                return Lifted.FAILED
            async with asyncio.timeout(PATIENCE_S):
                await stopped
        except TimeoutError:
            return Lifted.DEAF
        finally:
            del self._ringing[agent]
        return Lifted.DONE

    def observe(self, _happened: Event, _commands: Sequence[Command], _now: float) -> None:
        for agent, stopped in self._ringing.items():
            seat = self._router.state.seats.get(agent)
            if (seat is None or seat.state is not AgentState.OFFERED) and not stopped.done():
                stopped.set_result(None)
