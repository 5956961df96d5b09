"""E-mail that the service writes: what it says. How it gets out is `office/mailer.py`'s business."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from callrouter.core.callbacks import Callback
from callrouter.desk.plan import Department
from callrouter.desk.workdays import escalates_at
from callrouter.i18n import Texts


class MailKind(StrEnum):
    ANSWER = "answer"  # to whoever wrote in the contact form
    ESCALATION = "escalation"  # about callbacks that are overdue


@dataclass(frozen=True, slots=True)
class Mail:
    """One message on its way out. id: also of the message itself, so that a second sending can be told to be one.

    about: the inquiry or department. not_before: UTC seconds of the next try.
    """

    id: str
    kind: MailKind
    about: str
    recipient: str
    subject: str
    body: str
    made_at: float
    reply_to: str = ""
    not_before: float = 0.0
    tries: int = 0


def stages_reached(department: Department, due: float, now: float) -> list[int]:
    """Which of the department's escalations have come, for a callback that was due then and is not done."""
    return [stage for stage, one in enumerate(department.stages) if now > escalates_at(department, due, one.after_days)]


def escalation(
    id_: str, department: Department, stage: int, overdue: Sequence[Callback], texts: Texts, page: str, now: float
) -> Mail:
    """About all that are overdue for this stage. Neither names, numbers nor subjects: mail is read by many machines."""
    zone = department.hours.zone
    lines = []
    for one in overdue:
        due = texts("fällig %(day)s %(time)s", day=texts.day(one.due_at, zone), time=texts.clock(one.due_at, zone))
        tried = texts.plural("%(n)s Versuch", "%(n)s Versuche", one.tries)
        lines.append(f"- {due}, {tried}, {one.topic} ({one.hotline})")
    number = len(overdue)
    subject = texts.plural(
        "Überfälliger Rückruf: %(department)s", "%(n)s überfällige Rückrufe: %(department)s", number,
        department=department.title,
    )  # fmt: skip
    head = texts.plural(
        "Ein zugesagter Rückruf ist nicht rechtzeitig erledigt worden.",
        "%(n)s zugesagte Rückrufe sind nicht rechtzeitig erledigt worden.",
        number,
    )
    parts = [head, "\n".join(lines)]
    if page:
        parts.append(texts("Die Liste: %(page)s", page=page))
    parts.append(texts("Diese Nachricht kommt je Rückruf und Stufe einmal."))
    recipient = department.stages[stage].to
    body = "\n\n".join(parts) + "\n"
    return Mail(id_, MailKind.ESCALATION, department.name, recipient, subject, body, now, department.email)


def answer(id_: str, inquiry: str, recipient: str, subject: str, text: str, question: str, reply_to: str, now: float,
           texts: Texts) -> Mail:  # fmt: skip
    """To whoever wrote, with what he wrote below."""
    quoted = "\n".join(f"> {line}".rstrip() for line in question.splitlines())
    wrote = texts("Sie schrieben:")
    body = f"{text}\n\n{wrote}\n{quoted}\n"
    shown = subject if subject.casefold().startswith("re:") else f"Re: {subject}"
    return Mail(id_, MailKind.ANSWER, inquiry, recipient, shown, body, now, reply_to)
