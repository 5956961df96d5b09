"""Callers to be rung back: what is known of one, and what may be done with it, as a table.

One record for all kinds. What a caller asked for while nobody could serve him is rung by agents of his hotline, and the
router decides when; what an agent promised for a department is the department's. Knows no clock: when something is due
is in `calendar.due_at`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class CallbackKind(StrEnum):
    """How a callback came to be."""

    CAPTURED = "captured"  # the caller asked for it while nobody could serve him: a promise
    UNREACHED = "unreached"  # he gave up or heard busy without one; somebody may ring him all the same
    DEPARTMENT = "department"  # an agent promised that a department rings: a promise
    OUTBOUND = "outbound"  # none at all: an agent rings somebody of his own accord


class CallbackStatus(StrEnum):
    """Where it stands."""

    OPEN = "open"
    TAKEN = "taken"  # somebody is at it
    NOT_REACHED = "not_reached"  # tried in vain; to be tried again
    DONE = "done"


class CallbackResult(StrEnum):
    """What came of a callback that is done."""

    REACHED = "reached"
    SUPERSEDED = "superseded"  # he rang again and was answered
    WRONG_NUMBER = "wrong_number"
    GIVEN_UP = "given_up"  # not reached in as many tries as are made
    EXPIRED = "expired"  # nobody came to it in time
    CANCELLED = "cancelled"  # by hand, with a reason
    FORGOTTEN = "forgotten"  # he asked to be erased


class TryResult(StrEnum):
    """What came of one outbound call."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"  # nobody answered
    BUSY = "busy"
    WRONG_NUMBER = "wrong_number"  # no such number
    FAILED = "failed"  # no line, no route: not the called party's doing
    AGENT_MISSED = "agent_missed"  # the agent's phone was not answered: nobody was called
    CANCELLED = "cancelled"  # by hand, or for a call that came in
    UNKNOWN = "unknown"  # its end was not seen


class Act(StrEnum):
    """What somebody, or a call that has ended, does with a callback."""

    TAKE = "take"
    GIVE_BACK = "give_back"  # the caller was not rung
    MISS = "miss"  # he was, and not reached
    FINISH = "finish"


_S, _A = CallbackStatus, Act
MOVES: dict[tuple[CallbackStatus, Act], CallbackStatus] = {
    (_S.OPEN, _A.TAKE): _S.TAKEN,
    (_S.NOT_REACHED, _A.TAKE): _S.TAKEN,
    (_S.TAKEN, _A.GIVE_BACK): _S.OPEN,
    (_S.TAKEN, _A.MISS): _S.NOT_REACHED,
    **{(status, _A.FINISH): _S.DONE for status in (_S.OPEN, _S.TAKEN, _S.NOT_REACHED)},
}


class Refused(ValueError):
    """The callback's status does not let this be done; the text says why."""


@dataclass(frozen=True, slots=True)
class Callback:
    """One caller to be rung. Times are UTC seconds.

    number: E.164, '' once it is erased. caller: its keyed hash. site: whose line rings him. department: '' where agents
    of the hotline ring. made_by: who promised it, '' = the caller asked. rings: outbound calls begun; tries: those that
    rang the caller. version: rises with each change, so that the second of two who change it is told.
    """

    id: str
    kind: CallbackKind
    hotline: str
    topic: str
    site: str
    number: str
    asked_at: float
    due_at: float
    status: CallbackStatus = CallbackStatus.OPEN
    department: str = ""
    subject: str = ""
    wish: str = ""
    call: str = ""
    caller: str = ""
    made_by: str = ""
    expires_at: float | None = None
    not_before: float | None = None
    taken_by: str = ""
    rings: int = 0
    tries: int = 0
    last_try_at: float | None = None
    last_result: TryResult | None = None
    done_at: float | None = None
    done_by: str = ""
    result: CallbackResult | None = None
    because: str = ""
    version: int = 0


def take(one: Callback, who: str) -> Callback:
    """Somebody sees to it. Raises Refused: it is somebody's already, or done."""
    return replace(one, status=_move(one, Act.TAKE), taken_by=who, version=one.version + 1)


def give_back(one: Callback) -> Callback:
    """He does not, after all. Raises Refused."""
    return replace(one, status=_move(one, Act.GIVE_BACK), taken_by="", version=one.version + 1)


def missed(one: Callback, result: TryResult, now: float, not_before: float | None = None) -> Callback:
    """Rung in vain; it may be taken again. Raises Refused."""
    return replace(
        one,
        status=_move(one, Act.MISS),
        taken_by="",
        tries=one.tries + 1,
        last_try_at=now,
        last_result=result,
        not_before=not_before,
        version=one.version + 1,
    )


def finish(one: Callback, result: CallbackResult, who: str, now: float, because: str = "") -> Callback:
    """It is done. Raises Refused."""
    return replace(
        one,
        status=_move(one, Act.FINISH),
        taken_by="",
        done_at=now,
        done_by=who,
        result=result,
        because=because or one.because,
        version=one.version + 1,
    )


def _move(one: Callback, act: Act) -> CallbackStatus:
    after = MOVES.get((one.status, act))
    if after is None:
        by = f" by {one.taken_by}" if one.taken_by else ""
        raise Refused(f"the callback is {one.status.replace('_', ' ')}{by}")
    return after
