"""Calls through the whole of it: SIPp, three real Asterisk, the service.

Each scenario is seen in SIP and in the records; at the end of each `routing` checks that no caller was answered before
an agent.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from callrouter.core.commands import Outcome
from tests.asterisk.lab import Lab
from tests.asterisk.routing import Rules, bye, routing, talk

pytestmark = pytest.mark.asterisk

M, G = "magdeburg", "gera"


async def test_the_longest_idle_agent_gets_the_call(lab: Lab, tmp_path: Path) -> None:
    """Two agents: the one who has been ready longer is rung; after his call he is the other's successor."""
    first, second = await lab.phone(G, "2001"), await lab.phone(G, "2002")
    async with routing(lab, tmp_path / "c") as router:
        await router.ready("gera/2002", "gera/2001")
        for phone, times in ((second, 1), (first, 1), (second, 2)):
            caller = lab.call(G)
            await talk(caller, phone, times)
            await bye(router, caller)
            record = await router.finished(caller)
            assert (record.outcome, record.agent) == (Outcome.ANSWERED, f"gera/{phone.name}")
            await router.agent_is(f"gera/{phone.name}", "ready")
    assert lab.check().answered == 3


@pytest.mark.parametrize(("home", "away"), [(G, M), (M, G)])
async def test_all_busy_the_other_site_answers(lab: Lab, tmp_path: Path, home: str, away: str) -> None:
    """The only agent at home talks; the next caller rings at the other site, over the trunk, by the agreement."""
    names = {G: "2001", M: "1001"}
    here, there = await lab.phone(home, names[home]), await lab.phone(away, names[away])
    async with routing(lab, tmp_path / "c") as router:
        await router.ready(f"{home}/{names[home]}", f"{away}/{names[away]}")
        first = lab.call(home)
        await talk(first, here)
        second = lab.call(home)
        await talk(second, there)
        answered = await router.answered(second)
        assert (answered.agent, answered.agreement) == (f"{away}/{names[away]}", "both")
        assert (await router.answered(first)).agreement == ""
        await bye(router, second)
        await bye(router, first)
        assert (await router.finished(second)).outcome is Outcome.ANSWERED
    assert lab.check().answered == 2


async def test_agreement_off_means_busy(lab: Lab, tmp_path: Path) -> None:
    """Nobody at home, the agreement switched off: busy at once under a ring limit of 0; on again, it rings there."""
    there = await lab.phone(M, "1001")
    async with routing(lab, tmp_path / "c", Rules(ring_max_s=0)) as router:
        await router.ready("magdeburg/1001")
        await router.switch(False)
        refused = lab.call(G)
        assert await refused.ends() == 486
        assert (await router.finished(refused)).outcome is Outcome.BUSIED
        assert there.legs() == []
        await router.switch(True)
        taken = lab.call(G)
        await talk(taken, there)


async def test_the_lender_keeps_its_reserve(lab: Lab, tmp_path: Path) -> None:
    """With a reserve of one, Magdeburg lends its second free agent and not its last."""
    phones = [await lab.phone(M, "1001"), await lab.phone(M, "1002")]
    async with routing(lab, tmp_path / "c", Rules(ring_max_s=0, agreement=", reserve: {magdeburg: 1}")) as router:
        await router.ready("magdeburg/1001", "magdeburg/1002")
        lent = lab.call(G)
        await talk(lent, phones[0])
        refused = lab.call(G)
        assert await refused.ends() == 486
        own = lab.call(M)
        await talk(own, phones[1])
        assert (await router.answered(own)).agreement == ""


async def test_no_more_calls_are_lent_than_agreed(lab: Lab, tmp_path: Path) -> None:
    """max_calls 1: the second borrower is refused though agents are free, until the first has ended."""
    phones = [await lab.phone(M, "1001"), await lab.phone(M, "1002")]
    async with routing(lab, tmp_path / "c", Rules(ring_max_s=0, agreement=", max_calls: {magdeburg: 1}")) as router:
        await router.ready("magdeburg/1001", "magdeburg/1002")
        lent = lab.call(G)
        await talk(lent, phones[0])
        assert await lab.call(G).ends() == 486
        await bye(router, lent)
        again = lab.call(G)
        await talk(again, phones[1])


async def test_callers_wait_ringing_and_the_oldest_is_served_first(lab: Lab, tmp_path: Path) -> None:
    """Nobody is free: three ring unanswered; each time the agent is free the longest-waiting caller gets him."""
    phone = await lab.phone(G, "2001")
    async with routing(lab, tmp_path / "c", Rules(agreement=", enabled: false")) as router:
        callers = []
        for _ in range(3):
            callers.append(lab.call(G))
            await router.known(callers[-1])
        await router.ready_later("gera/2001")
        for times, caller in enumerate(callers, 1):
            leg = await phone.rings(times)
            assert leg.from_user == caller.number
            assert [other.final for other in callers[times - 1 :]] == [0] * (4 - times)
            phone.tell("ANSWER")
            await caller.hears(200)
            await phone.talks()
            await bye(router, caller)
    assert lab.check().answered == 3


async def test_an_agent_who_does_not_answer_is_paused_and_the_next_one_rings(lab: Lab, tmp_path: Path) -> None:
    """RONA: the caller stays unanswered, the second agent answers, the first is paused with the reason."""
    silent, quick = await lab.phone(G, "2001"), await lab.phone(G, "2002")
    async with routing(lab, tmp_path / "c", Rules(ring_s=3)) as router:
        await router.ready("gera/2001", "gera/2002")
        caller = lab.call(G)
        await silent.rings()
        await talk(caller, quick)
        seat = router.agent("gera/2001")
        assert (seat.state, seat.reason) == ("paused", "no_answer")
        await bye(router, caller)
        assert (await router.finished(caller)).attempts == 2


async def test_a_busy_or_refusing_phone_costs_the_caller_nothing(lab: Lab, tmp_path: Path) -> None:
    """486 from one phone, 603 from the next: the third answers; the caller only ever heard ringing."""
    phones = [await lab.phone(G, f"200{k}") for k in (1, 2, 3)]
    async with routing(lab, tmp_path / "c") as router:
        await router.ready("gera/2001", "gera/2002", "gera/2003")
        caller = lab.call(G)
        for phone, word in zip(phones, ("BUSY", "DECLINE", "ANSWER"), strict=True):
            await phone.rings()
            assert caller.final == 0
            phone.tell(word)
        await caller.hears(200)
        assert (await router.answered(caller)).agent == "gera/2003"


async def test_a_caller_who_gives_up_while_waiting_is_abandoned(lab: Lab, tmp_path: Path) -> None:
    """CANCEL in hold: 487, outcome abandoned, no agent was disturbed."""
    async with routing(lab, tmp_path / "c") as router:
        caller = lab.call(G)
        await router.known(caller)
        caller.hang_up()
        assert await caller.ends() == 487
        record = await router.finished(caller)
        assert (record.outcome, record.attempts) == (Outcome.ABANDONED, 0)


async def test_a_caller_who_gives_up_while_a_phone_rings_frees_the_agent(lab: Lab, tmp_path: Path) -> None:
    """The phone stops ringing, the agent is ready and not paused, and the next caller reaches him."""
    phone = await lab.phone(G, "2001")
    async with routing(lab, tmp_path / "c") as router:
        await router.ready("gera/2001")
        caller = lab.call(G)
        await phone.rings()
        caller.hang_up()
        await phone.free()
        assert (await router.finished(caller)).outcome is Outcome.ABANDONED
        await router.agent_is("gera/2001", "ready")
        await talk(lab.call(G), phone, 2)


async def test_nobody_there_is_busy_after_the_ring_limit(lab: Lab, tmp_path: Path) -> None:
    """486 when the limit is over, not before, and never an answer; also when an agent's phone rings just then."""
    phone = await lab.phone(G, "2001")
    async with routing(lab, tmp_path / "c", Rules(ring_max_s=2)) as router:
        await router.ready("gera/2001")
        rung, alone = lab.call(G), lab.call(G)
        await phone.rings()
        assert await rung.ends() == 486
        assert await alone.ends() == 486
        for caller in (rung, alone):
            record = await router.finished(caller)
            assert record.outcome is Outcome.BUSIED
            assert 1.9 <= record.wait_s <= 4
        await phone.free()


async def test_an_agent_logs_in_by_feature_code(lab: Lab, tmp_path: Path) -> None:
    """*10 logs him in, *11 makes him ready: the waiting caller rings at his phone. *12 pauses, *19 logs out."""
    phone = await lab.phone(G, "2001")
    async with routing(lab, tmp_path / "c") as router:
        caller = lab.call(G)
        await router.known(caller)
        login = lab.dial_from_phone(phone, "*10")
        assert await login.refused() == 603
        await router.agent_is("gera/2001", "paused")
        await lab.dial_from_phone(phone, "*11").refused()
        await talk(caller, phone)
        await bye(router, caller)
        await router.agent_is("gera/2001", "ready")
        for code, state in (("*12", "paused"), ("*19", "logged_out")):
            dialled = lab.dial_from_phone(phone, code)
            await router.agent_is("gera/2001", state)
            await dialled.hears(183)
            dialled.hang_up()


async def test_an_agent_on_a_private_call_is_not_rung(lab: Lab, tmp_path: Path) -> None:
    """2001 has called a colleague: the caller waits, unanswered, until that call is over."""
    phone, colleague = await lab.phone(G, "2001"), await lab.phone(G, "2050", does="ANSWER", after_ms=1)
    async with routing(lab, tmp_path / "c", Rules(agreement=", enabled: false")) as router:
        await router.ready("gera/2001")
        private = lab.dial_from_phone(phone, "2050")
        await private.hears(200)
        await router.agent_is("gera/2001", "busy")
        caller = lab.call(G)
        await router.known(caller)
        assert phone.legs() == []
        private.hang_up()
        await talk(caller, phone)
        assert colleague.legs()
