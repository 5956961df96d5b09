"""When a callback is due."""

from __future__ import annotations

from datetime import datetime
from math import inf
from zoneinfo import ZoneInfo

import pytest

from callrouter.config.holidays import public_holidays
from callrouter.config.hours import Week, make_hours
from callrouter.core.plan import Hours, Span
from callrouter.desk.plan import Department
from callrouter.desk.workdays import due_at, escalates_at, is_working_day, left_s

BERLIN = "Europe/Berlin"
OFFICE = (Span(28_800, 64_800),)
YEARS = range(2026, 2029)


def at(text: str) -> float:
    """A wall-clock time in Germany as UTC seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN)).timestamp()


def shown(instant: float) -> str:
    return datetime.fromtimestamp(instant, ZoneInfo(BERLIN)).strftime("%a %d.%m.%Y %H:%M")


def office(land: str, more: Week | None = None, **changes: int) -> Department:
    entries: Week = {"Mon": OFFICE, "Tue": OFFICE, "Wed": OFFICE, "Thu": OFFICE, "Fri": OFFICE, **(more or {})}
    hours = make_hours(entries, BERLIN, years=YEARS, holidays=public_holidays(land, YEARS))
    return Department("d", "D", "s", hours, "d@example.org", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("called", "land", "due"),
    [
        ("2027-01-04 09:00", "ST", "Thu 07.01.2027 18:00"),  # Epiphany
        ("2027-01-04 09:00", "TH", "Wed 06.01.2027 18:00"),
        ("2027-01-04 09:00", "NW", "Wed 06.01.2027 18:00"),
        ("2027-05-25 09:00", "ST", "Thu 27.05.2027 18:00"),
        ("2027-05-25 09:00", "TH", "Thu 27.05.2027 18:00"),
        ("2027-05-25 09:00", "NW", "Fri 28.05.2027 18:00"),  # Corpus Christi
        ("2027-09-17 09:00", "ST", "Tue 21.09.2027 18:00"),
        ("2027-09-17 09:00", "TH", "Wed 22.09.2027 18:00"),  # World Children's Day
        ("2027-09-17 09:00", "NW", "Tue 21.09.2027 18:00"),
    ],
)
def test_a_callback_is_due_on_the_second_working_day_of_its_land(called: str, land: str, due: str) -> None:
    """Weekends and the holidays of the department's Land do not count, and neither does the day of the call."""
    assert shown(due_at(office(land), at(called))) == due


@pytest.mark.parametrize("called", ["2027-01-04 00:00", "2027-01-04 17:59", "2027-01-04 18:01", "2027-01-04 23:59"])
def test_the_hour_of_the_call_does_not_matter(called: str) -> None:
    """The day of the call counts by the wall clock, whenever the call was."""
    assert shown(due_at(office("TH"), at(called))) == "Wed 06.01.2027 18:00"


def test_a_call_at_a_weekend_counts_from_monday() -> None:
    """Saturday and Sunday are no working days."""
    assert shown(due_at(office("TH"), at("2027-01-09 10:00"))) == "Tue 12.01.2027 18:00"


def test_christmas_eve_and_the_last_of_the_year_are_as_the_hours_say() -> None:
    """24 and 31 December are working days unless the department's hours close them."""
    as_always, closed = office("ST"), office("ST", {"12-24": (), "12-31": ()})
    assert shown(due_at(as_always, at("2026-12-22 09:00"))) == "Thu 24.12.2026 18:00"
    assert shown(due_at(closed, at("2026-12-22 09:00"))) == "Mon 28.12.2026 18:00"
    assert shown(due_at(as_always, at("2026-12-29 09:00"))) == "Thu 31.12.2026 18:00"
    assert shown(due_at(closed, at("2026-12-29 09:00"))) == "Mon 04.01.2027 18:00"


def test_days_and_time_are_the_departments_own() -> None:
    """A department may promise more or less, to another hour; the change of the clock moves nothing."""
    assert shown(due_at(office("TH", due_days=1, due_at_s=43_200), at("2027-03-26 09:00"))) == "Tue 30.03.2027 12:00"


def test_a_department_that_never_opens_promises_nothing() -> None:
    """The due time of hours that are over lies nowhere, and so does what follows from it."""
    over = Department("d", "D", "s", Hours(BERLIN, (OFFICE,) * 7, last_day="2026-12-31"), "d@example.org")
    assert due_at(over, at("2026-12-31 09:00")) == inf
    assert left_s(over, at("2026-12-31 09:00"), inf) == inf


def test_an_escalation_comes_at_once_or_working_days_later() -> None:
    """Stages count in working days from the due time, too."""
    one = office("TH")
    due = at("2027-09-17 18:00")
    assert escalates_at(one, due, 0) == due
    assert shown(escalates_at(one, due, 1)) == "Tue 21.09.2027 18:00"


def test_time_left_is_counted_in_working_hours() -> None:
    """A weekend between now and then is no time that is left, nor one by which it is late."""
    one = office("ST")
    friday, monday = at("2027-01-08 16:00"), at("2027-01-11 18:00")
    assert left_s(one, friday, monday) == 12 * 3600
    assert left_s(one, monday, friday) == -12 * 3600
    assert left_s(one, friday, friday) == 0


def test_a_day_with_any_hours_is_a_working_day() -> None:
    """A short day counts like a long one."""
    one = office("ST", {"2027-01-09": (Span(32_400, 36_000),)})
    assert is_working_day(one.hours, datetime.fromisoformat("2027-01-09").date())
    assert not is_working_day(one.hours, datetime.fromisoformat("2027-01-06").date())
