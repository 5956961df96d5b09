"""What may be done with a callback, and the order in which they wait."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callrouter.core import callbacks
from callrouter.core.backlog import Back, Backlog
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus, Refused, TryResult

ONE = Callback("gera/1", CallbackKind.CAPTURED, "agency", "general", "gera", "+491711234567", 100.0, 1000.0)


def test_only_one_takes_it() -> None:
    """The second is told whose it is; given back, or rung in vain, it may be taken again."""
    taken = callbacks.take(ONE, "anna")
    with pytest.raises(Refused, match="taken by anna"):
        callbacks.take(taken, "bert")
    assert callbacks.take(callbacks.give_back(taken), "bert").taken_by == "bert"
    again = callbacks.missed(taken, TryResult.BUSY, 300.0)
    assert (again.status, again.tries, again.last_result) == (CallbackStatus.NOT_REACHED, 1, TryResult.BUSY)
    assert callbacks.take(again, "bert").version == 3


def test_done_is_done() -> None:
    """Nothing can be done with it any more."""
    done = callbacks.finish(ONE, CallbackResult.REACHED, "anna", 300.0, "spoke with her")
    for act in (
        lambda: callbacks.take(done, "bert"),
        lambda: callbacks.give_back(done),
        lambda: callbacks.missed(done, TryResult.BUSY, 400.0),
        lambda: callbacks.finish(done, CallbackResult.CANCELLED, "bert", 400.0),
    ):
        with pytest.raises(Refused, match="the callback is done"):
            act()


def test_a_backlog_forgets_who_left_it() -> None:
    """The earliest due is first, however often others come and go; what is stale is thrown away."""
    backlog = Backlog(("agency", "general"))
    backs = [Back(replace(ONE, id=f"gera/{i}", due_at=1000.0 + i)) for i in range(30)]
    for back in reversed(backs):
        backlog.push(back)
    for back in backs[:29]:
        backlog.remove(back)
    assert backlog.head() is backs[29]
    for _ in range(100):
        backlog.push(backs[3])
        backlog.remove(backs[3])
    assert backlog.turn() == (1029.0, 100.0, "gera/29")
    backlog.remove(backs[29])
    assert backlog.turn() is None
