"""What the router's events, orders and outcomes are called on pages. Keys are the API's names for them."""

from __future__ import annotations

from callrouter.core.commands import Outcome
from callrouter.core.events import Result, Stage
from callrouter.i18n import Texts, mark
from callrouter.report.page import WHY

_OUTCOMES = {
    Outcome.ANSWERED.value: mark("Angenommen"),
    Outcome.ABANDONED.value: mark("Aufgelegt"),
    Outcome.BUSIED.value: mark("Besetzt"),
    Outcome.CLOSED.value: mark("Geschlossen"),
    Outcome.UNKNOWN_NUMBER.value: mark("Unbekannte Nummer"),
    Outcome.FAILSAFE.value: mark("Ohne Router bedient"),
    Outcome.LOST.value: mark("Ende nicht gesehen"),
}
_EVENTS = {
    "call_arrived": mark("Klingelt"),
    "call_held": mark("Hört auf Anweisungen"),
    "digits_read": mark("Taste gedrückt"),
    "call_taken": mark("Der Wählplan übernimmt"),
    "call_ended": mark("Zu Ende"),
    "leg_started": mark("Telefon klingelt"),
    "leg_failed": mark("Telefon nimmt nicht an"),
    "leg_answered": mark("Telefon nimmt an"),
    "leg_ended": mark("Telefon legt auf"),
    "put_on_hold": mark("Gehalten oder zurückgeholt"),
    "offer_ended": mark("Versuch zu Ende"),
    "order_lost": mark("Anweisung verloren"),
    "agent_acted": mark("Ein Platz ändert seinen Zustand"),
    "phone_acted": mark("Ein Platz ändert seinen Zustand am Telefon"),
    "phone_state": mark("Zustand eines Telefons"),
    "phone_leg": mark("Ein Telefon beginnt oder beendet ein Gespräch"),
    "site_read": mark("Standort neu gelesen"),
    "link_down": mark("Verbindung zum Standort verloren"),
    "trunk_state": mark("Leitung zwischen Standorten"),
    "agreement_switched": mark("Vereinbarung geschaltet"),
    "hotline_switched": mark("Hotline geschaltet"),
    "outbound_rung": mark("Telefon des Platzes klingelt für einen Rückruf"),
    "outbound_up": mark("Platz nimmt an; das Telefon des Anrufers klingelt"),
    "outbound_answered": mark("Anrufer nimmt ab"),
    "outbound_missed": mark("Anrufer nimmt nicht ab"),
    "outbound_ended": mark("Rückruf zu Ende"),
    "callback_known": mark("Rückruf bekannt geworden"),
    "callback_taken": mark("Rückruf übernommen"),
    "callback_closed": mark("Rückruf von Hand geschlossen"),
    "callback_missed": mark("Rückruf erreichte jemand anderen"),
    "outbound_asked": mark("Ein Platz ruft jemanden an"),
    "plan_replaced": mark("Neue Konfiguration"),
    "clock_set": mark("Uhr gestellt"),
    "tick": mark("Eine Frist ist um"),
}
_COMMANDS = {
    "claim": mark("Bleibt in der Warteschlange"),
    "offer": mark("Angeboten"),
    "cancel_offer": mark("Angebot zurückgezogen"),
    "release": mark("Beendet, ohne anzunehmen"),
    "ask": mark("Menü gespielt"),
    "say": mark("Ansage gespielt"),
    "reread": mark("Standort wird neu gelesen"),
    "call_offered": mark("Gezählt als Versuch"),
    "call_answered": mark("Angenommen"),
    "call_finished": mark("Abgeschlossen"),
    "offer_finished": mark("Versuch an einem Platz zu Ende"),
    "topic_chosen": mark("Thema"),
    "callback_changed": mark("Rückruf"),
    "dial_out": mark("Platz soll zurückrufen"),
    "hang_up": mark("Rückruf beendet"),
    "outbound_finished": mark("Rückruf gezählt"),
    "answered_without_agent": mark("Angenommen ohne Mitarbeiter"),
}
_FACTS = {
    "number": mark("Nummer"),
    "caller": mark("Anrufer"),
    "digits": mark("Tasten"),
    "phone": mark("Telefon"),
    "agent": mark("Platz"),
    "team": mark("Team"),
    "targets": mark("Plätze"),
    "ring_s": mark("Klingelt (s)"),
    "attempt": mark("Versuch Nr."),
    "result": mark("Ergebnis"),
    "agreement": mark("Vereinbarung"),
    "outcome": mark("Ende"),
    "unserved": mark("Warum niemand erreicht wurde"),
    "cause": mark("Q.850-Grund"),
    "wait_s": mark("Wartezeit (s)"),
    "talk_s": mark("Gespräch (s)"),
    "topic": mark("Thema"),
    "stage": mark("Stand"),
    "sounds": mark("Ansagen"),
    "version": mark("Version"),
    "enabled": mark("EIN"),
    "text": mark("Meldung"),
    "before": mark("vorher"),
    "after": mark("nachher"),
}
_RESULTS = {
    "answered": mark("angenommen"),
    Result.BUSY.value: mark("besetzt"),
    Result.REFUSED.value: mark("abgelehnt"),
    Result.NO_ANSWER.value: mark("nicht angenommen"),
    Result.UNREACHABLE.value: mark("nicht erreichbar"),
    Result.NO_ROUTE.value: mark("Leitung unterbrochen"),
    Result.CANCELLED.value: mark("zurückgezogen"),
    Result.FAILED.value: mark("gestört"),
}
_STAGES = {
    Stage.HELD.value: mark("wartet"),
    Stage.PROMPTED.value: mark("hört Ansage oder Menü"),
    Stage.OFFERED.value: mark("ein Telefon klingelt"),
    Stage.TALKING.value: mark("im Gespräch"),
    Stage.ELSEWHERE.value: mark("weiterverbunden"),
    Stage.FAILSAFE.value: mark("vom Wählplan bedient"),
    "gone": mark("nicht mehr da"),
}
_VALUES = {
    "outcome": _OUTCOMES,
    "result": _RESULTS,
    "stage": _STAGES,
    "unserved": {why.value: text for why, text in WHY.items()},
}


def outcomes(texts: Texts) -> list[tuple[str, str]]:
    return [(key, texts(text)) for key, text in _OUTCOMES.items()]


def outcome(texts: Texts, key: str) -> str:
    return texts(_OUTCOMES[key]) if key in _OUTCOMES else key


def event(texts: Texts, key: str) -> str:
    return texts(_EVENTS[key]) if key in _EVENTS else key.replace("_", " ")


def command(texts: Texts, key: str) -> str:
    return texts(_COMMANDS[key]) if key in _COMMANDS else key.replace("_", " ")


def fact(texts: Texts, key: str) -> str:
    """'' for a fact that the page leaves out."""
    return texts(_FACTS[key]) if key in _FACTS else ""


def value(texts: Texts, key: str, text: str) -> str:
    """A fact's value where it is a word of ours; else as it is."""
    return texts(_VALUES[key][text]) if text in _VALUES.get(key, {}) else text
