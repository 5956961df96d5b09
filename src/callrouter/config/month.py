"""One month of a hotline's opening hours, day by day, and what is peculiar about a day. Prints nothing."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from callrouter.config.holidays import public_holidays
from callrouter.config.hours import ALL_DAY, DAYS, HOLIDAYS, days_of
from callrouter.config.load import Loaded
from callrouter.core import calendar
from callrouter.core.plan import Span


@dataclass(frozen=True, slots=True)
class Day:
    """spans: by the wall clock. open_s: what they last, which on the day of a clock change is not what they show.

    holiday: its name ('' = none), also when the hotline is open. special: the files name this very day.
    clock_s: by how much the clock is put forward on this day (3600 or -3600; 0 = not).
    """

    day: date
    spans: tuple[Span, ...]
    open_s: float
    holiday: str = ""
    special: bool = False
    clock_s: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    hotline: str
    title: str
    site: str
    land: str
    zone: str
    days: tuple[Day, ...]


def sheet(loaded: Loaded, hotline: str, year: int, month: int, language: str = "de") -> Sheet:
    """The hotline must be in the configuration, and the month in a year for which that was loaded."""
    one = next(each for each in loaded.plan.hotlines if each.name == hotline)
    site = loaded.network.sites[one.site]
    week = loaded.network.hotlines[hotline].hours or {}
    named = {day for key in week if key != HOLIDAYS for day in days_of(key) if day not in DAYS}
    holidays = public_holidays(site.land, range(year, year + 1), language)
    days = []
    for number in range(1, monthrange(year, month)[1] + 1):
        day = date(year, month, number)
        iso = day.isoformat()
        start, end = _midnight(day, site.zone), _midnight(day + timedelta(days=1), site.zone)
        days.append(
            Day(
                day=day,
                spans=ALL_DAY if one.hours is None else calendar.spans_of(one.hours, day),
                open_s=calendar.open_s(one.hours, start, end),
                holiday=holidays.get(iso, ""),
                special=iso in named or iso[5:] in named,
                clock_s=round(86_400 - (end - start)),
            )
        )
    return Sheet(hotline, one.title, one.site, site.land, site.zone, tuple(days))


def _midnight(day: date, zone: str) -> float:
    return datetime.combine(day, time(), ZoneInfo(zone)).timestamp()
