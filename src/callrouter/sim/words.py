"""What figures are called on pages, in German and English."""

from __future__ import annotations

from callrouter.sim.page import Text

FIGURES: dict[str, Text] = {
    "offered": ("Anrufe", "Calls"),
    "within": ("im Ziel", "in time"),
    "answered": ("angenommen", "answered"),
    "busied": ("besetzt", "busy"),
    "abandoned": ("aufgelegt", "gave up"),
    "wait_s": ("Wartezeit s", "Wait s"),
    "demands_within": ("Anliegen im Ziel", "Callers in time"),
    "first_attempt": ("beim 1. Versuch", "at first try"),
    "reached": ("am Ende erreicht", "reached in the end"),
    "overflow": ("übergelaufen", "overflowed"),
    "overflow_min": ("Überlauf min", "Overflow min"),
    "closed": ("geschlossen", "turned away (closed)"),
    "calls": ("Anrufe", "Calls"),
    "occupancy": ("Auslastung", "Occupancy"),
    "on_duty_h": ("Dienst h", "On duty h"),
    "lent_calls": ("für andere", "For others"),
    "lent_min": ("für andere min", "For others min"),
    "minutes": ("Minuten", "Minutes"),
}
PARTS: dict[str, Text] = {
    "hotlines": ("Hotlines", "Hotlines"),
    "teams": ("Teams", "Teams"),
    "agreements": ("Vereinbarungen", "Agreements"),
}
TOTAL: Text = ("zusammen", "together")
MEANING: Text = (
    "„Im Ziel“: innerhalb der Zielzeit angenommen, von allen Anrufen in der Öffnungszeit; Besetzt und Aufgelegt zählen "
    "mit. "
    "Ein Anliegen sind alle Versuche eines Anrufers innerhalb des Wiederwahlfensters (ITU-T E.600). "
    "Wer anruft, wenn geschlossen ist, zählt nur unter „geschlossen“. "
    "± ist das 95-%-Intervall über die Läufe.",
    "“In time”: answered within the target, of all calls in opening hours; busy and given-up ones count. "
    "A caller's wish is all his attempts within the redial window (ITU-T E.600). "
    "Who calls while it is closed counts as turned away only. "
    "± is the 95 % interval over the runs.",
)
TOGETHER: Text = (
    "In Sätzen ist das Intervall so viel weiter, dass alle zusammen gelten.",
    "In sentences the interval is so much wider that all of them hold together.",
)


def number(value: float, digits: int) -> Text:
    """German and English marks."""
    english = f"{value:,.{digits}f}".replace("-", "−")
    return english.translate(str.maketrans(",.", ".,")), english
