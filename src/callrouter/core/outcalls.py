"""An outbound call's states and its legal moves, as a table: the agent's phone is rung first, then the caller's.

Knows nothing of promises or of how agents are chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from callrouter.core.callbacks import CallbackKind, TryResult
from callrouter.core.events import AgentId, CallId, OutStage
from callrouter.core.timers import Timer


class OutMove(StrEnum):
    UP = "up"  # the agent has answered
    ANSWER = "answer"  # the caller has


_S, _M = OutStage, OutMove

# Every pair that is not here means nothing. The end is possible from everywhere and has no state.
MOVES: dict[tuple[OutStage, OutMove], OutStage] = {
    (_S.RINGING, _M.UP): _S.DIALLING,
    (_S.DIALLING, _M.ANSWER): _S.TALKING,
}


@dataclass(slots=True)
class Outcall:
    """A live outbound call. Plain data; only the router writes it.

    callback: what it is made for; '' = the agent's own accord. agent '': found at its site with nobody of ours.
    """

    id: CallId
    callback: str
    kind: CallbackKind
    hotline: str
    site: str
    agent: AgentId
    team: str
    began_at: float
    by_hand: bool
    because: str
    state: OutStage = OutStage.RINGING
    seen: bool = False  # its channel is there
    found: bool = False  # by a read-back: nobody is blamed for what was not seen
    up_at: float | None = None
    answered_at: float | None = None
    cancelled: str = ""  # why it was told to end
    result: TryResult | None = None  # of the caller's phone, once it is known
    watch_timer: Timer | None = None


def out_id(callback: str, rings: int) -> CallId:
    """The id of a callback's call number `rings`, never used twice: `gera/1732268.17`, 2 → `gera/cb1732268.17.2`."""
    site, _, rest = callback.partition("/")
    return f"{site}/cb{rest}.{rings}"


def rings_of(call: CallId) -> int:
    """Which call of its callback an id is of, as `out_id` made it."""
    return int(call.rpartition(".")[2])
