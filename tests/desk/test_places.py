"""The directory: open now, what is special, the search."""

from __future__ import annotations

from datetime import date
from math import inf

import pytest

from callrouter.config.holidays import public_holidays
from callrouter.config.hours import Week, make_hours
from callrouter.core.plan import Span
from callrouter.desk.places import Address, Place, next_holidays, search, special_days, today
from tests.desk.test_workdays import BERLIN, YEARS, at

MORNING = (Span(28_800, 45_000),)
WEEK: Week = {"Mon": MORNING, "Tue": MORNING, "Wed": (), "Thu": MORNING, "Fri": MORNING}


def place(
    name: str, land: str = "ST", postcodes: tuple[str, ...] = (), town: str = "", week: Week | None = None
) -> Place:
    names = {language: public_holidays(land, YEARS, language) for language in ("de", "en")}
    return Place(
        name,
        f"Agentur {name}",
        make_hours(week or WEEK, BERLIN, years=YEARS, holidays=names["de"]),
        Address("Musterstraße 1", "39104", town or name),
        Address("Postfach 1", "39104", town or name),
        f"{name}@x.example",
        None,
        postcodes,
        (("de", "Rampe"),),
        tuple((day, tuple((language, names[language][day]) for language in names)) for day in names["de"]),
    )


def test_open_now_and_until_when() -> None:
    """Within its hours it is open until they end; outside it says when it opens next."""
    one = place("m")
    now = today(one, at("2026-11-23 09:00"), "de")
    assert (now.open_now, now.change_at, now.spans, now.holiday) == (True, at("2026-11-23 12:30"), MORNING, "")
    later = today(one, at("2026-11-24 12:30"), "de")
    assert (later.open_now, later.change_at) == (False, at("2026-11-26 08:00"))


def test_a_holiday_closes_and_is_named_in_both_languages() -> None:
    """On a public holiday of its Land it is closed today, whatever the weekday says."""
    german, english = (today(place("m"), at("2027-01-06 09:00"), language) for language in ("de", "en"))
    assert (german.open_now, german.spans, german.holiday) == (False, (), "Heilige Drei Könige")
    assert english.holiday == "Epiphany"
    assert today(place("g", "TH"), at("2027-01-07 09:00"), "de").holiday == ""


def test_special_days_are_those_that_differ_from_the_week() -> None:
    """Holidays on open days and days of their own are listed for 30 days; a holiday on a closed day changes nothing."""
    one = place("m", week={**WEEK, "12-24": (), "2026-12-28": (Span(36_000, 43_200),)})
    found = [(day.day.isoformat(), day.spans, day.holiday) for day in special_days(one, at("2026-12-23 09:00"), "en")]
    assert found == [
        ("2026-12-24", (), ""),
        ("2026-12-25", (), "Christmas Day"),
        ("2026-12-28", (Span(36_000, 43_200),), ""),
        ("2027-01-01", (), "New Year's Day"),
    ]  # 26 December is a Saturday, 6 January a Wednesday: closed anyhow
    assert special_days(one, at("2026-11-10 09:00"), "de") == []


def test_the_next_holidays_begin_with_today() -> None:
    """Three of them, over New Year, in the language that is asked for."""
    assert next_holidays(place("m"), at("2026-12-26 23:00"), "de") == [
        (date(2026, 12, 26), "Zweiter Weihnachtstag"),
        (date(2027, 1, 1), "Neujahr"),
        (date(2027, 1, 6), "Heilige Drei Könige"),
    ]


def test_a_place_that_never_opens_again_changes_never() -> None:
    """Hours that are over have no next opening."""
    from dataclasses import replace

    one = place("m")
    over = replace(one, hours=replace(one.hours, last_day="2026-11-22"))
    assert today(over, at("2026-11-23 09:00"), "de").change_at == inf


PLACES = [
    place("Magdeburg", postcodes=("391", "39")),
    place("ARGE", postcodes=("391", "3910"), town="Magdeburg"),
    place("Köthen", postcodes=("06",)),
]


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("", ["Magdeburg", "ARGE", "Köthen"]),
        ("39108", ["ARGE", "Magdeburg"]),
        ("39200", ["Magdeburg"]),
        ("0", ["Köthen"]),
        ("99999", []),
        ("magdeburg", ["Magdeburg", "ARGE"]),
        ("arge magde", ["ARGE"]),
        ("KOETHEN", ["Köthen"]),
        ("nirgendwo", []),
    ],
)
def test_search_by_postcode_or_words(typed: str, names: list[str]) -> None:
    """A postcode finds who serves it, the narrowest area first; words find titles and towns, umlauts or not."""
    assert [one.name for one in search(PLACES, typed)] == names


def test_how_it_is_reached_falls_back_to_german() -> None:
    """Better in German than not at all; nothing where nothing is said."""
    assert place("m").reached("en") == "Rampe"
