"""What breaks: trunks, sites, routers, two of them at once, and people who mean harm. No caller pays, none is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from callrouter.core.commands import Outcome
from callrouter.core.events import PhoneActed
from tests.asterisk.lab import Lab
from tests.asterisk.routing import Rules, bye, process, routing, talk
from tests.asterisk.test_hostile import FORGED
from tests.waiting import until

pytestmark = pytest.mark.asterisk

M, G = "magdeburg", "gera"


async def test_a_broken_trunk_is_not_offered_and_comes_back(lab: Lab, tmp_path: Path) -> None:
    """Gera cannot reach Magdeburg: its callers are not offered there; when the trunk is back they are."""
    there = await lab.phone(M, "1001")
    file = lab.network.sites[G].etc / "pjsip.d" / "site.conf"
    good = file.read_text()
    dead = good.replace(f"contact = sip:{lab.network.sites[M].host}:", f"contact = sip:{lab.network.strangers}:")
    async with routing(lab, tmp_path / "c", Rules(ring_max_s=0)) as router:

        def down() -> bool:
            return M in next(one for one in router.service.engine.snapshot().sites if one.site == G).trunks_down

        await router.ready("magdeburg/1001")
        try:
            file.write_text(dead)
            await lab.amis[G].command("module reload res_pjsip.so")
            await until(down, router.text)
            refused = lab.call(G)
            assert await refused.ends() == 486
            assert there.legs() == []
        finally:
            file.write_text(good)
            await lab.amis[G].command("module reload res_pjsip.so")
        await until(lambda: not down(), router.text)
        await talk(lab.call(G), there)


async def test_a_site_that_dies_and_comes_back(lab: Lab, tmp_path: Path) -> None:
    """Gera's Asterisk is killed with calls: they are recorded, Magdeburg's goes on, and Gera is served again."""
    here, there = await lab.phone(G, "2001"), await lab.phone(M, "1001")
    async with routing(lab, tmp_path / "c", Rules(agreement=", enabled: false")) as router:
        await router.ready("gera/2001", "magdeburg/1001")
        talker, other = lab.call(G), lab.call(M)
        await talk(talker, here)
        await talk(other, there)
        waiter = lab.call(G)
        await router.known(waiter)
        lab.network.sites[G].kill()
        await until(lambda: not next(s for s in router.service.engine.snapshot().sites if s.site == G).link_up)
        assert not other.gone
        await lab.restart(G)
        await router.up(G)
        for caller in (talker, waiter):
            assert (await router.finished(caller)).outcome in (Outcome.LOST, Outcome.ANSWERED)
        await router.agent_is("gera/2001", "ready")  # his registration outlived the restart
        await talk(lab.call(G), here, 2)
        assert not other.gone
        await bye(router, other)


async def test_a_router_killed_with_callers_waiting_ringing_and_talking(lab: Lab, tmp_path: Path) -> None:
    """kill -9 and a new start: the talk goes on, the phone rings on and is answered, the waiting caller is served."""
    phones = [await lab.phone(G, name) for name in ("2001", "2002")]
    async with process(lab, tmp_path / "c", Rules(agreement=", enabled: false")) as router:
        await router.ready("gera/2001", "gera/2002")
        talking = lab.call(G)
        await talk(talking, phones[0])
        ringing = lab.call(G)
        await phones[1].rings()
        waiting = lab.call(G)
        held = await lab.held(waiting)
        await router.until_states("/calls", "call", {held.replace("-", "/", 1): "waiting"})
        await router.kill()
        assert [caller.final for caller in (talking, ringing, waiting)] == [200, 0, 0]
        await router.start()
        calls = sorted(one["state"] for one in await router.items("/calls"))
        assert calls == ["offered", "talking", "waiting"]
        assert len(phones[1].legs()) == 1, "the ringing phone was rung anew"
        phones[1].tell("ANSWER")
        await ringing.hears(200)
        assert not talking.gone
        talking.hang_up()
        await talk(waiting, phones[0], 2)
        assert await router.answered_without_agent() == 0
    assert lab.check().early == ()
    assert lab.check().answered == 3


async def test_without_a_router_the_failsafe_serves_and_with_it_again_it_does_not(lab: Lab, tmp_path: Path) -> None:
    """The router is stopped while one waits: he and the next go to the failsafe group; a new router takes the third."""
    group, phone = await lab.phone(G, "2200"), await lab.phone(G, "2001")
    async with routing(lab, tmp_path / "c") as router:
        waiting = lab.call(G)
        await router.known(waiting)
    fresh = lab.call(G)
    await group.rings(1)  # unclaimed: after 2 s
    group.tell("ANSWER")
    await fresh.hears(200)
    fresh.hang_up()
    await group.rings(2, 12.0)  # claimed, but no beat any more
    assert waiting.final == 0
    group.tell("ANSWER")
    await waiting.hears(200)
    waiting.hang_up()
    async with routing(lab, tmp_path / "c") as router:
        await router.ready("gera/2001")
        await talk(lab.call(G), phone)
    assert lab.check().early == ()


async def test_of_two_routers_the_older_is_fenced(lab: Lab, tmp_path: Path) -> None:
    """A second one starts: the first gives no more orders, and each caller rings one phone, once."""
    phones = [await lab.phone(G, "2001"), await lab.phone(G, "2002")]
    async with routing(lab, tmp_path / "old") as old:
        await old.ready("gera/2001", "gera/2002")
        before = lab.call(G)
        await talk(before, phones[0])
        async with routing(lab, tmp_path / "new") as new:
            await until(lambda: not any(s.link_up for s in old.service.engine.snapshot().sites), old.text)
            assert any("another router" in reason for reason in old.service.reasons())
            await new.ready("gera/2002")
            caller = lab.call(G)
            await talk(caller, phones[1])
            assert len(phones[1].legs()) == 1
            assert not before.gone
            await bye(new, caller)
            before.hang_up()
            assert (await new.finished(before)).outcome is Outcome.ANSWERED
        # the newer one is gone: the older finds its beat still, takes the sites back and serves
        await old.up()
        await old.ready("gera/2001", "gera/2002")
        await talk(lab.call(G), phones[0], 2)


async def test_hostile_people_are_served_and_believed_nothing(lab: Lab, tmp_path: Path) -> None:
    """A forging caller is routed like any other; forging phones and strangers change no agent and make no call."""
    phone, evil = await lab.phone(M, "1001"), await lab.phone(M, "1002")
    host = lab.network.sites[M].host
    async with routing(lab, tmp_path / "c") as router:
        await router.ready("magdeburg/1001")
        await lab.dial_from_phone(evil, "*19", uri=f"sip:*19{FORGED}@{host}:5060").refused()
        stranger = lab.call(M, from_="<sip:carrier@127.0.0.1>", source=lab.network.strangers)
        await lab.wire.until(lambda: stranger.heard(401) or stranger.heard(403) or stranger.heard(404))
        caller = lab.call(M, from_=f'"{FORGED}" <sip:{FORGED}@carrier.example>')
        await talk(caller, phone)
        await router.agent_is("magdeburg/1001", "talking")
        assert router.all(PhoneActed) == []
        caller.hang_up()
        await router.agent_is("magdeburg/1001", "ready")
        assert [state.rejects for state in router.service.switchboard.states()] == [0, 0, 0]


@pytest.mark.parametrize("delay_ms", [-84, -82, -80, -78, -5, -3, -1, 1, 3, 5])
async def test_an_order_raced_against_the_answer_tears_nobody(lab: Lab, tmp_path: Path, delay_ms: int) -> None:
    """The agent logs out as his phone answers: he talks on, or the next agent has the caller, still unanswered."""
    first, second = await lab.phone(G, "2001"), await lab.phone(G, "2002")
    async with routing(lab, tmp_path / "c") as router:
        await router.ready("gera/2001", "gera/2002")
        caller = lab.call(G)
        await first.rings()
        loop = asyncio.get_running_loop()
        answer_at = loop.time() + 0.2
        loop.call_at(answer_at, first.tell, "ANSWER")
        loop.call_at(answer_at + delay_ms / 1000, router.log_out, "gera/2001")
        await lab.wire.until(lambda: caller.final or second.legs(), what="either end")
        if second.legs():
            assert caller.final == 0
            await talk(caller, second)
        await caller.hears(200)
        with pytest.raises(AssertionError, match="not seen in SIP"):
            await lab.wire.until(lambda: caller.gone, 0.3)
        await bye(router, caller)
        assert (await router.finished(caller)).outcome is Outcome.ANSWERED


async def test_the_ring_limit_raced_against_the_answers(lab: Lab, tmp_path: Path) -> None:
    """21 phones answer around the limit: each caller talks and talks on, or hears busy. The records agree with SIP."""
    names = [str(2001 + k) for k in range(21)]
    phones = [await lab.phone(G, name, does="ANSWER", after_ms=1960 + 8 * k) for k, name in enumerate(names)]
    async with routing(lab, tmp_path / "c", Rules(agents=21, ring_max_s=2)) as router:
        await router.ready(*(f"gera/{name}" for name in names))
        callers = [lab.call(G) for _ in phones]
        for caller in callers:
            await caller.ends()
        talking = [caller for caller in callers if caller.final == 200]
        with pytest.raises(AssertionError, match="not seen in SIP"):
            await lab.wire.until(lambda: any(caller.gone for caller in talking), 0.3)
        for caller in talking:
            caller.hang_up()
        for caller in callers:
            record = await router.finished(caller)
            assert record.outcome is (Outcome.ANSWERED if caller.final == 200 else Outcome.BUSIED)
            assert caller.final in (200, 486)
    assert lab.check().calls == 21


async def test_two_hundred_callers_at_once(lab: Lab, tmp_path: Path) -> None:
    """200 callers within half a second, 200 agents: each is answered by an agent of his own, as the records say."""
    names = [str(2001 + k) for k in range(200)]
    await lab.phones(G, names, does="ANSWER", after_ms=1500)
    async with routing(lab, tmp_path / "c", Rules(agents=200)) as router:
        await router.ready_all(f"gera/{name}" for name in names)
        lab.crowd(G, 200, 400, talk_ms=4000)
        await until(lambda: len(router.finished_all()) >= 200, router.text, 40)
        records = router.finished_all()
    assert {record.outcome for record in records} == {Outcome.ANSWERED}
    assert len({record.agent for record in records}) == 200
    checked = lab.check()
    assert (checked.calls, checked.answered, checked.early) == (200, 200, ())
