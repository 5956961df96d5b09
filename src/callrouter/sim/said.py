"""What a change does, in the words of whoever is told: German and English."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from callrouter.sim.changes import Change
from callrouter.sim.page import Text
from callrouter.sim.words import number

_GERMAN = {
    "for": "für", "at": "ab", "from": "ab", "until": "bis", "holidays": "an Feiertagen",
    "Mon": "Mo", "Tue": "Di", "Wed": "Mi", "Thu": "Do", "Fri": "Fr", "Sat": "Sa", "Sun": "So",
}  # fmt: skip
_SETTERS = ("agreement", "hotline")


def said(changes: Sequence[Change]) -> Text:
    """In German words before a colon, in English the subject of a sentence."""
    each = [_said(change) for change in changes]
    return _upper(_listed([de for de, _ in each], "und")), _upper(_listed([en for _, en in each], "and"))


def _listed(parts: Sequence[str], conjunction: str) -> str:
    *most, last = parts
    return f"{', '.join(most)} {conjunction} {last}" if most else last


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _said(change: Change) -> Text:
    de, en = _WHAT.get((change.kind, change.what), _set)(change)
    words = change.text.split()[4 if change.what in _LONGER or change.what == "calls" else 3 :]
    if not words:
        return de, en
    german = [_GERMAN.get(word) or "–".join(_GERMAN.get(part, part) for part in _parts(word)) for word in words]
    english = ["from" if word == "at" else word for word in words]
    return f"{de} ({' '.join(german)})", f"{en} ({' '.join(english)})"


def _parts(word: str) -> list[str]:
    """Of a span of days or times; names and dates stay whole."""
    first, dash, last = word.partition("-")
    return [first, last] if dash and (first in _GERMAN or ":" in first) else [word]


def _set(change: Change) -> Text:
    """A setting, as the files name it."""
    assert change.kind in _SETTERS
    value = "none" if change.value is None else f"{change.value:.10g}"
    lender = (f" für {change.of_team}", f" for {change.of_team}") if change.of_team else ("", "")
    de, en = {"agreement": ("Vereinbarung", "in"), "hotline": ("Hotline", "at")}[change.kind]
    setting = f"{change.what}={value}"
    return (
        f"{de} {change.name} mit {setting}{lender[0]}",
        f"setting {setting}{lender[1]} {en} the {change.kind} {change.name}",
    )


def _team(change: Change) -> Text:
    many = int(change.value or 0)
    people = ("Person" if many == 1 else "Leute", "person" if many == 1 else "people")
    more = {"+": (" mehr", " more"), "-": (" weniger", " fewer"), "=": ("", "")}[change.sign]
    return f"{many} {people[0]}{more[0]} in {change.name}", f"having {many}{more[1]} {people[1]} in {change.name}"


def _percent(change: Change) -> tuple[Text, bool]:
    """How much, and is it more?"""
    share = (change.value or 0.0) * 100 - 100
    digits = 0 if abs(share - round(share)) < 1e-6 else 1
    de, en = number(abs(share), digits)
    return (f"{de} %", f"{en} %"), share >= 0


def _calls(change: Change) -> Text:
    (de, en), more = _percent(change)
    return (
        f"{de} {'mehr' if more else 'weniger'} Anrufe bei {change.name}",
        f"having {en} {'more' if more else 'fewer'} calls at {change.name}",
    )


_LONGER: Mapping[str, tuple[Text, tuple[Text, Text]]] = {
    "talk": (
        ("Gespräche bei", "having conversations at"),
        (("länger", "last {} longer"), ("kürzer", "last {} shorter")),
    ),
    "wrap_up": (
        ("Nachbearbeitung bei", "having wrap-up at"),
        (("länger", "last {} longer"), ("kürzer", "last {} shorter")),
    ),
    "patience": (
        ("Anrufer von", "having callers of"),
        (("geduldiger", "be {} more patient"), ("ungeduldiger", "be {} less patient")),
    ),
}


def _longer(change: Change) -> Text:
    (de, en), more = _percent(change)
    who, ways = _LONGER[change.what]
    how = ways[0 if more else 1]
    return f"{who[0]} {change.name} {de} {how[0]}", f"{who[1]} {change.name} {how[1].format(en)}"


_WHAT: Mapping[tuple[str, str], Callable[[Change], Text]] = {
    ("agreement", "on"): lambda c: (f"Vereinbarung {c.name} an", f"switching the agreement {c.name} on"),
    ("agreement", "off"): lambda c: (f"Vereinbarung {c.name} aus", f"switching the agreement {c.name} off"),
    ("team", "agents"): _team,
    ("hotline", "calls"): _calls,
    ("hotline", "closed"): lambda c: (f"Hotline {c.name} geschlossen", f"closing the hotline {c.name}"),
    ("hotline", "pooled"): lambda c: (f"Hotline {c.name} statt Durchwahlen", f"pooling the desks of {c.name}"),
    ("site", "down"): lambda c: (f"Standort {c.name} ohne Verbindung", f"losing the link of the site {c.name}"),
    ("site", "up"): lambda c: (f"Standort {c.name} wieder mit Verbindung", f"having the site {c.name} back"),
    **{("hotline", what): _longer for what in _LONGER},
}
