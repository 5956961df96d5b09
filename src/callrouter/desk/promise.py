"""What an agent writes down of a call that he has answered: the result and, with it, the promise to ring back.

Texts of what is wrong are German and marked for translation; they name fields, never values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from callrouter.callers import normalise
from callrouter.core.callbacks import Callback, CallbackKind
from callrouter.desk.plan import Department, Desk
from callrouter.desk.results import NOTE_MAX, Conversation, Disposition, Result
from callrouter.desk.workdays import due_at
from callrouter.i18n import mark

SUBJECT_MIN, SUBJECT_MAX = 10, 500
WISH_MAX = 100


class Wrong(ValueError):
    """problems: field to what is wrong with it, in the order of the form."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True)
class Given:
    """As it was filled in. number '': the caller's own. due_at: only when it is promised for earlier than must be."""

    disposition: str
    note: str = ""
    department: str = ""
    number: str = ""
    subject: str = ""
    wish: str = ""
    due_at: float | None = None


def result_of(given: Given, about: Conversation, desk: Desk, now: float, id_: str, who: str, key: str) -> tuple[
    Result, Callback | None
]:  # fmt: skip
    """The result, and the callback that it promises. id_: for the callback. key: the caller's. Raises Wrong."""
    problems: dict[str, str] = {}
    if given.disposition not in set(Disposition):
        raise Wrong({"disposition": mark("Bitte ein Ergebnis wählen.")})
    disposition = Disposition(given.disposition)
    department = desk.department(given.department)
    callback: Callback | None = None
    if len(given.note) > NOTE_MAX:
        problems["note"] = mark("Die Notiz ist zu lang.")
    if disposition is Disposition.CALLBACK:
        problems |= wrong_with(given, department, about, now)
        if department is not None and not problems:
            callback = _promise(given, department, about, id_, who, key, now)
    elif disposition is Disposition.FORWARDED and given.department and department is None:
        problems["department"] = mark("Diesen Fachbereich gibt es nicht.")
    if problems:
        raise Wrong(problems)
    named = given.department if disposition in (Disposition.CALLBACK, Disposition.FORWARDED) else ""
    result = Result(
        about.call, about.hotline, about.topic, disposition, now, given.note, named, callback.id if callback else ""
    )
    return result, callback


def wrong_with(given: Given, department: Department | None, about: Conversation, now: float) -> dict[str, str]:
    """What keeps the callback from being promised."""
    problems: dict[str, str] = {}
    if department is None:
        problems["department"] = mark("Bitte einen Fachbereich wählen.")
    if not normalise(given.number or about.caller).startswith("+"):
        problems["number"] = mark("Bitte eine gültige Rückrufnummer eingeben.")
    if not SUBJECT_MIN <= len(given.subject) <= SUBJECT_MAX:
        problems["subject"] = mark("Bitte das Anliegen in 10 bis 500 Zeichen beschreiben.")
    if len(given.wish) > WISH_MAX:
        problems["wish"] = mark("Die Wunschzeit ist zu lang.")
    if department is not None:
        latest = due_at(department, about.answered_at)
        if latest == inf:
            problems["department"] = mark("Dieser Fachbereich arbeitet nicht mehr.")
        elif given.due_at is not None and not now < given.due_at <= latest:
            problems["due"] = mark("Die Frist kann nur vorverlegt werden, auf einen Zeitpunkt ab jetzt.")
    return problems


def _promise(
    given: Given, department: Department, about: Conversation, id_: str, who: str, key: str, now: float
) -> Callback:
    return Callback(
        id=id_,
        kind=CallbackKind.DEPARTMENT,
        hotline=about.hotline,
        topic=about.topic,
        site=department.site,
        number=normalise(given.number or about.caller),
        asked_at=now,
        due_at=given.due_at if given.due_at is not None else due_at(department, about.answered_at),
        department=department.name,
        subject=given.subject,
        wish=given.wish,
        call=about.call,
        caller=key,
        made_by=who,
    )
