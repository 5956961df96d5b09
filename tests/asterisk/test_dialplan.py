"""The contract of docs/decisions/0001-control-contract.md, kept by the real Asterisk. The router is played by hand."""

from __future__ import annotations

import asyncio

import pytest

from tests.asterisk.ami import RawAmi
from tests.asterisk.lab import Lab
from tests.asterisk.network import AMI_PORT, SECRET, Site

pytestmark = pytest.mark.asterisk

M, G = "magdeburg", "gera"


async def test_a_caller_rings_unanswered_until_an_agent_answers(lab: Lab) -> None:
    """The caller gets 180 and nothing else until the phone's 200; then both talk, and one hang-up ends all."""
    ami = lab.amis[M]
    async with await lab.hand_router(M) as router:
        agent = await lab.phone(M, "1001")
        caller = lab.call(M)
        call = await lab.held(caller)
        await caller.hears(180)
        assert caller.final == 0
        await router.offer(call, "1001")
        await agent.rings()
        agent.tell("ANSWER")
        await caller.hears(200)
        await agent.talks()
        caller.hang_up()
        await ami.event("Hangup", Uniqueid=call, ChannelStateDesc="Up")
    assert lab.check().early == ()
    assert lab.check().answered == 1


async def test_the_call_id_reaches_the_phone(lab: Lab) -> None:
    """The header X-Callrouter-Call of the leg is the caller's Uniqueid, and DialBegin carries it with the attempt."""
    ami = lab.amis[M]
    async with await lab.hand_router(M) as router:
        agent = await lab.phone(M, "1001")
        call = await lab.held(lab.call(M))
        await router.offer(call, "1001", attempt=7)
        leg = await agent.rings()
        begin = await ami.event("DialBegin", DialString="1001")
    assert leg.headers["x-callrouter-call"] == call
    assert begin["Uniqueid"] == call
    assert set(begin["ChanVariable"].split("\n")) == {f"CR_CALL={call}", "CR_TRY=7"}


@pytest.mark.parametrize(
    ("word", "status", "cause", "rang"),
    [
        ("BUSY", "BUSY", "17", True),
        ("DECLINE", "CHANUNAVAIL", "21", True),
        ("AWAY", "NOANSWER", "19", True),
        ("FAULT", "CHANUNAVAIL", "38", True),
    ],
)
async def test_a_phone_that_refuses_gives_the_caller_back(
    lab: Lab, word: str, status: str, cause: str, rang: bool
) -> None:
    """Whatever the phone says but yes, the dialplan reports it and holds the caller, still unanswered."""
    ami = lab.amis[M]
    async with await lab.hand_router(M) as router:
        agent = await lab.phone(M, "1001")
        caller = lab.call(M)
        call = await lab.held(caller)
        await router.offer(call, "1001", attempt=3)
        await agent.rings()
        since = len(ami.events)
        agent.tell(word)
        tried = await ami.event("CrTried", Call=call)
        held = await ami.event("CrHold", since, Call=call)
    assert (tried["Try"], tried["Status"], tried["Cause"], tried["To"]) == ("3", status, cause, "1001")
    assert bool(tried["Ring"]) == rang
    assert held["State"] == "Ring"
    assert caller.final == 0


async def test_a_phone_that_is_not_there_is_reported_at_once(lab: Lab) -> None:
    """An unregistered phone is CHANUNAVAIL, no ring time, and the caller goes on waiting."""
    ami = lab.amis[M]
    async with await lab.hand_router(M) as router:
        call = await lab.held(lab.call(M))
        await router.offer(call, "1007")
        tried = await ami.event("CrTried", Call=call)
    assert (tried["Status"], tried["Cause"], tried["Ring"]) == ("CHANUNAVAIL", "3", "")


async def test_a_phone_that_rings_out_and_one_that_is_silent_differ(lab: Lab) -> None:
    """Ring names the milliseconds for the phone that rang, and nothing for the one that never did."""
    ami = lab.amis[M]
    async with await lab.hand_router(M) as router:
        await lab.phone(M, "1001")
        await lab.phone(M, "1002", rings=False)
        rung, silent = await lab.held(lab.call(M)), await lab.held(lab.call(M))
        await router.offer(rung, "1001", ring_s=1)
        await router.offer(silent, "1002", ring_s=1)
        heard = await ami.event("CrTried", Call=rung)
        unheard = await ami.event("CrTried", Call=silent)
    assert heard["Status"] == unheard["Status"] == "NOANSWER"
    assert 900 <= int(heard["Ring"]) <= 1500
    assert unheard["Ring"] == ""


async def test_several_phones_ring_and_the_first_to_answer_has_the_caller(lab: Lab) -> None:
    """Ring-all: one winner; the others are cancelled."""
    async with await lab.hand_router(M) as router:
        first, second = await lab.phone(M, "1001"), await lab.phone(M, "1002")
        caller = lab.call(M)
        await router.offer(await lab.held(caller), "1001&1002")
        await first.rings()
        await second.rings()
        second.tell("ANSWER")
        await caller.hears(200)
        await first.free()
    assert lab.check().early == ()


async def test_a_caller_who_hangs_up_while_a_phone_rings_stops_it(lab: Lab) -> None:
    """His CANCEL reaches the phone; the Hangup says that he was never answered; no attempt is reported."""
    ami = lab.amis[M]
    async with await lab.hand_router(M) as router:
        agent = await lab.phone(M, "1001")
        caller = lab.call(M)
        call = await lab.held(caller)
        await router.offer(call, "1001")
        await agent.rings()
        caller.hang_up()
        await agent.free()
        gone = await ami.event("Hangup", Uniqueid=call)
    assert gone["ChannelStateDesc"] == "Ring"
    assert await caller.ends() == 487
    assert ami.find("CrTried", Call=call) == []


# ---- release, say, menu


async def test_release_ends_the_call_busy(lab: Lab) -> None:
    """release with cause 17 is 486 to the caller, who was never answered."""
    async with await lab.hand_router(M) as router:
        caller = lab.call(M)
        await router.order(await lab.held(caller), "release_17")
        assert await caller.ends() == 486
    assert lab.check().answered == 0


async def test_say_plays_early_and_then_ends_the_call(lab: Lab) -> None:
    """An announcement is early media (183 with SDP), then the cause."""
    async with await lab.hand_router(M) as router:
        caller = lab.call(M)
        await router.order(await lab.held(caller), "say_test-beep_17")
        early = await caller.hears(183)
        assert await caller.ends() == 486
    assert "m=audio" in early.body


async def test_a_menu_without_a_key_leads_back_into_hold(lab: Lab) -> None:
    """The prompt is early media; the time-out is reported; the caller is held again, unanswered, with a tone."""
    ami = lab.amis[M]
    async with await lab.hand_router(M) as router:
        caller = lab.call(M)
        call = await lab.held(caller)
        since = len(ami.events)
        await router.order(call, "ask_test-beep_1_2_7")
        await caller.hears(183)
        menu = await ami.event("CrMenu", Call=call)
        await ami.event("CrHold", since, Call=call, State="Ring")
        assert caller.final == 0
    assert (menu["Digit"], menu["Status"]) == ("", "TIMEOUT")


# ---- cancel


async def test_a_cancelled_offer_gives_the_caller_back_and_leaves_the_phone(lab: Lab) -> None:
    """Cancel by bell: the phone stops ringing, CrTried names the cancelled try, and a next offer works."""
    ami = lab.amis[M]
    async with await lab.hand_router(M) as router:
        agent, next_agent = await lab.phone(M, "1001"), await lab.phone(M, "1002")
        caller = lab.call(M)
        call = await lab.held(caller)
        await router.offer(call, "1001", attempt=1)
        await agent.rings()
        since = len(ami.events)
        await router.cancel(call, 1)
        await agent.free()
        tried = await ami.event("CrTried", Call=call)
        await ami.event("CrHold", since, Call=call, State="Ring")
        assert (tried["Status"], tried["Try"], tried["Cancel"]) == ("CANCEL", "1", "1")
        await router.offer(call, "1002", attempt=2)
        await next_agent.rings()
        next_agent.tell("ANSWER")
        await caller.hears(200)
    assert lab.check().early == ()


async def test_an_offer_that_was_cancelled_before_it_began_never_rings(lab: Lab) -> None:
    """The cancel overtook the offer: the dialplan does not dial and says so."""
    ami = lab.amis[M]
    async with await lab.hand_router(M) as router:
        agent = await lab.phone(M, "1001")
        call = await lab.held(lab.call(M))
        await ami.setvar(call, "CR_CANCEL", "5")
        since = len(ami.events)
        await router.offer(call, "1001", attempt=5)
        tried = await ami.event("CrTried", Call=call)
        await ami.event("CrHold", since, Call=call)
    assert (tried["Status"], tried["Ring"]) == ("CANCEL", "")
    assert agent.legs() == []


async def test_a_bell_that_is_no_cancel_lets_the_phone_ring_on(lab: Lab) -> None:
    """A late bell D means nothing; a C of another try makes the phone ring anew, at most three times."""
    ami = lab.amis[M]
    async with await lab.hand_router(M) as router:
        agent = await lab.phone(M, "1001")
        caller = lab.call(M)
        call = await lab.held(caller)
        await router.offer(call, "1001")
        await agent.rings()
        await router.bell(call)
        for times in (2, 3, 4):
            await router.bell(call, "C")
            await agent.rings(times)
        await router.bell(call, "C")
        agent.tell("ANSWER")
        await caller.hears(200)
    assert len(agent.legs()) == 4
    assert ami.find("CrTried", Call=call) == []


async def test_a_cancel_that_comes_after_the_answer_changes_nothing(lab: Lab) -> None:
    """The conversation goes on, and its end is its end: the caller is not put back into hold afterwards."""
    ami = lab.amis[M]
    async with await lab.hand_router(M) as router:
        agent = await lab.phone(M, "1001")
        caller = lab.call(M)
        call = await lab.held(caller)
        await router.offer(call, "1001", attempt=1)
        await agent.rings()
        agent.tell("ANSWER")
        await agent.talks()
        await caller.hears(200)
        since = len(ami.events)
        await router.cancel(call, 1)
        assert (await ami.listing("Status", Channel=call))[0]["ChannelStateDesc"] == "Up"
        assert not caller.gone
        agent.tell("HANGUP")
        await caller.over()
        await ami.event("Hangup", Uniqueid=call)
    assert ami.find("CrHold", since) == []
    assert ami.find("CrTried") == []


# ---- epochs and the failsafe


async def test_an_order_of_another_epoch_is_refused(lab: Lab) -> None:
    """Fenced: nothing rings, CrFenced names the order, the caller stays, and the right router still reaches him."""
    ami = lab.amis[M]
    async with await lab.hand_router(M, epoch=12) as router:
        agent = await lab.phone(M, "1001")
        caller = lab.call(M)
        call = await lab.held(caller)
        await router.claim(call)
        await router.order(call, "agent_20_1001_1", epoch=11)
        fenced = await ami.event("CrFenced", Call=call)
        assert fenced["Cmd"] == "11_agent_20_1001_1"
        assert agent.legs() == []
        await router.order(call, "nonsense_1")
        await ami.event("CrFenced", Call=call, Cmd="12_nonsense_1")
        await router.offer(call, "1001")
        await agent.rings()
        assert caller.final == 0


async def test_unclaimed_the_failsafe_group_rings_and_answers(lab: Lab) -> None:
    """No router at all: after 2 s the site's own phones ring; still no answer before theirs."""
    ami = lab.amis[M]
    group = await lab.phone(M, "1200")
    caller = lab.call(M)
    call = await lab.held(caller)
    await ami.event("CrFailsafe", Call=call, Claim="")
    assert await ami.getvar("CR_STAGE", call) == "failsafe"
    await group.rings()
    assert caller.final == 0
    group.tell("ANSWER")
    await caller.hears(200)
    assert lab.check().early == ()


async def test_the_failsafe_says_busy_when_nobody_is_there(lab: Lab) -> None:
    """No router and no failsafe phone: 486 and never an answer."""
    caller = lab.call(M)
    await lab.held(caller)
    assert await caller.ends() == 486


async def test_claimed_a_call_waits_as_long_as_the_beat_moves_and_no_longer(lab: Lab) -> None:
    """A claimed call outlives the 2 s; when the beat stands still for three looks, the failsafe has it."""
    ami = lab.amis[M]
    async with await lab.hand_router(M, epoch=3) as router:
        caller = lab.call(M)
        call = await lab.held(caller)
        await router.claim(call)
        with pytest.raises(AssertionError, match="no CrFailsafe"):
            await ami.event("CrFailsafe", Call=call, deadline_s=3.0)
        await router.stop_beat()
        await ami.event("CrFailsafe", Call=call, Claim="3", deadline_s=30.0)


async def test_the_beat_of_an_older_router_does_not_count(lab: Lab) -> None:
    """An old router that still beats cannot hide that the newer one is dead."""
    ami = lab.amis[M]
    async with await lab.hand_router(M, epoch=3):  # it beats on as epoch 3
        await ami.set_global("CR_EPOCH", "4")
        call = await lab.held(lab.call(M))
        await ami.setvar(call, "CR_CLAIM", "4")
        await ami.event("CrFailsafe", Call=call, deadline_s=30.0)


async def test_a_reload_of_the_dialplan_keeps_the_epoch(lab: Lab) -> None:
    """`dialplan reload` must not fence the living router."""
    ami = lab.amis[M]
    async with await lab.hand_router(M, epoch=21) as router:
        await ami.command("dialplan reload")
        assert await ami.getvar("CR_EPOCH") == "21"
        caller = lab.call(M)
        await router.order(await lab.held(caller), "release_17")
        assert await caller.ends() == 486


# ---- other sites


async def test_a_leg_over_the_trunk_reaches_the_phone_of_the_other_site(lab: Lab) -> None:
    """Gera's caller rings at Magdeburg's 1001: the call id travels, CrLent tells the lender, the promise holds."""
    async with await lab.hand_router(G) as router:
        agent = await lab.phone(M, "1001")
        caller = lab.call(G)
        call = await lab.held(caller)
        await router.offer(call, "1001@magdeburg")
        leg = await agent.rings()
        lent = await lab.amis[M].event("CrLent", Call=call)
        begin = await lab.amis[G].event("DialBegin", DialString="1001@magdeburg")
        agent.tell("ANSWER")
        await caller.hears(200)
        await agent.talks()
        caller.hang_up()
        await agent.free()
    assert leg.headers["x-callrouter-call"] == call
    assert leg.from_user == caller.number
    assert (lent["Agent"], begin["Uniqueid"]) == ("1001", call)
    assert lab.check().early == ()


@pytest.mark.parametrize(
    ("word", "status", "cause"),
    [("BUSY", "BUSY", "17"), ("DECLINE", "CHANUNAVAIL", "21"), ("AWAY", "NOANSWER", "19"), ("", "CHANUNAVAIL", "1")],
)
async def test_what_the_other_site_s_phone_says_is_understood(lab: Lab, word: str, status: str, cause: str) -> None:
    """Causes survive the trunk; an unregistered phone there is CHANUNAVAIL 1."""
    async with await lab.hand_router(G) as router:
        agent = await lab.phone(M, "1001", register=bool(word))
        call = await lab.held(lab.call(G))
        await router.offer(call, "1001@magdeburg")
        if word:
            await agent.rings()
            agent.tell(word)
        tried = await lab.amis[G].event("CrTried", Call=call)
    assert (tried["Status"], tried["Cause"], tried["To"]) == (status, cause, "1001@magdeburg")


# ---- reading a site back


async def test_a_site_can_be_read_back(lab: Lab) -> None:
    """Status with Variables tells a held, an offered and a talking call apart, by the rules of the contract."""
    ami = lab.amis[M]
    async with await lab.hand_router(M, epoch=2) as router:
        rung, talker = await lab.phone(M, "1001"), await lab.phone(M, "1002", does="ANSWER", after_ms=1)
        held, offered, talking = [await lab.held(lab.call(M)) for _ in range(3)]
        await router.claim(held)
        await router.offer(offered, "1001", attempt=4)
        await router.offer(talking, "1002", attempt=6)
        await rung.rings()
        await talker.rings()
        await talker.talks()
        await ami.event("DialEnd", DialStatus="ANSWER")
        wanted = "CR_CALL,CR_DID,CR_CLI,CR_CLAIM,CR_STAGE,CR_TO,CR_TRY"

        async def bridged() -> list[dict[str, str]]:
            while True:
                rows = await ami.listing("Status", Variables=wanted)
                if sum(bool(row["BridgeID"]) for row in rows) == 2:
                    return rows
                await asyncio.sleep(0.005)

        rows = {row["Uniqueid"]: row for row in await asyncio.wait_for(bridged(), 5)}
    values = {
        call: dict(v.split("=", 1) for v in rows[call]["Variable"].split("\n")) for call in (held, offered, talking)
    }
    assert [values[call]["CR_STAGE"] for call in (held, offered, talking)] == ["hold", "agent", "agent"]
    assert [bool(rows[call]["BridgeID"]) for call in (held, offered, talking)] == [False, False, True]
    assert [values[call]["CR_TRY"] for call in (offered, talking)] == ["4", "6"]
    assert values[offered]["CR_TO"] == "1001"
    assert {values[call]["CR_CLAIM"] for call in values} == {"2"}
    assert all(rows[call]["Context"].startswith("callrouter-") for call in values)


async def test_the_dialplan_tells_its_version_to_the_router_s_own_user(asterisk: Site, lab: Lab) -> None:
    """CR_DIALPLAN and CR_SITE can be read with the shipped AMI user, which may do nothing dangerous."""
    async with RawAmi(asterisk.host, AMI_PORT, "callrouter", SECRET) as ami:
        assert await ami.getvar("CR_DIALPLAN") == "3"
        assert await ami.getvar("CR_SITE") == "magdeburg"
        for action in ({"Action": "Command", "Command": "core show version"}, {"Action": "Filter", "Operation": "Add"}):
            name = action.pop("Action")
            answer = await ami.action(name, **action)
            assert answer["Response"] == "Error", answer
