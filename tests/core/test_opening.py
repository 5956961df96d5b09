"""The next opening is said so that a caller cannot mistake the day."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from callrouter.core import opening
from callrouter.core.plan import Hours, Span

OFFICE = Hours(
    "Europe/Berlin",
    (*((Span(8 * 3600, 18 * 3600),),) * 4, (Span(8 * 3600, 12 * 3600), Span(13 * 3600 + 1800, 18 * 3600)), (), ()),
    days=(*((f"2026-12-{day}", ()) for day in range(24, 32)), ("2027-01-01", ())),
)
SAY = "h-closed-de&next-opening-de"


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


@pytest.mark.parametrize(
    ("now", "parts"),
    [
        ("2026-11-23T07:59:59", "opening-today-de&opening-at-0800-de"),
        ("2026-11-23T18:00", "opening-tomorrow-de&opening-at-0800-de"),
        ("2026-11-27T12:00", "opening-today-de&opening-at-1330-de"),
        ("2026-11-27T18:00", "opening-mon-de&opening-day-30-de&opening-month-11-de&opening-at-0800-de"),
        ("2026-12-23T20:00", "opening-mon-de&opening-day-04-de&opening-month-01-de&opening-at-0800-de"),
        ("2026-03-28T20:00", "opening-mon-de&opening-day-30-de&opening-month-03-de&opening-at-0800-de"),
        ("2026-03-29T23:59:59", "opening-tomorrow-de&opening-at-0800-de"),
    ],
)
def test_the_mark_becomes_the_day_and_the_time(now: str, parts: str) -> None:
    """Today, tomorrow, or the weekday with its date, by the wall clock: over Christmas and the clock change as well."""
    assert opening.spoken(SAY, OFFICE, at(now)) == f"h-closed-de&{parts}"


def test_each_language_has_its_own_parts() -> None:
    """Every mark is replaced in its language; other sounds stay where they are."""
    say = "h-closed-de&next-opening-de&h-closed-en&next-opening-en"
    assert opening.spoken(say, OFFICE, at("2026-11-23T07:00")) == (
        "h-closed-de&opening-today-de&opening-at-0800-de&h-closed-en&opening-today-en&opening-at-0800-en"
    )


def test_without_a_next_opening_the_mark_stays() -> None:
    """The mark is a sound by itself: where hours end for good, or are open though the hotline is closed otherwise."""
    over = Hours(OFFICE.zone, OFFICE.weekly, last_day="2026-11-20")
    assert opening.spoken(SAY, over, at("2026-11-23T07:00")) == SAY
    assert opening.spoken(SAY, OFFICE, at("2026-11-23T09:00")) == SAY
    assert opening.spoken(SAY, None, at("2026-11-23T09:00")) == SAY
    assert opening.spoken("h-closed-de", OFFICE, at("2026-11-23T07:00")) == "h-closed-de"
    assert opening.spoken("", OFFICE, at("2026-11-23T07:00")) == ""
