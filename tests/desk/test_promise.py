"""What an agent may write down of a call, and what he promises by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callrouter.core.callbacks import CallbackKind
from callrouter.desk.plan import Desk
from callrouter.desk.promise import Given, Wrong, result_of
from callrouter.desk.results import Conversation, Disposition
from tests.desk.test_workdays import at, office

CALLED = at("2027-09-17 09:00")
DUE = at("2027-09-22 18:00")  # a weekend and a holiday of Thüringen lie between
BENEFITS = replace(office("TH"), name="benefit", site="gera")
DESK = Desk((BENEFITS,))
ABOUT = Conversation("magdeburg/1", "agency", "benefit", "magdeburg", "magdeburg/1001", "01711234567", 12.0, CALLED)
GOOD = Given("callback", "ruhig", "benefit", subject="Fragt nach dem Bescheid vom 3. September.", wish="vormittags")


def make(given: Given, about: Conversation = ABOUT, now: float = CALLED + 60.0) -> tuple[object, object]:
    return result_of(given, about, DESK, now, "gera/d1", "anna", "key")


def problems(given: Given, about: Conversation = ABOUT) -> dict[str, str]:
    with pytest.raises(Wrong) as caught:
        make(given, about)
    return caught.value.problems


def test_a_callback_is_due_by_the_departments_working_days() -> None:
    """The department's site dials, its Land's holidays count, the day of the call does not; the call knows of it."""
    result, callback = result_of(GOOD, ABOUT, DESK, CALLED + 60.0, "gera/d1", "anna", "key")
    assert (result.disposition, result.department, result.callback) == (Disposition.CALLBACK, "benefit", "gera/d1")
    assert (result.call, result.hotline, result.topic, result.note) == ("magdeburg/1", "agency", "benefit", "ruhig")
    assert callback is not None
    assert (callback.kind, callback.site, callback.due_at) == (CallbackKind.DEPARTMENT, "gera", DUE)
    assert (callback.number, callback.caller, callback.made_by) == ("+491711234567", "key", "anna")
    assert (callback.wish, callback.call, callback.department) == ("vormittags", "magdeburg/1", "benefit")


def test_a_promise_counts_from_the_call_not_from_the_click() -> None:
    """A result given after midnight promises what was said in the call."""
    _, callback = result_of(GOOD, ABOUT, DESK, at("2027-09-18 00:05"), "gera/d1", "anna", "key")
    assert callback is not None
    assert callback.due_at == DUE


def test_the_due_time_may_only_be_earlier() -> None:
    """Later than computed, or past, is refused; in between stands."""
    earlier = replace(GOOD, due_at=at("2027-09-20 10:00"))
    _, callback = result_of(earlier, ABOUT, DESK, CALLED, "gera/d1", "anna", "key")
    assert callback is not None
    assert callback.due_at == earlier.due_at
    for wrong in (DUE + 1.0, CALLED - 1.0):
        assert list(problems(replace(GOOD, due_at=wrong))) == ["due"]


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        (Given(""), ["disposition"]),
        (Given("transferred"), ["disposition"]),
        (Given("resolved", note="x" * 2001), ["note"]),
        (replace(GOOD, department="nobody"), ["department"]),
        (replace(GOOD, subject="zu kurz"), ["subject"]),
        (replace(GOOD, subject="x" * 501), ["subject"]),
        (replace(GOOD, number="12"), ["number"]),
        (replace(GOOD, wish="x" * 101), ["wish"]),
        (Given("callback"), ["department", "subject"]),
        (Given("forwarded", department="nobody"), ["department"]),
    ],
)
def test_what_is_wrong_is_named_by_field(given: Given, fields: list[str]) -> None:
    """All of it at once, in the order of the form."""
    assert list(problems(given)) == fields


def test_a_withheld_number_must_be_asked_for() -> None:
    """Without a number nobody can be rung; one that the caller names is taken, in one spelling."""
    withheld = replace(ABOUT, caller="")
    assert list(problems(GOOD, withheld)) == ["number"]
    _, callback = result_of(replace(GOOD, number="0391 555-0142"), withheld, DESK, CALLED, "i", "anna", "")
    assert callback is not None
    assert callback.number == "+493915550142"


def test_other_results_promise_nothing() -> None:
    """What stands in the callback's fields does not matter then; a forwarded call may name its department."""
    for disposition in ("resolved", "appointment", "broken_off", "forwarded"):
        result, callback = result_of(replace(GOOD, disposition=disposition), ABOUT, DESK, CALLED, "i", "anna", "")
        assert callback is None
        assert result.department == ("benefit" if disposition == "forwarded" else "")
        assert result.callback == ""


def test_a_department_that_is_over_promises_nothing() -> None:
    """Its hours have a last day: nobody will ring."""
    over = replace(BENEFITS, hours=replace(BENEFITS.hours, last_day="2027-09-17"))
    with pytest.raises(Wrong) as caught:
        result_of(GOOD, ABOUT, Desk((over,)), CALLED, "i", "anna", "")
    assert list(caught.value.problems) == ["department"]
