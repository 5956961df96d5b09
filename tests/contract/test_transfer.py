"""An agent puts his caller through to another phone, unseen (RFC 3515): what the switch says of it."""

from __future__ import annotations

import asyncio

from callrouter.sim.people import Behaviour
from tests.contract.bench import Bench, chan_variable


async def test_a_caller_who_is_put_through(bench: Bench) -> None:
    """The agent's leg ends; the caller's own channel, up and outside our contexts, dials the next phone, still with the
    number of our last try. Status says both. Its end is the end of the call."""
    ami = bench.ami["gera"]
    first = await bench.phone("gera", 1, Behaviour(answer_s=0.1))
    second = await bench.phone("gera", 2, Behaviour(answer_s=1.0))
    caller, call, since = await bench.held()
    await bench.router["gera"].offer(call, first, 7)
    leg = (await ami.event("DialBegin", since))["DestUniqueid"]
    await caller.until("talking")
    since = len(ami.events)
    bench.phone_calls("gera", first)[0].transfer(second)
    gone = await ami.event("Hangup", since, Uniqueid=leg)
    assert (gone["Cause"], chan_variable(gone, "CR_CALL")) == ("16", call)
    # The legs are two channels: either may be told first.
    begun = await ami.event("DialBegin", since, Uniqueid=call)
    assert (begun["DialString"], begun["Context"]) == (second, "from-phones")
    assert (begun["ChannelStateDesc"], chan_variable(begun, "CR_TRY")) == ("Up", "7")
    row = await bench.status("gera", call)
    assert row is not None
    assert (row["Context"], row["ChannelStateDesc"], row["CR_STAGE"], row["BridgeID"]) == (
        "from-phones",
        "Up",
        "agent",
        "",
    )
    answered = await ami.event("DialEnd", ami.events.index(begun), Uniqueid=call)
    assert answered["DialStatus"] == "ANSWER"
    async with asyncio.timeout(5):
        while (row := await bench.status("gera", call)) is None or not row["BridgeID"]:
            await asyncio.sleep(0.01)
    assert row["Context"] == "from-phones"
    caller.hang_up()
    assert (await ami.event("Hangup", since, Uniqueid=call))["ChannelStateDesc"] == "Up"
    await ami.event("Hangup", since, Uniqueid=begun["DestUniqueid"])


async def test_a_borrowed_caller_who_is_put_through(bench: Bench) -> None:
    """At the lender's the agent's leg ends, naming the call; the trunk rings the next phone; at home nothing ends."""
    home, lender = bench.ami["gera"], bench.ami["magdeburg"]
    first = await bench.phone("magdeburg", 1, Behaviour(answer_s=0.1))
    second = await bench.phone("magdeburg", 2, Behaviour(answer_s=0.1))
    caller, call, since = await bench.held()
    there = len(lender.events)
    await bench.router["gera"].offer(call, f"{first}@magdeburg", 3)
    leg = (await lender.event("DialBegin", there))["DestUniqueid"]
    await caller.until("talking")
    since = len(home.events)
    bench.phone_calls("magdeburg", first)[0].transfer(second)
    gone = await lender.event("Hangup", there, Uniqueid=leg)
    assert (gone["Cause"], chan_variable(gone, "CR_CALL")) == ("16", call)
    begun = await lender.event("DialBegin", there, DialString=second)
    assert (begun["Context"], chan_variable(begun, "CR_CALL")) == ("from-phones", call)
    answered = await lender.event("DialEnd", there, DestUniqueid=begun["DestUniqueid"])
    assert answered["DialStatus"] == "ANSWER"
    row = await bench.status("gera", call)
    assert row is not None
    assert (row["Context"], row["CR_STAGE"], bool(row["BridgeID"])) == ("callrouter-do", "agent", True)
    assert not [event for event in home.events[since:] if event.get("Event") == "Hangup"]
    caller.hang_up()
    await home.event("Hangup", since, Uniqueid=call)
    await lender.event("Hangup", there, Uniqueid=begun["DestUniqueid"])
