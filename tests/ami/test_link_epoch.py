"""Two routers at one site, through the link: the older is fenced, the standby takes over, lost globals come back."""

from __future__ import annotations

import itertools

from callrouter.ami.linkstate import Phase
from callrouter.ami.switchboard import Switchboard
from callrouter.ami.translate import Fenced
from callrouter.core.commands import Claim, Offer, Reread, Target
from callrouter.core.events import LinkDown, OrderLost, SiteRead

from .conftest import Rig, until
from .fake import user_event

CALL = "gera/1.1"
OFFER = Offer(CALL, 3, (Target("gera/1001", "gera", "1001"),), 20, "test")


def rival(rig: Rig, alive: bool = True) -> None:
    """Another router takes the site; its beat moves at each look, or not."""
    count = itertools.count()
    rig.fake.variables["CR_EPOCH"] = "2000"
    usual = rig.fake.answers["Getvar"]

    def getvar(fields: dict[str, str]) -> bytes | None:
        if fields["Variable"] == "CR_BEAT_2000":
            rig.fake.variables["CR_BEAT_2000"] = f"{next(count) if alive else 1}.z"
        return usual(fields)

    rig.fake.answers["Getvar"] = getvar


async def test_a_newer_router_fences_this_one(rig: Rig) -> None:
    """It says so once, tells the engine that no order reaches the site, and sends none."""
    link = await rig.up()
    rival(rig)
    await until(lambda: rig.fenced)
    assert rig.fenced == [Fenced("gera", "", 2000, None)]
    assert rig.of(LinkDown) == [LinkDown("gera")]
    assert link.state.phase is Phase.WATCHING
    link.execute(Claim(CALL, "x"))
    await until(lambda: rig.of(OrderLost))
    assert not [f for f in rig.fake.got("Setvar") if "Channel" in f]
    assert rig.fake.variables["CR_EPOCH"] == "2000"


async def test_the_standby_takes_over_when_the_newer_one_is_dead(rig: Rig) -> None:
    """Its beat stands still: a greater epoch is taken and the site is read back."""
    clock = rig.make()._clock
    assert rig.link is not None
    skip = [0.0]
    rig.link._clock = lambda: clock() + skip[0]
    rig.link.start()
    await until(lambda: rig.link is not None and rig.link.state.phase is Phase.UP)
    rival(rig, alive=False)
    await until(lambda: rig.of(LinkDown))
    skip[0] = 10.0
    await until(lambda: len(rig.of(SiteRead)) == 2)
    assert rig.fake.variables["CR_EPOCH"] == "2001"
    assert rig.link.state.epoch == 2001


async def test_globals_lost_by_a_reload_come_back(rig: Rig) -> None:
    """Without the epoch every order would be fenced."""
    await rig.up()
    rig.fake.variables["CR_EPOCH"] = "0"
    await until(lambda: rig.fake.variables["CR_EPOCH"] == "1000")
    assert not rig.of(LinkDown)


async def test_a_fenced_order_of_ours_is_lost_and_known(rig: Rig) -> None:
    """The dialplan did nothing: the router may offer again."""
    link = await rig.up(beat_s=10.0)
    rig.fake.variables["CR_EPOCH"] = "0"
    rig.fake.send(user_event("CrFenced", "gera-1.1", "Cmd: 1000_agent_20_1001_3"))
    await until(lambda: rig.of(OrderLost))
    assert rig.of(OrderLost) == [OrderLost(CALL, 3, False, "fenced: another epoch is in force")]
    await until(lambda: rig.fake.variables["CR_EPOCH"] == "1000")
    assert link.state.fenced == 1
    assert not rig.fenced


async def test_a_fenced_order_of_an_older_router_may_have_taken_the_place_of_ours(rig: Rig) -> None:
    """A call has one place for orders: the site is read back to see whether ours, which is newer, was overwritten."""
    await rig.up(beat_s=10.0)
    assert len(rig.of(SiteRead)) == 1
    rig.fake.send(user_event("CrFenced", "gera-1.1", "Cmd: 999_agent_20_1001_8"))
    await until(lambda: len(rig.of(SiteRead)) == 2)
    assert not rig.of(OrderLost)


async def test_a_router_that_slept_gives_no_order_before_its_next_beat(rig: Rig) -> None:
    """A stopped process wakes with old plans; another router may have taken the site meanwhile."""
    link = await rig.up()
    clock = link._clock
    link._clock = lambda: clock() + 100.0
    link.execute(OFFER)
    link._clock = clock
    await until(lambda: rig.of(OrderLost))
    assert rig.of(OrderLost) == [
        OrderLost(CALL, 3, False, "Offer: this router has not been heard of for too long"),
    ]


async def test_the_switchboard_gives_each_order_to_its_site(rig: Rig) -> None:
    """By the call's site; an order for a site without a link comes back as lost."""
    link = await rig.up()
    board = Switchboard({"gera": link}, rig._submit)
    board.execute(OFFER)
    await until(lambda: rig.fake.got("PlayDTMF"))
    board.execute(Offer("gotha/1.1", 4, OFFER.targets, 20, "x"))
    await until(lambda: rig.of(OrderLost))
    assert rig.of(OrderLost) == [OrderLost("gotha/1.1", 4, False, "there is no link to 'gotha'")]
    board.execute(Reread("gotha", "x"))
    board.execute(Reread("gera", "x"))
    await until(lambda: len(rig.of(SiteRead)) == 2)
    assert [state.site for state in board.states()] == ["gera"]
    await board.close()
