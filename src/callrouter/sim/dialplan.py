"""The contract's dialplan in Python: what `dialplans/callrouter.conf` makes a real Asterisk do with a channel.

One coroutine per context; its result is the cause with which the channel is hung up. The contract itself is
`docs/decisions/0001-control-contract.md`. Failsafe looks keep their real duration at any pace, since the router's
beats do; ringing and sounds run at the pace of the people.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Protocol

from callrouter.sim.channels import DOWN, RINGING, UP, Channel
from callrouter.sim.dialling import Dialled, Switch, dial

LOOK_S = 2.0
LOOKS_MAX = 3
SOUND_S = 1.5
CODES = {"*10": "login", "*11": "ready", "*12": "pause", "*13": "done", "*19": "logout"}
_ORDER = re.compile(r"[^0-9a-z@&_\-]")
_CALL = re.compile(r"[^a-zA-Z0-9.\-]")


class Exchange(Switch, Protocol):
    """What the dialplan needs beyond dialling."""

    globals: dict[str, str]
    failsafe: tuple[str, ...]
    failsafe_s: float
    look_s: float

    def user_event(self, channel: Channel, name: str, pairs: Iterable[tuple[str, str]]) -> None: ...


def beat(exchange: Exchange) -> str:
    epoch = exchange.globals.get("CR_EPOCH", "")
    return exchange.globals.get(f"CR_BEAT_{epoch}", "")


def part(order: str, index: int) -> str:
    """CUT(order,_,index), counted from one; '' beyond the end."""
    parts = order.split("_")
    return parts[index - 1] if index <= len(parts) else ""


def digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


# ---- a caller


async def incoming(x: Exchange, channel: Channel, did: str, cli: str) -> int:
    v = channel.variables
    v.update(CR_CALL=channel.unique_id, CR_DID=did, CR_CLI=cli, CR_CLAIM="", CR_CANCEL="")
    channel.number = channel.title = cli or "<unknown>"
    channel.at("callrouter-in", "s", 10, "UserEvent")
    channel.ring_back()
    x.device_changed(channel.endpoint)
    x.user_event(channel, "CrOffered", (("Call", channel.unique_id), ("Did", did), ("Cli", cli)))
    return await _held(x, channel)


async def _held(x: Exchange, channel: Channel) -> int:
    """Hold, and what the orders make of it, until something ends the call."""
    while True:
        order = await _hold(x, channel)
        if order is None:
            return await _failsafe(x, channel)
        verb = part(order, 2)
        if verb == "agent":
            ended = await _agent(x, channel, order)
            if ended is not None:
                return ended
        elif verb == "release":
            channel.at("callrouter-do", "release", 1, "Hangup")
            return int(digits(part(order, 3)) or 0)
        elif verb == "ask":
            await _ask(x, channel, order)
        else:
            cause = digits(part(order, 4))
            channel.variables.update(CR_STAGE="prompt", CR_CLAIM=part(order, 1), CR_CAUSE=cause)
            channel.at("callrouter-do", "say", 6, "Playback", part(order, 3))
            channel.play(part(order, 3))
            for _ in part(order, 3).split("&"):
                await _sound(x, channel)
            if int(cause or 0):
                return int(cause)


async def _hold(x: Exchange, channel: Channel) -> str | None:
    """Wait, ringing, for an order that counts; None: no router is alive."""
    v = channel.variables
    v.update(CR_CMD="", CR_STAGE="hold")
    channel.at("callrouter-hold", "s", 7, "UserEvent")
    channel.ring_back()
    call = ("Call", channel.unique_id)
    state = "Up" if channel.state == 6 else "Ring"
    x.user_event(channel, "CrHold", (call, ("Epoch", x.globals.get("CR_EPOCH") or "0"), ("State", state)))
    channel.at("callrouter-hold", "s", 8, "Read", "CR_BELL,,1,n,1,2")
    loop = asyncio.get_running_loop()
    seen, missed, look_at = beat(x), 0, loop.time() + x.look_s
    while True:
        frame = await channel.frame(max(0.0, look_at - loop.time()))
        order = _ORDER.sub("", v.get("CR_CMD", ""))
        if order:
            v["CR_CMD"] = ""
            if part(order, 1) == x.globals.get("CR_EPOCH", "") and part(order, 2) in (
                "agent",
                "release",
                "ask",
                "say",
            ):
                return order
            x.user_event(channel, "CrFenced", (call, ("Cmd", order)))
        if frame is not None:
            continue
        late = loop.time() - look_at
        look_at = loop.time() + x.look_s
        if late > x.look_s / 2:
            continue  # the machine stood still, and the router with it if it lives in this process: look again
        if not v.get("CR_CLAIM"):
            return None
        now = beat(x)
        missed = missed + 1 if now == seen else 0
        seen = now
        if missed >= LOOKS_MAX:
            return None


async def _agent(x: Exchange, channel: Channel, order: str) -> int | None:
    """One offer. None: back into hold."""
    v = channel.variables
    attempt = part(order, 5)
    v.update(CR_TO=part(order, 4), CR_TRY=attempt, CR_CLAIM=part(order, 1), CR_STAGE="agent")
    seconds = digits(part(order, 3))
    deaf = 0
    while True:
        if v.get("CR_CANCEL") == attempt:  # cancelled before it began
            _tried(x, channel, "CANCEL", "0", None)
            return None
        data = f"PJSIP/{v['CR_TO'].replace('&', '&PJSIP/')},{seconds},b(callrouter-leg^s^1)g{'d' if deaf < 3 else ''}"
        channel.at("callrouter-do", "agent", 9, "Dial", data)
        targets = [target for target in v["CR_TO"].split("&") if target]
        dialled = await dial(x, channel, targets, float(seconds) if seconds else None, listen=deaf < 3)
        if not dialled.bell:
            break
        if v.get("CR_CANCEL") == attempt:
            _tried(x, channel, "CANCEL", "0", dialled.ring_ms)
            return None
        deaf += 1  # the caller's own digit or a late bell: ring on
    if dialled.status == "ANSWER":
        return await _put_through(x, channel, dialled)
    channel.at("callrouter-do", "agent", 11, "UserEvent")
    _tried(x, channel, dialled.status, str(channel.cause), dialled.ring_ms)
    return None


def _tried(x: Exchange, channel: Channel, status: str, cause: str, ring_ms: int | None) -> None:
    v = channel.variables
    pairs = [("Call", channel.unique_id), ("Try", v["CR_TRY"]), ("To", v["CR_TO"]), ("Cancel", v.get("CR_CANCEL", ""))]
    ring = "" if ring_ms is None else str(ring_ms)
    x.user_event(channel, "CrTried", [*pairs, ("Status", status), ("Cause", cause), ("Ring", ring)])


async def _ask(x: Exchange, channel: Channel, order: str) -> None:
    """Play sounds and read digits. The first digit ends the sounds; then each has `wait_s`; '#' ends the reading."""
    channel.variables.update(CR_STAGE="prompt", CR_CLAIM=part(order, 1))
    channel.at("callrouter-do", "ask", 7, "Read")
    most, wait_s = int(digits(part(order, 4)) or 0), float(digits(part(order, 5)) or 0)
    channel.play(part(order, 3), asks=True)
    sounds_s = SOUND_S * len(part(order, 3).split("&"))
    pressed, status = "", "OK"
    while len(pressed) < most:
        frame = await channel.frame((wait_s + (0.0 if pressed else sounds_s)) / x.pace.rate)
        if frame is None:
            status = "TIMEOUT"
            break
        if frame.value == "#":
            break
        pressed += frame.value if frame.value in "0123456789*" else ""
    step = digits(part(order, 6))
    pairs = (("Call", channel.unique_id), ("Step", step), ("Digit", pressed), ("Status", status))
    x.user_event(channel, "CrMenu", pairs)


async def _failsafe(x: Exchange, channel: Channel) -> int:
    channel.variables["CR_STAGE"] = "failsafe"
    channel.at("callrouter-failsafe", "s", 2, "UserEvent")
    claim = digits(channel.variables.get("CR_CLAIM", ""))
    x.user_event(channel, "CrFailsafe", (("Call", channel.unique_id), ("Claim", claim)))
    if not x.failsafe:
        return 17
    channel.ring_back()
    channel.at("callrouter-failsafe", "s", 5, "Dial")
    dialled = await dial(x, channel, x.failsafe, x.failsafe_s)
    return await _put_through(x, channel, dialled) if dialled.status == "ANSWER" else 17


# ---- an outbound call


async def originated(x: Exchange, channel: Channel, origin: Channel, target: str, ring_s: float) -> int:
    """`Originate`: the agent's phone is rung; its answer begins the callback context on its own channel."""
    x.emit("DialBegin", "call,all", [*channel.headers("Dest"), ("DialString", target)])
    x.invite(channel)
    loop = asyncio.get_running_loop()
    end = loop.time() + ring_s / x.pace.rate
    status, cause = "NOANSWER", 19
    while (frame := await origin.frame(max(0.0, end - loop.time()))) is not None:
        if frame.kind == "ringing" and channel.state == DOWN:
            channel.state = RINGING
            x.device_changed(channel.endpoint)
        elif frame.kind == "answer":
            status = "ANSWER"
            break
        elif frame.kind in ("refused", "gone"):
            status, cause = "BUSY" if frame.code == 17 else "NOANSWER", frame.code
            break
    channel.owner = None
    if status == "ANSWER":
        channel.state = UP
    x.emit("DialEnd", "call,all", [*channel.headers("Dest"), ("DialStatus", status)])
    if status != "ANSWER":
        return cause
    x.device_changed(channel.endpoint)
    return await _call_back(x, channel)


async def _call_back(x: Exchange, channel: Channel) -> int:
    """The agent is on the phone: the caller's is rung."""
    v = channel.variables
    v["CR_STAGE"] = "callback"
    order = re.sub(r"[^0-9+_]", "", v.get("CR_BACK", ""))
    channel.at("callrouter-callback", "ring", 3, "UserEvent")
    call = ("Call", v.get("CR_CALL", ""))
    if part(order, 1) != x.globals.get("CR_EPOCH", ""):
        x.user_event(channel, "CrFenced", (call, ("Cmd", order)))
        return 16
    x.user_event(channel, "CrBackUp", (call,))
    number, dial_s = part(order, 3)[:15], float(digits(part(order, 2)) or 0)
    number = f"0{number[2:]}" if number.startswith("49") else f"00{number}"
    channel.number = channel.title = part(order, 4)
    channel.at("callrouter-callback", "ring", 8, "Dial", f"PJSIP/{number}@carrier,{dial_s:.0f},g")
    dialled = await dial(x, channel, (f"{number}@carrier",), dial_s)
    channel.at("callrouter-callback", "ring", 9, "UserEvent")
    x.user_event(channel, "CrBackTried", (call, ("Status", dialled.status), ("Cause", str(channel.cause))))
    return 16


# ---- the others


async def lent(x: Exchange, channel: Channel, phone: str, call: str) -> int:
    """A leg from another site's Asterisk, for a phone here."""
    channel.variables["CR_CALL"] = _CALL.sub("", call)[:40]
    channel.at("callrouter-site", "s", 3, "Dial", f"PJSIP/{phone},120")
    x.user_event(channel, "CrLent", (("Call", channel.variables["CR_CALL"]), ("Agent", phone)))
    dialled = await dial(x, channel, (phone,), 120.0)
    return await _put_through(x, channel, dialled) if dialled.refer else channel.cause


async def code(x: Exchange, channel: Channel, dialled: str) -> int:
    """An agent's phone dialled a feature code. It is never answered; what it hears is early media."""
    word = CODES[dialled]
    channel.at("callrouter-code", "s", 4, "UserEvent")
    seen = beat(x)
    x.user_event(channel, "CrAgent", (("Phone", channel.endpoint), ("Code", word)))
    channel.indicated = True
    x.device_changed(channel.endpoint)
    channel.at("callrouter-code", "s", 5, "Playback", "beep,noanswer")
    await _sound(x, channel, 0.3)
    loop = asyncio.get_running_loop()
    end = loop.time() + 2.4
    while beat(x) == seen:
        if loop.time() >= end:
            await _sound(x, channel)
            return 38
        await channel.frame(0.1)
    await _sound(x, channel)
    return 16


async def private(x: Exchange, channel: Channel, target: str) -> int:
    """A phone calls another phone or the world, by itself."""
    channel.at("from-phones", channel.exten, 1, "Dial", f"PJSIP/{target},60")
    dialled = await dial(x, channel, (target,), 60.0)
    return await _put_through(x, channel, dialled) if dialled.status == "ANSWER" else channel.cause


async def _put_through(x: Exchange, channel: Channel, dialled: Dialled) -> int:
    """The conversation is over, unless whoever answered has put the channel through: then it goes on as a phone's."""
    while dialled.refer:
        channel.at("from-phones", dialled.refer, 1, "Dial", f"PJSIP/{dialled.refer},60")
        dialled = await dial(x, channel, (dialled.refer,), 60.0)
    return 16 if dialled.status == "ANSWER" else channel.cause


async def _sound(x: Exchange, channel: Channel, seconds: float = SOUND_S) -> None:
    """Play something; digits do not end it."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds / x.pace.rate
    while (left := end - loop.time()) > 0:
        await channel.frame(left)
