"""Days, weeks and months of reports, and their half hours on days of 23, 24 and 25 hours."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest

from callrouter.report import period as periods
from callrouter.report.period import NoPeriod, Period
from tests.report.books import BERLIN, at

TODAY = date(2026, 11, 25)  # a Wednesday


@pytest.mark.parametrize(
    ("make", "text", "first", "last"),
    [
        (periods.day, "today", "2026-11-25", "2026-11-25"),
        (periods.day, "yesterday", "2026-11-24", "2026-11-24"),
        (periods.day, "2024-02-29", "2024-02-29", "2024-02-29"),
        (periods.week, "this", "2026-11-23", "2026-11-29"),
        (periods.week, "last", "2026-11-16", "2026-11-22"),
        (periods.week, "2026-W53", "2026-12-28", "2027-01-03"),
        (periods.week, "2027-W01", "2027-01-04", "2027-01-10"),
        (periods.month, "this", "2026-11-01", "2026-11-30"),
        (periods.month, "last", "2026-10-01", "2026-10-31"),
        (periods.month, "2026-12", "2026-12-01", "2026-12-31"),
        (periods.month, "2028-02", "2028-02-01", "2028-02-29"),
    ],
)
def test_words_and_dates(make: object, text: str, first: str, last: str) -> None:
    """Weeks are ISO 8601's, over the year's end too; months have their own lengths."""
    assert callable(make)
    found = make(text, TODAY)
    assert (str(found.first), str(found.last)) == (first, last)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (periods.day, "tomorrow"),
        (periods.day, "23.11.2026"),
        (periods.day, "2026-02-30"),
        (periods.week, "2025-W53"),
        (periods.week, "48"),
        (periods.month, "2026-13"),
        (periods.month, "November"),
        (periods.month, "9999-01"),
    ],
)
def test_what_is_no_period_is_said_to_be_none(make: object, text: str) -> None:
    """The error quotes the text and shows how to write one."""
    assert callable(make)
    with pytest.raises(NoPeriod, match=f"'{text}' is no .*; write it like"):
        make(text, TODAY)


@pytest.mark.parametrize(
    ("day", "half_hours", "hours"),
    [("2026-03-29", 46, 23), ("2026-10-25", 50, 25), ("2026-11-23", 48, 24), ("2026-12-31", 48, 24)],
)
def test_half_hours_of_a_day(day: str, half_hours: int, hours: int) -> None:
    """The days on which clocks change have 46 and 50; they follow each other without a gap."""
    one = Period("day", date.fromisoformat(day), date.fromisoformat(day))
    start, end = one.bounds(BERLIN)
    found = list(one.half_hours(BERLIN))
    assert (len(found), end - start) == (half_hours, hours * 3600)
    assert [b - a for a, b in pairwise(found)] == [1800.0] * (half_hours - 1)
    assert start == at(f"{day} 00:00")


def test_a_month_with_a_clock_change() -> None:
    """October 2026 has 31 days and one hour more than they."""
    month = periods.month("2026-10", TODAY)
    start, end = month.bounds(BERLIN)
    assert end - start == 31 * 86_400 + 3600
    assert len(month.days()) == 31
