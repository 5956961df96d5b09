"""A place's opening hours as a calendar that people subscribe to (RFC 5545): weekly events and what is special."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from callrouter.core.calendar import spans_of
from callrouter.core.plan import Span
from callrouter.desk.places import Place, SpecialDay, local_day, special_days
from callrouter.i18n import Texts

YEAR_DAYS = 366
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def calendar_of(place: Place, now: float, texts: Texts) -> bytes:
    """The hours from this week on, and the special days of the next year."""
    made = Calendar()
    made.add("prodid", "-//callrouter//standorte//DE")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", place.title)
    made.add("x-wr-timezone", place.hours.zone)
    made.add("refresh-interval", timedelta(days=1), parameters={"value": "DURATION"})
    first = local_day(place.hours, now)
    special = special_days(place, now, texts.language, YEAR_DAYS)
    stamp = datetime.fromtimestamp(now, UTC).replace(microsecond=0)
    for weekday in range(7):
        for span in place.hours.weekly[weekday]:
            made.add_component(_weekly(place, weekday, span, first, special, stamp, texts("Geöffnet")))
    for one in special:
        for event in _special(place, one, stamp, texts):
            made.add_component(event)
    made.add_missing_timezones(first - timedelta(days=YEAR_DAYS), first + timedelta(days=5 * YEAR_DAYS))
    return bytes(made.to_ical())


def _weekly(
    place: Place, weekday: int, span: Span, first: date, special: list[SpecialDay], stamp: datetime, title: str
) -> Event:
    day = first + timedelta(days=(weekday - first.weekday()) % 7)
    event = _event(place, f"{WEEKDAYS[weekday]}-{span.from_s}", day, span, title, stamp)
    event.add("rrule", {"freq": "weekly", "byday": WEEKDAYS[weekday]})
    gone = [one.day for one in special if one.day.weekday() == weekday]
    if gone:
        event.add("exdate", [_at(place, one, span.from_s) for one in gone])
    return event


def _special(place: Place, one: SpecialDay, stamp: datetime, texts: Texts) -> list[Event]:
    """Other hours, or a day on which it is closed."""
    spans = spans_of(place.hours, one.day)
    if spans:
        title = texts("Geöffnet (Sonderzeit)")
        return [_event(place, f"{one.day}-{span.from_s}", one.day, span, title, stamp) for span in spans]
    event = Event()
    event.add("uid", f"{place.name}-{one.day}@callrouter")
    event.add("dtstamp", stamp)
    event.add("dtstart", one.day)
    event.add("dtend", one.day + timedelta(days=1))
    closed = texts("Geschlossen") + (f": {one.holiday}" if one.holiday else "")
    event.add("summary", f"{place.title}: {closed}")
    event.add("transp", "TRANSPARENT")
    return [event]


def _event(place: Place, id_: str, day: date, span: Span, title: str, stamp: datetime) -> Event:
    event = Event()
    event.add("uid", f"{place.name}-{id_}@callrouter")
    event.add("dtstamp", stamp)
    event.add("dtstart", _at(place, day, span.from_s))
    event.add("dtend", _at(place, day, span.to_s))
    event.add("summary", f"{place.title}: {title}")
    event.add("location", f"{place.visit.street}, {place.visit.postcode} {place.visit.town}")
    event.add("transp", "TRANSPARENT")
    return event


def _at(place: Place, day: date, second: int) -> datetime:
    """By the wall clock of the place; 24:00 is the next midnight."""
    day, second = day + timedelta(days=second // 86_400), second % 86_400
    return datetime.combine(day, time(second // 3600, second // 60 % 60), ZoneInfo(place.hours.zone))
