"""What came of an answered call, who still owes to say so, and the share that was settled at once.

A result is never filled in by itself. Who does not give one in time owes it no more: the call is counted as one
without result, and its record stands all the same.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import StrEnum

from callrouter.core.events import AgentId, CallId

LATE_S = 3600.0  # so long after the end of the conversation a result may still be given
NOTE_MAX = 2_000
OWED_MAX = 20_000  # agents


class Disposition(StrEnum):
    RESOLVED = "resolved"
    CALLBACK = "callback"  # a department rings back
    APPOINTMENT = "appointment"
    FORWARDED = "forwarded"
    BROKEN_OFF = "broken_off"


@dataclass(frozen=True, slots=True)
class Conversation:
    """An answered call as far as its result needs it. Times are UTC seconds. caller: digits or ''."""

    call: CallId
    hotline: str
    topic: str
    site: str
    agent: AgentId
    caller: str
    wait_s: float
    answered_at: float
    ended_at: float | None = None  # of the agent's part; None: they talk


@dataclass(frozen=True, slots=True)
class Result:
    """department: that rings back or took the call over. callback: its id."""

    call: CallId
    hotline: str
    topic: str
    disposition: Disposition
    given_at: float
    note: str = ""
    department: str = ""
    callback: str = ""


class Owed:
    """Each agent's last conversation whose result is missing; of one agent there is one at most."""

    def __init__(self) -> None:
        self._of: OrderedDict[AgentId, Conversation] = OrderedDict()

    def of(self, agent: AgentId) -> Conversation | None:
        return self._of.get(agent)

    def answered(self, one: Conversation) -> list[Conversation]:
        """A conversation begins. Returns those whose result is not asked for any more."""
        lapsed = [old] if (old := self._of.pop(one.agent, None)) is not None and old.call != one.call else []
        self._of[one.agent] = one
        if len(self._of) > OWED_MAX:
            lapsed.append(self._of.popitem(last=False)[1])
        return lapsed

    def correct(self, one: Conversation) -> None:
        """More is known of a conversation that is there."""
        assert one.agent in self._of, f"{one.agent} owes nothing"
        self._of[one.agent] = one

    def left(self, agent: AgentId, now: float) -> Conversation | None:
        """The agent's part is over: from now on the result is due."""
        one = self._of.get(agent)
        if one is None or one.ended_at is not None:
            return None
        self._of[agent] = ended = replace(one, ended_at=now)
        return ended

    def given(self, agent: AgentId, call: CallId) -> Conversation | None:
        """The result is there. None: nobody asked for it (any more)."""
        one = self._of.get(agent)
        if one is None or one.call != call:
            return None
        return self._of.pop(agent)

    def lapse(self, now: float) -> list[Conversation]:
        """Those that ended so long ago that nobody asks any more."""
        old = [one for one in self._of.values() if one.ended_at is not None and now - one.ended_at > LATE_S]
        for one in old:
            del self._of[one.agent]
        return old
