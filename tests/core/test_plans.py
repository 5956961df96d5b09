"""A new plan takes effect without touching a call, and a checkpoint behaves as what it was made of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callrouter.core import commands as c
from callrouter.core import events as e
from callrouter.core.checkpoint import Checkpoint
from callrouter.core.explain import candidates_of
from callrouter.core.plan import Agent, Hours, Plan, Relaxation, Span, Strategy, Team, Topic
from callrouter.core.router import Router
from callrouter.core.state import AFFINITY_MAX
from tests.core.story import Story, network

OFF = {"enabled": False}


def without(plan: Plan, *agents: str) -> Plan:
    return replace(plan, version="2", agents=tuple(a for a in plan.agents if a.id not in agents))


def test_agents_who_leave_the_plan_go_when_their_work_is_done() -> None:
    """At rest: at once. Ringing, talking, in wrap-up: after that, with no wrap-up left to wait for."""
    story = Story()
    wrap, talk = story.dial(), story.dial()
    story.answer(wrap)
    story.answer(talk)
    story.hang_up(wrap)
    ring = story.dial()
    assert story.rung(ring) == "magdeburg/1001"
    story.act("magdeburg/1002", e.AgentAct.LOG_OUT)
    story.send(e.PlanReplaced(without(story.router.plan, *(a.id for a in story.router.plan.agents))))
    assert list(story.router.state.seats) == ["gera/2001", "gera/2002", "magdeburg/1001"]
    assert isinstance(story.send(e.AgentActed("gera/2002", e.AgentAct.READY))[0], c.Ignored)
    story.phone_fails(ring, e.Result.REFUSED)
    assert list(story.router.state.seats) == ["gera/2001", "gera/2002"]
    story.hang_up(talk)
    assert list(story.router.state.seats) == ["gera/2001"]
    story.pass_time(31.0)
    assert not story.router.state.seats


def test_an_agent_who_comes_back_before_his_work_is_done_stays() -> None:
    """Removed and named again while he talks: after the call he is logged out, not gone."""
    story = Story()
    call = story.dial()
    story.answer(call)
    plan = story.router.plan
    story.send(e.PlanReplaced(without(plan, "gera/2001")))
    story.send(e.PlanReplaced(plan))
    story.hang_up(call)
    story.pass_time(31.0)
    assert story.agent("gera/2001") == "logged_out"


def test_an_agent_may_change_his_team_while_he_talks() -> None:
    """The call ends in the old team's record; the next one that he gets is the new team's."""
    story = Story(network(agreement=OFF), ready="gera/2001")
    call = story.dial()
    story.answer(call)
    plan = story.router.plan
    agents = (replace(plan.agents[0], team="agency-magdeburg"), *plan.agents[1:])
    story.send(e.PlanReplaced(replace(plan, agents=agents)))
    story.hang_up(call)
    assert story.books.ended[call].team == "agency-gera"
    story.pass_time(31.0)
    assert not story.rung(story.dial("365"))
    assert story.rung(story.dial("391")) == "gera/2001"


def test_a_phone_that_changes_hands_while_it_rings_answers_for_the_one_who_was_rung() -> None:
    """The order named the agent; a plan that gives his phone to another one does not change who answered."""
    story = Story()
    call = story.arrive("gera", "365")
    plan = story.router.plan
    swapped = (replace(plan.agents[0], phone="2002"), replace(plan.agents[1], phone="2001"), *plan.agents[2:])
    story.send(e.PlanReplaced(replace(plan, agents=swapped)))
    story.obey_all()
    story.answer(call)
    assert (story.agent("gera/2001"), story.agent("gera/2002")) == ("talking", "ready")


def test_a_hotline_that_is_gone_serves_its_last_callers() -> None:
    """By the teams that are left, to the old limit, and a new caller does not find it."""
    story = Story(ready="")
    call = story.dial("366")
    story.pass_time(50.0)
    plan = story.router.plan
    story.send(e.PlanReplaced(replace(plan, hotlines=plan.hotlines[1:])))
    assert story.router.counts().waiting == {"magdeburg": 0, "gera": 1}
    assert story.outcome(story.dial("365")) is c.Outcome.UNKNOWN_NUMBER
    restored = Router.restore(story.router.checkpoint())
    assert restored.checkpoint() == story.router.checkpoint()
    story.act("gera/2002", e.AgentAct.READY)
    assert story.rung(call) == "gera/2002"


def test_a_hotline_whose_team_is_gone_too_rings_to_the_limit() -> None:
    """Nobody is left who could serve it: busy after 110 s as before."""
    story = Story(ready="magdeburg")
    story.send(e.AgreementSwitched("magdeburg-gera", enabled=False, reason="x", by="y"))
    call = story.dial()
    plan = story.router.plan
    smaller = without(plan, "gera/2001", "gera/2002")
    smaller = replace(smaller, hotlines=plan.hotlines[1:], teams=plan.teams[1:], agreements=())
    story.send(e.PlanReplaced(smaller))
    story.pass_time(111.0)
    assert story.outcome(call) is c.Outcome.BUSIED


def test_a_topic_that_is_gone_becomes_the_hotlines_default() -> None:
    """Who waits for 'benefit' now waits for whatever the hotline still offers."""
    story = Story(network(agreement=OFF), ready="gera/2001")
    call = story.dial("366")
    assert not story.rung(call)
    plan = story.router.plan
    gera = replace(plan.hotlines[0], topics=(Topic("other", "Other"),))
    story.send(e.PlanReplaced(replace(plan, hotlines=(gera, plan.hotlines[1]))))
    story.obey_all()
    assert story.rung(call) == "gera/2001"


def test_a_new_limit_holds_for_those_who_wait() -> None:
    """Shortened to 30 s after 50 s of waiting: busy now. Without a limit: never."""
    for limit, ended in ((30.0, True), (None, False)):
        story = Story(ready="")
        call = story.dial()
        story.pass_time(50.0)
        plan = story.router.plan
        gera = replace(plan.hotlines[0], ring_max_s=limit)
        story.send(e.PlanReplaced(replace(plan, hotlines=(gera, plan.hotlines[1]))))
        story.pass_time(100.0)
        assert (call in story.books.ended) is ended


def test_an_agreement_that_is_gone_takes_nothing_back() -> None:
    """A loan goes on when its agreement leaves the plan, ends uncounted, and counts again if the agreement returns."""
    for returns in (False, True):
        story = Story(ready="magdeburg")
        call = story.dial()
        story.answer(call)
        plan = story.router.plan
        story.send(e.PlanReplaced(replace(plan, agreements=())))
        if returns:
            story.send(e.PlanReplaced(plan))
            assert story.router.counts().borrowed == {("magdeburg-gera", "agency-gera"): 1}
        story.hang_up(call)
        assert story.outcome(call) is c.Outcome.ANSWERED
        assert set(story.router.counts().borrowed.values()) <= {0}


def test_a_switch_and_a_lenders_record_outlive_a_new_plan() -> None:
    """What was switched stays switched until its time; who let callers down before does not lend after."""
    story = Story(network(agreement={"lender_health": 0.8}), ready="")
    story.hang_up(story.dial("391"))
    plan = story.router.plan
    story.send(e.PlanReplaced(replace(plan, version="2")))
    story.act("magdeburg/1001", e.AgentAct.READY)
    call = story.dial()
    assert not story.rung(call)
    story.hang_up(call)
    story.send(e.AgreementSwitched("magdeburg-gera", enabled=False, until=story.now + 1000.0, reason="x", by="y"))
    story.send(e.PlanReplaced(replace(plan, version="3")))
    story.pass_time(999.0)
    call = story.dial()
    assert not story.rung(call)
    story.pass_time(2.0)
    assert story.rung(call)


def test_the_calls_of_a_site_that_left_the_plan_are_closed() -> None:
    """It will never be read back: waiting callers are lost, conversations answered, borrowed agents free."""
    story = Story()
    talk = [story.dial() for _ in range(3)]
    for call in talk:
        story.answer(call)
    waiting = story.dial("999")
    story.arrive("gera", "365")
    far = story.dial("391")
    plan = story.router.plan
    smaller = without(plan, "gera/2001", "gera/2002")
    smaller = replace(smaller, sites=plan.sites[1:], hotlines=plan.hotlines[1:], teams=plan.teams[1:], agreements=())
    story.send(e.PlanReplaced(smaller))
    story.link_down("gera")
    assert [story.outcome(call) for call in talk] == [c.Outcome.ANSWERED] * 3
    assert story.outcome(waiting) is c.Outcome.UNKNOWN_NUMBER
    assert story.agent("magdeburg/1001") == "wrap_up"
    assert list(story.router.state.calls) == [far]
    assert [site.site for site in story.router.snapshot(story.now).sites] == ["magdeburg"]


def rich() -> Story:
    """A bit of everything: waiting, ringing, talking, wrap-up, a refusal, a loan, a switch, a window, a bad trunk."""
    always = (Span(0, 86_400),)
    window = Hours("Europe/Berlin", (always, always, always, always, always, always, ()))
    relaxed = Topic("benefit", "Benefit", (("benefit", 9),), (Relaxation(20.0, ()),))
    gera = {"affinity_s": 60.0, "topics": (Topic("other", "Other"), relaxed)}
    story = Story(network(agreement={"lender_health": 0.1, "window": window}, hotline=gera))
    own = story.dial("391")
    story.answer(own)
    story.hang_up(own)
    for _ in range(3):
        story.answer(story.dial())
    story.hang_up(next(iter(story.calls)))
    story.act("magdeburg/1001", e.AgentAct.WRAP_UP_DONE)
    story.phone_fails(story.dial(), e.Result.REFUSED)
    story.phone_fails(next(x.id for x in story.calls.values() if x.stage is e.Stage.OFFERED), e.Result.NO_ROUTE)
    story.pass_time(3.0)
    story.arrive("gera", "366")
    story.send(e.CallArrived("gera/90.0", "gera", "365"))
    story.send(e.AgreementSwitched("magdeburg-gera", enabled=True, until=story.now + 60.0, reason="x", by="y"))
    story.told("magdeburg", e.TrunkState("magdeburg", "gera", up=False))
    story.send(e.CallHeld("gera/0.0"))
    return story


def test_a_switch_expires_at_whatever_fraction_of_a_second() -> None:
    """People may name any instant; the ticks at the deadlines that it makes take it back."""
    story = Story(network())
    until = story.now + 30.5754905
    story.send(e.AgreementSwitched("magdeburg-gera", enabled=False, until=until, reason="x", by="y"))
    story.send(e.HotlineSwitched("gera", e.HotlineMode.CLOSED, until, "x", "y"))
    story.pass_time(31.0)
    whys = [x.reason for x in story.told_notices if isinstance(x, c.AgreementChanged | c.HotlineChanged)]
    assert whys == ["x", "x", "the switch expired", "the switch expired"]


def test_a_restored_checkpoint_says_the_same_to_the_byte() -> None:
    """Restored at any point, it answers every later event as the router that went on, and has the same future."""
    story = rich()
    before = len(story.log)
    saved = story.router.checkpoint()
    assert isinstance(saved, Checkpoint)
    restored = Router.restore(saved)
    assert restored.plan is story.router.plan
    assert restored.checkpoint() == saved
    now = story.now
    story.send(e.AgentActed("gera/2001", e.AgentAct.WRAP_UP_DONE))
    story.obey_all()
    story.hang_up(next(iter(story.calls)))
    for event in story.log[before:]:
        restored.handle(event, now)
    for _ in range(40):
        due = story.router.next_deadline()
        assert due == restored.next_deadline()
        if due is None:
            break
        expected = repr(story.router.handle(e.Tick(), due))
        assert expected == repr(restored.handle(e.Tick(), due))
        restored = Router.restore(restored.checkpoint())
    assert restored.checkpoint() == story.router.checkpoint()


def test_a_checkpoint_keeps_what_was_seen_of_a_window() -> None:
    """Taken at the instant in which a window opens, before its Tick: the restored router has not seen it either."""
    window = Hours("Europe/Berlin", ((Span(12 * 3600 + 60, 18 * 3600),), (), (), (), (), (), ()))
    story = Story(network(agreement={"window": window}), ready="magdeburg")
    story.pass_time(54.0)
    story.now += 3.0  # the clock has reached the opening, the Tick has not come
    assert story.router.next_deadline() == story.now
    event = e.CallArrived("gera/1.0", "gera", "365")
    story.router.handle(event, story.now)
    restored = Router.restore(story.router.checkpoint())
    held = e.CallHeld("gera/1.0")
    assert repr(restored.handle(held, story.now)) == repr(story.router.handle(held, story.now))
    assert repr(restored.handle(e.Tick(), story.now)) == repr(story.router.handle(e.Tick(), story.now))


def test_a_checkpoint_is_made_between_events() -> None:
    """While an event is being handled the state is half done: asking for a checkpoint then is a fault."""
    story = Story()
    story.router.state.dirty_teams["agency-gera"] = None
    with pytest.raises(AssertionError, match="between events"):
        story.router.checkpoint()


def test_the_callers_who_are_remembered_for_their_agent_are_bounded() -> None:
    """One more than the bound: the one who has not rung for longest is forgotten."""
    story = Story(network(hotline={"affinity_s": 60.0}))
    saved = story.router.checkpoint()
    many = tuple((str(i), "gera/2002", story.now) for i in range(AFFINITY_MAX))
    story.router = story.books.router = Router.restore(replace(saved, affinity=many))
    call = story.dial(caller="new")
    story.answer(call)
    kept = story.router.checkpoint().affinity
    assert (len(kept), kept[0][0], kept[-1][0]) == (AFFINITY_MAX, "1", "new")


def test_a_caller_is_not_sent_to_his_last_agent_where_that_one_cannot_help() -> None:
    """Not ready, of another team, too long ago or without the skill: then it goes by the team's strategy."""
    plan = network(hotline={"affinity_s": 60.0}, agreement=OFF, team={"wrap_up_s": 0.0})
    story = Story(replace(plan, agents=(*plan.agents, Agent("gera/2003", "agency-gera", "gera", "2003"))))
    story.act("gera/2003", e.AgentAct.READY)
    call = story.dial(caller="1")
    story.answer(call)
    story.hang_up(call)
    assert story.rung(story.dial("366", caller="1")) == "gera/2002"
    again = story.dial(caller="1")
    assert story.rung(again) == "gera/2001"
    assert story.rung(story.dial(caller="1")) == "gera/2003"


def test_candidates_say_why_not_in_every_state() -> None:
    """Paused with and without a reason, ringing, logged out, unreachable, without the skill, behind a dead trunk."""
    plan = network(agreement={"reserve": 0})
    far = Team("far", "Far", "magdeburg", Strategy.LONGEST_IDLE)
    gera = replace(plan.hotlines[0], teams=("agency-gera", "far"))
    agents = (*plan.agents, Agent("magdeburg/1009", "far", "magdeburg", "1009", (("benefit", 2),)))
    plan = replace(plan, teams=(*plan.teams, far), hotlines=(gera, plan.hotlines[1]), agents=agents)
    story = Story(plan)
    story.told("gera", e.TrunkState("gera", "magdeburg", up=False))
    story.act("gera/2002", e.AgentAct.PAUSE)
    call = story.dial("366")
    found = {one.agent: one.why_not for one in candidates_of(story.router, call)}
    assert found == {
        "gera/2001": "lacks benefit 2",
        "gera/2002": "paused",
        "magdeburg/1009": "trunk from gera to magdeburg down",
        **dict.fromkeys((f"magdeburg/100{i}" for i in (1, 2, 3)), "trunk from gera to magdeburg down"),
    }
    story.act("gera/2002", e.AgentAct.PAUSE, "lunch")
    story.dial("365")
    found = {one.agent: one.why_not for one in candidates_of(story.router, call)}
    assert (found["gera/2001"], found["gera/2002"]) == ("offered", "paused")
    story.act("gera/2002", e.AgentAct.LOG_OUT)
    story.link_down("magdeburg")
    found = {one.agent: one.why_not for one in candidates_of(story.router, call)}
    assert (found["gera/2002"], found["magdeburg/1009"]) == ("logged out", "no link to the site")
    story.told("gera", e.PhoneLeg("gera", "2001", "gera/p", up=True))
    assert candidates_of(story.router, "gera/0.0") == ()


def test_a_checkpoint_keeps_what_people_switched() -> None:
    """An agreement off and a hotline closed by hand are so in the restored router too."""
    story = Story(ready="magdeburg")
    story.send(e.AgreementSwitched("magdeburg-gera", enabled=False, reason="x", by="y"))
    story.send(e.HotlineSwitched("magdeburg", e.HotlineMode.CLOSED, None, "x", "y"))
    story.router = story.books.router = Router.restore(story.router.checkpoint())
    assert not story.rung(story.dial("365"))
    assert story.outcome(story.dial("391")) is c.Outcome.CLOSED
