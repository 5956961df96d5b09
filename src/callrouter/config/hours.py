"""Weekly hours as people write them (`Mon-Fri: 08:00-18:00`, `12-24: closed`), and when they are open at all.

Turns text into `core.plan.Hours`, in which every day that differs from the week is a date: public holidays and days
that return each year are written out for the years that the caller names. Which instant is open is
`core/calendar.py`'s business, and which days are holidays is `holidays.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import pairwise

from callrouter.core.plan import Hours, Span

DASH = "–"  # which word processors make of a hyphen
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOLIDAYS = "holidays"
DAY_S = 86_400
ALL_DAY = (Span(0, DAY_S),)
LONGEST_DAYS = 366  # of a range of dates; more is a slip of the year

Spans = tuple[Span, ...]
Week = Mapping[str, Spans | None]
"""What a key names (`days_of`) to its spans. None, for holidays only: they are days like others."""

_SPAN = re.compile(r"(\d\d?):(\d\d)\s*[-–]\s*(\d\d?):(\d\d)")
_TIME = re.compile(r"(\d\d?):(\d\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_YEARLY = re.compile(r"\d\d-\d\d")


class HoursError(ValueError):
    """`what` is wrong and the `mend`; key: the entry it concerns ('' = the one being read)."""

    def __init__(self, what: str, mend: str, key: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.mend = mend
        self.key = key


def days_of(key: str) -> tuple[str, ...]:
    """What a key names: weekdays ('Mon'), dates ('2026-12-24'), days of each year ('12-24') or 'holidays'."""
    if key == HOLIDAYS:
        return (HOLIDAYS,)
    if key[:1].isdecimal():
        return _dates(key)
    named: list[str] = []
    for part in re.split(r"\s*,\s*", key.strip()):
        first, dash, last = (bit.strip() for bit in part.replace(DASH, "-").partition("-"))
        for word in (first, last) if dash else (first,):
            if word not in DAYS:
                mend = f"use {', '.join(DAYS)}, {HOLIDAYS}, or a date like 2026-12-24 or 12-24 (each year)"
                raise HoursError(f"'{word}' is no weekday", mend)
        low = DAYS.index(first)
        high = DAYS.index(last) if dash else low
        if high < low:
            raise HoursError(f"'{part}' runs backwards", f"write '{last}-{first}', or the days with commas")
        named += DAYS[low : high + 1]
    return tuple(named)


def _dates(key: str) -> tuple[str, ...]:
    """One date or a range `first..last`, of one year (2026-12-24) or of each (12-24)."""
    first, dots, last = (bit.strip() for bit in key.partition(".."))
    ends = (first, last) if dots else (first, first)
    yearly = all(_YEARLY.fullmatch(end) for end in ends)
    if not yearly and not all(_DATE.fullmatch(end) for end in ends):
        raise HoursError(f"'{key}' is no date", "write it like 2026-12-24, 12-24 (each year) or 2026-12-27..2026-12-31")
    # a day of each year is looked at in a leap year, and one that ends before it begins goes over New Year
    begin, end = (iso_date(f"2000-{day}" if yearly else day, day) for day in ends)
    if yearly and end < begin:
        end = iso_date(f"2001-{ends[1]}", ends[1])
    if end < begin or (end - begin).days >= LONGEST_DAYS:
        raise HoursError(f"'{key}' runs backwards, or over more than a year", "write it like 2026-12-27..2026-12-31")
    days = [(begin + timedelta(days=i)).isoformat() for i in range((end - begin).days + 1)]
    return tuple(day[5:] if yearly else day for day in days)


def iso_date(text: str, shown: str = "") -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not 1970 <= day.year < 3000:
        raise HoursError(
            f"'{shown or text}' is no date", f"write it like {'12-24' if len(shown) == 5 else '2026-12-24'}"
        )
    return day


def clock_of(text: object) -> int:
    """Seconds after midnight of a time such as 18:00."""
    match = _TIME.fullmatch(text.strip()) if isinstance(text, str) else None
    hour, minute = map(int, match.groups()) if match else (99, 0)
    if minute > 59 or hour * 60 + minute > 24 * 60:
        raise HoursError(f"'{text}' is no time of the day", "write it like 18:00")
    return hour * 3600 + minute * 60


def spans_of(texts: list[str]) -> tuple[Span, ...]:
    """Spans of one day, sorted. 'closed' alone is none."""
    if texts == ["closed"]:
        return ()
    spans: list[Span] = []
    for text in texts:
        match = _SPAN.fullmatch(text.strip())
        if match is None:
            raise HoursError(f"'{text}' is no span of time", "write it like 08:00-18:00, or closed")
        from_h, from_m, to_h, to_m = (int(group) for group in match.groups())
        from_s, to_s = from_h * 3600 + from_m * 60, to_h * 3600 + to_m * 60
        if from_m > 59 or to_m > 59 or to_s > DAY_S or from_s >= DAY_S:
            raise HoursError(f"'{text}' names a time that no day has", "use 00:00 to 24:00")
        if from_s >= to_s:
            raise HoursError(f"'{text}' ends before it begins", "split it at midnight: 22:00-24:00 and 00:00-06:00")
        spans.append(Span(from_s, to_s))
    spans.sort(key=lambda span: span.from_s)
    for before, after in pairwise(spans):
        if after.from_s < before.to_s:
            raise HoursError("two spans of one day overlap", "join them")
    return tuple(spans)


def make_hours(
    entries: Week,
    zone: str,
    first_day: str = "",
    last_day: str = "",
    *,
    years: range = range(0),
    holidays: Iterable[str] = (),
) -> Hours:
    """Refuses a day that is named twice. holidays: ISO dates, closed unless the entries say otherwise.

    A date goes before a day of each year, that before a holiday, and that before the weekday.
    """
    weekly: dict[str, Spans] = {}
    yearly: dict[str, Spans] = {}
    dates: dict[str, Spans] = {}
    named: dict[str, str] = {}
    on_holidays: Spans | None = ()
    for key, spans in entries.items():
        if key == HOLIDAYS:
            on_holidays = spans
            continue
        if spans is None:
            raise HoursError(f"'{key}' is open, but when?", "write 08:00-18:00; 'open' is for holidays only", key)
        for day in days_of(key):
            if day in named:
                raise HoursError(f"'{key}' names {day} again, after '{named[day]}'", "name each day once", key)
            named[day] = key
            (weekly if day in DAYS else yearly if len(day) == 5 else dates)[day] = spans
    days = {} if on_holidays is None else dict.fromkeys(holidays, on_holidays)
    days |= {f"{year}-{day}": spans for year in years for day, spans in yearly.items() if day != "02-29" or _leap(year)}
    days |= dates
    return Hours(
        zone=zone,
        weekly=tuple(weekly.get(day, ()) for day in DAYS),
        days=tuple(sorted(days.items())),
        first_day=first_day,
        last_day=last_day,
    )


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def ever_open(hours: Hours) -> bool:
    """Is there any instant, ever, at which these hours are open?"""
    first = date.fromisoformat(hours.first_day) if hours.first_day else None
    last = date.fromisoformat(hours.last_day) if hours.last_day else None
    special = dict(hours.days)
    for special_day, spans in hours.days:
        if spans and hours.first_day <= special_day <= (hours.last_day or "9999-12-31"):
            return True
    if first is None or last is None:
        return any(hours.weekly)
    # a week shows each weekday once; further days only matter when special days closed the earlier ones
    day, stop = first, min(last, first + timedelta(days=7 * (len(special) + 1)))
    while day <= stop:
        if day.isoformat() not in special and hours.weekly[day.weekday()]:
            return True
        day += timedelta(days=1)
    return False


def meet(one: Hours | None, other: Hours | None) -> bool:
    """May both be open at one instant? None is always open. By weekdays and date bounds; special days are left out."""
    if one is None or other is None:
        return True
    if one.zone == other.zone and not any(
        a.from_s < b.to_s and b.from_s < a.to_s
        for mine, theirs in zip(one.weekly, other.weekly, strict=True)
        for a in mine
        for b in theirs
    ):
        return False
    last = min(h.last_day for h in (one, other) if h.last_day) if one.last_day or other.last_day else ""
    return not last or max(one.first_day, other.first_day) <= last
