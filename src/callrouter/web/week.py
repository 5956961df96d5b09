"""Opening hours in words: `Mo–Di` with `08:00–12:30` and `13:30–16:00`."""

from __future__ import annotations

from itertools import groupby

from callrouter.core.plan import Hours, Span
from callrouter.i18n import Texts


def clock(second: int) -> str:
    """08:00; 24:00 for the end of the day."""
    return f"{second // 3600:02}:{second // 60 % 60:02}"


def spans_in_words(spans: tuple[Span, ...], texts: Texts) -> list[str]:
    return [f"{clock(one.from_s)}–{clock(one.to_s)}" for one in spans] or [texts("geschlossen")]


def week_in_words(hours: Hours | None, texts: Texts) -> list[tuple[str, list[str]]]:
    """(days, times), days with the same times together; None: always."""
    if hours is None:
        return [(texts("täglich"), [texts("rund um die Uhr")])]
    lines = []
    for spans, days in groupby(range(7), key=lambda day: hours.weekly[day]):
        named = list(days)
        first, last = texts.weekday(named[0]), texts.weekday(named[-1])
        lines.append((first if len(named) == 1 else f"{first}–{last}", spans_in_words(spans, texts)))
    return lines
