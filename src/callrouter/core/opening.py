"""The next opening as sounds: 'on Monday, the thirtieth of November, at eight'. Which sounds those are is said here.

An announcement (`Hotline.say_closed`) holds a mark per language where the time belongs, `next-opening-de`. The mark is
a sound too, 'during our opening hours', for when there is no such time.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from math import inf
from zoneinfo import ZoneInfo

from callrouter.core import calendar
from callrouter.core.plan import Hours

MARK = "next-opening"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def spoken(say: str, hours: Hours | None, now: float) -> str:
    """`say`, sound names joined by `&`, with the parts of the next opening in place of each mark.

    The mark stays where hours have no next opening within a year, and where they are open at `now`: then it is closed
    for another reason, and they do not know until when.
    """
    if MARK not in say or hours is None:
        return say
    is_open, at = calendar.state(hours, now)
    if is_open or at == inf:
        return say
    zone = ZoneInfo(hours.zone)
    today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    opening = datetime.fromtimestamp(at, UTC).astimezone(zone)
    parts = _parts(today, opening)
    sounds: list[str] = []
    for sound in say.split("&"):
        mark, _, language = sound.rpartition("-")
        sounds += [f"{part}-{language}" for part in parts] if mark == MARK else [sound]
    return "&".join(sounds)


def _parts(today: date, opening: datetime) -> tuple[str, ...]:
    """Beyond tomorrow with the date, since 'on Monday' may be a week later than the caller thinks."""
    day, clock = opening.date(), at(opening.hour * 3600 + opening.minute * 60)
    if day == today:
        return ("opening-today", clock)
    if day == today + timedelta(days=1):
        return ("opening-tomorrow", clock)
    return (weekday(day.weekday()), day_of(day.day), month(day.month), clock)


def weekday(number: int) -> str:
    """0 is Monday."""
    return f"opening-{WEEKDAYS[number]}"


def day_of(number: int) -> str:
    return f"opening-day-{number:02}"


def month(number: int) -> str:
    return f"opening-month-{number:02}"


def at(second: int) -> str:
    """A wall-clock time of the day; whole minutes."""
    return f"opening-at-{second // 3600:02}{second // 60 % 60:02}"
