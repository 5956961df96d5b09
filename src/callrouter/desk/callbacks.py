"""When a promise to ring back counts as kept, when as overdue. Knows no clock and no database.

What may be done with a callback is in `core/callbacks.py`, when one is due in `core.calendar.due_at`.
"""

from __future__ import annotations

from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus

PROMISED = frozenset({CallbackKind.CAPTURED, CallbackKind.DEPARTMENT})
SERVED = frozenset({CallbackResult.REACHED, CallbackResult.SUPERSEDED})
WITHDRAWN = frozenset({CallbackResult.CANCELLED, CallbackResult.FORGOTTEN})


def overdue(one: Callback, now: float) -> bool:
    """Promised, not done, and its time is over."""
    return one.kind in PROMISED and one.status is not CallbackStatus.DONE and now > one.due_at


def kept(one: Callback, now: float) -> bool | None:
    """Was the promise kept? None: there was none, it was withdrawn, or its time has not come.

    Kept means served by the due time: rung and reached, or answered when he rang again. Rung in vain is not kept. Early
    ones count on their day as well: else a day that is not over would look better than it is.
    """
    if one.kind not in PROMISED or one.result in WITHDRAWN or now <= one.due_at:
        return None
    return one.result in SERVED and one.done_at is not None and one.done_at <= one.due_at
