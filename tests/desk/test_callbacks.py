"""When a callback was kept, when it is overdue, and what may be done with one."""

from __future__ import annotations

from dataclasses import replace

from callrouter.core import callbacks
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus
from callrouter.desk.callbacks import kept, overdue

ONE = Callback("gera/1", CallbackKind.CAPTURED, "agency", "general", "gera", "+491711234567", 100.0, 1000.0)


def test_kept_when_served_in_time() -> None:
    """Reached, or answered when he rang again, no later than due; a minute late is not kept."""
    for result in (CallbackResult.REACHED, CallbackResult.SUPERSEDED):
        done = callbacks.finish(ONE, result, "gera/2001", 1000.0)
        assert (done.status, kept(done, 5000.0)) == (CallbackStatus.DONE, True)
        assert kept(replace(done, done_at=1000.5), 5000.0) is False


def test_rung_in_vain_is_not_kept() -> None:
    """However often he was rung: the promise was that he is talked to."""
    for result in (CallbackResult.GIVEN_UP, CallbackResult.WRONG_NUMBER, CallbackResult.EXPIRED):
        assert kept(callbacks.finish(ONE, result, "", 900.0), 1000.5) is False


def test_undecided_withdrawn_and_never_promised_count_for_nothing() -> None:
    """What is not due yet, what was taken back, and those who never asked."""
    assert kept(ONE, 1000.0) is None
    assert kept(callbacks.finish(ONE, CallbackResult.REACHED, "anna", 900.0), 1000.0) is None
    assert kept(callbacks.finish(ONE, CallbackResult.CANCELLED, "anna", 900.0), 2000.0) is None
    assert kept(replace(ONE, kind=CallbackKind.UNREACHED), 2000.0) is None


def test_overdue_is_a_promise_whose_time_is_over() -> None:
    """Open or in work, but not done, and not the callers who asked for nothing."""
    assert not overdue(ONE, 1000.0)
    assert overdue(callbacks.take(ONE, "anna"), 1000.5)
    assert kept(ONE, 1000.5) is False
    assert not overdue(callbacks.finish(ONE, CallbackResult.REACHED, "anna", 1100.0), 1200.0)
    assert not overdue(replace(ONE, kind=CallbackKind.UNREACHED), 1200.0)
