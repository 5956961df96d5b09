"""The judge himself: the check of the promise must see a caller who is answered by a machine."""

from __future__ import annotations

import pytest

from tests.asterisk.lab import Lab
from tests.asterisk.network import Network

pytestmark = pytest.mark.asterisk

M = "magdeburg"


async def test_a_caller_answered_without_an_agent_is_found(network: Network) -> None:
    """With a dialplan that answers by itself, made for this test, the check says so; a later phone is no excuse."""
    async with Lab(network) as lab:
        ami = lab.amis[M]
        try:
            await ami.command("dialplan add extension 5550,1,Answer into from-carrier")
            await ami.command("dialplan add extension 5550,2,Dial,PJSIP/1001 into from-carrier")
            phone = await lab.phone(M, "1001")
            caller = lab.call(M, dials="5550")
            await caller.hears(200)
            await phone.rings()
            phone.tell("ANSWER")
            await phone.talks()
        finally:
            await ami.command("dialplan remove extension 5550@from-carrier")
        checked = lab.check()
        assert (checked.calls, checked.answered) == (1, 1)
        assert checked.early == (caller.call_id,)


async def test_another_caller_s_agent_does_not_count(network: Network) -> None:
    """An agent who answered one caller does not make another's early answer right."""
    async with Lab(network) as lab:
        ami = lab.amis[M]
        async with await lab.hand_router(M) as router:
            phone, good = await lab.phone(M, "1001"), lab.call(M)
            await router.offer(await lab.held(good), "1001")
            await phone.rings()
            phone.tell("ANSWER")
            await good.hears(200)
            try:
                await ami.command("dialplan add extension 5550,1,Answer into from-carrier")
                bad = lab.call(M, dials="5550")
                await bad.hears(200)
            finally:
                await ami.command("dialplan remove extension 5550@from-carrier")
        assert lab.check().early == (bad.call_id,)
