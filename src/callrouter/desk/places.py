"""The directory for the public: places, whether they are open, what is special in the next days, and the search.

Plain rules over frozen data; knows neither pages nor formats. A place's own hours and its telephone's are two things.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from callrouter.core import calendar
from callrouter.core.plan import Hours, Span
from callrouter.desk.articles import fold

SPECIAL_DAYS = 30
HOLIDAYS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Address:
    """extra: a line above the street ('' = none). street: also a post-office box."""

    street: str
    postcode: str
    town: str
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Telephone:
    """shown: as it is printed. number: E.164 or digits, for a link. hours None: always."""

    hotline: str
    shown: str
    number: str
    hours: Hours | None


@dataclass(frozen=True, slots=True)
class Place:
    """holidays: ISO date to its name per language. postcodes: beginnings of those that it serves.

    access: per language, how it is reached without barriers. telephone None: it has none here, and takes no e-mail by
    the contact form.
    """

    name: str
    title: str
    hours: Hours
    visit: Address
    post: Address
    email: str
    telephone: Telephone | None
    postcodes: tuple[str, ...] = ()
    access: tuple[tuple[str, str], ...] = ()
    holidays: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()

    def reached(self, language: str) -> str:
        """How it is reached without barriers; in German where the language has nothing; '' = nothing is said."""
        return _in(dict(self.access), language)


@dataclass(frozen=True, slots=True)
class Today:
    """Is it open now, what are today's spans, and when does it change next (UTC seconds, inf: never)."""

    open_now: bool
    change_at: float
    spans: tuple[Span, ...]
    holiday: str


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day that is not as its weekday. holiday: its name, '' = none. spans: none = closed."""

    day: date
    spans: tuple[Span, ...]
    holiday: str


def local_day(hours: Hours, now: float) -> date:
    return datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(hours.zone)).date()


def today(place: Place, now: float, language: str) -> Today:
    day = local_day(place.hours, now)
    open_now, change = calendar.state(place.hours, now)
    return Today(open_now, change, calendar.spans_of(place.hours, day), holiday_of(place, day, language))


def holiday_of(place: Place, day: date, language: str) -> str:
    """The public holiday's name; '' = it is none."""
    return _in(dict(dict(place.holidays).get(day.isoformat(), ())), language)


def special_days(place: Place, now: float, language: str, days: int = SPECIAL_DAYS) -> list[SpecialDay]:
    """The coming days, this one included, on which it is open at other times than the week says."""
    first = local_day(place.hours, now)
    found = []
    for day in (first + timedelta(days=i) for i in range(days)):
        spans = calendar.spans_of(place.hours, day)
        if spans != place.hours.weekly[day.weekday()]:
            found.append(SpecialDay(day, spans, holiday_of(place, day, language)))
    return found


def next_holidays(place: Place, now: float, language: str, most: int = HOLIDAYS_SHOWN) -> list[tuple[date, str]]:
    """The public holidays that come, today's included."""
    first = local_day(place.hours, now).isoformat()
    coming = [(iso, names) for iso, names in place.holidays if iso >= first]
    return [(date.fromisoformat(iso), _in(dict(names), language)) for iso, names in coming[:most]]


def search(places: Iterable[Place], text: str) -> list[Place]:
    """By postcode (whose service area it is in, the narrowest first) or by words of title and town. Blank: all."""
    words = fold(text).split()
    every = list(places)
    if not words:
        return every
    if len(words) == 1 and words[0].isdecimal():
        served = [(_served(place, words[0]), place) for place in every]
        return [place for length, place in sorted(served, key=lambda one: -one[0]) if length]
    return [place for place in every if all(word in fold(_words_of(place)) for word in words)]


def _served(place: Place, postcode: str) -> int:
    """How many digits of a served area match; a beginning that was typed matches all that begin so."""
    fits = [one for one in place.postcodes if postcode.startswith(one) or one.startswith(postcode)]
    own = [place.visit.postcode] if place.visit.postcode.startswith(postcode) else []
    return max((min(len(one), len(postcode)) for one in (*fits, *own)), default=0)


def _words_of(place: Place) -> str:
    return " ".join((place.title, place.visit.town, place.visit.postcode, place.post.town))


def _in(texts: Mapping[str, str], language: str, others: Sequence[str] = ("de",)) -> str:
    return next((texts[one] for one in (language, *others) if texts.get(one)), "")
