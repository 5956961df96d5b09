"""Public holidays by Land, days that return each year, and the years for which a plan knows them."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from callrouter.cli import main
from callrouter.config.holidays import public_holidays
from callrouter.config.load import load
from callrouter.core import calendar
from callrouter.core.plan import Hours, Span
from tests.config.folders import EXAMPLE, folder

BERLIN = ZoneInfo("Europe/Berlin")
NOVEMBER = date(2026, 11, 23)
MORNING = (Span(28_800, 43_200),)


def _at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def _example(hotline: str, today: date = NOVEMBER) -> Hours:
    hours = next(one.hours for one in load(EXAMPLE, today).plan.hotlines if one.name == hotline)
    assert hours is not None
    return hours


def _hours(where: Path, entries: str, today: date = NOVEMBER) -> Hours:
    text = f"""
hotlines:
  h: {{title: H, site: gera, numbers: 030 23125 000, teams: agency-gera, hours: {{{entries}}}}}
"""
    hours = next(one.hours for one in load(folder(where, more=text), today).plan.hotlines if one.name == "h")
    assert hours is not None
    return hours


@pytest.mark.parametrize(
    ("day", "closed", "open_"),
    [
        ("2027-01-06", {"agency-magdeburg"}, {"agency-gera", "aachen"}),  # Heilige Drei Könige: a Wednesday
        ("2027-09-20", {"agency-gera", "agency-gotha"}, {"agency-magdeburg", "aachen"}),  # Weltkindertag: a Monday
        ("2027-05-27", {"aachen"}, {"agency-magdeburg", "agency-gera"}),  # Fronleichnam: a Thursday
        ("2028-10-31", {"agency-magdeburg", "agency-gera"}, {"aachen"}),  # Reformationstag: a Tuesday
        ("2028-11-01", {"aachen"}, {"agency-magdeburg", "agency-gera"}),  # Allerheiligen: a Wednesday
        ("2027-05-06", {"agency-magdeburg", "agency-gera", "aachen"}, set()),  # Christi Himmelfahrt
    ],
)
def test_each_land_has_its_own_holidays(day: str, closed: set[str], open_: set[str]) -> None:
    """On one and the same day the hotlines of one Land are closed and those of another are open."""
    for hotline in closed:
        assert not calendar.is_open(_example(hotline), _at(f"{day}T10:00"))
    for hotline in open_:
        assert calendar.is_open(_example(hotline), _at(f"{day}T10:00"))


def test_over_the_years_end_the_next_opening_is_the_first_working_day() -> None:
    """Closed at New Year 2027 until Monday the 4th; in Magdeburg on the 6th as well."""
    gera, magdeburg = _example("agency-gera"), _example("agency-magdeburg")
    assert calendar.next_opening(gera, _at("2026-12-24T18:00")) == _at("2026-12-28T08:00")
    assert calendar.state(gera, _at("2026-12-31T17:59:59")) == (True, _at("2026-12-31T18:00"))
    assert calendar.next_opening(gera, _at("2026-12-31T18:00")) == _at("2027-01-04T08:00")
    assert calendar.next_opening(magdeburg, _at("2027-01-05T18:00")) == _at("2027-01-07T08:00")
    assert calendar.next_opening(gera, _at("2027-01-05T18:00")) == _at("2027-01-06T08:00")


def test_the_plan_is_the_same_on_every_day_of_a_year_and_another_in_the_next() -> None:
    """New Year moves the horizon and with it the version; no other midnight does."""
    first, last, next_year = (
        load(EXAMPLE, day).plan for day in (date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1))
    )
    assert first == last
    assert first.version != next_year.version
    assert {day[:4] for day, _ in next_year.hotlines[0].hours.days} == {"2027", "2028", "2029"}  # type: ignore[union-attr]


def test_holidays_may_be_open_or_have_hours_of_their_own(tmp_path: Path) -> None:
    """'open' makes them weekdays, spans are theirs; a date in the file goes before both."""
    christmas = "2026-12-25"  # a Friday
    assert not calendar.is_open(_hours(tmp_path, "Mon-Fri: 08:00-18:00"), _at(f"{christmas}T10:00"))
    for entries, morning, afternoon in (
        ("Mon-Fri: 08:00-18:00, holidays: closed", False, False),
        ("Mon-Fri: 08:00-18:00, holidays: open", True, True),
        ("Mon-Fri: 08:00-18:00, holidays: 08:00-12:00", True, False),
        ("Mon-Fri: 08:00-18:00, 12-25: 08:00-12:00", True, False),
        ("Mon-Fri: 08:00-18:00, 2026-12-25: 13:00-18:00, 12-25: closed", False, True),
    ):
        hours = _hours(tmp_path, entries)
        assert calendar.is_open(hours, _at(f"{christmas}T10:00")) is morning
        assert calendar.is_open(hours, _at(f"{christmas}T15:00")) is afternoon


def test_days_of_each_year_are_written_out_for_the_years_ahead(tmp_path: Path) -> None:
    """Three years of them; a range may go over New Year, and 29 February is in leap years only."""
    hours = _hours(tmp_path, "Mon-Fri: 08:00-18:00, holidays: open, 12-30..01-01: closed, 02-29: 08:00-12:00")
    days = ("01-01", "12-30", "12-31")
    expected = [(f"{year}-{day}", ()) for year in (2026, 2027, 2028) for day in days]
    assert list(hours.days) == sorted([*expected, ("2028-02-29", MORNING)])


def test_a_range_of_dates_is_every_day_of_it(tmp_path: Path) -> None:
    """Both ends are included."""
    hours = _hours(tmp_path, "Mon-Fri: 08:00-18:00, holidays: open, 2026-12-30..2027-01-02: closed")
    assert [day for day, _ in hours.days] == ["2026-12-30", "2026-12-31", "2027-01-01", "2027-01-02"]


def test_a_hotline_may_open_on_holidays_only(tmp_path: Path) -> None:
    """A hotline for holidays is legal though no weekday is open."""
    hours = _hours(tmp_path, "holidays: 08:00-12:00")
    assert calendar.next_opening(hours, _at("2026-12-24T10:00")) == _at("2026-12-25T08:00")


def test_holidays_do_not_end_an_agreement_unless_its_window_names_them(tmp_path: Path) -> None:
    """A window of weekdays is in force on holidays; 'holidays: closed' in it goes by the borrower's Land."""
    for more, open_ in (("", True), (", holidays: closed", False), (", holidays: open", True)):
        window = f"{{Mon-Fri: 08:00-18:00{more}}}"
        text = f"agreements: {{a: {{borrower: agency-gera, lender: agency-gotha, window: {window}}}}}"
        (agreement,) = load(folder(tmp_path, more=text), NOVEMBER).plan.agreements
        assert calendar.is_open(agreement.window, _at("2027-09-20T10:00")) is open_


def test_holidays_have_names_in_both_languages() -> None:
    """They are shown to people: in German and in English."""
    assert public_holidays("NW", range(2026, 2027))["2026-06-04"] == "Fronleichnam"
    assert public_holidays("NW", range(2026, 2027), "en")["2026-06-04"] == "Corpus Christi"


# ---- callrouter hours


def _sheet(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["hours", str(EXAMPLE), *arguments])


def test_a_month_is_printed_with_its_holidays() -> None:
    """Each day has its spans, holidays their names; weeks are apart; the sum counts hours."""
    result = _sheet("--hotline", "agency-magdeburg", "--month", "2027-01")
    assert result.exit_code == 0
    assert "Januar 2027" in result.output
    assert "\n  Fr   1.  geschlossen  Neujahr\n" in result.output
    assert "\n  Di   5.  08:00-18:00\n  Mi   6.  geschlossen  Heilige Drei Könige\n" in result.output
    assert result.output.endswith("19 Tage geöffnet, 190 Stunden; Feiertage von ST, Uhr von Europe/Berlin\n")


def test_a_month_long_ago_or_far_ahead_has_its_holidays_too() -> None:
    """The sheet is made as of its own month, whatever this day is."""
    for month, name in (("2009-12", "Zweiter Weihnachtstag"), ("2041-12", "Zweiter Weihnachtstag")):
        assert name in _sheet("--hotline", "aachen", "--month", month).output


def test_special_days_and_clock_changes_are_marked(tmp_path: Path) -> None:
    """A special day, a closing day, and 23 and 25 hours on the days of the clock change, by name and by number."""
    where = folder(
        tmp_path,
        more="""
hotlines:
  h:
    title: H
    site: gera
    numbers: 030 23125 000
    teams: agency-gera
    hours: {Sun: 00:00-24:00, holidays: closed, 2026-10-05: closed, "2026-10-06": [09:00-10:00, 11:00-12:30]}
""",
    )
    run = CliRunner().invoke
    text = run(main, ["hours", str(where), "--hotline", "h", "--month", "2026-10", "--lang", "en"]).output
    assert "  Mon  5   closed                    closing day\n" in text
    assert "  Tue  6   09:00-10:00, 11:00-12:30  special day\n" in text
    assert "  Sun 25   00:00-24:00               summer time ends: this day has 25 hours\n" in text
    assert "open on 5 days, 99.5 hours; holidays of TH" in text
    days = json.loads(run(main, ["hours", str(where), "--hotline", "h", "--month", "2026-03", "--json"]).output)["days"]
    assert days[28] == {
        "day": "2026-03-29",
        "weekday": "Sun",
        "spans": ["00:00-24:00"],
        "open_s": 23 * 3600.0,
        "holiday": None,
        "special": False,
        "clock_forward_s": 3600,
    }


def test_a_hotline_or_month_that_is_none_is_told() -> None:
    """The mend is named."""
    assert "hotline 'aachn' does not exist; did you mean 'aachen'?" in _sheet("--hotline", "aachn").output
    assert "is no month; write it like 2026-12" in _sheet("--hotline", "aachen", "--month", "2026-13").output
