"""The router's reasons in German. It gives them in English, with names and numbers in them; the journal keeps them so.

One line for each form of a reason. What no line fits is shown as the router said it; a test finds such reasons.
"""

from __future__ import annotations

import re
from functools import lru_cache

_GERMAN: tuple[tuple[str, str], ...] = (
    # ---- whom an agreement lets have a call
    ("agreement off", "Vereinbarung AUS"),
    ("outside the agreement's hours", "außerhalb der Zeiten der Vereinbarung"),
    ("cap reached ({n} of {most} calls)", "Grenze erreicht ({n} von {most} Anrufen)"),
    ("only {n} free in {team}, reserve is {reserve}", "nur {n} frei in {team}, Reserve ist {reserve}"),
    ("nobody free in {team}", "niemand frei in {team}"),
    (
        "{team} itself answers {share} within target, needs {need}",
        "{team} erreicht selbst nur {share} rechtzeitig, verlangt sind {need}",
    ),
    ("only after {s} s of waiting", "erst nach {s} s Wartezeit"),
    ("trunk from {site} to {peer} down", "Leitung von {site} nach {peer} unterbrochen"),
    # ---- who gets a call, and why
    (
        "overflow by {name}: nobody free in {own}; {n} free in {lender}, reserve {reserve}, "
        "borrowed {lent} of {most}; {how}",
        "Überlauf nach {name}: niemand frei in {own}; {n} frei in {lender}, Reserve {reserve}, "
        "geliehen {lent} von {most}; {how}",
    ),
    (
        "overflow by {name}: nobody free in {own}; {n} free in {lender}, reserve {reserve}; {how}",
        "Überlauf nach {name}: niemand frei in {own}; {n} frei in {lender}, Reserve {reserve}; {how}",
    ),
    ("{team} who could take it", "{team}, der ihn annehmen könnte"),
    ("ring all: {all} of {n} free in {team}", "es klingelt bei allen {all} von {n} Freien in {team}"),
    (
        "talked to this caller last of {n} free in {team}",
        "hat zuletzt mit diesem Anrufer gesprochen, von {n} Freien in {team}",
    ),
    ("longest idle of {n} free in {team}", "am längsten frei von {n} in {team}"),
    ("fewest calls of {n} free in {team}", "die wenigsten Anrufe von {n} Freien in {team}"),
    ("round robin of {n} free in {team}", "der Reihe nach von {n} Freien in {team}"),
    ("longest idle", "am längsten frei"),
    ("fewest calls", "die wenigsten Anrufe"),
    ("round robin", "der Reihe nach"),
    ("talked to this caller last", "hat zuletzt mit diesem Anrufer gesprochen"),
    ("ring all: {all}", "es klingelt bei allen {all}"),
    # ---- candidates
    ("free, but not his turn", "frei, aber nicht an der Reihe"),
    ("paused", "Pause"),
    ("phone unreachable", "Telefon nicht erreichbar"),
    ("no link to the site", "keine Verbindung zum Standort"),
    ("on a call of his own", "in einem eigenen Gespräch"),
    ("logged out", "abgemeldet"),
    ("offered", "es klingelt schon"),
    ("talking", "im Gespräch"),
    ("wrap up", "Nachbearbeitung"),
    ("lacks {skills}", "es fehlt: {skills}"),
    ("rung", "wird angerufen"),
    # ---- the way of a call
    ("waits in {hotline}", "wartet in {hotline}"),
    ("menu of {hotline}, again", "Menü von {hotline}, noch einmal"),
    ("menu of {hotline}", "Menü von {hotline}"),
    ("notice of {hotline}", "Ansage von {hotline}"),
    ("welcome of {hotline}", "Begrüßung von {hotline}"),
    ("nobody may take the call now", "zurzeit darf niemand den Anruf annehmen"),
    ("rang {s} s, limit {limit} s", "klingelte {s} s, Grenze {limit} s"),
    ("nobody is free, no waiting here", "niemand ist frei, hier wird nicht gewartet"),
    ("nobody is logged in who could come: {teams}", "niemand ist angemeldet, der kommen könnte: {teams}"),
    ("callback of {hotline}, {step}: {why}", "Rückruf von {hotline}, {step}: {why}"),
    ("it was told to end before the site was read back", "er sollte schon enden, bevor der Standort gelesen wurde"),
    ("it was told to end", "er sollte schon enden"),
    # ---- who is rung back, and who is not
    (
        "no caller waits, {n} free in {team}, reserve {reserve}",
        "kein Anrufer wartet, {n} frei in {team}, Reserve {reserve}",
    ),
    ("only {n} free in {team}, reserve {reserve}", "nur {n} frei in {team}, Reserve {reserve}"),
    ("nobody free in {team} has the skills", "niemand Freies in {team} kann es"),
    ("no team is left to ring", "kein Team ist mehr da, das anrufen könnte"),
    ("a caller waits in {hotline}", "ein Anrufer wartet in {hotline}"),
    ("{n} callers wait for {team}", "{n} Anrufer warten auf {team}"),
    ("taken by {who}", "übernommen von {who}"),
    ("he rings us himself", "er ruft selbst an"),
    ("he is on the line himself", "er ist selbst in der Leitung"),
    ("he rang again: {call}", "er rief noch einmal an: {call}"),
    ("no link to {site}", "keine Verbindung zu {site}"),
    ("not at this hour", "nicht zu dieser Zeit"),
    ("rung only by hand", "wird nur von Hand angerufen"),
    ("somebody is at it", "jemand ist dabei"),
    ("{hotline} rings nobody back", "{hotline} ruft niemanden zurück"),
    ("tried {n} times, again in {s} s", "bisher {n}-mal versucht, wieder in {s} s"),
    ("the caller asked for it", "der Anrufer hat darum gebeten"),
    ("gave up unserved", "gab auf, ohne jemanden zu erreichen"),
    ("others came after him", "andere kamen nach ihm"),
    ("nobody came to it in time", "niemand kam rechtzeitig dazu"),
    ("he is on the list already", "er steht schon auf der Liste"),
    ("he had asked to be rung back", "er hatte um Rückruf gebeten"),
    ("done elsewhere", "anderswo erledigt"),
    ("the phone is an agent's", "an diesem Telefon sitzt eine Agentin oder ein Agent"),
    ("the phone is in use", "das Telefon ist belegt"),
    ("the agent's phone: {result}", "Telefon des Platzes: {result}"),
    ("the agent's phone stopped ringing", "das Telefon des Platzes klingelt nicht mehr"),
    ("the agent ended it", "der Platz hat es beendet"),
    ("not reached in {n} tries", "in {n} Versuchen nicht erreicht"),
    ("not he, says {who}; {more}", "nicht er selbst, sagt {who}; {more}"),
    ("not he, says {who}", "nicht er selbst, sagt {who}"),
    ("unreachable", "nicht erreichbar"),
    ("failed", "gestört"),
    ("the line is full: {n} callers wait", "die Warteschlange ist voll: {n} warten"),
    ("no hotline has the number {number}", "keine Hotline hat diese Nummer"),
    ("{hotline} was closed by hand", "{hotline} ist von Hand geschlossen"),
    ("{hotline} is closed now", "{hotline} ist jetzt geschlossen"),
    ("attempt {n}: {result}", "Versuch {n}: {result}"),
    ("no_answer", "nicht angenommen"),
    ("refused", "abgelehnt"),
    ("cancelled", "zurückgezogen"),
    ("busy", "besetzt"),
    ("no_route", "nicht erreichbar"),
    ("the offer was cancelled", "der Versuch wurde zurückgezogen"),
    ("answered elsewhere", "woanders angenommen"),
    ("order unknown: {text}", "ob die Anweisung ankam, ist unbekannt: {text}"),
    ("order refused: {text}", "die Anweisung wurde abgelehnt: {text}"),
    ("the conversation ended", "das Gespräch ist zu Ende"),
    ("the caller hung up", "der Anrufer hat aufgelegt"),
    ("served by the dialplan: it saw no router", "vom Wählplan bedient: er sah keinen Router"),
    ("the dialplan took the call", "der Wählplan hat den Anruf übernommen"),
    ("found when the site was read back", "gefunden, als der Standort neu gelesen wurde"),
    ("gone when the site was read back", "weg, als der Standort neu gelesen wurde"),
    ("ended while the site could not be seen", "zu Ende, während der Standort nicht zu sehen war"),
    ("the site has it waiting again", "am Standort wartet er wieder"),
    ("the site was read back", "der Standort wurde neu gelesen"),
    ("back in hold", "wieder in der Warteschlange"),
    ("found with another call", "mit einem anderen Anruf gefunden"),
    ("the caller was put through to somebody else", "der Anrufer wurde weiterverbunden"),
    ("his leg ended", "sein Gesprächsteil ist zu Ende"),
    ("up in hold", "beim Warten schon angenommen"),
    ("up at its end", "am Ende angenommen"),
    ("{first}; {rest}", "{first}; {rest}"),  # several, one for each team
)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(text)))


_FORMS = tuple((_pattern(english), german) for english, german in _GERMAN)


@lru_cache(maxsize=4096)
def known(reason: str) -> str | None:
    """The German reason; None when no form fits."""
    for pattern, german in _FORMS:
        found = pattern.fullmatch(reason)
        if found:
            parts = {name: german_part(part) for name, part in found.groupdict().items()}
            return german.format(**parts)
    return None


def german_part(part: str) -> str:
    """A part may be a reason itself: how somebody was chosen, what became of an attempt."""
    return known(part) or part


def told(reason: str, language: str) -> str:
    """The reason in this language."""
    return known(reason) or reason if language == "de" else reason
