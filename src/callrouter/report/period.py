"""The days that a report is about, by the wall clock of a zone, cut into half hours.

A half hour is known by the instant it begins, so the 23 or 25 hours of the day of a clock change come out right: it has
46 or 50 of them, and two are called 02:00 when the clock is put back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from callrouter.core.calendar import instant

HALF_HOUR_S = 1800
DAYS_MAX = 31


class NoPeriod(ValueError):
    """The text names no day, week or month; it says how to write one."""


@dataclass(frozen=True, slots=True)
class Period:
    """kind: day, week, month. first, last: local dates, both included."""

    kind: str
    first: date
    last: date

    def days(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def bounds(self, zone: str) -> tuple[float, float]:
        """UTC seconds [start, end): from the first midnight to the one after the last day."""
        there = ZoneInfo(zone)
        return instant(there, self.first, 0), instant(there, self.last, 86_400)

    def half_hours(self, zone: str) -> Iterator[float]:
        """When each half hour begins, UTC seconds."""
        at, end = self.bounds(zone)
        while at < end:
            yield at
            at += HALF_HOUR_S


def half_hour_of(at: float) -> float:
    """The half hour in which an instant lies. Zones are whole half hours off UTC, as all of Europe's are."""
    return at - at % HALF_HOUR_S


def local(at: float, zone: str) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone))


def day(text: str, today: date) -> Period:
    """`today`, `yesterday` or 2026-11-23. Raises NoPeriod, as all of these."""
    known = {"today": today, "yesterday": today - timedelta(days=1)}
    one = known.get(text) or _date(text, f"'{text}' is no day; write it like 2026-11-23, or today, or yesterday")
    return Period("day", one, one)


def week(text: str, today: date) -> Period:
    """`this`, `last` or 2026-W48: Monday to Sunday, weeks as ISO 8601 counts them."""
    monday = today - timedelta(days=today.weekday())
    known = {"this": monday, "last": monday - timedelta(days=7)}
    first = known.get(text)
    if first is None:
        match = re.fullmatch(r"(\d{4})-W(\d{2})", text)
        try:
            first = date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else None
        except ValueError:
            first = None
    if first is None:
        raise NoPeriod(f"'{text}' is no week; write it like 2026-W48, or this, or last")
    return Period("week", first, first + timedelta(days=6))


def month(text: str, today: date) -> Period:
    """`this`, `last` or 2026-11."""
    this = today.replace(day=1)
    known = {"this": this, "last": (this - timedelta(days=1)).replace(day=1)}
    wrong = f"'{text}' is no month; write it like 2026-11, or this, or last"
    first = known.get(text) or _date(f"{text}-01", wrong)
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return Period("month", first, following - timedelta(days=1))


def _date(text: str, wrong: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) or not "1970" < text[:4] < "2999":
        raise NoPeriod(wrong)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NoPeriod(wrong) from None
