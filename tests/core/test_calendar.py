"""Opening hours become instants: edges, clock changes, special days, spans that touch."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from math import inf
from zoneinfo import ZoneInfo

import pytest

from callrouter.core import calendar
from callrouter.core.plan import Hours, Span

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours("Europe/Berlin", (*((Span(8 * 3600, 18 * 3600),),) * 5, (), ()))


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


@pytest.mark.parametrize(
    ("when", "is_open", "change"),
    [
        ("2026-11-23T07:59:59", False, "2026-11-23T08:00:00"),
        ("2026-11-23T08:00:00", True, "2026-11-23T18:00:00"),
        ("2026-11-23T17:59:59", True, "2026-11-23T18:00:00"),
        ("2026-11-23T18:00:00", False, "2026-11-24T08:00:00"),
        ("2026-11-27T18:00:00", False, "2026-11-30T08:00:00"),
    ],
)
def test_spans_are_closed_at_their_end(when: str, is_open: bool, change: str) -> None:
    """Open from the first instant to just before the last; the change that comes next is named."""
    assert calendar.state(OFFICE, at(when)) == (is_open, at(change))


def test_no_hours_are_always_open() -> None:
    """A hotline without hours never closes."""
    assert calendar.state(None, 0.0) == (True, inf)
    assert calendar.is_open(None, 5.0)


def test_special_days_replace_the_weekly_hours() -> None:
    """Closed on Christmas Eve, open on a Saturday."""
    hours = Hours(OFFICE.zone, OFFICE.weekly, days=(("2026-12-24", ()), ("2026-12-05", (Span(9 * 3600, 12 * 3600),))))
    assert not calendar.is_open(hours, at("2026-12-24T10:00"))
    assert calendar.is_open(hours, at("2026-12-05T10:00"))
    assert calendar.next_opening(hours, at("2026-12-23T19:00")) == at("2026-12-25T08:00")
    assert calendar.next_opening(hours, at("2026-12-05T10:00")) == at("2026-12-05T10:00")


def test_dates_bound_the_hours() -> None:
    """Before the first day and after the last it is closed for good."""
    hours = Hours(OFFICE.zone, OFFICE.weekly, first_day="2026-11-24", last_day="2026-11-24")
    assert calendar.state(hours, at("2026-11-23T10:00")) == (False, at("2026-11-24T08:00"))
    assert calendar.state(hours, at("2026-11-24T18:00")) == (False, inf)


def test_days_that_touch_are_one_interval() -> None:
    """Round the clock from Monday to Friday: it changes only at the weekend."""
    hours = Hours("Europe/Berlin", (*((Span(0, 86_400),),) * 5, (), ()))
    assert calendar.state(hours, at("2026-11-24T03:00")) == (True, at("2026-11-28T00:00"))


def test_a_day_of_the_clock_change_is_an_hour_longer_or_shorter() -> None:
    """Open 0-24 h on the last Sunday of March is 23 h, of October 25 h."""
    sunday = Hours("Europe/Berlin", ((), (), (), (), (), (), (Span(0, 86_400),)))
    for day, hours in (("2026-03-29", 23), ("2026-10-25", 25)):
        start = at(f"{day}T00:00")
        assert calendar.next_opening(sunday, start - 86_400) == start
        assert calendar.state(sunday, start)[1] - start == hours * 3600


def test_open_seconds_are_those_between_the_edges() -> None:
    """Only what lies in the span and is open counts; without hours everything does."""
    friday, monday = at("2026-11-20 17:00"), at("2026-11-23 09:30")
    assert calendar.open_s(OFFICE, friday, monday) == 3600 + 5400
    assert calendar.open_s(None, friday, monday) == monday - friday
    assert calendar.open_s(OFFICE, monday, friday) == 0


def test_an_edge_in_the_hour_that_the_clock_skips_or_repeats_is_one_instant() -> None:
    """02:30 of the skipped hour is the instant an hour and a half after 01:00; of the repeated hour it is the first."""
    night = Hours("Europe/Berlin", ((), (), (), (), (), (), (Span(3600, 9000),)))  # 01:00-02:30 on Sundays
    for day, length_s in (("2026-03-29", 5400), ("2026-10-25", 5400)):
        start = at(f"{day}T01:00")
        assert calendar.state(night, start) == (True, start + length_s)
        assert not calendar.is_open(night, start + length_s)


def test_spans_may_overlap_and_be_unordered() -> None:
    """Overlapping spans of a day count once."""
    hours = Hours("Europe/Berlin", ((Span(36_000, 50_000), Span(28_800, 40_000)), (), (), (), (), (), ()))
    assert calendar.state(hours, at("2026-11-23T08:00")) == (True, at("2026-11-23T00:00") + 50_000)


def test_round_the_clock_has_an_end_at_the_horizon_only() -> None:
    """Hours that never close are looked at for about a year."""
    hours = Hours("Europe/Berlin", ((Span(0, 86_400),),) * 7)
    is_open, change = calendar.state(hours, at("2026-11-23T08:00"))
    assert is_open
    assert change > at("2027-11-23T08:00")


def test_due_on_a_working_day() -> None:
    """The day itself does not count, whatever its hour; days without hours are none. Never, where nobody ever works."""
    hours = replace(OFFICE, days=(("2026-11-25", ()),))
    for hour in ("00:00:00", "23:59:59"):
        assert calendar.due_at(hours, at(f"2026-11-24T{hour}"), 2, 64_800) == at("2026-11-27T18:00:00")
    assert calendar.due_at(Hours("Europe/Berlin", ((),) * 7), at("2026-11-24T09:00:00"), 1, 0) == inf


def test_the_last_day_ends_at_the_next_midnight_by_the_wall_clock() -> None:
    """25 October 2026 has 25 hours; hours without a last day have no end."""
    hours = Hours("Europe/Berlin", ((),) * 7, last_day="2026-10-25")
    assert calendar.end(hours) == at("2026-10-26T00:00:00")
    assert calendar.end(replace(hours, last_day="")) == inf
