"""Redials are grouped into demands as ITU-T E.600 has it, whatever the order of their ends; nothing grows for ever."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callrouter.core.commands import CallFinished, Outcome
from callrouter.core.demands import Attempt, Demand, Demands, attempt_of

WINDOW_S, TARGET_S = 1800.0, 240.0


def rang(call: str, at: float, end: float, reached: float | None = None, caller: str = "a") -> Attempt:
    return Attempt(call, "agency", caller, at, end, reached, TARGET_S, WINDOW_S)


def grouped(*attempts: Attempt, until: float = 1e9) -> list[Demand]:
    """All demands, closed at the end."""
    book = Demands()
    found: dict[str, Demand] = {}
    for attempt in attempts:
        step = book.add(attempt)
        for demand in (step.demand, *step.closed):
            found[demand.id] = demand
    for demand in book.close(until):
        found[demand.id] = demand
    return list(found.values())


def test_redials_until_reached_are_one_demand() -> None:
    """Three attempts, the last of them answered: one demand, reached, timed from the first attempt."""
    (one,) = grouped(rang("1", 0, 60), rang("2", 120, 180), rang("3", 200, 500, reached=230))
    assert (one.id, one.attempts, one.reached_at, one.closed_at) == ("1", 3, 230, 500)
    assert (one.reached_first, one.within_target) == (False, True)


def test_target_counts_from_the_first_attempt() -> None:
    """Answered at once, but at the third try after ten minutes: the target is missed."""
    (one,) = grouped(rang("1", 0, 60), rang("2", 600, 900, reached=602))
    assert (one.reached_at, one.within_target) == (602, False)
    (edge,) = grouped(rang("1", 0, 60), rang("2", 200, 900, reached=240))
    assert edge.within_target


def test_who_was_reached_and_rings_again_has_a_new_demand() -> None:
    """A demand ends with the conversation; the next call is another wish."""
    first, second = grouped(rang("1", 0, 100, reached=10), rang("2", 160, 170))
    assert (first.reached_first, first.attempts, first.within_target) == (True, 1, True)
    assert (second.reached_at, second.closed_at) == (None, 170 + WINDOW_S)


def test_an_attempt_that_is_told_late_joins_no_later_demand() -> None:
    """It had ended more than the window before the other one began: two demands, whichever is told first."""
    assert len(grouped(rang("2", 5000, 5100), rang("1", 0, 60))) == 2
    assert len(grouped(rang("1", 0, 60), rang("2", 5000, 5100))) == 2


def test_window_counts_from_the_end_of_the_last_attempt() -> None:
    """Just inside the window is a redial, just outside a new demand, and the first one was not reached."""
    assert len(grouped(rang("1", 0, 100), rang("2", 100 + WINDOW_S, 2000))) == 1
    first, second = grouped(rang("1", 0, 100), rang("2", 101 + WINDOW_S, 2000, reached=1950))
    assert (first.reached_at, first.closed_at) == (None, 100 + WINDOW_S)
    assert second.reached_first


def test_withheld_numbers_stand_alone() -> None:
    """Who cannot be recognised is a demand per attempt, marked and closed at once."""
    demands = grouped(rang("1", 0, 60, caller=""), rang("2", 70, 90, caller=""))
    assert [(one.withheld, one.attempts, one.closed_at) for one in demands] == [(True, 1, 60), (True, 1, 90)]


def test_callers_and_hotlines_are_apart() -> None:
    """The same caller at two hotlines, and two callers at one, are demands of their own."""
    other = replace(rang("2", 10, 20), hotline="arge")
    assert len(grouped(rang("1", 0, 60), other, rang("3", 5, 70, caller="b"))) == 3


def test_attempts_that_end_in_another_order() -> None:
    """A parallel call that began earlier and ended later still counts as the first attempt."""
    (one,) = grouped(rang("2", 10, 40), rang("1", 0, 300, reached=30))
    assert (one.first_at, one.attempts, one.reached_first) == (0, 2, True)
    talked, later = sorted(grouped(rang("2", 400, 450), rang("1", 0, 900, reached=10)), key=lambda one: one.first_at)
    assert (talked.reached_first, later.reached_at) == (True, None)


def test_live_call_keeps_its_demand_open() -> None:
    """A redial that came in time and still rings when the window ends joins all the same."""
    book = Demands()
    book.add(rang("1", 0, 100))
    assert book.close(5000, lambda key: key == ("a", "agency")) == []
    assert book.add(rang("2", 1890, 5100, reached=1900)).demand.attempts == 2
    assert len(book) == 0


def test_too_many_open_demands_are_shed_and_said() -> None:
    """The book is bounded: the one that would close first goes, marked."""
    book = Demands(open_max=2)
    for number in range(3):
        step = book.add(rang(str(number), number, number + 1, caller=str(number)))
    assert [(one.id, one.shed) for one in step.closed] == [("0", True)]
    assert (len(book), book.shed_count) == (2, 1)


def test_outcomes_that_are_no_attempts() -> None:
    """Closed hours and unknown numbers belong to no demand; a failsafe call reached nobody we know."""
    record = CallFinished(
        "1", "agency", "", "gera", "0365", "0171", Outcome.ANSWERED, 100.0, 300.0, 40.0, 160.0, "gera/1", "gera", "",
        True, 1, 16, "",
    )  # fmt: skip
    answered = attempt_of(record, "key", TARGET_S, WINDOW_S)
    assert answered is not None
    assert (answered.caller, answered.reached_at) == ("key", 140.0)
    failsafe = attempt_of(replace(record, outcome=Outcome.FAILSAFE), "key", TARGET_S, WINDOW_S)
    assert failsafe is not None
    assert failsafe.reached_at is None
    for outcome in (Outcome.CLOSED, Outcome.UNKNOWN_NUMBER):
        assert attempt_of(replace(record, outcome=outcome), "key", TARGET_S, WINDOW_S) is None


@st.composite
def days(draw: st.DrawFn) -> list[Attempt]:
    """Attempts of a few callers in the order of their ends."""
    attempts = []
    for number in range(draw(st.integers(0, 25))):
        at = draw(st.integers(0, 20_000))
        wait, talk = draw(st.integers(0, 300)), draw(st.integers(0, 2_000))
        reached = draw(st.booleans())
        caller = draw(st.sampled_from(["", "a", "b"]))
        end = at + wait + (talk if reached else 0)
        attempts.append(rang(str(number), at, end, at + wait if reached else None, caller))
    return sorted(attempts, key=lambda one: (one.ended_at, one.call))


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(days(), st.integers(0, 25))
def test_every_attempt_is_in_one_demand_also_over_a_restart(attempts: list[Attempt], cut: int) -> None:
    """No attempt is lost or counted twice; a book brought back from its open demands goes on as if nothing happened."""
    whole = grouped(*attempts)
    assert sum(one.attempts for one in whole) == len(attempts)
    assert all(one.closed_at is not None and one.first_at <= one.last_at for one in whole)
    reached = [attempt for attempt in attempts if attempt.reached_at is not None]
    assert sum(one.reached_at is not None for one in whole) == len(reached)

    found: dict[str, Demand] = {}
    book = Demands()
    for index, attempt in enumerate(attempts):
        if index == cut:
            book = Demands(reversed(book.opened))
        step = book.add(attempt)
        found |= {one.id: one for one in (step.demand, *step.closed)}
    found |= {one.id: one for one in book.close(1e9)}
    assert sorted(map(repr, found.values())) == sorted(map(repr, whole))
