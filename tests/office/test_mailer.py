"""Messages leave over SMTP, once, or say why not. The server speaks SMTP over a socket; nothing is mocked."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.desk.mail import Mail, MailKind
from callrouter.office.figures import OfficeFigures as Figures
from callrouter.office.mailer import GIVE_UP_S, Mailer, Server
from callrouter.sim.post import HOST, PostOffice
from callrouter.store.mail import Outbox
from callrouter.store.schema import MAIL
from tests.office.conftest import Clock
from tests.store.records import rows

CERTIFICATE = Path(__file__).parents[1] / "ami" / "data" / "tls_good.pem"
LETTER = Mail("m1", MailKind.ANSWER, "i1", "kim@x.example", "Re: Öffnung", "Um acht.\n.\nGrüße", 0.0, "gera@x.example")


@pytest.fixture
async def post() -> AsyncIterator[PostOffice]:
    office = PostOffice(
        lambda recipient: {"no@x.example": "550 nobody", "later@x.example": "451 busy"}.get(recipient, "")
    )
    await office.start()
    yield office
    await office.stop()


async def put(engine: AsyncEngine, clock: Clock, *mails: Mail) -> Outbox:
    outbox = Outbox(engine)
    async with engine.begin() as connection:
        for one in mails:
            await outbox.put(connection, replace(one, made_at=clock.now))
    return outbox


def mailer(outbox: Outbox, clock: Clock, figures: Figures, **server: object) -> Mailer:
    place = Server(**{"host": HOST, "tls": "never", "sender": "service@x.example", "title": "Servicecenter", **server})  # type: ignore[arg-type]
    return Mailer(outbox, place, clock, figures)


async def test_a_message_arrives_whole(engine: AsyncEngine, clock: Clock, figures: Figures, post: PostOffice) -> None:
    """From the configured sender, with umlauts, dots and an answer address; its id is the outbox's; it is sent once."""
    one = mailer(await put(engine, clock, LETTER), clock, figures, port=post.port)
    assert await one.round() == 1
    assert await one.round() == 0
    (got,) = post.delivered
    assert (got.sender, got.recipients) == ("service@x.example", ("kim@x.example",))
    assert got.message["Subject"] == "Re: Öffnung"
    assert got.message["From"] == "Servicecenter <service@x.example>"
    assert got.message["Reply-To"] == "gera@x.example"
    assert got.message["Message-ID"] == "<m1@x.example>"
    assert got.message["Auto-Submitted"] is None
    assert got.message.get_content().replace("\r\n", "\n") == "Um acht.\n.\nGrüße\n"
    (row,) = await rows(engine, MAIL)
    assert (row.sent_at, row.body) == (clock.now, "")


async def test_an_escalation_is_marked_as_made_by_a_machine(
    engine: AsyncEngine, clock: Clock, figures: Figures, post: PostOffice
) -> None:
    """So that no absence notice answers it (RFC 3834)."""
    await mailer(
        await put(engine, clock, replace(LETTER, kind=MailKind.ESCALATION)), clock, figures, port=post.port
    ).round()
    assert post.delivered[0].message["Auto-Submitted"] == "auto-generated"


async def test_what_is_refused_for_good_is_given_up_and_the_rest_is_sent(
    engine: AsyncEngine, clock: Clock, figures: Figures, post: PostOffice, registry: CollectorRegistry
) -> None:
    """550 ends one message, 451 puts it off, neither stops the others; a line break in a header is no message."""
    letters = [
        replace(LETTER, id=f"m{i}", recipient=recipient)
        for i, recipient in enumerate(("no@x.example", "later@x.example", "a@x.example", "b@x.example"))
    ]
    letters[2] = replace(letters[2], subject="x\r\nBcc: all@x.example")
    one = mailer(await put(engine, clock, *letters), clock, figures, port=post.port)
    await one.round()
    assert [got.recipients for got in post.delivered] == [("b@x.example",)]
    state = {row.id: (row.sent_at is not None, row.given_up_at is not None) for row in await rows(engine, MAIL)}
    assert state == {"m0": (False, True), "m1": (False, False), "m2": (False, True), "m3": (True, False)}
    assert registry.get_sample_value("callrouter_mails_given_up_total", {"kind": "answer"}) == 2
    assert registry.get_sample_value("callrouter_mails_waiting") == 1
    post.refuse = lambda _: ""
    await one.round()
    assert len(post.delivered) == 1
    clock.now += 60.0
    await one.round()
    assert post.delivered[1].recipients == ("later@x.example",)


async def test_while_the_server_is_away_messages_wait(engine: AsyncEngine, clock: Clock, figures: Figures) -> None:
    """They are tried again ever more rarely, and after three days given up with a reason."""
    away = PostOffice()
    await away.start()
    await away.stop()
    one = mailer(await put(engine, clock, LETTER), clock, figures, port=away.port)
    await one.round()
    assert one.trouble
    pauses = []
    for _ in range(3):
        (row,) = await rows(engine, MAIL)
        pauses.append(row.not_before - clock.now)
        clock.now = row.not_before
        await one.round()
    assert pauses == [60.0, 120.0, 240.0]
    clock.now += GIVE_UP_S
    await one.round()
    (row,) = await rows(engine, MAIL)
    assert row.given_up_at == clock.now
    assert "Connect" in row.trouble


async def test_without_a_server_nothing_is_tried(engine: AsyncEngine, clock: Clock, figures: Figures) -> None:
    """What is written waits, and is seen to wait."""
    one = Mailer(await put(engine, clock, LETTER), None, clock, figures)
    assert not one.sends
    assert await one.round() == 0
    assert figures.mails.number == 1


async def test_starttls_and_login(engine: AsyncEngine, clock: Clock, figures: Figures) -> None:
    """Certificate verified, then the password; a server of another name gets neither."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    post = PostOffice(tls=tls, login=("router", "secret of the mail"))
    await post.start()
    try:
        outbox = await put(engine, clock, LETTER)
        secure = {"port": post.port, "tls": "starttls", "user": "router", "password": "secret of the mail"}
        strange = mailer(outbox, clock, figures, **secure)  # trusts the system's certificates only
        await strange.round()
        assert "CERTIFICATE_VERIFY_FAILED" in strange.trouble.upper()
        assert not post.delivered
        clock.now += 60.0
        await mailer(outbox, clock, figures, ca=CERTIFICATE, **secure).round()
        assert (post.delivered[0].encrypted, post.delivered[0].user) == (True, "router")
    finally:
        await post.stop()
