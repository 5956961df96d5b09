"""How callers are rung back whom nobody could serve: what the files may say of it, and what those callers hear.

All of it is heard before the answer. Texts that the files leave out are said in words of this project, which all
hotlines share.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from callrouter.config.kinds import (
    Clock,
    Count,
    Language,
    Printed,
    Seconds,
    Spoken,
    Week,
    Whole,
    matching,
)
from callrouter.config.model import Model
from callrouter.core.plan import Hours, Span

NIGHT_UNTIL_S, NIGHT_FROM_S = 7 * 3600, 21 * 3600  # nobody is rung at night, whatever the files say
EARLIEST_S, LATEST_S = 8 * 3600, 20 * 3600  # nor, unless they say so, early or late
WORKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri")
SAYS = ("offer", "number", "again", "done", "known")

Key = Annotated[str, matching("[0-9*]", "key to press", "use 0 to 9 or '*'; '#' ends what callers key in")]


class Callback(Model):
    """How callers are rung back: agent's phone first, then the caller's. They hear all this before the answer."""

    offer: Spoken = {}
    """Press this key and we ring you back. Each text may be left out: then a general one is spoken."""
    number: Spoken = {}
    """Asks those who show no usable number for one, with the hash key at its end."""
    again: Spoken = {}
    """It cannot be rung; asks once more."""
    done: Spoken = {}
    """We will ring you back."""
    known: Spoken = {}
    """You are on our list already."""
    digit: Key = "1"
    wait_s: Annotated[Whole, Field(ge=1, le=30)] = 5
    """For a key, after the text."""
    reserve: Count = 1
    """Agents ring callers back only while more than so many of their team are free."""
    tries_max: Annotated[Whole, Field(ge=1, le=20)] = 3
    pause_s: Annotated[Seconds, Field(ge=60)] = 1800.0
    """Between two tries."""
    dial_s: Annotated[Whole, Field(ge=10, le=90)] = 30
    """How long the caller's phone rings."""
    hours: Week | None = None
    """When callers may be rung, by the site's clock, never before 07:00 or after 21:00; without it the hotline's hours,
    from 08:00 to 20:00."""
    due_days: Annotated[Whole, Field(ge=1, le=30)] = 2
    """Due on this working day of the site's Land; the day of the call does not count."""
    due_at: Clock = 64_800
    """And at this time, 18:00 unless set."""
    shows: Printed | None = None
    """The number that the caller sees; without it the hotline's first."""
    unreached_max: Annotated[Count, Field(le=10_000)] = 500
    """Callers who gave up without asking are listed, so many at once; 0: none."""


def default_texts(callback: Callback) -> dict[str, dict[Language, str]]:
    """What is said where the files say nothing."""
    return {
        "offer": {
            "de": f"Im Moment ist leider niemand für Sie frei. Wenn wir Sie zurückrufen sollen, drücken Sie die "
            f"{_key('de', callback.digit)}. Dieser Anruf kostet nichts.",
            "en": f"Nobody is free for you at the moment, we are sorry. If you want us to ring you back, press "
            f"{_key('en', callback.digit)}. This call is free.",
        },
        "number": {
            "de": "Bitte geben Sie mit Vorwahl die Nummer ein, unter der wir Sie erreichen, und danach die Rautetaste.",
            "en": "Please key in the number at which we can reach you, with its area code, and then the hash key.",
        },
        "again": {
            "de": "Diese Nummer können wir nicht anrufen. Bitte geben Sie sie noch einmal mit Vorwahl ein, und danach "
            "die Rautetaste.",
            "en": "We cannot ring this number. Please key it in once more, with its area code, and then the hash key.",
        },
        "done": {
            "de": "Vielen Dank. Wir rufen Sie zurück, sobald jemand frei ist. Auf Wiederhören.",
            "en": "Thank you. We will ring you back as soon as somebody is free. Goodbye.",
        },
        "known": {
            "de": "Sie stehen schon auf unserer Liste. Wir rufen Sie zurück, sobald jemand frei ist. Auf Wiederhören.",
            "en": "You are on our list already. We will ring you back as soon as somebody is free. Goodbye.",
        },
    }


def may_ring(hours: Hours | None, zone: str, working: Hours) -> Hours:
    """When callers of a hotline with these hours may be rung, if the files do not say: neither early nor late.

    Callers of a hotline that never closes: from Monday to Saturday, holidays excepted.
    """
    if hours is None:
        day = (Span(EARLIEST_S, LATEST_S),)
        return Hours(zone, (*(day,) * 6, ()), working.days)
    return Hours(
        hours.zone,
        tuple(_by_day(spans) for spans in hours.weekly),
        tuple((day, _by_day(spans)) for day, spans in hours.days),
        hours.first_day,
        hours.last_day,
    )


def at_night(spans: tuple[Span, ...]) -> bool:
    return any(span.from_s < NIGHT_UNTIL_S or span.to_s > NIGHT_FROM_S for span in spans)


def _by_day(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    cut = (Span(max(span.from_s, EARLIEST_S), min(span.to_s, LATEST_S)) for span in spans)
    return tuple(span for span in cut if span.from_s < span.to_s)


_KEYS = "0123456789*"
_NAMES: dict[Language, tuple[str, ...]] = {
    "de": (
        *("Null", "Eins", "Zwei", "Drei", "Vier", "Fünf", "Sechs", "Sieben", "Acht", "Neun"),
        "Sterntaste",
    ),
    "en": (
        *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
        "star",
    ),
}


def _key(language: Language, digit: str) -> str:
    return _NAMES[language][_KEYS.index(digit)]
