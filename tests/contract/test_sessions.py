"""The manager interface by itself: greeting, login, answers, refusals and lists, word for word."""

from __future__ import annotations

import asyncio
import re
import time
from hashlib import md5

import pytest

from tests.contract.bench import Bench


class Raw:
    """A socket and what comes out of it, block by block."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, *lines: str) -> list[str]:
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        return await self.block()

    async def block(self) -> list[str]:
        text = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 30)
        return text.decode().strip().split("\r\n")


async def connect(bench: Bench) -> Raw:
    host, port, _ = bench.manager("gera")
    raw = Raw(*await asyncio.open_connection(host, port))
    banner = await asyncio.wait_for(raw.reader.readline(), 30)
    assert banner.startswith(b"Asterisk Call Manager/")
    assert banner.endswith(b"\r\n")
    bench.stack.callback(raw.writer.close)
    return raw


async def logged_in(bench: Bench) -> Raw:
    raw = await connect(bench)
    secret = bench.manager("gera")[2]
    assert await raw.ask("Action: Login", "ActionID: a1", "Username: callrouter", f"Secret: {secret}") == [
        "Response: Success",
        "ActionID: a1",
        "Message: Authentication accepted",
    ]
    return raw


async def test_login_is_followed_by_fully_booted(bench: Bench) -> None:
    """A manager who may read `system` hears FullyBooted straight after his login."""
    raw = await logged_in(bench)
    block = await raw.block()
    assert block[0] == "Event: FullyBooted"
    assert block[-1] == "Status: Fully Booted"
    assert {line.partition(":")[0] for line in block} == {"Event", "Privilege", "Uptime", "LastReload", "Status"}


async def test_login_by_challenge(bench: Bench) -> None:
    """Who answers the challenge with the MD5 of it and his secret is in, and the secret has not passed the wire."""
    secret = bench.manager("gera")[2]
    for known, response in ((secret, "Success"), ("wrong", "Error")):
        raw = await connect(bench)
        challenge = await raw.ask("Action: Challenge", "ActionID: c1", "AuthType: MD5")
        assert challenge[:2] == ["Response: Success", "ActionID: c1"]
        name, _, number = challenge[2].partition(": ")
        assert (name, len(challenge)) == ("Challenge", 3)
        key = md5((number + known).encode()).hexdigest()
        answer = await raw.ask("Action: Login", "ActionID: a1", "AuthType: MD5", "Username: callrouter", f"Key: {key}")
        assert answer[:2] == [f"Response: {response}", "ActionID: a1"]
    raw = await connect(bench)
    assert (await raw.ask("Action: Challenge", "ActionID: c1"))[:2] == ["Response: Error", "ActionID: c1"]


async def test_wrong_secret_is_refused_late_and_closed(bench: Bench) -> None:
    """A refused login is answered after a delay, in these words, and the connection is closed."""
    raw = await connect(bench)
    began = time.monotonic()
    answer = await raw.ask("Action: Login", "ActionID: a1", "Username: callrouter", "Secret: wrong")
    assert answer == ["Response: Error", "ActionID: a1", "Message: Authentication failed"]
    assert time.monotonic() - began > 0.1
    assert await asyncio.wait_for(raw.reader.read(), 30) == b""


async def test_nothing_works_before_login(bench: Bench) -> None:
    """An action before the login is refused."""
    raw = await connect(bench)
    answer = await raw.ask("Action: Ping", "ActionID: p")
    assert answer[0] == "Response: Error"
    assert "Message: Permission denied" in answer


async def test_logoff_says_goodbye_and_closes(bench: Bench) -> None:
    """Logoff is answered with Goodbye, then the connection is closed."""
    raw = await logged_in(bench)
    await raw.block()
    assert await raw.ask("Action: Logoff", "ActionID: x") == [
        "Response: Goodbye",
        "ActionID: x",
        "Message: Thanks for all the fish.",
    ]
    assert await asyncio.wait_for(raw.reader.read(), 30) == b""


async def test_ping(bench: Bench) -> None:
    """Ping is answered with Pong and a time."""
    answer = await bench.ami["gera"].action("Ping")
    assert answer["Response"] == "Success"
    assert answer["Ping"] == "Pong"
    assert float(answer["Timestamp"]) > 0


@pytest.mark.parametrize(
    ("action", "headers", "message"),
    [
        ("Setvar", {"Channel": "gera-1.1", "Variable": "A", "Value": "b"}, "No such channel"),
        ("Setvar", {"Channel": "gera-1.1"}, "No variable specified"),
        ("Setvar", {"Variable": ""}, "No variable specified"),
        ("Getvar", {"Channel": "gera-1.1", "Variable": "A"}, "No such channel"),
        ("Getvar", {}, "No variable specified"),
        ("Hangup", {"Channel": "gera-1.1"}, "No such channel"),
        ("Hangup", {}, "No channel specified"),
        ("PlayDTMF", {"Channel": "gera-1.1", "Digit": "D", "Receive": "true"}, "Channel not found"),
        ("Status", {"Channel": "gera-1.1"}, "No such channel"),
        ("Command", {"Command": "core show version"}, "Permission denied"),
        ("PJSIPShowEndpoints", {}, "Permission denied"),
        ("UserEvent", {"UserEvent": "CrOffered"}, "Permission denied"),
        ("Blah", {}, "Invalid/unknown command: Blah. Use Action: ListCommands to show available commands."),
    ],
)
async def test_refusals(bench: Bench, action: str, headers: dict[str, str], message: str) -> None:
    """What cannot be done is refused in Asterisk's own words."""
    answer = await bench.ami["gera"].action(action, **headers)
    assert (answer["Response"], answer["Message"]) == ("Error", message)


async def test_missing_action(bench: Bench) -> None:
    """A block without an action is refused and the session goes on."""
    raw = await logged_in(bench)
    await raw.block()
    assert await raw.ask("Foo: x", "ActionID: zz") == [
        "Response: Error",
        "ActionID: zz",
        "Message: Missing action in request",
    ]
    assert (await raw.ask("Action: Ping"))[0] == "Response: Success"


async def test_global_variables(bench: Bench) -> None:
    """A global can be set and read back; one that was never set reads as empty; CR_SITE is the site."""
    ami = bench.ami["gera"]
    assert (await ami.set_global("CR_BEAT_3", "7"))["Message"] == "Variable Set"
    assert await ami.getvar("CR_BEAT_3") == "7"
    assert await ami.getvar("CR_NEVER_SET") == ""
    assert await ami.getvar("CR_SITE") == "gera"
    assert await ami.getvar("CR_DIALPLAN") == "3"


async def test_lists_without_rows(bench: Bench) -> None:
    """A list begins with EventList start and ends with its Complete event and the count, also when it is empty."""
    raw = await logged_in(bench)
    await raw.block()
    cases = (
        ("Status", "StatusComplete", "Channel status will follow"),
        ("CoreShowChannels", "CoreShowChannelsComplete", "Channels will follow"),
    )
    for action, end, text in cases:
        assert await raw.ask(f"Action: {action}", "ActionID: s") == [
            "Response: Success",
            "ActionID: s",
            "EventList: start",
            f"Message: {text}",
        ]
        block = await raw.block()
        assert block[:4] == [f"Event: {end}", "ActionID: s", "EventList: Complete", "ListItems: 0"]


async def test_device_states_are_listed(bench: Bench) -> None:
    """The list has every phone, the carrier and the trunks, as PJSIP devices; strangers are unavailable."""
    states = {row["Device"]: row["State"] for row in await bench.ami["gera"].listing("DeviceStateList")}
    assert states["PJSIP/2150"] == "UNAVAILABLE"
    assert states["PJSIP/carrier"] == "NOT_INUSE"
    assert states["PJSIP/magdeburg"] == "NOT_INUSE"


async def test_core_status(bench: Bench) -> None:
    """CoreStatus tells when the switch was started and how many calls there are."""
    answer = await bench.ami["gera"].action("CoreStatus")
    assert answer["Response"] == "Success"
    assert {"CoreStartupDate", "CoreStartupTime", "CoreCurrentCalls", "CoreProcessedCalls"} <= answer.keys()


async def test_versions_can_be_read_with_the_shipped_rights(bench: Bench) -> None:
    """CoreSettings, which class `reporting` suffices for, tells Asterisk's version and the site's name."""
    answer = await bench.ami["gera"].action("CoreSettings")
    assert answer["Response"] == "Success"
    assert re.match(r"\d+\.\d+", answer["AsteriskVersion"])
    assert answer["SystemName"] == "gera"
    assert answer["AMIversion"].partition(".")[0].isdecimal()


async def test_trunks_contacts_are_read_by_functions(bench: Bench) -> None:
    """Getvar reads contacts and their states; what does not exist reads as empty."""
    ami = bench.ami["gera"]
    contact = await ami.getvar("PJSIP_AOR(magdeburg,contact)")
    assert contact.startswith("magdeburg@@")
    assert "," not in contact
    assert await ami.getvar("PJSIP_AOR(magdeburg,qualify_frequency)") == "2"
    async with asyncio.timeout(30):
        while await ami.getvar(f"PJSIP_CONTACT({contact},status)") != "Reachable":
            await asyncio.sleep(0.05)  # the first qualify may still be under way; nothing announces its end here
    carrier = await ami.getvar("PJSIP_AOR(carrier,contact)")
    assert await ami.getvar(f"PJSIP_CONTACT({carrier},status)") == "NonQualified"
    nothing = ("PJSIP_AOR(nowhere,contact)", "PJSIP_CONTACT(nowhere,status)", "PJSIP_AOR(2150,contact)", "NOFUNC(x)")
    for variable in nothing:
        assert await ami.getvar(variable) == ""
    assert await ami.getvar("PJSIP_ENDPOINT(carrier,trust_id_inbound)") == "false"
