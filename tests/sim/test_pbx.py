"""What the virtual Asterisk can do besides the contract: break in all the ways that tests and the demo need."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from callrouter.sim import manager
from callrouter.sim.pace import Pace
from callrouter.sim.pbx import VirtualPbx, boot
from callrouter.sim.people import ANSWERS, IGNORES, Behaviour
from tests.asterisk.ami import HandRouter, RawAmi


@pytest.fixture
async def sites() -> AsyncIterator[tuple[VirtualPbx, VirtualPbx]]:
    gera = VirtualPbx("gera", phones=("2001", "2002"), qualify_s=0.1, rtp_timeout_s=0.2, look_s=0.3)
    gotha = VirtualPbx("gotha", phones=("3001",), qualify_s=0.1, rtp_timeout_s=0.2, look_s=0.3)
    await boot(gera, gotha)
    for site in (gera, gotha):
        for phone in site.phones.values():
            phone.register()
            phone.behaviour = ANSWERS
    yield gera, gotha
    for site in (gera, gotha):
        await site.stop()


def client(site: VirtualPbx) -> RawAmi:
    return RawAmi("127.0.0.1", site.port, site.user, site.secret)


async def test_hung_link_is_connected_and_silent(sites: tuple[VirtualPbx, VirtualPbx]) -> None:
    """A half-open session stays connected and answers nothing; a new one is served."""
    gera, _ = sites
    async with client(gera) as old:
        gera.hang_link()
        ping = old.send("Ping")
        async with client(gera) as new:
            assert (await new.action("Ping"))["Ping"] == "Pong"
        with pytest.raises(AssertionError, match="no answer"):
            await old.answer(ping, deadline_s=0.1)
        assert not old.closed


async def test_cut_link_refuses_until_mended(sites: tuple[VirtualPbx, VirtualPbx]) -> None:
    """While the link is cut nobody can connect; mended, it is at the same port and the caller still waits."""
    gera, _ = sites
    caller = gera.call("100", "0170")
    port = gera.port
    async with client(gera) as ami:
        await gera.cut_link()
        with pytest.raises(OSError, match=r"(?i)connect"):
            await asyncio.open_connection("127.0.0.1", port)
        await ami._until(lambda: ami.closed, 2, "closed")
    await gera.mend_link()
    assert gera.port == port
    async with client(gera) as ami:
        assert len(await ami.listing("Status")) == 1
    assert caller.state == "ringing"


async def test_cut_trunk_while_talking_ends_in_silence(sites: tuple[VirtualPbx, VirtualPbx]) -> None:
    """When the trunk breaks, a conversation over it hears nothing and is ended by the RTP time-out, cause 44."""
    gera, gotha = sites
    async with client(gera) as ami, HandRouter(ami, 5) as router:
        caller = gera.call("100", "0170")
        call = (await ami.event("CrHold"))["Call"]
        await router.offer(call, "3001@gotha")
        await caller.until("talking")
        gera.trunks["gotha"].cut()
        await caller.until("ended")
        assert caller.cause in (16, 44)
        assert (await ami.event("Hangup", Cause="44"))["Channel"].startswith("PJSIP/gotha-")
        await ami.event("PeerStatus", PeerStatus="Unreachable")
        gera.trunks["gotha"].mend()
        await ami.event("PeerStatus", PeerStatus="Reachable")
    assert gotha.phone("3001").calls == []


async def test_who_answers_a_call_that_a_broken_trunk_left_ringing_hears_nobody(
    sites: tuple[VirtualPbx, VirtualPbx],
) -> None:
    """The lender's phone rings on when the trunk breaks; its answer reaches nobody and ends by the RTP time-out."""
    gera, gotha = sites
    gotha.phone("3001").behaviour = IGNORES
    async with client(gera) as ami, HandRouter(ami, 5) as router, client(gotha) as there:
        gera.call("100", "0170")
        call = (await ami.event("CrHold"))["Call"]
        await router.offer(call, "3001@gotha")
        await there.event("DeviceStateChange", Device="PJSIP/3001", State="RINGING")
        gera.trunks["gotha"].cut()
        gera.trunks["gotha"].mend()
        [ringing] = gotha.phone("3001").calls
        ringing.answer()
        await ringing.until("ended")
    assert gotha.channels() == []


@pytest.mark.slow
async def test_dead_trunk_not_yet_noticed_is_silent(sites: tuple[VirtualPbx, VirtualPbx]) -> None:
    """An offer over a trunk that broke a moment ago lasts its whole ring time without ringing."""
    gera, gotha = sites
    gera.qualify_s = gotha.qualify_s = 5.0
    async with client(gera) as ami, HandRouter(ami, 5) as router:
        gera.call("100", "0170")
        call = (await ami.event("CrHold"))["Call"]
        gera.trunks["gotha"].cut()
        await router.offer(call, "3001@gotha", 1, ring_s=1)
        tried = await ami.event("CrTried")
        assert (tried["Status"], tried["Ring"]) == ("NOANSWER", "")


async def test_killed_site_loses_its_callers_and_keeps_ids_apart(sites: tuple[VirtualPbx, VirtualPbx]) -> None:
    """A kill ends all calls without a word; after the restart no channel gets an id that was used before."""
    gera, _ = sites
    before = gera.call("100", "0170")
    await before.until("ringing")
    await gera.kill()
    assert (before.state, before.lost) == ("ended", True)
    assert gera.call("100", "0170").sip == 408
    await gera.start()
    after = gera.call("100", "0170")
    assert after.call != before.call


async def test_site_that_stops_says_shutdown_and_hangs_up(sites: tuple[VirtualPbx, VirtualPbx]) -> None:
    """SIGTERM: Shutdown first, then the calls end, then the connection."""
    gera, _ = sites
    caller = gera.call("100", "0170")
    async with client(gera) as ami:
        await caller.until("ringing")
        await gera.stop()
        await ami._until(lambda: ami.closed, 2, "closed")
        names = [event["Event"] for event in ami.events]
        assert names.index("Shutdown") < names.index("Hangup")
    assert caller.state == "ended"
    assert not caller.lost


async def test_reader_that_falls_behind_is_closed(
    sites: tuple[VirtualPbx, VirtualPbx], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session whose client does not read is closed, as writetimeout does, and the others are not held up."""
    gera, _ = sites
    monkeypatch.setattr(manager, "BEHIND_MAX", 100_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", gera.port, limit=2**10)
    writer.write(f"Action: Login\r\nUsername: {gera.user}\r\nSecret: {gera.secret}\r\n\r\n".encode())
    async with client(gera) as ami:
        await ami.action("Ping")
        assert len(gera.manager.sessions) == 2
        for _ in range(20_000):
            gera.emit("PeerStatus", "system,all", [("Peer", "PJSIP/" + "x" * 1000)])
            if len(gera.manager.sessions) < 2:
                break
            await asyncio.sleep(0)
        assert (await ami.action("Ping"))["Ping"] == "Pong"
    writer.close()
    assert reader is not None


@pytest.mark.slow
async def test_pace_hurries_people_and_not_the_failsafe() -> None:
    """At 20 times the pace a phone rings 20 s in one; the dialplan still looks for the router in real seconds."""
    pace = Pace(20.0)
    site = VirtualPbx("gera", phones=("2001",), pace=pace, look_s=1.0)
    await boot(site)
    phone = site.phone("2001")
    phone.register()
    phone.behaviour = IGNORES
    loop = asyncio.get_running_loop()
    try:
        async with client(site) as ami, HandRouter(ami, 5) as router:
            since = loop.time()
            caller = site.call("100", "0170")
            call = (await ami.event("CrHold"))["Call"]
            await router.offer(call, "2001", 1, ring_s=10)
            tried = await ami.event("CrTried")
            assert loop.time() - since < 5.0
            assert int(tried["Ring"]) >= 8_000
            caller.hang_up()
            lost = site.call("100", "0170")
            since = loop.time()
            await lost.until("ended")
            assert loop.time() - since > 0.8
    finally:
        await site.stop()


async def test_caller_gives_up_at_the_moment_of_the_answer(sites: tuple[VirtualPbx, VirtualPbx]) -> None:
    """Whoever is first, caller or phone, both legs end and nothing is left over."""
    gera, _ = sites
    async with client(gera) as ami, HandRouter(ami, 5) as router:
        for k in range(20):
            since = len(ami.events)
            gera.phone("2001").behaviour = Behaviour(answer_s=k * 0.0005)
            caller = gera.call("100", "0170")
            call = (await ami.event("CrHold", since))["Call"]
            await router.offer(call, "2001", k)
            await asyncio.sleep(0.005)
            caller.hang_up()
            await ami.event("Hangup", since, Uniqueid=call)
            await caller.until("ended")
        for event in ami.find("DialBegin"):
            await ami.event("Hangup", Uniqueid=event["DestUniqueid"])
        assert await ami.listing("Status") == []
    assert gera.phone("2001").calls == []


async def test_second_call_of_a_busy_phone(sites: tuple[VirtualPbx, VirtualPbx]) -> None:
    """A phone in a call says busy to the next, or takes it when told so: then it is RINGINUSE."""
    gera, _ = sites
    phone = gera.phone("2001")
    async with client(gera) as ami, HandRouter(ami, 5) as router:
        private = phone.dial("2002")
        await private.until("talking")
        for attempt, behaviour in enumerate((IGNORES, Behaviour(second=True)), 1):
            phone.behaviour = behaviour
            since = len(ami.events)
            caller = gera.call("100", "0170")
            call = (await ami.event("CrHold", since))["Call"]
            await router.offer(call, "2001", attempt)
            if attempt == 1:
                assert (await ami.event("CrTried", since))["Status"] == "BUSY"
            else:
                await ami.event("DeviceStateChange", since, Device="PJSIP/2001", State="RINGINUSE")
            caller.hang_up()
            await caller.until("ended")


async def test_call_to_the_world(sites: tuple[VirtualPbx, VirtualPbx]) -> None:
    """A phone may call an outside number over the carrier; a number that nobody has is 404."""
    gera, _ = sites
    outside = gera.phone("2001").dial("0301234567")
    await outside.until("talking")
    gera.phone("2001").hang_up()
    await outside.until("ended")
    nobody = gera.phone("2001").dial("77")
    assert (nobody.state, nobody.sip) == ("ended", 404)


async def test_caller_presses_a_digit_of_a_menu(sites: tuple[VirtualPbx, VirtualPbx]) -> None:
    """A caller who is asked hears early media and presses; the router is told the digit, the caller waits again."""
    gera, _ = sites
    async with client(gera) as ami, HandRouter(ami, 5) as router:
        caller = gera.call("100", "0170")
        caller.on_question = lambda who: who.press("2")
        call = (await ami.event("CrHold"))["Call"]
        await router.order(call, "ask_agency-menu_1_4_1")
        menu = await ami.event("CrMenu")
        assert (menu["Step"], menu["Digit"], menu["Status"]) == ("1", "2", "OK")
        await ami.event("CrHold", ami.events.index(menu))
        assert caller.heard == ["ringing", "ringing", "early media", "ringing"]
