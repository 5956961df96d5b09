"""Callers to be rung back: who may do what with a callback, when it counts as kept, when as overdue.

One set of rules for all kinds. What a caller asked for while nobody could serve him is rung by agents of his hotline,
and `core` decides when; what an agent promised for a department is the department's. Knows no clock and no database;
when something is due is in `core.calendar.due_at`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from callrouter.core.commands import CallbackKind, CallbackResult, CallbackStatus, TryResult
from callrouter.core.events import CallId

PROMISED = frozenset({CallbackKind.CAPTURED, CallbackKind.DEPARTMENT})
SERVED = frozenset({CallbackResult.REACHED, CallbackResult.SUPERSEDED})
WITHDRAWN = frozenset({CallbackResult.CANCELLED, CallbackResult.FORGOTTEN})


class Act(StrEnum):
    """What somebody, or a call that has ended, does with a callback."""

    TAKE = "take"
    GIVE_BACK = "give_back"
    MISS = "miss"  # the caller was rung and not reached
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
    rang the caller. version: rises with each change by hand, so that the second of two is told.
    """

    id: CallId
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
    call: CallId = ""
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


def overdue(one: Callback, now: float) -> bool:
    """Promised, not done, and its time is over."""
    return one.kind in PROMISED and one.status is not CallbackStatus.DONE and now > one.due_at


def kept(one: Callback, now: float) -> bool | None:
    """Was the promise kept? None: there was none, it was withdrawn, or it may still be kept.

    Kept means served by the due time: rung and reached, or answered when he rang again. Rung in vain is not kept.
    """
    if one.kind not in PROMISED or one.result in WITHDRAWN:
        return None
    if one.done_at is None:
        return False if now > one.due_at else None
    return one.result in SERVED and one.done_at <= one.due_at


def take(one: Callback, who: str) -> Callback:
    """Somebody sees to it. Raises Refused: it is somebody's already, or done."""
    return replace(one, status=_move(one, Act.TAKE), taken_by=who, version=one.version + 1)


def give_back(one: Callback) -> Callback:
    """He does not, after all. Raises Refused."""
    return replace(one, status=_move(one, Act.GIVE_BACK), taken_by="", version=one.version + 1)


def missed(one: Callback, result: TryResult, now: float) -> Callback:
    """Rung in vain; it may be taken again. Raises Refused."""
    return replace(
        one,
        status=_move(one, Act.MISS),
        taken_by="",
        tries=one.tries + 1,
        last_try_at=now,
        last_result=result,
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
