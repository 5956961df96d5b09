"""Wall-clock words become instants here and nowhere else: is it open now, and until when?

Hours are by the local wall clock of their zone, so a span on the day of a clock change is an hour shorter or longer in
seconds. A local time that the change skips is read as the instant that the old offset gives it (PEP 495, fold 0).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from math import inf
from zoneinfo import ZoneInfo

from callrouter.core.plan import Hours, Span

HORIZON_DAYS = 400  # hours that do not change within a year do not change


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def instant(zone: ZoneInfo, day: date, second: int) -> float:
    """UTC seconds of a local wall-clock second of a day; 86,400 is the next midnight."""
    if second >= 86_400:
        day, second = day + timedelta(days=1), second - 86_400
    wall = time(second // 3600, second // 60 % 60, second % 60)
    return datetime.combine(day, wall, zone).timestamp()


def spans_of(hours: Hours, day: date) -> tuple[Span, ...]:
    """The spans that hold on this local day, sorted as configured."""
    iso = day.isoformat()
    if (hours.first_day and iso < hours.first_day) or (hours.last_day and iso > hours.last_day):
        return ()
    for special, spans in hours.days:
        if special == iso:
            return spans
    return hours.weekly[day.weekday()]


def _intervals(hours: Hours, day: date) -> Iterator[tuple[float, float]]:
    """Open intervals from this local day on, in UTC seconds, touching ones joined."""
    zone = _zone(hours.zone)
    start = end = -inf
    for offset in range(HORIZON_DAYS):
        today = day + timedelta(days=offset)
        for span in sorted(spans_of(hours, today), key=lambda s: s.from_s):
            begin, stop = instant(zone, today, span.from_s), instant(zone, today, span.to_s)
            if begin <= end:
                end = max(end, stop)
                continue
            if end > start:
                yield start, end
            start, end = begin, stop
    if end > start:
        yield start, end


def state(hours: Hours | None, now: float) -> tuple[bool, float]:
    """(open at `now`?, the instant this changes next; inf: not within the horizon). None is always open."""
    if hours is None:
        return True, inf
    today = datetime.fromtimestamp(now, UTC).astimezone(_zone(hours.zone)).date()
    for start, end in _intervals(hours, today - timedelta(days=1)):
        if now < start:
            return False, start
        if now < end:
            return True, end
    return False, inf


def is_open(hours: Hours | None, now: float) -> bool:
    """Is it open at this instant? Spans are [from, to)."""
    return state(hours, now)[0]


def next_opening(hours: Hours | None, now: float) -> float:
    """The instant it opens next; `now` if it is open; inf if not within the horizon."""
    open_now, change = state(hours, now)
    return now if open_now else change


def open_s(hours: Hours | None, start: float, end: float) -> float:
    """Seconds in [start, end) during which it is open."""
    at, total = start, 0.0
    while at < end:
        open_now, change = state(hours, at)
        until = min(change, end)
        total += until - at if open_now else 0.0
        at = until
    return total


def end(hours: Hours) -> float:
    """The midnight after its last day; inf: it has none."""
    return instant(_zone(hours.zone), date.fromisoformat(hours.last_day), 86_400) if hours.last_day else inf


def due_at(hours: Hours, since: float, days: int, at_s: int) -> float:
    """`at_s` seconds into the working day that comes `days` after the day of `since`; inf: not within the horizon.

    A working day is one with any hours at all; the day of `since` does not count, whatever its hour.
    """
    zone = _zone(hours.zone)
    day = datetime.fromtimestamp(since, UTC).astimezone(zone).date()
    for _ in range(HORIZON_DAYS):
        day += timedelta(days=1)
        days -= bool(spans_of(hours, day))
        if days <= 0:
            return instant(zone, day, at_s)
    return inf
