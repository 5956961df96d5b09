"""An agent's states and legal moves, as a table. Knows nothing of calls but their id, or of how agents are chosen.

What an agent wants (his intent) and what his phone can do are kept apart from what he does. Resting states follow from
intent and phone; working states last until the work ends, whatever the agent asks for meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from callrouter.core.events import AgentId, CallId, LegId
from callrouter.core.timers import Timer


class AgentState(StrEnum):
    LOGGED_OUT = "logged_out"
    READY = "ready"
    OFFERED = "offered"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"
    UNREACHABLE = "unreachable"  # the phone, or the link to its site
    BUSY = "busy"  # on a call that the router did not make


class AgentMove(StrEnum):
    OFFER = "offer"
    NOT_TAKEN = "not_taken"  # the offer ended without him
    ANSWER = "answer"
    LEFT = "left"  # his leg of the conversation ended
    WRAPPED = "wrapped"
    CHANGED = "changed"  # his intent or his phone changed


_S, _M = AgentState, AgentMove
RESTING = (_S.LOGGED_OUT, _S.READY, _S.PAUSED, _S.UNREACHABLE, _S.BUSY)
WORKING = (_S.OFFERED, _S.TALKING, _S.WRAP_UP)

# None: the resting state that intent and phone give. What is not here changes nothing.
MOVES: dict[tuple[AgentState, AgentMove], AgentState | None] = {
    (_S.READY, _M.OFFER): _S.OFFERED,
    (_S.OFFERED, _M.NOT_TAKEN): None,
    (_S.OFFERED, _M.ANSWER): _S.TALKING,
    (_S.TALKING, _M.LEFT): _S.WRAP_UP,
    (_S.WRAP_UP, _M.WRAPPED): None,
    **{(state, _M.CHANGED): None for state in RESTING},
    # Read back after a restart or a gap: the site says that he rings or talks, whatever we thought of him.
    **{(state, _M.OFFER): _S.OFFERED for state in (_S.LOGGED_OUT, _S.PAUSED, _S.UNREACHABLE, _S.BUSY)},
    **{(state, _M.ANSWER): _S.TALKING for state in (*RESTING, _S.WRAP_UP)},
}

LEGS_MAX = 8  # channels of one phone that are remembered


class Intent(StrEnum):
    LOGGED_OUT = "logged_out"
    READY = "ready"
    PAUSED = "paused"


@dataclass(slots=True)
class AgentSeat:
    """A live agent. Plain data; only the router writes it."""

    id: AgentId
    team: str
    order: int  # as listed in the plan: the last tie-break
    state: AgentState = AgentState.LOGGED_OUT
    since: float = 0.0
    intent: Intent = Intent.LOGGED_OUT
    reason: str = ""
    phone_up: bool = False
    phone_in_use: bool = False
    legs: tuple[LegId, ...] = ()
    suspect: str = ""  # 'busy' or 'unreachable': what an offer just told, until the phone says more
    call: CallId = ""
    idle_since: float = 0.0
    calls: int = 0  # conversations since he logged in
    last_offer: int = 0  # running number of his last offer
    wrap_up_open: bool = False  # after this conversation he is wrapped up when he says so
    resume_at: float | None = None  # end of wrap-up, of a timed pause or of a suspicion
    leaving: bool = False  # no longer in the plan; goes when his work ends
    timer: Timer | None = None
    version: int = 0  # of his entry among the free agents

    def resting(self, link_up: bool) -> AgentState:
        """The state he is in when he does nothing for us."""
        if self.intent is Intent.LOGGED_OUT:
            return AgentState.LOGGED_OUT
        if self.intent is Intent.PAUSED:
            return AgentState.PAUSED
        if not link_up or not self.phone_up or self.suspect == "unreachable":
            return AgentState.UNREACHABLE
        if self.phone_in_use or self.legs or self.suspect == "busy":
            return AgentState.BUSY
        return AgentState.READY
