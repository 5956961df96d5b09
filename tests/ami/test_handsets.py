"""Asking a phone to answer: what is sent, as whom, and that every failure is a plain no."""

from __future__ import annotations

import pytest

from callrouter.ami.handsets import Handsets, Login

from .fake import Answer, FakeAsterisk, refuse

LEG = "gera/1732268042.17"


def handsets(fake: FakeAsterisk) -> Handsets:
    return Handsets({"gera": Login("127.0.0.1", fake.port, "callrouter-phones", "lab", None)})


async def test_one_action_on_a_connection_of_its_own(fake: FakeAsterisk) -> None:
    """Login by challenge as that user, the NOTIFY by the leg's Uniqueid, and it is over."""
    asked = handsets(fake)
    assert await asked.answer("gera", LEG)
    assert await asked.answer("gera", LEG)
    assert fake.connections == 2
    assert [fields["Action"] for fields in fake.actions] == ["Challenge", "Login", "PJSIPNotify"] * 2
    assert fake.got("Login")[0]["Username"] == "callrouter-phones"
    assert "Secret" not in fake.got("Login")[0]
    (sent, _) = fake.got("PJSIPNotify")
    assert (sent["Channel"], sent["Variable"]) == ("gera-1732268042.17", "Event=talk")


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("Login", refuse("Authentication failed")),
        ("PJSIPNotify", refuse("Channel not found")),
        ("PJSIPNotify", refuse("Permission denied")),
    ],
)
async def test_a_refusal_is_a_no(fake: FakeAsterisk, action: str, answer: Answer) -> None:
    """Whatever Asterisk refuses, the agent lifts his handset."""
    fake.answers[action] = answer
    assert not await handsets(fake).answer("gera", LEG)


async def test_where_nobody_can_be_asked(fake: FakeAsterisk) -> None:
    """A site without that user, one that is down, a leg that is none; and a user who came or went since."""
    asked = handsets(fake)
    assert (asked.can("gera"), asked.can("gotha")) == (True, False)
    assert not await asked.answer("gotha", "gotha/1.1")
    assert not await asked.answer("gera", "gera/1\r\nAction: Command")
    assert fake.connections == 0
    await fake.stop()
    assert not await asked.answer("gera", LEG)
    await fake.listen()
    asked.use({})
    assert not asked.can("gera")
    assert not await asked.answer("gera", LEG)
