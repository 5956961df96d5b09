"""Which agents are at their page, and in which window. Who works by feature codes alone is never looked for here.

A page says every so often that it is there. One window is the agent's own: the last that was taken. Audio is on the
phone, so a page that is closed or loaded anew ends no call.
"""

from __future__ import annotations

from dataclasses import dataclass

from callrouter.core.events import AgentId

PING_S = 20.0  # so often a page says that it is there; hidden ones are slowed down to a minute by their browser
CONNECTED_S = 65.0  # another window is not taken for open longer than this
GONE_S = 90.0  # then the agent is not there: nothing is routed to him


@dataclass(slots=True)
class _At:
    window: str
    seen_at: float
    closed: bool = False  # the page said good-bye: it is loaded anew, or shut
    gone: bool = False  # others were told that he is not there


class Presence:
    """Bounded by the plan's agents: who asks for others is refused before."""

    def __init__(self) -> None:
        self._at: dict[AgentId, _At] = {}

    def here(self, agent: AgentId) -> bool:
        """Does he work with a page, and is it there?"""
        at = self._at.get(agent)
        return at is not None and not at.gone

    def agents(self) -> list[AgentId]:
        """Who is at his page."""
        return [agent for agent, at in self._at.items() if not at.gone]

    def elsewhere(self, agent: AgentId, window: str, now: float) -> str:
        """Another window that is his now; '' = none."""
        at = self._at.get(agent)
        if at is None or at.window == window or at.closed or now - at.seen_at > CONNECTED_S:
            return ""
        return at.window

    def take(self, agent: AgentId, window: str, now: float) -> None:
        """From now on this window is his."""
        self._at[agent] = _At(window, now)

    def seen(self, agent: AgentId, window: str, now: float) -> bool:
        """The window says that it is there. False: it is not his. After a restart the first that says so is his."""
        at = self._at.setdefault(agent, _At(window, now))
        if at.window != window:
            return False
        at.gone, at.closed, at.seen_at = False, False, now
        return True

    def owns(self, agent: AgentId, window: str) -> bool:
        at = self._at.get(agent)
        return at is not None and at.window == window

    def left(self, agent: AgentId, window: str) -> None:
        """The window is being closed or loaded anew."""
        at = self._at.get(agent)
        if at is not None and at.window == window:
            at.closed = True

    def forget(self, agent: AgentId) -> None:
        """He logged out, or works by feature codes from now on."""
        self._at.pop(agent, None)

    def find_gone(self, now: float) -> list[AgentId]:
        """Agents whose page has said nothing for too long; each is named once."""
        gone = [agent for agent, at in self._at.items() if not at.gone and now - at.seen_at > GONE_S]
        for agent in gone:
            self._at[agent].gone = True
        return gone
