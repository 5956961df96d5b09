"""A call's states and its legal moves, as a table. Knows nothing of agents or of how calls are chosen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from callrouter.core.commands import Outcome, Target, Unserved
from callrouter.core.events import AgentId, CallId, LegId, Result
from callrouter.core.record import record
from callrouter.core.timers import Timer


class CallState(StrEnum):
    ARRIVED = "arrived"  # rings; does not listen for orders yet
    WAITING = "waiting"  # rings; in its line
    PROMPTED = "prompted"  # rings or hears early media: a menu, an announcement
    OFFERED = "offered"  # rings, and so does an agent's phone
    RETURNING = "returning"  # rings; the attempt failed, on its way back into hold
    TALKING = "talking"
    TRANSFERRED = "transferred"  # answered, but the agent has left the call
    CAPTURING = "capturing"  # nobody can serve him: hears whether he wants to be rung back
    RELEASING = "releasing"  # told to end unanswered
    FAILSAFE = "failsafe"  # the dialplan serves it by itself


class CallMove(StrEnum):
    HOLD = "hold"
    PROMPT = "prompt"
    OFFER = "offer"
    FAIL = "fail"
    ANSWER = "answer"
    AGENT_LEFT = "agent_left"
    CAPTURE = "capture"
    RELEASE = "release"
    FAILSAFE = "failsafe"


_S, _M = CallState, CallMove

# Every pair that is not here means nothing and changes nothing: events of a channel arrive in order, but an event may
# concern a state that a read-back has already corrected. The end is possible from everywhere and has no state.
MOVES: dict[tuple[CallState, CallMove], CallState] = {
    (_S.ARRIVED, _M.HOLD): _S.WAITING,
    (_S.WAITING, _M.HOLD): _S.WAITING,
    (_S.WAITING, _M.PROMPT): _S.PROMPTED,
    (_S.PROMPTED, _M.HOLD): _S.WAITING,
    (_S.WAITING, _M.OFFER): _S.OFFERED,
    (_S.WAITING, _M.CAPTURE): _S.CAPTURING,
    (_S.CAPTURING, _M.HOLD): _S.WAITING,
    (_S.WAITING, _M.RELEASE): _S.RELEASING,
    (_S.OFFERED, _M.FAIL): _S.RETURNING,
    (_S.OFFERED, _M.ANSWER): _S.TALKING,
    (_S.RETURNING, _M.HOLD): _S.WAITING,
    (_S.TALKING, _M.AGENT_LEFT): _S.TRANSFERRED,
    # An answer that raced a cancelled offer: the dialplan put the caller back, though his leg is up.
    (_S.TRANSFERRED, _M.HOLD): _S.WAITING,
    # Back in hold though told to end: the order was lost, so the call is there to be ended again.
    (_S.RELEASING, _M.HOLD): _S.WAITING,
    # The router was away too long; whatever it thought, the dialplan has the call now.
    **{(state, _M.FAILSAFE): _S.FAILSAFE for state in CallState},
}

_GAVE_UP = {
    CallState.PROMPTED: Unserved.GAVE_UP_IN_MENU,
    CallState.OFFERED: Unserved.GAVE_UP_RINGING,
}


def unserved(outcome: Outcome, state: CallState, busied: Unserved) -> Unserved:
    """Why an attempt that ended in this state reached nobody."""
    match outcome:
        case Outcome.ABANDONED:
            return _GAVE_UP.get(state, Unserved.GAVE_UP_WAITING)
        case Outcome.BUSIED:
            return busied
        case Outcome.FAILSAFE:
            return Unserved.FAILSAFE
        case Outcome.LOST:
            return Unserved.LOST
        case _:
            return Unserved.NONE


class Capture(StrEnum):
    """How far a caller is who may ask to be rung back. The values name what he hears next."""

    NOT_YET = ""
    OFFER = "offer"
    NUMBER = "number"
    AGAIN = "again"  # his number, once more
    DONE = "done"  # it is promised
    KNOWN = "known"  # it was already
    DECLINED = "declined"


HEARING = frozenset({_S.PROMPTED, _S.CAPTURING})  # early media plays, and the call is not in hold
RINGING = frozenset({_S.ARRIVED, _S.WAITING, _S.PROMPTED, _S.OFFERED, _S.RETURNING})


@record
class Attempt:
    """One order to ring phones for a call."""

    number: int
    targets: tuple[Target, ...]
    team: str
    agreement: str  # '' = the call's own team
    borrower: str
    at: float
    ring_s: int
    full_ring: bool  # rings as long as the team's phones do; a shorter one blames nobody
    legs: tuple[tuple[LegId, AgentId], ...] = ()  # agent '': a phone that this order does not ring
    failed: tuple[tuple[AgentId, Result], ...] = ()
    cancelled: bool = False


@dataclass(slots=True)
class Call:
    """A live call. Plain data; only the router writes it."""

    id: CallId
    site: str
    number: str
    caller: str
    hotline: str
    topic: str
    arrived_at: float
    sequence: int  # order of arrival
    limit_at: float | None  # when ringing must end
    reach: str = ""  # where he can be rung back, E.164
    state: CallState = CallState.ARRIVED
    stage: int = 0  # how far its needs have been relaxed
    attempt: int = 0  # number of the last order to ring
    offer: Attempt | None = None
    agent: AgentId = ""
    team: str = ""
    agreement: str = ""
    borrower: str = ""
    leg: LegId = ""  # the agent's
    answered_at: float | None = None  # an agent answered (first time)
    somebody_at: float | None = None  # a phone answered then, and it is not known yet whose
    left_at: float | None = None  # the agent left the conversation
    on_hold_at: float | None = None  # he has put the caller on hold since
    on_hold_s: float = 0.0  # before that
    claimed: bool = False
    promise_broken: bool = False
    attempts: int = 0
    release: tuple[int, Outcome, str] | None = None  # (cause, outcome, because): end it as soon as it listens
    busied: Unserved = Unserved.NONE  # why he is told busy
    because: str = ""  # the last decision
    steps: tuple[str, ...] = ()  # what he hears before he waits: notice, welcome, menu
    step: int = 0  # prompts so far
    prompted_at: float = 0.0
    asked: int = 0  # times the menu was played
    capture: Capture = Capture.NOT_YET
    captures: int = 0  # questions of that kind
    stale_hold: bool = False  # the word of the hold before a prompt may still come: it was read back, or is told twice
    lane: tuple[str, str, int, str] | None = None  # where it waits
    limit_timer: Timer | None = None
    widen_timer: Timer | None = None
    watch_timer: Timer | None = None

    @property
    def talked(self) -> bool:
        """Is this a conversation, or the rest of one?"""
        return self.state in (CallState.TALKING, CallState.TRANSFERRED) or self.somebody_at is not None
