"""Results, inquiries and e-mail in SQL, on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.core.commands import Outcome
from callrouter.desk import inquiries as rules
from callrouter.desk.inquiries import Inquiry
from callrouter.desk.mail import Mail, MailKind
from callrouter.desk.results import LATE_S, Conversation, Disposition, Result
from callrouter.store import inquiries, mail
from callrouter.store.books import Books
from callrouter.store.inquiries import Backlog, Inquiries, InquiriesFull
from callrouter.store.mail import LEASE_S, Escalations, Outbox, OutboxFull, Waiting
from callrouter.store.results import Results
from callrouter.store.retention import DAY_S, Days, erase, forget
from callrouter.store.schema import ESCALATION, INQUIRY, MAIL, RESULT
from tests.store.records import START, batch, record, rows

KEYS = {"01711": "key-of-1", "01722": "key-of-2"}
FOUND = Result("gera/1", "agency", "general", Disposition.RESOLVED, START + 70.0, "Bescheid erklärt")
ASKED = Inquiry("a", "gera", "agency", "general", "de", "Kim", "kim@x.example", "Frage", "Wann\0 ist offen?", START)
LETTER = Mail("m1", MailKind.ANSWER, "a", "kim@x.example", "Re: Frage", "Um acht.", START, "gera@x.example")
DAYS = Days(callers=30, agents=60, calls=90, audit=120, numbers=7, inquiries=50)


async def calls(engine: AsyncEngine) -> None:
    """Four calls of two callers: two answered of the first, one unanswered, one answered of the second."""
    books = Books(engine, lambda number: KEYS.get(number, ""))
    await books.take("j", batch(
        record("gera/1", caller="01711", at=0.0, talk_s=30.0),
        record("gera/2", caller="01711", at=1000.0, wait_s=20.0),
        record("gera/3", caller="01711", at=2000.0, talk_s=60.0, hotline="other"),
        record("gera/4", caller="01722", at=3000.0, talk_s=60.0),
    ))  # fmt: skip


async def give(engine: AsyncEngine, *results: Result) -> list[bool]:
    async with engine.begin() as connection:
        return [await Results(engine).give(connection, one) for one in results]


async def test_a_call_has_one_result(engine: AsyncEngine) -> None:
    """The first stands; a second one for the same call is told so."""
    assert await give(engine, FOUND, replace(FOUND, disposition=Disposition.CALLBACK)) == [True, False]
    (row,) = await rows(engine, RESULT)
    assert (row.disposition, row.note, row.department, row.callback) == ("resolved", "Bescheid erklärt", None, None)


async def test_earlier_contacts_are_the_callers_own(engine: AsyncEngine) -> None:
    """At whatever hotline and site, answered or not, with what came of it; the newest first, and nobody else's."""
    await calls(engine)
    await give(engine, FOUND)
    results = Results(engine)
    found = await results.contacts("key-of-1", START + 5000.0)
    assert [(one.call, one.hotline, one.outcome, one.disposition) for one in found] == [
        ("gera/3", "other", Outcome.ANSWERED, None),
        ("gera/2", "agency", Outcome.ABANDONED, None),
        ("gera/1", "agency", Outcome.ANSWERED, Disposition.RESOLVED),
    ]
    assert found[2].note == "Bescheid erklärt"
    assert [one.call for one in await results.contacts("key-of-1", START + 2000.0, most=1)] == ["gera/2"]
    assert await results.contacts("", START + 5000.0) == []
    assert await results.attempts("key-of-1", START + 500.0) == 2
    assert await results.attempts("", START) == 0


async def test_after_a_restart_the_last_result_is_still_owed(engine: AsyncEngine) -> None:
    """Of each agent the last conversation within the hour, unless it has a result."""
    await calls(engine)
    results = Results(engine)
    ended = START + 3090.0
    (owed,) = await results.owed(ended + 10.0)
    assert owed == Conversation("gera/4", "agency", "general", "gera", "gera/2001", "", 30.0, START + 3030.0, ended)
    assert await results.owed(ended + LATE_S + 1.0) == []
    await give(engine, replace(FOUND, call="gera/4"))
    assert await results.owed(ended + 10.0) == []


async def test_notes_are_erased_with_their_caller(engine: AsyncEngine) -> None:
    """By age as the caller's key is, at once when he asks to be forgotten; what came of the call stays."""
    await calls(engine)
    await give(engine, FOUND, replace(FOUND, call="gera/4", note="anderer"))
    await forget(engine, "key-of-1", START + 5000.0)
    assert [(row.call, row.note) for row in await rows(engine, RESULT)] == [("gera/1", ""), ("gera/4", "anderer")]
    await erase(engine, DAYS, START + 31 * DAY_S)
    assert [row.note for row in await rows(engine, RESULT)] == ["", ""]
    await erase(engine, DAYS, START + 91 * DAY_S)
    assert await rows(engine, RESULT) == []


# ---- inquiries


async def test_an_inquiry_is_answered_once_and_its_mail_written_with_it(engine: AsyncEngine) -> None:
    """Of two who change it at once the second is told; the answer and its message are kept together."""
    outbox = Outbox(engine)
    store = Inquiries(engine, outbox)
    await store.add(ASKED)
    kept = await store.get("a")
    assert kept == replace(ASKED, text="Wann ist offen?")
    given = rules.give(kept, "gera/2001", START + 10.0)
    assert await store.change(given)
    assert not await store.change(rules.give(kept, "gera/2002", START + 10.0))
    done = rules.answered(given, "gera/2001", "Um acht.", START + 60.0)
    assert await store.change(done, LETTER)
    assert not await store.change(done, replace(LETTER, id="m2"))
    assert await store.get("a") == done
    assert await store.alive() == []
    assert [one.id for one in await outbox.claim(START + 60.0)] == ["m1"]
    assert await store.get("b") is None


async def test_the_backlog_is_told_per_hotline(engine: AsyncEngine) -> None:
    """How many are not done, and since when the oldest waits."""
    store = Inquiries(engine, Outbox(engine))
    for number in range(3):
        await store.add(replace(ASKED, id=f"i{number}", hotline=f"h{number % 2}", arrived_at=START + number))
    assert await store.backlog() == [Backlog("h0", 2, START), Backlog("h1", 1, START + 1.0)]
    assert [one.id for one in await store.alive(most=2)] == ["i0", "i1"]


async def test_too_many_inquiries_are_refused(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound people are told to call instead."""
    monkeypatch.setattr(inquiries, "OPEN_MAX", 1)
    store = Inquiries(engine, Outbox(engine))
    await store.add(ASKED)
    with pytest.raises(InquiriesFull):
        await store.add(replace(ASKED, id="b"))


async def test_answered_inquiries_are_erased_by_age(engine: AsyncEngine) -> None:
    """What waits for an answer stays, however old."""
    store = Inquiries(engine, Outbox(engine))
    await store.add(ASKED)
    await store.add(replace(ASKED, id="b", done_at=START + DAY_S))
    await erase(engine, DAYS, START + 52 * DAY_S)
    assert [row.id for row in await rows(engine, INQUIRY)] == ["a"]


# ---- mail


async def put(engine: AsyncEngine, letter: Mail) -> None:
    async with engine.begin() as connection:
        await Outbox(engine).put(connection, letter)


async def test_a_message_is_claimed_by_one(engine: AsyncEngine) -> None:
    """Whoever claims it has it until his lease is over; sent, it keeps its row without people and text."""
    outbox = Outbox(engine)
    await put(engine, LETTER)
    assert await outbox.waiting() == Waiting(1, START)
    (one,) = await outbox.claim(START)
    assert one == replace(LETTER, tries=1)
    assert await outbox.claim(START + LEASE_S - 1.0) == []
    assert [again.tries for again in await outbox.claim(START + LEASE_S)] == [2]
    await outbox.failed("m1", START + 1000.0, "451 later")
    assert await outbox.claim(START + 999.0) == []
    assert len(await outbox.claim(START + 1000.0)) == 1
    await outbox.sent("m1", START + 1001.0)
    assert await outbox.waiting() == Waiting(0, None)
    (row,) = await rows(engine, MAIL)
    assert (row.recipient, row.subject, row.body, row.sent_at) == ("", "", "", START + 1001.0)
    assert await outbox.claim(START + 99_999.0) == []
    await erase(engine, DAYS, START + 52 * DAY_S)
    assert await rows(engine, MAIL) == []


async def test_what_cannot_be_sent_is_given_up(engine: AsyncEngine) -> None:
    """It waits no more, says why, and is erased like what was sent."""
    outbox = Outbox(engine)
    await put(engine, LETTER)
    await outbox.given_up("m1", START + 5.0, "550 no such user")
    assert await outbox.claim(START + 99_999.0) == []
    (row,) = await rows(engine, MAIL)
    assert (row.trouble, row.given_up_at, row.sent_at) == ("550 no such user", START + 5.0, None)
    await erase(engine, DAYS, START + 52 * DAY_S)
    assert await rows(engine, MAIL) == []


async def test_the_outbox_is_bounded(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the mail server away for long, what would be written is refused with its cause, not lost later."""
    monkeypatch.setattr(mail, "WAITING_MAX", 1)
    await put(engine, LETTER)
    with pytest.raises(OutboxFull):
        await put(engine, replace(LETTER, id="m2"))


async def test_a_stage_is_told_once(engine: AsyncEngine) -> None:
    """Whom a message is about is kept with it; who comes second writes neither."""
    from tests.desk.test_mail import ONE

    told = Escalations(engine, Outbox(engine))
    await told.tell(replace(LETTER, kind=MailKind.ESCALATION), 0, [ONE])
    with pytest.raises(IntegrityError):
        await told.tell(replace(LETTER, id="m2"), 0, [replace(ONE, id="gera/d9"), ONE])
    assert await told.told(["gera/d1", "gera/d9"]) == {("gera/d1", 0)}
    assert [row.id for row in await rows(engine, MAIL)] == ["m1"]
    await erase(engine, DAYS, START + 91 * DAY_S)
    assert await rows(engine, ESCALATION) == []
