"""The memory of decisions stays small whatever comes."""

from __future__ import annotations

from callrouter.core.events import CallArrived, CallEnded, Tick
from callrouter.history import History


def test_calls_are_bounded_and_the_quietest_is_forgotten() -> None:
    """Beyond the bound, the call that was longest without news goes first."""
    history = History(calls_max=2)
    history.note(1, 1.0, CallArrived("a/1", "a", "1"), ())
    history.note(2, 2.0, CallArrived("a/2", "a", "1"), ())
    history.note(3, 3.0, CallEnded("a/1"), ())
    history.note(4, 4.0, CallArrived("a/3", "a", "1"), ())
    assert len(history) == 2
    assert [step.seq for step in history.of("a/1")] == [1, 3]
    assert history.of("a/2") == []


def test_steps_are_bounded_and_the_newest_are_kept() -> None:
    """A call with endless news keeps its last steps."""
    history = History(steps_max=3)
    for seq in range(10):
        history.note(seq, float(seq), CallEnded("a/1"), ())
    assert [step.seq for step in history.of("a/1")] == [7, 8, 9]


def test_turns_without_a_call_are_not_kept() -> None:
    """A tick that decided nothing leaves no trace."""
    history = History()
    history.note(1, 1.0, Tick(), ())
    assert len(history) == 0
