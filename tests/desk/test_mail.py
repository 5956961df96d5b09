"""What the service writes by e-mail, and when about overdue callbacks."""

from __future__ import annotations

from dataclasses import replace

from callrouter.core.callbacks import Callback, CallbackKind
from callrouter.desk.mail import MailKind, answer, escalation, stages_reached
from callrouter.desk.plan import Stage
from callrouter.i18n import texts
from tests.desk.test_workdays import at, office

BENEFITS = replace(
    office("TH"), name="benefit", title="Leistung", stages=(Stage("a@x.example", 0), Stage("b@x.example", 1))
)
DUE = at("2027-09-17 18:00")
ONE = Callback(
    "gera/d1", CallbackKind.DEPARTMENT, "agency", "benefit", "gera", "+491711234567", DUE - 1e5, DUE,
    department="benefit", subject="Bescheid von Kim", tries=1,
)  # fmt: skip


def test_stages_come_one_after_the_other() -> None:
    """Nobody before it is due, the first at once, the second a working day later, over weekend and holiday."""
    assert stages_reached(BENEFITS, DUE, DUE) == []
    assert stages_reached(BENEFITS, DUE, DUE + 1) == [0]
    assert stages_reached(BENEFITS, DUE, at("2027-09-21 18:00")) == [0]  # Monday is a holiday in Thüringen
    assert stages_reached(BENEFITS, DUE, at("2027-09-21 18:01")) == [0, 1]


def test_an_escalation_names_nobody() -> None:
    """It says which promises are overdue and where the list is: neither number nor subject, in both languages."""
    overdue = [ONE, replace(ONE, id="gera/d2", tries=3)]
    mail = escalation("e1", BENEFITS, 1, overdue, texts("de"), "https://x.example/rueckrufe", DUE + 1)
    assert (mail.kind, mail.recipient, mail.about) == (MailKind.ESCALATION, "b@x.example", "benefit")
    assert mail.reply_to == BENEFITS.email
    assert mail.subject == "2 überfällige Rückrufe: Leistung"
    assert "- fällig Fr 17.09. 18:00, 1 Versuch, benefit (agency)" in mail.body
    assert "https://x.example/rueckrufe" in mail.body
    english = escalation("e2", BENEFITS, 0, [ONE], texts("en"), "", DUE + 1)
    assert english.subject == "Overdue callback: Leistung"
    for text in (mail.body, english.body):
        assert "Bescheid" not in text
        assert "1711234567" not in text


def test_an_answer_quotes_the_question() -> None:
    """The answer first, then what was asked, each line marked; the subject is answered once only."""
    mail = answer(
        "m1", "i1", "kim@x.example", "Offen?", "Um acht.", "Hallo,\n\nwann?", "gera@x.example", DUE, texts("de")
    )
    assert mail.body == "Um acht.\n\nSie schrieben:\n> Hallo,\n>\n> wann?\n"
    assert (mail.subject, mail.reply_to, mail.about) == ("Re: Offen?", "gera@x.example", "i1")
    assert answer("m2", "i1", "k@x.example", "RE: Offen?", "", "", "", DUE, texts("en")).subject == "RE: Offen?"
