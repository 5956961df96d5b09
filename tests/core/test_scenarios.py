"""Routing told as sentences, on the network of the mission in small."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callrouter.core import commands as c
from callrouter.core import events as e
from callrouter.core.plan import (
    Hours,
    Relaxation,
    Span,
    Strategy,
    Topic,
)
from callrouter.core.router import Router
from tests.core.story import NOON, WEEKDAYS, Story, network
from tests.core.world import Books


def test_a_call_goes_to_the_agent_who_has_been_idle_longest() -> None:
    """Of two free agents at his own site the caller gets the one who became ready first."""
    story = Story()
    assert story.rung(story.dial()) == "gera/2001"
    assert story.rung(story.dial()) == "gera/2002"


def test_when_all_of_gera_is_busy_magdeburg_answers() -> None:
    """The third caller of two agents overflows under the agreement, and the record says so."""
    story = Story()
    for _ in range(2):
        story.answer(story.dial())
    call = story.dial()
    assert story.rung(call) == "magdeburg/1001"
    story.answer(call)
    story.pass_time(60.0)
    story.hang_up(call)
    record = story.books.ended[call]
    assert (record.outcome, record.agent, record.agreement) == (
        c.Outcome.ANSWERED,
        "magdeburg/1001",
        "magdeburg-gera",
    )
    assert record.talk_s == 60.0


def test_with_the_agreement_off_the_caller_waits_and_is_told_busy_at_the_ring_limit() -> None:
    """Switched off, nothing overflows: he rings for 110 s, unanswered, then hears busy."""
    story = Story(ready="magdeburg")
    story.send(e.AgreementSwitched("magdeburg-gera", enabled=False, reason="test", by="anna"))
    call = story.dial()
    assert story.rung(call) == ""
    story.pass_time(109.0)
    assert call in story.calls
    story.pass_time(2.0)
    record = story.books.ended[call]
    assert (record.outcome, record.cause, record.wait_s) == (c.Outcome.BUSIED, 17, 110.0)


def test_a_switch_that_expires_restores_the_configured_state() -> None:
    """Switched off for ten seconds, the agreement is in force again after them, and the waiting caller is served."""
    story = Story(ready="magdeburg")
    story.send(e.AgreementSwitched("magdeburg-gera", enabled=False, until=story.now + 10, reason="test", by="anna"))
    call = story.dial()
    story.pass_time(9.0)
    assert story.rung(call) == ""
    story.pass_time(1.5)
    assert story.rung(call) == "magdeburg/1001"


def test_one_direction_is_switched_alone() -> None:
    """Only the calls of the named team stop overflowing; each direction tells its own change and ends by itself."""
    plan = network()
    back = replace(plan.agreements[0], borrower="agency-magdeburg", lender="agency-gera")
    story = Story(replace(plan, agreements=(*plan.agreements, back)), ready="gera")
    off = e.AgreementSwitched("magdeburg-gera", enabled=False, reason="x", by="y", borrower="agency-gera")
    told = [one for one in story.send(off) if isinstance(one, c.AgreementChanged)]
    assert told == [c.AgreementChanged("magdeburg-gera", False, True, None, "x", "y", "agency-gera")]
    views = {view.borrower: view.enabled for view in story.router.snapshot(story.now).agreements}
    assert views == {"agency-gera": False, "agency-magdeburg": True}
    until = story.now + 10
    story.send(e.AgreementSwitched("magdeburg-gera", False, until, "x", "y", "agency-magdeburg"))
    story.pass_time(11.0)
    views = {view.borrower: view.enabled for view in story.router.snapshot(story.now).agreements}
    assert views == {"agency-gera": False, "agency-magdeburg": True}


def test_the_reserve_of_the_lender_stays() -> None:
    """With a reserve of two, only the third free agent of Magdeburg is lent."""
    story = Story(network(agreement={"reserve": 2}), ready="magdeburg")
    assert story.rung(story.dial()) == "magdeburg/1001"
    assert story.rung(story.dial()) == ""


def test_the_cap_counts_until_the_borrowed_caller_hangs_up() -> None:
    """With at most one borrowed call the second waits until the first has ended."""
    story = Story(network(agreement={"max_calls": 1}), ready="magdeburg")
    first, second = story.dial(), story.dial()
    story.answer(first)
    assert story.rung(second) == ""
    story.agent_hangs_up(first, stays=True)
    assert story.rung(second) == ""
    story.hang_up(first)
    assert story.rung(second)


def test_at_the_instant_at_which_the_hours_of_an_agreement_end_nobody_is_lent() -> None:
    """Though the agent who comes free then is told of before the tick."""
    window = Hours("Europe/Berlin", ((Span(0, 13 * 3600),),) * 7)
    for at, lent in ((NOON + 3_599.0, True), (NOON + 3_600.0, False)):
        story = Story(network(agreement={"window": window}), ready="")
        story.pass_time(NOON + 3_590.0 - story.now)
        call = story.dial()
        story.now = at
        story.act("magdeburg/1001", e.AgentAct.READY)
        assert bool(story.router.state.calls[call].offer) is lent


def test_an_agreement_may_ask_for_patience() -> None:
    """With after_s of 20 the caller waits for his own agents so long before he overflows."""
    story = Story(network(agreement={"after_s": 20.0}), ready="magdeburg")
    call = story.dial()
    story.pass_time(19.9)
    assert story.rung(call) == ""
    story.pass_time(0.2)
    assert story.rung(call) == "magdeburg/1001"


def test_an_agreement_has_its_hours() -> None:
    """Outside its weekly window nothing is lent; when the window opens the waiting caller goes."""
    window = Hours("Europe/Berlin", ((Span(12 * 3600 + 60, 18 * 3600),), (), (), (), (), (), ()))
    story = Story(network(agreement={"window": window}), ready="magdeburg")
    call = story.dial()
    assert story.rung(call) == ""
    story.pass_time(60.0)
    assert story.rung(call) == "magdeburg/1001"


def test_a_lender_who_lets_his_own_callers_down_lends_no_more() -> None:
    """With lender_health 0.8 a busied caller of Magdeburg stops the loan; after 15 minutes it is forgotten."""
    story = Story(network(agreement={"lender_health": 0.8}, hotline={"ring_max_s": None}))
    for agent in ("gera/2001", "gera/2002", "magdeburg/1001", "magdeburg/1002", "magdeburg/1003"):
        story.act(agent, e.AgentAct.PAUSE)
    lost = story.dial("391")
    story.pass_time(120.0)
    assert story.outcome(lost) is c.Outcome.BUSIED
    story.act("magdeburg/1001", e.AgentAct.READY)
    call = story.dial()
    assert story.rung(call) == ""
    story.pass_time(900.0)
    assert story.rung(call) == "magdeburg/1001"


def test_a_topic_that_another_team_serves_counts_for_that_team() -> None:
    """Magdeburg serves Gera's calls about benefit: letting one of those down is letting down its own callers."""
    topics = (Topic("other", "Other"), Topic("benefit", "Benefit", teams=("agency-magdeburg",)))
    story = Story(network(agreement={"lender_health": 0.8}, hotline={"topics": topics}), ready="")
    lost = story.dial("366")
    story.pass_time(120.0)
    assert story.outcome(lost) is c.Outcome.BUSIED
    story.act("magdeburg/1001", e.AgentAct.READY)
    assert story.rung(story.dial()) == ""


def test_a_hotline_of_two_teams_counts_for_both() -> None:
    """Magdeburg's hotline has Gera's team first and its own second: a caller who is lost there is Magdeburg's, too."""
    plan = network(agreement={"lender_health": 0.8})
    hotlines = tuple(
        replace(one, teams=("agency-gera", "agency-magdeburg")) if one.name == "magdeburg" else one
        for one in plan.hotlines
    )
    story = Story(replace(plan, hotlines=hotlines), ready="")
    lost = story.dial("391")
    story.pass_time(120.0)
    assert story.outcome(lost) is c.Outcome.BUSIED
    story.act("magdeburg/1001", e.AgentAct.READY)
    assert story.rung(story.dial()) == ""


def test_overflow_says_why_the_own_team_did_not_take_it() -> None:
    """An agent of Gera is free but lacks the skill: the reason does not claim that nobody is free there."""
    plan = network()
    able = [replace(one, skills=(("benefit", 5),)) if one.site == "magdeburg" else one for one in plan.agents]
    story = Story(replace(plan, agents=tuple(able)), ready="gera/2001 magdeburg")
    unskilled = story.dial("366")
    assert story.rung(unskilled) == "magdeburg/1001"
    said = "overflow by magdeburg-gera: nobody free in agency-gera who could take it; 3 free"
    assert story.router.state.calls[unskilled].because.startswith(said)
    story.act("gera/2001", e.AgentAct.PAUSE)
    said = "overflow by magdeburg-gera: nobody free in agency-gera; 2 free"
    assert story.router.state.calls[story.dial()].because.startswith(said)


def test_waiting_callers_are_served_oldest_first() -> None:
    """Three callers wait; each agent who becomes free takes the one who came first."""
    story = Story(ready="")
    calls = [story.dial() for _ in range(3) if story.pass_time(1.0) is None]
    story.act("gera/2001", e.AgentAct.READY)
    assert [story.rung(call) for call in calls] == ["gera/2001", "", ""]
    story.act("gera/2002", e.AgentAct.READY)
    assert [story.rung(call) for call in calls] == ["gera/2001", "gera/2002", ""]


def test_an_agent_who_does_not_answer_is_paused_and_the_call_keeps_its_place() -> None:
    """RONA: the next agent is rung, the first is paused for that, the older caller is served first."""
    story = Story(ready="gera/2001")
    first = story.dial()
    story.pass_time(5.0)
    second = story.dial()
    story.phone_fails(first, e.Result.NO_ANSWER)
    assert story.agent("gera/2001") == "paused"
    view = {a.agent: a for a in story.router.snapshot(story.now).agents}
    assert view["gera/2001"].reason == "no_answer"
    story.act("gera/2002", e.AgentAct.READY)
    assert story.rung(first) == "gera/2002"
    assert story.rung(second) == ""


def test_an_agent_who_refuses_is_left_alone_for_a_while() -> None:
    """After a refusal the caller goes to the next; the agent is asked again after his team's pause."""
    story = Story()
    call = story.dial()
    story.phone_fails(call, e.Result.REFUSED)
    assert story.rung(call) == "gera/2002"
    assert story.agent("gera/2001") == "paused"
    story.pass_time(31.0)
    assert story.agent("gera/2001") == "ready"


@pytest.mark.parametrize(("result", "state"), [(e.Result.BUSY, "busy"), (e.Result.UNREACHABLE, "unreachable")])
def test_a_phone_that_fails_is_suspected_until_it_speaks(result: e.Result, state: str) -> None:
    """The agent is passed over for ten seconds, or until his phone's state changes."""
    story = Story()
    call = story.dial()
    story.phone_fails(call, result)
    assert story.agent("gera/2001") == state
    story.pass_time(10.1)
    assert story.agent("gera/2001") == "ready"
    other = story.dial()
    story.phone_fails(other, result)
    assert story.agent("gera/2001") == state
    story.told("gera", e.PhoneState("gera", "2001", reachable=True, in_use=True))
    story.told("gera", e.PhoneState("gera", "2001", reachable=True, in_use=False))
    assert story.agent("gera/2001") == "ready"


def test_a_trunk_that_fails_is_not_the_agents_fault() -> None:
    """No route to Magdeburg: its agent stays ready, the way is left alone for ten seconds, then tried again."""
    story = Story(ready="magdeburg")
    call = story.dial()
    story.phone_fails(call, e.Result.NO_ROUTE)
    assert story.agent("magdeburg/1001") == "ready"
    assert story.rung(call) == ""
    story.pass_time(10.1)
    assert story.rung(call) == "magdeburg/1001"


def test_a_trunk_that_goes_down_ends_the_ringing_over_it() -> None:
    """Ringing over a dead trunk is cancelled; when it returns the caller is offered again."""
    story = Story(ready="magdeburg")
    call = story.dial()
    assert story.rung(call)
    story.told("gera", e.TrunkState("gera", "magdeburg", up=False))
    story.obey_all()
    assert story.rung(call) == ""
    assert story.router.snapshot(story.now).sites[0].trunks_down == ("magdeburg",)
    story.told("gera", e.TrunkState("gera", "magdeburg", up=True))
    story.obey_all()
    assert story.rung(call) == "magdeburg/1001"


def test_a_caller_who_hangs_up_frees_the_agent_who_is_being_rung() -> None:
    """The agent keeps his turn: he is still the longest idle."""
    story = Story()
    call = story.dial()
    story.hang_up(call)
    assert story.outcome(call) is c.Outcome.ABANDONED
    assert story.rung(story.dial()) == "gera/2001"


def test_an_agent_on_a_call_of_his_own_is_not_rung() -> None:
    """From the first sign of his own call (a channel of his phone) to its end he is busy, not ready."""
    story = Story()
    story.told("gera", e.PhoneLeg("gera", "2001", "gera/p1", up=True))
    assert story.agent("gera/2001") == "busy"
    assert story.rung(story.dial()) == "gera/2002"
    story.told("gera", e.PhoneLeg("gera", "2001", "gera/p1", up=False))
    assert story.agent("gera/2001") == "ready"


def test_a_transfer_frees_the_agent_but_not_the_record() -> None:
    """When his leg ends the agent is in wrap-up; the call ends with the caller's leg."""
    story = Story()
    call = story.dial()
    story.answer(call)
    story.pass_time(30.0)
    story.agent_hangs_up(call, stays=True)
    assert story.agent("gera/2001") == "wrap_up"
    assert call not in story.books.ended
    story.pass_time(100.0)
    story.hang_up(call)
    assert story.books.ended[call].talk_s == 30.0


def test_wrap_up_ends_by_itself_by_hand_or_later() -> None:
    """30 s by the plan; sooner when the agent says so; 60 s later when he asks for more."""
    story = Story()
    for _ in range(2):
        story.answer(story.dial())
    for call in list(story.calls):
        story.hang_up(call)
    story.act("gera/2001", e.AgentAct.WRAP_UP_MORE)
    story.act("gera/2002", e.AgentAct.WRAP_UP_DONE)
    assert (story.agent("gera/2001"), story.agent("gera/2002")) == ("wrap_up", "ready")
    story.pass_time(89.0)
    assert story.agent("gera/2001") == "wrap_up"
    story.pass_time(2.0)
    assert story.agent("gera/2001") == "ready"


@pytest.mark.parametrize(("open_ended", "usual_s"), [(False, 30.0), (True, 300.0)])
def test_wrap_up_is_prolonged_but_not_without_end(open_ended: bool, usual_s: float) -> None:
    """However often the agent asks: by 300 s of the plan, also who owes a result; to owe one makes it no shorter."""
    story = Story(network())
    story.answer(call := story.dial())
    story.hang_up(call)
    if open_ended:
        story.act("gera/2001", e.AgentAct.WRAP_UP_OPEN)
    for _ in range(9):
        story.act("gera/2001", e.AgentAct.WRAP_UP_MORE)
    story.pass_time(usual_s + 299.0)
    story.act("gera/2001", e.AgentAct.WRAP_UP_MORE)
    story.act("gera/2001", e.AgentAct.WRAP_UP_OPEN)
    assert story.agent("gera/2001") == "wrap_up"
    story.pass_time(2.0)
    assert story.agent("gera/2001") == "ready"


def test_wrap_up_that_is_open_lasts_until_it_is_done_or_bounded() -> None:
    """Who owes a result is not made ready after 30 s: when he says so, or after 300 s; the next call is as usual."""
    story = Story(network(agreement={"enabled": False}))
    for _ in range(2):
        story.answer(story.dial())
    story.act("gera/2001", e.AgentAct.WRAP_UP_OPEN)
    for call in list(story.calls):
        story.hang_up(call)
    story.pass_time(20.0)
    story.act("gera/2002", e.AgentAct.WRAP_UP_OPEN)
    story.pass_time(279.0)
    assert (story.agent("gera/2001"), story.agent("gera/2002")) == ("wrap_up", "wrap_up")
    story.act("gera/2001", e.AgentAct.WRAP_UP_DONE)
    assert story.agent("gera/2001") == "ready"
    story.pass_time(1.0)
    assert story.agent("gera/2002") == "ready"
    story.answer(call := story.dial())
    story.hang_up(call)
    story.pass_time(30.0)
    assert (story.agent("gera/2001"), story.agent("gera/2002")) == ("ready", "ready")


def test_a_result_given_in_the_talk_makes_wrap_up_short_again() -> None:
    """Who has said in the conversation that he is done has the usual 30 s after it."""
    story = Story(ready="gera/2001")
    story.answer(call := story.dial())
    story.act("gera/2001", e.AgentAct.WRAP_UP_OPEN)
    story.act("gera/2001", e.AgentAct.WRAP_UP_DONE)
    story.hang_up(call)
    story.pass_time(29.0)
    assert story.agent("gera/2001") == "wrap_up"
    story.pass_time(1.0)
    assert story.agent("gera/2001") == "ready"


def test_wrap_up_that_is_open_survives_a_checkpoint() -> None:
    """A router that is restored in the middle of a conversation knows that a result is owed after it."""
    story = Story()
    story.answer(call := story.dial())
    story.act("gera/2001", e.AgentAct.WRAP_UP_OPEN)
    story.router = story.books.router = Router.restore(story.router.checkpoint())
    story.hang_up(call)
    story.pass_time(31.0)
    assert story.agent("gera/2001") == "wrap_up"


def test_what_an_agent_wants_during_a_call_holds_after_it() -> None:
    """Pause asked for in a conversation begins after wrap-up; logging out while ringing ends the ringing."""
    story = Story()
    talk = story.dial()
    story.answer(talk)
    story.act("gera/2001", e.AgentAct.PAUSE, "lunch")
    assert story.agent("gera/2001") == "talking"
    story.hang_up(talk)
    story.pass_time(31.0)
    assert story.agent("gera/2001") == "paused"
    ring = story.dial()
    assert story.rung(ring) == "gera/2002"
    story.act("gera/2002", e.AgentAct.LOG_OUT)
    assert story.agent("gera/2002") == "logged_out"
    assert story.rung(ring) == "magdeburg/1001"


def test_acts_that_mean_nothing_change_nothing() -> None:
    """A second log-in, a pause when logged out, wrap-up done without wrap-up: no notice at all."""
    story = Story(ready="magdeburg")
    for act in (e.AgentAct.PAUSE, e.AgentAct.WRAP_UP_DONE, e.AgentAct.WRAP_UP_MORE, e.AgentAct.WRAP_UP_OPEN):
        assert story.send(e.AgentActed("gera/2001", act)) == []
    story.act("gera/2001", e.AgentAct.LOG_IN)
    assert story.agent("gera/2001") == "paused"
    assert story.send(e.AgentActed("gera/2001", e.AgentAct.LOG_IN)) == []
    assert isinstance(story.send(e.AgentActed("gera/9", e.AgentAct.READY))[0], c.Ignored)
    assert isinstance(story.send(e.PhoneActed("gera", "9", e.AgentAct.READY))[0], c.Ignored)
    story.send(e.PhoneActed("gera", "2001", e.AgentAct.READY))
    assert story.agent("gera/2001") == "ready"


def test_skills_decide_who_may_take_a_call() -> None:
    """A benefit call goes to the agent who knows benefits, though another has been idle longer."""
    story = Story()
    assert story.rung(story.dial("366")) == "gera/2002"


def test_needs_are_relaxed_after_a_while() -> None:
    """With nobody who knows benefits the call waits 20 s, then anybody may take it."""
    topics = (
        Topic("other", "Other"),
        Topic("benefit", "Benefit", needs=(("benefit", 5),), relax=(Relaxation(20.0, ()),)),
    )
    story = Story(network(hotline={"topics": topics}, agreement={"enabled": False}))
    call = story.dial("366")
    assert story.rung(call) == ""
    story.pass_time(20.0)
    assert story.rung(call) == "gera/2001"


def test_higher_priority_is_served_before_a_longer_wait() -> None:
    """A topic with priority passes the callers who came before it, and nobody of its own."""
    topics = (Topic("other", "Other"), Topic("benefit", "Benefit", priority=1))
    story = Story(network(hotline={"topics": topics}), ready="")
    ordinary, urgent = story.dial("365"), story.dial("366")
    story.act("gera/2001", e.AgentAct.READY)
    assert (story.rung(ordinary), story.rung(urgent)) == ("", "gera/2001")


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (Strategy.LONGEST_IDLE, ["gera/2001", "gera/2002"]),
        (Strategy.FEWEST_CALLS, ["gera/2002", "gera/2002"]),
        (Strategy.ROUND_ROBIN, ["gera/2002", "gera/2001"]),
    ],
)
def test_strategies_differ_in_whose_turn_it_is(strategy: Strategy, expected: list[str]) -> None:
    """After two calls for 2001 and one for 2002, who is rung first, and whom do two more calls reach one by one?"""
    story = Story(network(team={"strategy": strategy, "wrap_up_s": 0.0}))

    def serve() -> str:
        call = story.dial()
        agent = story.rung(call)
        story.answer(call)
        story.pass_time(10.0)
        story.hang_up(call)
        return agent

    assert serve() == "gera/2001"
    story.act("gera/2002", e.AgentAct.PAUSE)
    assert serve() == "gera/2001"
    story.act("gera/2002", e.AgentAct.READY)
    assert [serve(), serve()] == expected


def test_ring_all_rings_every_free_phone_and_the_first_answer_has_it() -> None:
    """Both phones ring; the quicker agent talks, the other is free again and keeps his turn."""
    story = Story(network(team={"strategy": Strategy.RING_ALL}))
    call = story.dial()
    assert story.rung(call) == "gera/2001 gera/2002"
    story.answer(call)
    assert sorted([story.agent("gera/2001"), story.agent("gera/2002")]) == ["ready", "talking"]


def test_one_phone_of_a_ring_all_may_fail_alone() -> None:
    """A busy phone is suspected, the others are not blamed when nobody answers."""
    story = Story(network(team={"strategy": Strategy.RING_ALL}, agreement={"enabled": False}))
    call = story.dial()
    true = story.calls[call]
    first_leg = story.router.state.calls[call].offer.legs[0][0]
    story.told("gera", e.LegFailed(call, true.attempt, first_leg, e.Result.BUSY))
    story.told("gera", e.LegFailed(call, true.attempt, first_leg, e.Result.BUSY))
    story.told("gera", e.LegFailed(call, true.attempt, "gera/nobody", e.Result.BUSY))
    story.phone_fails(call, e.Result.NO_ANSWER)
    assert story.agent("gera/2001") == "busy"
    assert story.rung(call) == "gera/2002"


def test_a_ring_limit_of_zero_is_busy_at_once_unless_somebody_is_free() -> None:
    """ring_max_s 0: the first two callers ring an agent for the whole ring time, the third hears busy at once."""
    story = Story(network(hotline={"ring_max_s": 0.0}, agreement={"enabled": False}))
    first = story.dial()
    assert story.router.state.calls[first].offer.ring_s == 20
    story.dial()
    third = story.dial()
    assert story.outcome(third) is c.Outcome.BUSIED
    assert story.books.ended[third].wait_s == 0.0
    story.phone_fails(first, e.Result.NO_ANSWER)
    assert story.outcome(first) is c.Outcome.BUSIED


def test_ringing_is_cut_at_the_limit_and_blames_nobody() -> None:
    """Offered 5 s before the limit a phone rings 5 s; the agent who did not get to it in time is not paused."""
    story = Story(network(agreement={"enabled": False}), ready="")
    call = story.dial()
    story.pass_time(105.0)
    story.act("gera/2001", e.AgentAct.READY)
    assert story.router.state.calls[call].offer.ring_s == 5
    story.pass_time(5.0)
    assert call in story.calls
    story.phone_fails(call, e.Result.NO_ANSWER)
    assert story.outcome(call) is c.Outcome.BUSIED
    assert story.agent("gera/2001") == "ready"


def test_a_full_line_says_busy_to_the_next() -> None:
    """line_max 1: one caller waits, the next hears busy at once."""
    story = Story(network(hotline={"line_max": 1}), ready="")
    story.dial()
    assert story.outcome(story.dial()) is c.Outcome.BUSIED


def test_a_closed_hotline_says_so_and_is_counted_apart() -> None:
    """On Saturday the caller hears busy and the call is closed, not lost; on the next weekday it is open."""
    story = Story(network(hotline={"hours": Hours("Europe/Berlin", WEEKDAYS)}))
    story.pass_time(5 * 86_400.0)
    call = story.dial()
    assert story.outcome(call) is c.Outcome.CLOSED
    story.pass_time(2 * 86_400.0)
    assert story.rung(story.dial())


def test_a_number_that_no_hotline_has_ends_at_once() -> None:
    """Cause 1 (unallocated number), counted apart."""
    story = Story()
    call = story.dial("999")
    assert (story.outcome(call), story.books.ended[call].cause) == (c.Outcome.UNKNOWN_NUMBER, 1)


def test_a_caller_who_rings_again_prefers_his_last_agent() -> None:
    """With affinity the same caller gets the same agent though another has been idle longer; a stranger does not."""
    story = Story(network(hotline={"affinity_s": 600.0}, team={"wrap_up_s": 0.0}))
    call = story.dial(caller="0301")
    story.answer(call)
    story.hang_up(call)
    story.pass_time(5.0)
    again = story.dial(caller="0301")
    assert story.rung(again) == "gera/2001"
    story.hang_up(again)
    assert story.rung(story.dial(caller="0302")) == "gera/2002"
    story.pass_time(700.0)
    late = story.dial(caller="0301")
    assert story.rung(late) == "gera/2001" or story.rung(late) == ""


def test_a_site_that_loses_its_link_keeps_its_callers_ringing() -> None:
    """No order goes to a site without a link; when it is back the oldest caller is served, known to us or not."""
    story = Story(ready="magdeburg")
    story.send(e.AgreementSwitched("magdeburg-gera", enabled=False, reason="x", by="y"))
    old = story.dial()
    story.link_down("gera")
    unseen = story.arrive("gera", "365")
    story.send(e.AgreementSwitched("magdeburg-gera", enabled=True, reason="x", by="y"))
    assert story.rung(old) == story.rung(unseen) == ""
    story.pass_time(3.0)
    story.link_up("gera")
    story.obey_all()
    assert (story.rung(old), story.rung(unseen)) == ("magdeburg/1001", "magdeburg/1002")


def test_a_call_that_ended_unseen_is_closed_in_the_books() -> None:
    """A conversation whose end was missed counts as answered, a waiting caller as lost, a released one as busied."""
    story = Story(network(agreement={"enabled": False}), ready="gera/2001")
    talk = story.dial()
    story.answer(talk)
    wait = story.dial()
    released = story.arrive("gera", "999")
    story.link_down("gera")
    for call in (talk, wait, released):
        story.calls.pop(call, None)
    story.link_up("gera")
    assert story.outcome(talk) is c.Outcome.ANSWERED
    assert story.outcome(wait) is c.Outcome.LOST
    assert story.outcome(released) is c.Outcome.UNKNOWN_NUMBER


def test_a_router_that_starts_again_adopts_what_goes_on() -> None:
    """Waiting, ringing and talking callers go on; nobody is rung twice, the loan is counted, waiting times are true."""
    story = Story()
    for _ in range(2):
        story.answer(story.dial())
    lent = story.dial()
    story.answer(lent)
    ringing = story.dial()
    waiting = story.dial()
    story.phone_fails(waiting, e.Result.REFUSED)
    assert story.rung(ringing)
    story.pass_time(4.0)
    plan = story.router.plan
    story.router = type(story.router)(plan, story.now)
    story.books = Books(story.router)
    for agent in plan.agents:
        story.send(e.AgentActed(agent.id, e.AgentAct.READY))
    for site in story.links:
        story.link_up(site)
    views = {v.call: v for v in story.router.snapshot(story.now).calls}
    assert views[lent].state == "talking"
    assert views[lent].agreement == "magdeburg-gera"
    assert views[ringing].state == "offered"
    assert views[waiting].wait_s == 4.0
    assert views[waiting].state == "offered"  # the refusal died with the router
    assert story.router.counts().borrowed == {("magdeburg-gera", "agency-gera"): 3}
    for call in list(story.calls):
        story.hang_up(call)
    assert story.outcome(lent) is c.Outcome.ANSWERED


def test_a_call_taken_by_the_failsafe_is_left_alone() -> None:
    """The dialplan has it: nobody is offered it, and its record says failsafe."""
    story = Story()
    call = story.dial()
    story.calls[call].stage = e.Stage.FAILSAFE
    story.told("gera", e.CallTaken(call))
    assert story.agent("gera/2001") == "ready"
    story.calls[call].up = True
    story.hang_up(call)
    assert story.outcome(call) is c.Outcome.FAILSAFE
    assert not story.books.broken


def test_a_leg_that_is_up_without_an_agent_is_told() -> None:
    """Up in hold, or up at its end, though no agent answered: the broken promise is told once."""
    story = Story(ready="")
    call = story.dial()
    story.calls[call].up = True
    story.told("gera", e.CallHeld(call, answered=True))
    story.hang_up(call)
    assert len(story.books.broken) == 1


def test_an_answer_that_raced_a_cancel_brings_the_caller_back_into_his_line() -> None:
    """He was answered and put back: he waits again, paid for by an answer, and the next agent has him."""
    story = Story()
    call = story.dial()
    story.told("gera", e.LegAnswered(call, 1, story.calls[call].leg))
    story.calls[call].up = True
    story.calls[call].stage = e.Stage.HELD
    story.told("gera", e.CallHeld(call, answered=True))
    story.obey_all()
    assert story.agent("gera/2001") == "wrap_up"
    assert story.rung(call) == "gera/2002"
    assert not story.books.broken
    story.hang_up(call)
    assert story.outcome(call) is c.Outcome.ABANDONED


def test_a_lost_order_is_read_back_not_repeated() -> None:
    """Unknown: nothing but a read-back. Refused: the agent is free at once, and the site is read back too."""
    story = Story(network(agreement={"enabled": False}))
    call = story.arrive("gera", "365")
    story.calls[call].orders.clear()
    commands = story.send(e.OrderLost(call, 1, unknown=True, text="no answer"))
    assert [type(x) for x in commands] == [c.Reread]
    story.pass_time(3.0)
    story.link_up("gera")
    assert story.router.state.calls[call].attempt == 2
    story.calls[call].orders.clear()
    story.send(e.OrderLost(call, 2, unknown=False, text="no such channel"))
    assert story.agent("gera/2002") == "ready"
    assert isinstance(story.send(e.OrderLost("gera/0.0", None, unknown=True))[0], c.Ignored)


def test_a_call_that_is_not_heard_of_is_read_back() -> None:
    """Arrived but never in hold, released but never gone: soon its site is read back."""
    story = Story()
    story.send(e.CallArrived("gera/77.0", "gera", "365"))
    story.pass_time(3.5)
    assert story.wanted_reread == {"gera": None}
    story.link_up("gera")
    assert story.outcome("gera/77.0") is c.Outcome.LOST


def test_echoes_are_ignored_and_counted() -> None:
    """Events for calls that are unknown or for other attempts change nothing but the count of ignored ones."""
    story = Story()
    call = story.dial()
    for event in (
        e.CallEnded("gera/0.0"),
        e.CallTaken("gera/0.0"),
        e.LegStarted("gera/0.0", 1, "gera/l", "gera", "2001"),
        e.LegStarted(call, 1, "gera/l", "gera", "9999"),
        e.LegAnswered("gera/0.0", 7, "gera/l"),
        e.LegFailed("gera/0.0", 1, "gera/l", e.Result.BUSY),
        e.OfferEnded(call, 7, e.Result.BUSY),
        e.LegEnded(call, "gera/l"),
        e.CallArrived(call, "gera", "365"),
        e.AgreementSwitched("nowhere", enabled=True),
    ):
        assert [type(x) for x in story.send(event)] == [c.Ignored], event
    assert isinstance(story.send(e.CallHeld("gera/0.0"))[0], c.Ignored)
    assert story.send(e.PhoneState("gera", "9999", reachable=True, in_use=True)) == []
    assert story.send(e.PhoneLeg("gera", "9999", "gera/x", up=True)) == []


def test_an_answer_by_an_unknown_leg_of_several_is_read_back() -> None:
    """If it is not known who of a ring-all answered, the site is asked."""
    story = Story(network(team={"strategy": Strategy.RING_ALL}))
    call = story.dial()
    assert c.Reread in [type(x) for x in story.send(e.LegAnswered(call, 1, "gera/unseen"))]
    restored = Router.restore(story.router.checkpoint())
    assert restored.checkpoint() == story.router.checkpoint()
    story.pass_time(7.0)
    story.calls[call].up = True
    story.hang_up(call)
    record = story.books.ended[call]
    assert (record.outcome, record.agent, record.wait_s, record.talk_s) == (c.Outcome.ANSWERED, "", 0.0, 7.0)
    assert not story.books.broken
    assert (story.agent("gera/2001"), story.agent("gera/2002")) == ("ready", "ready")


def test_an_answer_by_an_unknown_leg_counts_from_its_time_when_the_agent_is_found() -> None:
    """Read back a second later: the wait ended when the phone answered."""
    story = Story(network(team={"strategy": Strategy.RING_ALL}))
    call = story.dial()
    story.pass_time(5.0)
    story.send(e.LegAnswered(call, 1, "gera/unseen"))
    true = story.calls[call]
    true.stage, true.up, true.with_agent = e.Stage.TALKING, True, "gera/2002"
    story.pass_time(1.0)
    story.link_up("gera")
    assert (story.agent("gera/2001"), story.agent("gera/2002")) == ("ready", "talking")
    story.hang_up(call)
    assert story.books.ended[call].wait_s == 5.0


def test_a_leg_that_begins_after_the_cancel_is_ended_too() -> None:
    """The cancel was faster than the dialling: the late leg gets its own order to end."""
    story = Story()
    call = story.arrive("gera", "365")
    story.send(e.AgentActed("gera/2001", e.AgentAct.LOG_OUT))
    commands = story.send(e.LegStarted(call, 1, "gera/late", "gera", "2001"))
    assert [x.legs for x in commands if isinstance(x, c.CancelOffer)] == [("gera/late",)]


def test_time_never_runs_backwards() -> None:
    """The driver owns the clock; a step back is a fault of his and is refused."""
    story = Story()
    with pytest.raises(AssertionError, match="backwards"):
        story.router.handle(e.Tick(), story.now - 1)


def test_a_new_plan_does_not_touch_a_call() -> None:
    """The conversation goes on, the waiting caller keeps his place, a removed agent finishes first, a switch stays."""
    story = Story(ready="gera")
    talk, ring, wait = story.dial(), story.dial(), story.dial()
    story.answer(talk)
    story.send(e.AgreementSwitched("magdeburg-gera", enabled=False, reason="x", by="y"))
    old = story.router.plan
    new = replace(
        old,
        version="2",
        agents=tuple(a for a in old.agents if a.id != "gera/2001"),
        teams=tuple(replace(t, wrap_up_s=0.0) for t in old.teams),
    )
    commands = story.send(e.PlanReplaced(new))
    assert [x.site for x in commands if isinstance(x, c.Reread)] == ["gera", "magdeburg"]
    assert not story.router.snapshot(story.now).agreements[0].enabled
    assert story.rung(ring) == "gera/2002"
    story.hang_up(talk)
    assert story.outcome(talk) is c.Outcome.ANSWERED
    assert "gera/2001" not in story.router.state.seats
    story.hang_up(ring)
    assert story.rung(wait) == "gera/2002"
    story.send(e.PlanReplaced(replace(new, hotlines=(), agreements=(), agents=())))
    assert story.rung(wait) == "gera/2002"


def test_the_same_events_give_the_same_commands() -> None:
    """A second router that is fed the same events says the same, to the byte."""
    story = Story()
    for _ in range(4):
        story.answer(story.dial())
    story.pass_time(50.0)
    log = list(story.log)
    one, two = (type(story.router)(network(), 0.0) for _ in range(2))
    for event in log:
        assert repr(one.handle(event, 5.0)) == repr(two.handle(event, 5.0))


def test_what_an_agent_wants_while_he_rings_is_not_undone_by_what_his_phone_did() -> None:
    """His phone gave up, he asked for a pause, the caller hung up: he is paused for his own reason."""
    for result in (e.Result.NO_ANSWER, e.Result.REFUSED):
        story = Story(network(agreement={"enabled": False}))
        call = story.arrive("gera", "365")
        story.send(e.LegFailed(call, 1, "gera/l", result))
        assert [type(x) for x in story.send(e.AgentActed("gera/2001", e.AgentAct.PAUSE, "lunch"))] == [c.CancelOffer]
        assert story.send(e.AgentActed("gera/2001", e.AgentAct.PAUSE, "lunch")) == []
        story.hang_up(call)
        view = {a.agent: a for a in story.router.snapshot(story.now).agents}
        assert (view["gera/2001"].state, view["gera/2001"].reason) == ("paused", "lunch")
        story.pass_time(60.0)
        assert story.agent("gera/2001") == "paused"


def test_an_agent_who_says_that_he_is_ready_while_he_rings_goes_on_ringing() -> None:
    """He wants what happens: no order follows. The same of one of several who are rung, whatever he wants."""
    story = Story()
    call = story.dial()
    assert story.send(e.AgentActed("gera/2001", e.AgentAct.READY)) == []
    assert story.rung(call) == "gera/2001"
    story = Story(network(team={"strategy": Strategy.RING_ALL}))
    call = story.dial()
    assert story.send(e.AgentActed("gera/2001", e.AgentAct.LOG_OUT)) == []
    story.answer(call)
    assert (story.agent("gera/2001"), story.agent("gera/2002")) == ("logged_out", "talking")


def test_a_channel_that_is_told_twice_is_one() -> None:
    """An agent's own call seen twice ends with one word of its end."""
    story = Story()
    for up in (True, True, False):
        story.told("gera", e.PhoneLeg("gera", "2001", "gera/p1", up=up))
    assert story.agent("gera/2001") == "ready"


def test_one_agent_and_one_call_are_seen_alone() -> None:
    """They are seen as in the whole picture, with what the agent wants and when wrap-up ends; strangers are none."""
    story = Story(ready="gera/2001")
    call = story.dial()
    story.answer(call)
    story.act("gera/2001", e.AgentAct.PAUSE, "lunch")
    whole = story.router.snapshot(story.now)
    agent = story.router.agent("gera/2001")
    assert agent in whole.agents
    assert agent is not None
    assert (agent.state, agent.intent, agent.reason, agent.call, agent.until) == (
        "talking", "paused", "lunch", call, None,
    )  # fmt: skip
    assert story.router.call(call, story.now) in whole.calls
    story.hang_up(call)
    after = story.router.agent("gera/2001")
    assert after is not None
    assert after.until == story.now + 30.0
    assert story.router.agent("gera/9") is story.router.call(call, story.now) is None
