"""Whose turn it is when several things happen at once, and that time always goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callrouter.core import commands as c
from callrouter.core import events as e
from callrouter.core.plan import Agreement, Hotline, Relaxation, Strategy, Topic
from callrouter.core.router import Router
from tests.core.story import NOON, Story, network

OFF = {"enabled": False}
TWO_TOPICS = {"topics": (Topic("other", "Other"), Topic("benefit", "Benefit"))}


def three_wait(story: Story) -> list[str]:
    """One for each topic in turn, a second apart."""
    return [story.dial(number) for number in ("365", "366", "365") if story.pass_time(1.0) is None]


def test_who_waits_for_another_topic_keeps_his_turn_when_the_site_comes_back() -> None:
    """Agents and callers of a site return together: its two agents get the two oldest, whatever their topic."""
    story = Story(network(agreement=OFF, hotline=TWO_TOPICS), ready="")
    calls = three_wait(story)
    story.link_down("gera")
    for agent in ("gera/2001", "gera/2002"):
        story.act(agent, e.AgentAct.READY)
    story.link_up("gera")
    story.obey_all()
    assert [bool(story.rung(call)) for call in calls] == [True, True, False]


def test_who_waits_for_another_topic_keeps_his_turn_when_the_trunk_comes_back() -> None:
    """The lender has two to spare: the two oldest callers of the borrower go, whatever their topic."""
    story = Story(network(agreement={"reserve": 1}, hotline=TWO_TOPICS), ready="magdeburg")
    story.told("gera", e.TrunkState("gera", "magdeburg", up=False))
    calls = three_wait(story)
    story.told("gera", e.TrunkState("gera", "magdeburg", up=True))
    story.told("gera", e.TrunkState("gera", "magdeburg", up=True))
    story.obey_all()
    assert [bool(story.rung(call)) for call in calls] == [True, True, False]


@pytest.mark.parametrize("first", [True, False])
def test_who_arrives_in_the_instant_in_which_an_agent_becomes_free_comes_last(first: bool) -> None:
    """The agent goes to the caller who waits for another topic already, whichever of the two is told first."""
    story = Story(network(agreement=OFF, hotline=TWO_TOPICS), ready="")
    old = story.dial("366")
    story.pass_time(1.0)
    new = story.arrive_with("gera", "365", e.AgentActed("gera/2001", e.AgentAct.READY), first=first)
    story.obey_all()
    assert (story.rung(old), story.rung(new)) == ("gera/2001", "")


def test_own_callers_come_before_borrowed_ones_who_came_earlier() -> None:
    """Both wait for Magdeburg's only agent: he goes to Magdeburg's caller."""
    story = Story(ready="")
    gera = story.dial("365")
    story.pass_time(5.0)
    own = story.dial("391")
    story.act("magdeburg/1001", e.AgentAct.READY)
    assert (story.rung(gera), story.rung(own)) == ("", "magdeburg/1001")


def test_a_team_listed_first_is_asked_first() -> None:
    """Where a hotline names two teams the caller goes to the first that has somebody free."""
    story = Story(network(hotline={"teams": ("agency-magdeburg", "agency-gera")}))
    assert story.rung(story.dial()) == "magdeburg/1001"


def test_agreements_are_tried_as_listed() -> None:
    """Of two agreements that would lend, the one that is listed first does."""
    plan = network()
    first = Agreement("early", "agency-gera", "agency-magdeburg", hotlines=("gera",), topics=("other",))
    story = Story(replace(plan, agreements=(first, *plan.agreements)), ready="magdeburg")
    call = story.dial()
    assert story.router.state.calls[call].agreement == "early"
    benefit = replace(plan.agents[-1], skills=(("benefit", 2),))
    story = Story(replace(plan, agreements=(first, *plan.agreements), agents=(*plan.agents[:-1], benefit)))
    for agent in ("gera/2001", "gera/2002"):
        story.act(agent, e.AgentAct.PAUSE)
    call = story.dial("366")
    assert story.rung(call) == "magdeburg/1003"
    assert story.router.state.calls[call].agreement == "magdeburg-gera"


def test_relaxed_needs_do_not_cost_a_caller_his_turn() -> None:
    """The one whose needs were relaxed waits in the same order as before: the oldest is served first."""
    topics = (Topic("other", "Other"), Topic("benefit", "Benefit", (("benefit", 5),), (Relaxation(20.0, ()),)))
    story = Story(network(hotline={"topics": topics}, agreement=OFF), ready="")
    old, young = story.dial("366"), story.dial("365")
    story.pass_time(25.0)
    story.act("gera/2001", e.AgentAct.READY)
    assert (story.rung(old), story.rung(young)) == ("gera/2001", "")


@pytest.mark.parametrize("strategy", [Strategy.LONGEST_IDLE, Strategy.RING_ALL])
def test_ring_all_of_a_lender_leaves_the_reserve(strategy: Strategy) -> None:
    """Three are free and one is kept: a borrowed call rings one phone, or two at once, never the third."""
    plan = network(agreement={"reserve": 1})
    teams = (plan.teams[0], replace(plan.teams[1], strategy=strategy, ring_all_max=5))
    story = Story(replace(plan, teams=teams), ready="magdeburg")
    rung = story.rung(story.dial()).split()
    assert rung == ["magdeburg/1001", "magdeburg/1002"][: 1 + (strategy is Strategy.RING_ALL)]


def test_a_health_window_that_rounding_cuts_short_does_not_stop_the_clock() -> None:
    """At an instant t where (t + 900) - 900 < t the deadline still lets the oldest call go, and is set only once."""
    t = next(x for x in (1000.0 + i / 1000 for i in range(1000)) if (x + 900.0) - 900.0 < x)
    router = Router(network(agreement={"lender_health": 0.5}), 0.0)
    router.handle(e.SiteRead("magdeburg"), 0.0)
    router.handle(e.Tick(), 900.0)
    hotline: Hotline = router.plan.hotlines[1]
    router.handle(e.CallArrived("magdeburg/1.0", "magdeburg", hotline.numbers[0].digits), t)
    router.handle(e.CallEnded("magdeburg/1.0"), t)
    assert router.next_deadline() == t + 900.0
    router.handle(e.Tick(), t + 900.0)
    assert router.next_deadline() is None


def test_deadlines_do_not_pile_up() -> None:
    """However often an agreement is switched, looked at or replaced, it is waited for once per thing to come."""
    story = Story(network(agreement={"lender_health": 0.5}))
    lost = story.dial("391")
    story.hang_up(lost)
    story.pass_time(900.0)
    story.router.snapshot(story.now)  # looking lets old calls go from the window
    story.hang_up(story.dial("391"))
    story.send(e.PlanReplaced(story.router.plan))
    pending = len(story.router.state.timers)
    for _ in range(50):
        story.send(e.AgreementSwitched("magdeburg-gera", enabled=True, reason="x", by="y"))
        story.send(e.PlanReplaced(story.router.plan))
    assert len(story.router.state.timers) == pending
    story.pass_time(1000.0)
    assert len(story.router.state.timers) == 0


def test_a_trunk_that_fails_twice_is_left_alone_from_its_first_failure() -> None:
    """A second failure within the ten seconds does not prolong them; a word of the trunk itself does."""
    story = Story(ready="magdeburg")
    one, two = story.dial(), story.dial()
    story.phone_fails(one, e.Result.NO_ROUTE)
    story.pass_time(5.0)
    story.phone_fails(two, e.Result.NO_ROUTE)
    story.pass_time(4.9)
    assert not story.rung(one)
    assert not story.rung(two)
    story.pass_time(0.2)
    assert story.rung(one)
    story.phone_fails(one, e.Result.NO_ROUTE)
    story.phone_fails(two, e.Result.NO_ROUTE)
    story.told("gera", e.TrunkState("gera", "magdeburg", up=False))
    story.pass_time(11.0)
    assert not story.rung(one)


def test_a_trunk_back_at_one_site_does_not_disturb_another() -> None:
    """Magdeburg's trunk to Gera returns: Gera's waiting callers are not concerned."""
    story = Story(network(agreement=OFF), ready="")
    waiting, own = story.dial("365"), story.dial("391")
    story.told("magdeburg", e.TrunkState("magdeburg", "gera", up=False))
    commands = story.send(e.TrunkState("magdeburg", "gera", up=True))
    assert commands == []
    assert not story.rung(waiting)
    assert not story.rung(own)


def test_several_events_of_one_instant_may_undo_each_other() -> None:
    """Who begins to listen and hangs up in the same instant is neither claimed nor offered."""
    story = Story()
    events = (e.CallArrived("gera/9.0", "gera", "365"), e.CallHeld("gera/9.0"), e.CallEnded("gera/9.0"))
    commands = story.send(*events)
    assert not [x for x in commands if isinstance(x, c.Offer | c.Claim)]
    assert story.outcome("gera/9.0") is c.Outcome.ABANDONED


def test_an_agent_who_becomes_free_at_the_ring_limit_serves_the_caller() -> None:
    """Wrap-up and ring limit end at one instant: the caller gets the agent, not the busy tone."""
    story = Story(network(team={"wrap_up_s": 30.0}, hotline={"ring_max_s": 40.0}), ready="gera/2001")
    first = story.dial()
    story.answer(first)
    second = story.dial()
    story.pass_time(10.0)
    story.hang_up(first)
    story.pass_time(30.0)
    assert story.rung(second) == "gera/2001"


def test_a_rounded_step_of_patience_is_not_missed() -> None:
    """Where arrival + after_s is no float, the caller goes all the same, on one deadline and to the microsecond."""
    for arrived in (1000.0, 1000.000001, NOON + 0.3):
        for after_s in (0.1, 20.3, 20.000001):
            router = Router(network(agreement={"after_s": after_s}), 0.0)
            phone = e.PhoneState("magdeburg", "1001", reachable=True, in_use=False)
            router.handle(e.SiteRead("gera"), 0.0)
            router.handle(e.SiteRead("magdeburg", (), (phone,)), 0.0)
            router.handle(e.AgentActed("magdeburg/1001", e.AgentAct.READY), 0.0)
            router.handle(e.Tick(), 900.0)
            router.handle(e.CallArrived("gera/1.0", "gera", "365"), arrived)
            router.handle(e.CallHeld("gera/1.0"), arrived)
            due = router.next_deadline()
            assert due == (round(arrived * 1e6) + round(after_s * 1e6)) / 1e6
            assert [type(x) for x in router.handle(e.Tick(), due) if isinstance(x, c.Offer)] == [c.Offer]


def test_an_agent_whose_ringing_we_ended_is_not_blamed_for_how_it_ended() -> None:
    """The trunk went down under his ringing; the switch then calls his phone unreachable: he stays ready."""
    story = Story(ready="magdeburg/1001")
    call = story.dial()
    assert story.rung(call) == "magdeburg/1001"
    story.told("gera", e.TrunkState("gera", "magdeburg", up=False))
    story.phone_fails(call, e.Result.UNREACHABLE)
    assert story.agent("magdeburg/1001") == "ready"
