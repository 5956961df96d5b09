"""An outbound call: an agent's phone is rung by the manager, and its answer has the caller's phone rung."""

from __future__ import annotations

import pytest

from callrouter.sim.people import SILENT, Behaviour
from tests.contract.bench import Bench, chan_variable
from tests.waiting import until

ANSWERS = Behaviour(answer_s=0.1)
IGNORES = Behaviour()
G = "gera"
HIS = "01711234567"


async def begun(bench: Bench, call: str, agent: Behaviour = ANSWERS, **more: str) -> tuple[str, int]:
    """An agent's phone that is being rung for this call, and where the site's events of it begin."""
    phone = await bench.phone(G, 1, agent)
    since = len(bench.ami[G].events)
    answer = await bench.ami[G].answer(bench.originate(G, call, phone, **more))
    assert answer["Response"] == "Success"
    return phone, since


async def test_agent_first_then_the_caller(bench: Bench) -> None:
    """The call's own id from the first event to the last; the caller's leg inherits it; each stage can be read back."""
    ami, call = bench.ami[G], "gera-cb17.5.1"
    await bench.outside(HIS, Behaviour(answer_s=0.5))
    phone, since = await begun(bench, call, Behaviour(answer_s=0.5))
    new = await ami.event("Newchannel", since, Uniqueid=call)
    assert new["Channel"].startswith(f"PJSIP/{phone}-")
    begin = await ami.event("DialBegin", since, DestUniqueid=call)
    assert "Channel" not in begin
    assert chan_variable(begin, "CR_CALL", "DestChanVariable") == call
    await ami.event("DeviceStateChange", since, Device=f"PJSIP/{phone}", State="RINGING")
    row = await bench.status(G, call)
    assert row is not None
    assert (row["ChannelStateDesc"], row["CR_TO"], row["CR_FOR"]) == ("Ringing", phone, "captured_agency-gera")
    up = await ami.event("CrBackUp", since, Uniqueid=call)
    assert (up["Call"], up["ChannelStateDesc"]) == (call, "Up")
    dials = await ami.event("DialBegin", since, Uniqueid=call)
    assert dials["DialString"] == f"{HIS}@carrier"
    assert chan_variable(dials, "CR_CALL", "DestChanVariable") == call
    both = await ami.event("DialEnd", since, Uniqueid=call, DialStatus="ANSWER")
    assert chan_variable(both, "CR_CALL") == call
    await until(lambda: bench.outside_calls(G, HIS)[0].state == "talking")
    row = await bench.status(G, call)
    assert row is not None
    assert (row["ChannelStateDesc"], bool(row["BridgeID"])) == ("Up", True)
    bench.outside_calls(G, HIS)[0].hang_up()
    ended = await ami.event("Hangup", since, Uniqueid=call)
    assert ended["ChannelStateDesc"] == "Up"
    assert [x["Status"] for x in ami.find("CrBackTried", since)] == ["ANSWER"]


@pytest.mark.parametrize(
    ("does", "status", "cause"),
    [
        (Behaviour(refuse=486), "BUSY", "17"),
        (Behaviour(refuse=603, refuse_s=0.2), "CHANUNAVAIL", "21"),
        (Behaviour(refuse=480, refuse_s=0.2), "NOANSWER", "19"),
        (Behaviour(refuse=404), "CHANUNAVAIL", "1"),
        (Behaviour(refuse=503), "CONGESTION", "34"),
        (IGNORES, "NOANSWER", "0"),
    ],
)
async def test_what_the_callers_phone_does_is_told(bench: Bench, does: Behaviour, status: str, cause: str) -> None:
    """Then the agent's leg ends too; it had been up."""
    ami, call = bench.ami[G], "gera-cb17.5.2"
    await bench.outside(HIS, does)
    _, since = await begun(bench, call, dial_s="1")
    tried = await ami.event("CrBackTried", since, Call=call)
    assert (tried["Status"], tried["Cause"]) == (status, cause)
    assert (await ami.event("Hangup", since, Uniqueid=call))["ChannelStateDesc"] == "Up"


@pytest.mark.parametrize(
    ("does", "cause", "state"),
    [
        (Behaviour(refuse=486, refuse_s=0.2), "17", "Ringing"),
        (Behaviour(refuse=603, refuse_s=0.2), "21", "Ringing"),
        (IGNORES, "19", "Ringing"),
        (SILENT, "19", "Down"),
    ],
)
async def test_what_the_agents_phone_does_is_told(bench: Bench, does: Behaviour, cause: str, state: str) -> None:
    """Its leg's end has the cause and says whether it ever rang; the dialplan is not begun, the caller not rung."""
    ami, call = bench.ami[G], "gera-cb17.5.3"
    await bench.outside(HIS, ANSWERS)
    _, since = await begun(bench, call, does, ring_ms="1000")
    ended = await ami.event("Hangup", since, Uniqueid=call)
    assert (ended["Cause"], ended["ChannelStateDesc"]) == (cause, state)
    assert chan_variable(ended, "CR_CALL") == call
    assert ami.find("CrBackUp", since) == []
    assert bench.outside_calls(G, HIS) == []


async def test_a_phone_that_is_not_there_makes_no_channel(bench: Bench) -> None:
    """The order is taken and nothing follows: the router must look for itself."""
    ami = bench.ami[G]
    phone = await bench.phone(G, 2, ANSWERS)
    await bench.unregister(G, phone)
    await ami.event("DeviceStateChange", Device=f"PJSIP/{phone}", State="UNAVAILABLE")
    since = len(ami.events)
    assert (await ami.answer(bench.originate(G, "gera-cb17.5.4", phone)))["Response"] == "Success"
    assert await bench.status(G, "gera-cb17.5.4") is None
    await ami.action("Ping")
    assert ami.find("Newchannel", since) == []


async def test_an_id_is_taken_once(bench: Bench) -> None:
    """The same order given twice rings one phone once."""
    ami, call = bench.ami[G], "gera-cb17.5.5"
    phone, since = await begun(bench, call, IGNORES)
    await ami.event("Newchannel", since, Uniqueid=call)
    assert (await ami.answer(bench.originate(G, call, phone)))["Response"] == "Success"
    other = await bench.phone(G, 2, IGNORES)
    assert (await ami.answer(bench.originate(G, call, other)))["Response"] == "Success"
    for later in ("gera-cb17.5.6", "gera-cb17.5.7"):  # when these have begun the others have had their turn
        assert (await ami.answer(bench.originate(G, later, other, ring_ms="1000")))["Response"] == "Success"
        await ami.event("Newchannel", since, Uniqueid=later)
    await ami.action("Hangup", Channel=call)
    await ami.event("Hangup", since, Uniqueid=call)
    assert len(ami.find("Newchannel", since, Uniqueid=call)) == 1


async def test_a_router_of_another_epoch_rings_no_caller(bench: Bench) -> None:
    """The agent's phone may have rung; his answer ends it."""
    ami, call = bench.ami[G], "gera-cb17.5.6"
    await bench.outside(HIS, ANSWERS)
    _, since = await begun(bench, call, epoch="1")
    fenced = await ami.event("CrFenced", since, Call=call)
    assert fenced["Cmd"] == "1_20_491711234567_06990009200"
    await ami.event("Hangup", since, Uniqueid=call)
    assert bench.outside_calls(G, HIS) == []
    assert ami.find("CrBackUp", since) == []


@pytest.mark.parametrize("stage", ["ringing", "dialling", "talking"])
async def test_it_is_ended_by_its_id_at_any_stage(bench: Bench, stage: str) -> None:
    """Both phones are free afterwards."""
    ami, call = bench.ami[G], "gera-cb17.5.7"
    await bench.outside(HIS, ANSWERS if stage == "talking" else IGNORES)
    phone, since = await begun(bench, call, IGNORES if stage == "ringing" else ANSWERS)
    if stage == "ringing":
        await ami.event("DeviceStateChange", since, Device=f"PJSIP/{phone}", State="RINGING")
    elif stage == "dialling":
        await ami.event("DialBegin", since, Uniqueid=call)
    else:
        await ami.event("DialEnd", since, Uniqueid=call)
    assert (await ami.action("Hangup", Channel=call))["Response"] == "Success"
    await ami.event("Hangup", since, Uniqueid=call)
    await until(lambda: not bench.phone_calls(G, phone) and not bench.outside_calls(G, HIS))


async def test_an_agent_elsewhere_is_rung_over_the_trunk(bench: Bench) -> None:
    """His site's events bear the call's id; the caller is rung over the line of the site that ordered it."""
    ami, call = bench.ami[G], "gera-cb17.5.8"
    await bench.outside(HIS, ANSWERS)
    phone = await bench.phone("magdeburg", 1, ANSWERS)
    since, there = len(ami.events), len(bench.ami["magdeburg"].events)
    assert (await ami.answer(bench.originate(G, call, f"{phone}@magdeburg")))["Response"] == "Success"
    new = await ami.event("Newchannel", since, Uniqueid=call)
    assert new["Channel"].startswith("PJSIP/magdeburg-")
    assert (await bench.ami["magdeburg"].event("CrLent", there))["Call"] == call
    await ami.event("DialEnd", since, Uniqueid=call, DialStatus="ANSWER")
    await until(lambda: bench.outside_calls(G, HIS)[0].state == "talking")
    bench.phone_calls("magdeburg", phone)[0].hang_up()
    await ami.event("Hangup", since, Uniqueid=call)


async def test_only_what_the_dialplan_has_can_be_ordered(bench: Bench) -> None:
    """An extension that is not there is refused."""
    phone = await bench.phone(G, 1, ANSWERS)
    for more in ({"Exten": "s"}, {"Context": "callrouter-nowhere"}):
        answer = await bench.ami[G].answer(bench.originate(G, "gera-cb17.5.9", phone, **more))
        assert answer["Response"] == "Error"
