"""Callers are rung back: when, by whom, agent's phone first, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from callrouter.core import commands as c
from callrouter.core import events as e
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus, TryResult
from callrouter.core.outbound import RING_S
from callrouter.core.plan import Agent, Hours, Plan, Relaxation, Span, Topic
from callrouter.core.router import Router
from tests.core.story import NOON, Story
from tests.core.test_nobody import HIS, RULES, hears, plan, promised, told

OTHER = "+491719999999"


def asked(
    *,
    ready: str = "",
    rules: dict[str, Any] | None = None,
    callers: tuple[str, ...] = (HIS,),
    number: str = "365",
    out: str = "magdeburg",
    **hotline: Any,
) -> Story:
    """These callers have asked to be rung back while everybody of Gera was paused; then some agents get ready."""
    made = plan(callback=replace(RULES, **{"reserve": 0, **(rules or {})}), **hotline)
    story = Story(made, ready="", out=out)
    for caller in callers:
        promise(story, caller, number)
    for agent in ready.split():
        story.act(agent, e.AgentAct.READY)
    return story


def promise(story: Story, caller: str, number: str = "365") -> str:
    call = story.dial(number, caller)
    story.pass_time(111.0)
    story.prompt_ends(call, "1")
    story.obey_all()
    story.hang_up(call)
    return call


def rings(story: Story) -> str:
    """The agents whose phones ring for callbacks, or who talk or dial in them."""
    return " ".join(out.order.target.agent for out in story.outs.values())


def out(story: Story) -> str:
    """The only outbound call."""
    (call,) = story.outs
    return call


def orders(story: Story) -> list[c.DialOut]:
    return [x for x in story.books.orders if isinstance(x, c.DialOut)]


def results(story: Story) -> list[TryResult]:
    return [x.result for x in story.told_notices if isinstance(x, c.OutboundFinished)]


def one(story: Story) -> Callback:
    (record,) = promised(story)
    return record


def test_the_agents_phone_rings_first_then_the_callers() -> None:
    """He is offered it, answers, the caller answers, they talk, wrap-up; the promise is kept, and by whom is told."""
    story = asked(ready="gera/2001")
    (order,) = orders(story)
    assert (order.number, order.target.agent, order.shows, order.ring_s, order.dial_s) == (
        HIS, "gera/2001", "0365", 20, 30
    )  # fmt: skip
    assert order.because == "no caller waits, 1 free in agency-gera, reserve 0"
    assert story.agent("gera/2001") == "offered"
    story.agent_is_up(out(story))
    assert story.agent("gera/2001") == "talking"
    story.pass_time(10.0)
    story.caller_is_up(out(story))
    story.pass_time(60.0)
    story.out_ends(out(story))
    assert story.agent("gera/2001") == "wrap_up"
    (record,) = story.books.rung.values()
    assert (record.result, record.talk_s, record.rung, record.agent) == (TryResult.REACHED, 60.0, True, "gera/2001")
    assert promised(story) == []
    done = told(story)[-1]
    assert (done.result, done.done_by, done.rings, done.tries) == (CallbackResult.REACHED, "gera/2001", 1, 0)


def test_a_reserve_of_agents_stays_for_those_who_call() -> None:
    """More than `reserve` must be free."""
    story = asked(ready="gera/2001", rules={"reserve": 1})
    assert rings(story) == ""
    story.act("gera/2002", e.AgentAct.READY)
    assert rings(story) == "gera/2001"


def test_nobody_is_rung_while_a_caller_waits() -> None:
    """Somebody waits for a skill that the free agent lacks: the team's lines are not empty."""
    story = asked(ready="")
    waits = story.dial("366")
    story.act("gera/2001", e.AgentAct.READY)
    assert rings(story) == ""
    story.hang_up(waits)
    assert rings(story) == "gera/2001"


def test_a_caller_who_comes_goes_first() -> None:
    """The agent's phone only rings for a callback: it stops, he has the caller, and the callback waits on."""
    story = asked(ready="gera/2001")
    ringing = out(story)
    call = story.dial(caller=OTHER)
    assert not story.outs
    assert story.rung(call) == "gera/2001"
    assert results(story) == [TryResult.CANCELLED]
    record = one(story)
    assert (record.status, record.tries, record.rings) == (CallbackStatus.OPEN, 0, 1)
    assert "a caller waits in gera" in record.because
    story.answer(call)
    story.hang_up(call)
    story.act("gera/2001", e.AgentAct.WRAP_UP_DONE)
    assert out(story) != ringing


def test_a_caller_goes_first_where_nobody_waits_at_all() -> None:
    """A ring limit of 0: who comes still has the phone that only rings for a callback, and hears no busy."""
    story = asked(ready="gera/2001", ring_max_s=0.0)
    assert rings(story) == "gera/2001"
    call = story.dial(caller=OTHER)
    assert story.rung(call) == "gera/2001"
    other = story.dial(caller="+491718888888")
    assert hears(story, other) == ("offer",)


def test_a_phone_that_does_not_stop_ringing_keeps_nobody_waiting() -> None:
    """A ring limit of 0, and nothing is heard of the order to hang up: he is turned away after a moment."""
    story = asked(ready="gera/2001", ring_max_s=0.0)
    call = story.arrive("gera", "365", OTHER)
    assert [type(x) for x in story.books.orders[-2:]] == [c.HangUp, c.Claim]
    story.outs[out(story)].orders.clear()
    story.pass_time(2.9)
    assert hears(story, call) == ()
    story.pass_time(0.2)
    assert hears(story, call) == ("offer",)


def test_who_has_answered_is_not_taken_off() -> None:
    """He is on the phone already: the caller waits for him as for one who talks."""
    story = asked(ready="gera/2001")
    story.agent_is_up(out(story))
    call = story.dial(caller=OTHER)
    assert rings(story) == "gera/2001"
    assert story.calls[call].stage is e.Stage.HELD


def test_as_many_give_way_as_callers_wait() -> None:
    """Two phones ring for callbacks, one caller comes: one of them stops."""
    story = asked(ready="gera/2001 gera/2002", callers=(HIS, OTHER))
    assert rings(story) == "gera/2001 gera/2002"
    call = story.dial()
    assert story.rung(call) == "gera/2001"
    assert rings(story) == "gera/2002"


def test_the_earliest_due_comes_first() -> None:
    """By the order in which they asked, over all topics that the agents can serve."""
    topics = (Topic("other", "Other"), Topic("benefit", "Benefit", needs=(("benefit", 2),)))
    story = asked(callers=(), topics=topics)
    first = promise(story, HIS, "366")
    second = promise(story, OTHER, "365")
    story.act("gera/2001", e.AgentAct.READY)
    assert [order.callback for order in orders(story)] == [second]
    story.act("gera/2002", e.AgentAct.READY)
    assert [order.callback for order in orders(story)] == [second, first]


def test_needs_are_relaxed_by_the_time_since_he_asked() -> None:
    """After a minute anybody may ring him."""
    topics = (Topic("benefit", "Benefit", needs=(("benefit", 2),), relax=(Relaxation(300.0, ()),)),)
    story = asked(ready="gera/2001", topics=topics, default_topic="benefit")
    assert rings(story) == ""
    story.pass_time(300.0)
    story.act("gera/2001", e.AgentAct.PAUSE)
    story.act("gera/2001", e.AgentAct.READY)
    assert rings(story) == "gera/2001"


# ---- hours


def test_nobody_is_rung_at_night() -> None:
    """Outside the hours for it an agent who is free rings nobody, and begins by himself when they begin."""
    evening = Hours("Europe/Berlin", ((Span(8 * 3600, 12 * 3600 + 300),),) * 7)
    story = asked(ready="", rules={"hours": evening})
    story.pass_time(300.0)
    story.act("gera/2001", e.AgentAct.READY)
    assert rings(story) == ""
    story.pass_time(20 * 3600 - 300.0 - 120.0)
    assert rings(story) == ""
    story.pass_time(60.0)
    assert rings(story) == "gera/2001"


def test_hours_that_never_come_ring_nobody() -> None:
    """And wait for nothing."""
    never = Hours("Europe/Berlin", ((),) * 7)
    story = asked(ready="gera/2001", rules={"hours": never})
    assert rings(story) == ""
    assert not story.router.state.hour_timers


def test_a_hotline_closed_by_hand_rings_nobody_until_it_is_open() -> None:
    """Switched back, or expired."""
    for until in (None, 500.0):
        story = asked(ready="")
        end = None if until is None else story.now + until
        story.send(e.HotlineSwitched("gera", e.HotlineMode.CLOSED, end, "fire", "anna"))
        story.act("gera/2001", e.AgentAct.READY)
        assert rings(story) == ""
        if until is None:
            story.send(e.HotlineSwitched("gera", e.HotlineMode.NORMAL, None, "over", "anna"))
            story.obey_all()
        else:
            story.pass_time(501.0)
        assert rings(story) == "gera/2001"


# ---- what comes of it


@pytest.mark.parametrize("result", [TryResult.NOT_REACHED, TryResult.BUSY, TryResult.UNKNOWN])
def test_not_reached_is_tried_again_after_a_pause_and_not_for_ever(result: TryResult) -> None:
    """Three tries, half an hour between them; then it is given up."""
    story = asked(ready="gera/2001", rules={"tries_max": 3, "pause_s": 1800.0})
    for tries in (1, 2, 3):
        assert rings(story) == "gera/2001"
        story.agent_is_up(out(story))
        story.caller_is_missed(out(story), result)
        story.act("gera/2001", e.AgentAct.WRAP_UP_DONE)
        if tries < 3:
            record = one(story)
            assert (record.status, record.tries, record.last_result) == (CallbackStatus.NOT_REACHED, tries, result)
            story.pass_time(1799.0)
            assert rings(story) == ""
            story.pass_time(2.0)
    assert promised(story) == []
    assert told(story)[-1].result is CallbackResult.GIVEN_UP
    assert told(story)[-1].because == "not reached in 3 tries"
    assert results(story) == [result] * 3


def test_a_clock_set_past_the_pause_rings_at_the_next_tick() -> None:
    """The pause stands in the calendar: a clock that was slow has passed it, and the `Tick` that follows sees to it."""
    story = asked(ready="gera/2001", rules={"tries_max": 3, "pause_s": 1800.0})
    assert rings(story) == "gera/2001"
    story.agent_is_up(out(story))
    story.caller_is_missed(out(story), TryResult.NOT_REACHED)
    story.act("gera/2001", e.AgentAct.WRAP_UP_DONE)
    story.now += 2_000.0
    story.send(e.ClockSet(2_000.0))
    assert rings(story) == ""
    story.pass_time(0.0)
    assert rings(story) == "gera/2001"


def test_a_number_that_does_not_exist_is_not_tried_again() -> None:
    """The network says so."""
    story = asked(ready="gera/2001")
    story.agent_is_up(out(story))
    story.caller_is_missed(out(story), TryResult.WRONG_NUMBER)
    assert promised(story) == []
    assert told(story)[-1].result is CallbackResult.WRONG_NUMBER


def test_no_line_is_nobodys_fault_and_no_try() -> None:
    """The carrier had none: later again, and the caller has not been rung."""
    story = asked(ready="gera/2001")
    story.agent_is_up(out(story))
    story.caller_is_missed(out(story), TryResult.FAILED)
    record = one(story)
    assert (record.status, record.tries, record.last_result) == (CallbackStatus.OPEN, 0, TryResult.FAILED)
    assert record.not_before == story.now + 1800.0
    assert not story.books.rung[orders(story)[0].call].rung


def test_an_agent_who_hangs_up_while_it_rings_has_made_a_try() -> None:
    """The caller's phone was rung: not reached."""
    story = asked(ready="gera/2001")
    story.agent_is_up(out(story))
    story.out_ends(out(story))
    assert results(story) == [TryResult.CANCELLED]
    assert (one(story).tries, one(story).because) == (1, "the agent ended it")


def test_an_agent_who_does_not_answer_is_paused_and_another_rings() -> None:
    """RONA as for a call; the caller has noticed nothing."""
    story = asked(ready="gera/2001 gera/2002")
    assert rings(story) == "gera/2001"
    story.out_ends(out(story), e.Result.NO_ANSWER)
    story.obey_all()
    assert story.agent("gera/2001") == "paused"
    assert rings(story) == "gera/2002"
    assert results(story) == [TryResult.AGENT_MISSED]


def test_an_agent_who_refuses_is_left_alone_for_a_while() -> None:
    """As for a call."""
    story = asked(ready="gera/2001")
    story.out_ends(out(story), e.Result.REFUSED)
    assert story.agent("gera/2001") == "paused"
    story.pass_time(31.0)
    assert rings(story) == "gera/2001"
    story.agent_is_up(out(story))
    assert story.agent("gera/2001") == "talking"


def test_an_agent_who_pauses_while_his_phone_rings_for_it_is_let_go() -> None:
    """It stops ringing; who says once more that he is ready is not."""
    story = asked(ready="gera/2001")
    story.act("gera/2001", e.AgentAct.READY)
    assert rings(story) == "gera/2001"
    story.act("gera/2001", e.AgentAct.PAUSE, "lunch")
    assert rings(story) == ""
    assert (story.agent("gera/2001"), results(story)) == ("paused", [TryResult.CANCELLED])


def test_a_phone_that_is_not_there_makes_no_channel() -> None:
    """Nothing is heard of the order: the site is read, the phone left alone, another agent rings."""
    story = asked(ready="")
    story.phones["gera", "2001"] = [False, False]
    story.act("gera/2001", e.AgentAct.READY)
    assert not story.outs
    story.pass_time(3.0)
    assert "gera" in story.wanted_reread
    story.phones["gera", "2001"] = [True, False]
    story.link_up("gera")
    assert story.agent("gera/2001") == "unreachable"
    assert results(story) == [TryResult.AGENT_MISSED]
    story.pass_time(10.0)
    assert rings(story) == "gera/2001"


def test_an_order_that_is_refused_is_tried_again_later() -> None:
    """The switch could not do it: a minute later."""
    story = asked(ready="")
    commands = story.send(e.AgentActed("gera/2001", e.AgentAct.READY))
    (order,) = [x for x in commands if isinstance(x, c.DialOut)]
    del story.outs[order.call]
    story.told("gera", e.OrderLost(order.call, None, unknown=False, text="no rights"))
    record = one(story)
    assert (record.status, record.not_before, record.tries) == (CallbackStatus.OPEN, story.now + 60.0, 0)
    story.pass_time(61.0)
    assert rings(story) == "gera/2001"


def test_an_order_with_an_unknown_outcome_is_read_back() -> None:
    """It was carried out, or it was not: the site tells."""
    for happened in (True, False):
        story = asked(ready="")
        story.send(e.AgentActed("gera/2001", e.AgentAct.READY))
        call = out(story)
        if happened:
            story.outs[call].orders.clear()
            story.outs[call].stage = "ringing"
        else:
            del story.outs[call]
        story.told("gera", e.OrderLost(call, None, unknown=True, text="no answer"))
        story.pass_time(2.5)
        story.link_up("gera")
        assert (story.router.state.outcalls.get(call) is not None) is happened
        assert one(story).rings == 1


def test_an_order_to_hang_up_that_was_lost_is_given_again() -> None:
    """The callback was cancelled; its call is found still ringing."""
    story = asked(ready="gera/2001")
    call = out(story)
    story.send(e.CallbackClosed(one(story).id, CallbackResult.CANCELLED, "not needed", "anna"))
    story.outs[call].orders.clear()
    story.told("gera", e.OrderLost(call, None, unknown=False, text="x"))
    story.link_up("gera")
    story.pass_time(30.0)
    story.link_up("gera")
    assert call in story.router.state.outcalls
    story.out_ends(call)
    assert not story.router.state.outcalls


def test_an_error_of_the_agents_phone_is_a_failure_not_a_miss() -> None:
    """Asterisk could not ring it: suspect for a while, and the callback waits a minute."""
    story = asked(ready="gera/2001")
    story.out_ends(out(story), e.Result.FAILED)
    assert (story.agent("gera/2001"), results(story)) == ("unreachable", [TryResult.FAILED])


# ---- teams elsewhere


def far(**rules: Any) -> Story:
    """Gera's callers are rung by Magdeburg's agents, over the trunk, with Gera's line."""
    made = plan(callback=replace(RULES, **{"reserve": 0, **rules}), teams=("agency-magdeburg",))
    story = Story(made, ready="", out="gera")
    promise(story, HIS)
    return story


def test_a_team_elsewhere_rings_over_the_trunk_while_it_is_up() -> None:
    """Down: nobody; up again: at once. A trunk that fails is not the agent's fault."""
    story = far()
    story.told("gera", e.TrunkState("gera", "magdeburg", up=False))
    story.act("magdeburg/1001", e.AgentAct.READY)
    assert rings(story) == ""
    story.told("gera", e.TrunkState("gera", "magdeburg", up=True))
    story.obey_all()
    assert rings(story) == "magdeburg/1001"
    story.out_ends(out(story), e.Result.NO_ROUTE)
    assert (story.agent("magdeburg/1001"), results(story)) == ("ready", [TryResult.FAILED])
    story.pass_time(61.0)
    assert rings(story) == "magdeburg/1001"


def test_no_route_at_home_is_the_phone() -> None:
    """No trunk lies between."""
    story = asked(ready="gera/2001")
    story.out_ends(out(story), e.Result.NO_ROUTE)
    assert (story.agent("gera/2001"), results(story)) == ("unreachable", [TryResult.AGENT_MISSED])


def test_a_site_without_a_link_rings_nobody() -> None:
    """Its line is needed, whoever rings."""
    story = far()
    story.link_down("gera")
    story.act("magdeburg/1001", e.AgentAct.READY)
    assert rings(story) == ""
    story.link_up("gera")
    story.obey_all()
    assert rings(story) == "magdeburg/1001"


# ---- the caller himself


def test_who_is_on_the_line_is_not_rung() -> None:
    """He calls again and waits: no agent rings him; when he has gone unserved he is rung."""
    story = asked(ready="")
    call = story.dial("366", HIS)
    story.act("gera/2001", e.AgentAct.READY)
    assert rings(story) == ""
    story.hang_up(call)
    assert rings(story) == "gera/2001"


def test_who_rings_us_while_the_agents_phone_rings_is_not_rung_back() -> None:
    """His call has the agent; answered, it supersedes the promise."""
    story = asked(ready="gera/2001")
    call = story.dial(caller=HIS)
    assert rings(story) == ""
    assert story.rung(call) == "gera/2001"
    story.answer(call)
    assert told(story)[-1].result is CallbackResult.SUPERSEDED
    assert promised(story) == []


def test_who_is_answered_elsewhere_while_he_is_being_rung() -> None:
    """His phone is being rung when another agent answers his own call: the outbound call ends, the promise is done."""
    story = asked(ready="gera/2001 gera/2002")
    story.agent_is_up(out(story))
    call = story.dial(caller=HIS)
    story.answer(call)
    story.obey_all()
    assert not story.outs
    assert story.agent("gera/2001") == "ready"
    assert told(story)[-1].result is CallbackResult.SUPERSEDED


# ---- by hand


def listed() -> Story:
    """He gave up; one agent is paused, the other logged out."""
    story = Story(plan(callback=RULES), ready="", out="gera/2002 magdeburg")
    story.hang_up(story.dial(caller=HIS))
    return story


def take(story: Story, agent: str = "gera/2001", callback: str = "") -> str:
    """'' if he rings him now, else why not."""
    told_ = story.send(e.CallbackTaken(callback or one(story).id, agent, "anna"))
    story.obey_all()
    return next((x.because for x in told_ if isinstance(x, c.Ignored)), "")


def test_who_gave_up_is_rung_only_by_hand() -> None:
    """An agent who is free rings nobody who did not ask; one who takes him off the list does, even paused."""
    story = listed()
    story.act("gera/2001", e.AgentAct.READY)
    assert rings(story) == ""
    story.act("gera/2001", e.AgentAct.PAUSE, "desk")
    assert take(story) == ""
    assert rings(story) == "gera/2001"
    assert orders(story)[0].because == "taken by anna"
    story.agent_is_up(out(story))
    story.caller_is_up(out(story))
    story.out_ends(out(story))
    story.act("gera/2001", e.AgentAct.WRAP_UP_DONE)
    assert told(story)[-1].result is CallbackResult.REACHED
    assert story.agent("gera/2001") == "paused"


def test_what_an_agent_does_by_hand_is_not_taken_from_him() -> None:
    """A caller comes while his phone rings for it: it rings on."""
    story = listed()
    take(story)
    story.dial(caller=OTHER)
    assert rings(story) == "gera/2001"


def test_an_agent_may_ring_in_his_wrap_up() -> None:
    """It ends with that."""
    story = listed()
    story.act("gera/2001", e.AgentAct.READY)
    call = story.dial(caller=OTHER)
    story.answer(call)
    story.hang_up(call)
    assert story.agent("gera/2001") == "wrap_up"
    assert take(story) == ""
    assert story.agent("gera/2001") == "offered"


def test_a_try_by_hand_counts_as_one() -> None:
    """Not reached: back on the list, later."""
    story = listed()
    take(story)
    story.agent_is_up(out(story))
    story.caller_is_missed(out(story))
    assert (one(story).tries, one(story).status) == (1, CallbackStatus.NOT_REACHED)
    story.act("gera/2001", e.AgentAct.WRAP_UP_DONE)
    assert take(story) == ""  # by hand the pause is his to judge


def test_no_two_outbound_calls_have_one_id() -> None:
    """Rung in vain as one who gave up, he rings again and asks: the same callback, whose calls are counted on."""
    story = listed()
    take(story)
    first = out(story)
    story.out_ends(first, e.Result.NO_ANSWER)
    promise(story, HIS)
    assert take(story) == ""
    assert (first, out(story)) == (f"{first[:-2]}.1", f"{first[:-2]}.2")


def test_taking_is_refused_with_the_reason() -> None:
    """Unknown callback, unknown or busy agent, a phone in use, somebody at it, on the line, closed, no rules."""
    story = listed()
    callback = one(story).id
    assert take(story, callback="gera/9.9") == "there is no such callback"
    assert take(story, "gera/2009") == "unknown agent"
    assert take(story, "gera/2002") == "the agent is logged out"
    story.told("gera", e.PhoneLeg("gera", "2001", "gera/own", up=True))
    assert take(story) == "the agent's phone is in use or unreachable"
    story.told("gera", e.PhoneLeg("gera", "2001", "gera/own", up=False))
    call = story.dial(caller=HIS)
    assert take(story) == "he is on the line himself"
    story.hang_up(call)
    assert take(story) == ""
    story.act("gera/2002", e.AgentAct.LOG_IN)
    assert take(story, "gera/2002") == "somebody is at it"
    assert take(story, "gera/2001") == "somebody is at it"
    story.out_ends(out(story), e.Result.BUSY)
    story.pass_time(11.0)
    story.send(e.HotlineSwitched("gera", e.HotlineMode.CLOSED, None, "fire", "anna"))
    assert take(story) == "gera was closed by hand"
    story.send(e.PlanReplaced(replace(plan(callback=None), version="2")))
    assert take(story, callback=callback) == "gera rings nobody back"


def test_nobody_is_rung_at_night_by_hand_either() -> None:
    """The hours hold for everybody."""
    morning = Hours("Europe/Berlin", ((Span(8 * 3600, 12 * 3600),),) * 7)
    story = Story(plan(callback=replace(RULES, hours=morning)), ready="", out="magdeburg")
    story.hang_up(story.dial(caller=HIS))
    assert take(story) == "not at this hour"
    assert take(story) == "not at this hour"


def owed(number: str = OTHER, kind: CallbackKind = CallbackKind.DEPARTMENT) -> Callback:
    return Callback(
        "gera/d1", kind, "gera", "other", "gera", number, NOON, NOON + 1000.0, department="benefits", rings=4
    )


def test_a_departments_caller_is_rung_as_well() -> None:
    """Click to call: agent's phone first. The router keeps no list of them: it tells what came of the call."""
    story = Story(plan(), ready="gera/2001")
    assert story.send(e.OutboundAsked("gera/2001", owed(), "berta"))
    story.obey_all()
    (order,) = orders(story)
    assert (order.call, order.callback, order.kind) == ("gera/cbd1.5", "gera/d1", CallbackKind.DEPARTMENT)
    again = story.send(e.OutboundAsked("gera/2002", owed(), "cora"))
    assert [x.because for x in again if isinstance(x, c.Ignored)] == ["somebody is at it"]
    story.agent_is_up(order.call)
    story.caller_is_up(order.call)
    story.pass_time(30.0)
    story.out_ends(order.call)
    record = story.books.rung[order.call]
    assert (record.result, record.talk_s, record.callback) == (TryResult.REACHED, 30.0, "gera/d1")
    assert told(story) == []
    assert story.agent("gera/2001") == "wrap_up"


def of_his_own(story: Story, intent: e.AgentAct) -> str:
    """An agent in this state rings somebody of his own accord; the call."""
    story.act("gera/2001", intent)
    one = replace(owed(OTHER, CallbackKind.OUTBOUND), id="gera/o1", rings=0, department="")
    assert not [x for x in story.send(e.OutboundAsked("gera/2001", one, "berta")) if isinstance(x, c.Ignored)]
    story.obey_all()
    assert story.agent("gera/2001") == "offered"
    return out(story)


@pytest.mark.parametrize("intent", [e.AgentAct.READY, e.AgentAct.LOG_IN])
def test_a_call_of_his_own_accord(intent: e.AgentAct) -> None:
    """He talks during it, and wraps up after it: then he is as he was."""
    story = Story(plan(), ready="")
    call = of_his_own(story, intent)
    before = "ready" if intent is e.AgentAct.READY else "paused"
    story.agent_is_up(call)
    assert story.agent("gera/2001") == "talking"
    story.caller_is_up(call)
    story.pass_time(9.0)
    story.out_ends(call)
    record = story.books.rung[call]
    assert (record.kind, record.result, record.talk_s) == (CallbackKind.OUTBOUND, TryResult.REACHED, 9.0)
    assert story.agent("gera/2001") == "wrap_up"
    story.pass_time(31.0)
    assert story.agent("gera/2001") == before


@pytest.mark.parametrize("intent", [e.AgentAct.READY, e.AgentAct.LOG_IN])
@pytest.mark.parametrize("how", ["busy", "gave up", "not lifted", "declined"])
def test_a_call_of_his_own_accord_that_fails_restores_the_state(intent: e.AgentAct, how: str) -> None:
    """Nobody was talked to, so there is nothing to wrap up; and he has missed no call, whatever his phone said."""
    story = Story(plan(), ready="")
    call = of_his_own(story, intent)
    if how in ("not lifted", "declined"):
        story.out_ends(call, e.Result.NO_ANSWER if how == "not lifted" else e.Result.REFUSED)
    else:
        story.agent_is_up(call)
        story.pass_time(3.0)
        story.caller_is_missed(call, TryResult.BUSY) if how == "busy" else story.out_ends(call)
    seat = story.router.agent("gera/2001")
    assert seat is not None
    assert (seat.state, seat.reason) == (("ready", "") if intent is e.AgentAct.READY else ("paused", "logged_in"))
    assert story.books.rung[call].result is not TryResult.REACHED


def at_a_phone(story: Story, phone: str = "2901", **more: Any) -> list[str]:
    """Somebody of the department has his phone rung for its callback; why not."""
    told = story.send(e.OutboundAsked("", replace(owed(), **more), "berta", phone))
    story.obey_all()
    return [x.because for x in told if isinstance(x, c.Ignored)]


def test_a_department_rings_from_a_phone_that_is_no_agents() -> None:
    """Its phone first, then the caller's. Nobody's seat is moved and nothing is counted of agents; the record names the
    phone. A caller who waits meanwhile does not take it away."""
    story = Story(plan(), ready="gera/2001")
    before = story.router.counts().agents
    assert at_a_phone(story) == []
    (order,) = orders(story)
    assert (order.call, order.ring_s, order.shows) == ("gera/cbd1.5", RING_S, "0365")
    assert order.target == c.Target("gera/2901", "gera", "2901")
    assert story.router.counts().agents == before
    story.dial()
    story.agent_is_up(order.call)
    story.caller_is_up(order.call)
    story.pass_time(30.0)
    story.out_ends(order.call)
    record = story.books.rung[order.call]
    assert (record.result, record.talk_s, record.agent, record.team) == (TryResult.REACHED, 30.0, "gera/2901", "")
    assert story.agent("gera/2001") == "offered"


def test_why_nobody_is_rung_from_a_phone() -> None:
    """It is an agent's, or in use for another callback; the rules for whom and when are those for agents."""
    story = Story(plan(), ready="gera/2001")
    assert at_a_phone(story, "2001") == ["the phone is an agent's"]
    assert at_a_phone(story, number="") == ["the number is not known any more"]
    assert at_a_phone(story) == []
    assert at_a_phone(story, id="gera/d2") == ["the phone is in use"]
    assert at_a_phone(story, "2902") == ["somebody is at it"]
    assert at_a_phone(story, "2902", id="gera/d2") == []
    story.send(e.LinkDown("gera"))
    assert at_a_phone(story, "2903", id="gera/d3") == ["no link to gera"]


def test_a_department_phone_that_is_not_answered_rings_nobody() -> None:
    """The caller's phone is silent, and the department may try again. That an agent of that name came meanwhile does
    not harm him."""
    story = Story(plan(), ready="gera/2001")
    assert at_a_phone(story) == []
    (order,) = orders(story)
    other = Agent("gera/2901", "agency-gera", "gera", "2999")
    more = replace(plan(), version="2", agents=(*plan().agents, other))
    story.send(e.PlanReplaced(more))
    story.act("gera/2901", e.AgentAct.LOG_IN)
    story.out_ends(order.call, e.Result.NO_ANSWER)
    assert story.books.rung[order.call].result is TryResult.AGENT_MISSED
    assert story.router.agent("gera/2901").reason == "logged_in"  # type: ignore[union-attr]
    assert at_a_phone(story) == ["the phone is an agent's"]


def test_a_number_that_was_erased_cannot_be_rung() -> None:
    """It says so."""
    story = Story(plan(), ready="gera/2001")
    refused = story.send(e.OutboundAsked("gera/2001", owed(""), "berta"))
    assert [x.because for x in refused if isinstance(x, c.Ignored)] == ["the number is not known any more"]


def test_a_callback_is_closed_by_hand() -> None:
    """With a reason; an unknown one is ignored; a call that rings for it ends, a conversation goes on."""
    for talks in (False, True):
        story = asked(ready="gera/2001")
        record = one(story)
        if talks:
            story.agent_is_up(out(story))
            story.caller_is_up(out(story))
        story.send(e.CallbackClosed(record.id, CallbackResult.CANCELLED, "came in person", "anna"))
        story.obey_all()
        done = told(story)[-1]
        assert (done.result, done.done_by, done.because) == (CallbackResult.CANCELLED, "anna", "came in person")
        assert bool(story.outs) is talks
        again = story.send(e.CallbackClosed(record.id, CallbackResult.CANCELLED, "", "anna"))
        assert isinstance(again[0], c.Ignored)
        if talks:
            story.out_ends(out(story))
        assert story.agent("gera/2001") in ("ready", "wrap_up")


def test_it_was_not_he_who_answered() -> None:
    """A mailbox: the agent says so, and it is tried again after the pause; after the last try it is given up."""
    story = asked(ready="gera/2001", rules={"tries_max": 2})
    record = one(story)
    for tries in (1, 2):
        story.agent_is_up(out(story))
        story.caller_is_up(out(story))
        story.out_ends(out(story))
        story.send(e.CallbackMissed(record.id, "gera/2001"))
        if tries == 1:
            assert (one(story).status, one(story).tries) == (CallbackStatus.NOT_REACHED, 1)
            assert one(story).because == "not he, says gera/2001"
            story.pass_time(1801.0)
    assert promised(story) == []
    assert told(story)[-1].result is CallbackResult.GIVEN_UP
    ignored = story.send(e.CallbackMissed(record.id, "gera/2001"))
    assert isinstance(ignored[0], c.Ignored)


def test_it_was_not_he_but_he_has_asked_again() -> None:
    """Then he is on the list already."""
    story = asked(ready="gera/2001", rules={"reserve": 0})
    record = one(story)
    story.agent_is_up(out(story))
    story.caller_is_up(out(story))
    story.out_ends(out(story))
    story.act("gera/2001", e.AgentAct.PAUSE)
    promise(story, HIS)
    ignored = story.send(e.CallbackMissed(record.id, "gera/2001"))
    assert [x.because for x in ignored if isinstance(x, c.Ignored)] == ["he is to be rung back already"]


# ---- links, restarts, plans


def test_late_and_foreign_words_mean_nothing() -> None:
    """Events of a call that is over, or that come twice, change nothing; for an unknown one its site is read."""
    story = asked(ready="gera/2001")
    call = out(story)
    story.told("gera", e.OutboundRung(call))
    story.told("gera", e.OutboundAnswered(call))
    assert story.agent("gera/2001") == "offered"
    story.agent_is_up(call)
    story.told("gera", e.OutboundUp(call))
    story.caller_is_up(call)
    story.told("gera", e.OutboundMissed(call, TryResult.BUSY))
    story.out_ends(call)
    assert results(story) == [TryResult.REACHED]
    assert not story.wanted_reread
    assert isinstance(story.send(e.OutboundEnded(call))[0], c.Ignored)
    assert not story.wanted_reread
    story.told("gera", e.OutboundUp("gera/cb9.9.1"))
    assert "gera" in story.wanted_reread


@pytest.mark.parametrize("stage", ["ringing", "dialling", "talking"])
@pytest.mark.parametrize("ends", [True, False])
def test_a_lost_link_loses_no_callback(stage: str, ends: bool) -> None:
    """Read back as it stands; what ended unseen is a try that nobody knows of, or a conversation that was had."""
    story = asked(ready="gera/2001")
    call = out(story)
    if stage != "ringing":
        story.agent_is_up(call)
    if stage == "talking":
        story.caller_is_up(call)
    story.link_down("gera")
    story.pass_time(5.0)
    if ends:
        del story.outs[call]
    story.link_up("gera")
    if not ends:
        assert story.agent("gera/2001") == ("offered" if stage == "ringing" else "talking")
        story.out_ends(call)
    if stage == "talking":
        assert (promised(story), results(story)) == ([], [TryResult.REACHED])
    else:
        assert one(story).tries == (stage == "dialling")


def test_a_link_lost_while_both_phones_answer() -> None:
    """The read-back is further on than the books: they follow."""
    story = asked(ready="gera/2001")
    call = out(story)
    story.link_down("gera")
    story.agent_is_up(call)
    story.caller_is_up(call)
    story.link_up("gera")
    assert story.agent("gera/2001") == "talking"
    story.out_ends(call)
    assert results(story) == [TryResult.REACHED]


def restarted(story: Story, *known: Callback) -> None:
    """A router that was killed and started again: agents first, then what is kept of callbacks, then the sites."""
    story.router = Router(story.router.plan, story.now)
    story.books.__init__(story.router)  # type: ignore[misc]
    for agent in story.router.plan.agents:
        story.send(e.AgentActed(agent.id, e.AgentAct.LOG_IN))
    for record in known:
        story.send(e.CallbackKnown(record))
    for site in story.links:
        story.link_up(site)


@pytest.mark.parametrize("stage", ["ringing", "dialling", "talking"])
def test_a_router_killed_during_a_callback_call_and_started_again(stage: str) -> None:
    """It knows the promise from what is kept, finds its call at the site, and takes both on; nobody is rung twice."""
    story = asked(ready="gera/2001")
    call = out(story)
    if stage != "ringing":
        story.agent_is_up(call)
    if stage == "talking":
        story.caller_is_up(call)
    restarted(story, one(story))
    assert one(story).status is CallbackStatus.TAKEN
    assert story.agent("gera/2001") == ("offered" if stage == "ringing" else "talking")
    assert [x for x in story.books.orders if isinstance(x, c.DialOut)] == []
    if stage == "ringing":
        story.agent_is_up(call)
    if stage != "talking":
        story.caller_is_up(call)
    story.out_ends(call)
    assert promised(story) == []
    assert story.books.callbacks[call.replace("cb", "").rpartition(".")[0]].result is CallbackResult.REACHED


def test_a_promise_taken_by_a_router_that_is_gone_is_open_again() -> None:
    """Nothing of its call is at the site: it waits for an agent, and its next call has another number."""
    story = asked(ready="gera/2001")
    record = one(story)
    story.outs.clear()
    restarted(story, record, replace(owed(), rings=0))
    assert (one(story).status, one(story).rings) == (CallbackStatus.OPEN, 1)
    assert (told(story)[-1].status, told(story)[-1].version) == (CallbackStatus.OPEN, record.version + 1)
    story.act("gera/2001", e.AgentAct.READY)
    assert out(story).endswith(".2")


@pytest.mark.parametrize("status", [CallbackStatus.TAKEN, CallbackStatus.OPEN])
def test_a_callback_that_is_known_late_finds_its_call(status: CallbackStatus) -> None:
    """The database was away: its call was adopted first; reached or not, the callback follows, even if what is kept of
    it is older than the call."""
    story = asked(ready="gera/2001")
    story.agent_is_up(out(story))
    taken_by = one(story).taken_by if status is CallbackStatus.TAKEN else ""
    record = replace(one(story), status=status, taken_by=taken_by, tries=1)
    restarted(story)
    assert (story.agent("gera/2001"), promised(story)) == ("talking", [])
    story.send(e.CallbackKnown(record))
    assert one(story).status is CallbackStatus.TAKEN
    story.caller_is_missed(out(story))
    assert (one(story).status, one(story).tries) == (CallbackStatus.NOT_REACHED, 2)


def test_a_call_found_with_nobody_of_ours_is_told_all_the_same() -> None:
    """A phone that no agent has: the books keep the call, and its callback is at somebody's."""
    story = asked(ready="")
    record = one(story)
    live = e.LiveOutbound("gera/cb9.1", record.id, record.kind, "gera", "gera", "9999", e.OutStage.DIALLING)
    story.send(e.SiteRead("gera", (), story.phone_states("gera"), outbound=(live,)))
    assert one(story).status is CallbackStatus.TAKEN
    story.send(e.OutboundEnded(live.call))
    assert results(story) == [TryResult.CANCELLED]


def test_what_is_learned_anew_has_its_turn_again() -> None:
    """Changed elsewhere while it waits for an agent, and due as before: twice, so that old turns are still there."""
    story = asked(ready="")
    record = one(story)
    story.send(e.CallbackKnown(replace(record, id="gera/9.9", number="+499", due_at=record.due_at + 1)))
    for version in (5, 6, 7):
        story.send(e.CallbackKnown(replace(record, version=version)))
    story.act("gera/2001", e.AgentAct.READY)
    known = story.router.callback(record.id)
    assert known is not None
    assert known.callback.taken_by == "gera/2001"


def test_a_call_that_another_router_began_is_counted() -> None:
    """So that no later call of that callback has its id: two would be one record."""
    story = asked(ready="")
    record = one(story)
    live = e.LiveOutbound("gera/cb9.3", record.id, record.kind, "gera", "gera", "9999", e.OutStage.DIALLING)
    story.send(e.SiteRead("gera", (), story.phone_states("gera"), outbound=(live,)))
    assert one(story).rings == 3
    restarted(story)
    story.send(e.SiteRead("gera", (), story.phone_states("gera"), outbound=(live,)))
    story.send(e.CallbackKnown(record))
    assert one(story).rings == 3


def test_what_is_kept_elsewhere_is_learned() -> None:
    """Done there: gone here; changed there: as there; older or the same: nothing; a department's: not ours."""
    story = asked(ready="")
    record = one(story)
    assert isinstance(story.send(e.CallbackKnown(record))[0], c.Ignored)
    story.send(e.CallbackKnown(replace(record, version=5, tries=2, status=CallbackStatus.NOT_REACHED)))
    assert (one(story).tries, one(story).version) == (2, 5)
    done = replace(record, version=4, status=CallbackStatus.DONE, result=CallbackResult.REACHED, done_at=NOON)
    assert isinstance(story.send(e.CallbackKnown(done))[0], c.Ignored)
    story.send(e.CallbackKnown(replace(done, version=6)))
    assert promised(story) == []
    assert isinstance(story.send(e.CallbackKnown(owed()))[0], c.Ignored)
    assert isinstance(story.send(e.CallbackKnown(replace(record, number="")))[0], c.Ignored)


def test_what_is_done_elsewhere_while_we_ring_stops() -> None:
    """Another router reached him: the agent's phone stops ringing. What changed there while we ring waits."""
    story = asked(ready="gera/2001")
    record = one(story)
    assert isinstance(story.send(e.CallbackKnown(replace(record, version=99)))[0], c.Ignored)
    done = replace(record, version=99, status=CallbackStatus.DONE, result=CallbackResult.REACHED, done_at=NOON)
    story.send(e.CallbackKnown(done))
    story.obey_all()
    assert (promised(story), story.outs) == ([], {})
    assert story.agent("gera/2001") == "ready"


def test_two_lists_of_one_caller_become_one() -> None:
    """Of a promise and one who gave up the promise stays; of two promises ours; the other is told to be done."""
    gave_up = replace(owed(HIS, CallbackKind.UNREACHED), id="gera/8.8", department="")
    promise_ = replace(gave_up, id="gera/7.7", kind=CallbackKind.CAPTURED)
    story = asked(ready="")
    mine = one(story)
    for other in (gave_up, promise_):
        story.send(e.CallbackKnown(other))
        assert promised(story) == [mine]
        assert (told(story)[-1].id, told(story)[-1].result) == (other.id, CallbackResult.CANCELLED)
    story = Story(plan(), ready="")
    story.send(e.CallbackKnown(gave_up))
    story.send(e.CallbackKnown(promise_))
    assert promised(story) == [promise_]


def test_an_agent_found_in_another_call_leaves_the_outbound_one() -> None:
    """Ringing or talking: the site says that he talks to somebody who called."""
    for talks in (False, True):
        story = asked(ready="gera/2001")
        if talks:
            story.agent_is_up(out(story))
        call = out(story)
        live = e.LiveCall(
            "gera/77.0", "365", OTHER, e.Stage.TALKING, 9.0, 1, (("gera", "2001"),), (("gera/l", "gera", "2001", True),)
        )
        story.send(e.SiteRead("gera", (live,), story.phone_states("gera"), outbound=story.outbound("gera")))
        assert story.agent("gera/2001") == "talking"
        assert story.router.state.seats["gera/2001"].call == "gera/77.0"
        assert story.router.state.outcalls[call].agent == ""
        story.out_ends(call)
        assert story.agent("gera/2001") == "talking"
        story.send(e.CallEnded("gera/77.0", answered=True))


def test_an_agent_found_in_an_outbound_call_leaves_his_other_one() -> None:
    """He was thought to talk to a caller, or to be in wrap-up."""
    for wraps in (False, True):
        story = Story(plan(), ready="gera/2001", out="gera/2002 magdeburg")
        call = story.dial(caller=OTHER)
        story.answer(call)
        if wraps:
            story.hang_up(call)
        live = e.LiveOutbound("gera/cb9.1", "gera/9", CallbackKind.OUTBOUND, "gera", "gera", "2001", e.OutStage.TALKING)
        calls = () if wraps else (e.LiveCall(call, "365", OTHER, e.Stage.ELSEWHERE, 9.0),)
        story.send(e.SiteRead("gera", calls, story.phone_states("gera"), outbound=(live,)))
        assert story.router.state.seats["gera/2001"].call == live.call
        story.send(e.OutboundEnded(live.call))
        assert story.agent("gera/2001") == "wrap_up"
        if not wraps:
            story.send(e.CallEnded(call, answered=True))


def test_a_fresh_order_is_given_time_to_show() -> None:
    """A read-back of the same moment does not know it yet."""
    story = asked(ready="")
    story.send(e.AgentActed("gera/2001", e.AgentAct.READY))
    story.send(e.SiteRead("gera", (), story.phone_states("gera")))
    assert story.router.state.outcalls
    story.obey_all()
    assert rings(story) == "gera/2001"


def test_a_call_of_which_nothing_is_heard_is_looked_for() -> None:
    """Again and again, until the site says."""
    story = asked(ready="gera/2001")
    call = out(story)
    for _ in range(3):
        story.pass_time(40.0)
        assert "gera" in story.wanted_reread
        story.wanted_reread.clear()
    story.out_ends(call)
    assert not story.router.state.outcalls


def test_a_new_plan_does_not_touch_a_callback_call() -> None:
    """Rules, team and agent go: the call goes on, and what comes of it is told."""
    story = asked(ready="gera/2001")
    story.agent_is_up(out(story))
    bare = plan(callback=None)
    story.send(e.PlanReplaced(replace(bare, version="2", agents=bare.agents[1:])))
    story.caller_is_missed(out(story))
    assert (one(story).tries, "gera/2001" in story.router.state.seats) == (1, False)
    assert story.router.state.backlogs == {}
    story.send(e.PlanReplaced(replace(plan(callback=replace(RULES, reserve=0)), version="3")))
    story.pass_time(61.0)
    story.act("gera/2002", e.AgentAct.READY)
    assert rings(story) == "gera/2002"


def test_a_new_plan_may_take_a_phone_that_rings() -> None:
    """Team and rules are gone when it is first seen, when it is answered and when it ends."""
    story = asked(ready="")
    story.send(e.AgentActed("gera/2001", e.AgentAct.READY))
    made = plan(callback=None, teams=("agency-magdeburg",))
    gone = replace(made, version="2", teams=made.teams[1:], agents=made.agents[2:], agreements=())
    story.send(e.PlanReplaced(gone))
    story.obey_all()
    story.agent_is_up(out(story))
    story.caller_is_missed(out(story))
    assert one(story).tries == 1


def test_a_site_that_leaves_the_plan_takes_its_calls_along() -> None:
    """Its outbound calls end in the books; its callbacks expire in their time."""
    story = asked(ready="gera/2001")
    story.agent_is_up(out(story))
    made = story.router.plan
    story.send(
        e.PlanReplaced(
            Plan("2", made.sites[1:], made.hotlines[1:], made.teams[1:], made.agents[2:], ()),
        )
    )
    story.send(e.LinkDown("gera"))
    assert not story.router.state.outcalls
    story.pass_time(20 * 86_400.0)
    assert promised(story) == []


@pytest.mark.parametrize("stage", ["ordered", "ringing", "dialling", "talking", "paused", "night", "done"])
def test_a_checkpoint_in_every_state(stage: str) -> None:
    """The restored router says the same to the byte, and goes on alike."""
    morning = Hours("Europe/Berlin", ((Span(8 * 3600, 12 * 3600),),) * 7)
    story = asked(ready="", rules={"hours": morning} if stage == "night" else {})
    story.send(e.AgentActed("gera/2001", e.AgentAct.READY))
    if stage not in ("ordered", "night"):
        story.obey_all()
    if stage in ("dialling", "talking", "paused", "done"):
        story.agent_is_up(out(story))
    if stage in ("talking", "done"):
        story.caller_is_up(out(story))
    if stage == "paused":
        story.caller_is_missed(out(story))
    if stage == "done":
        story.out_ends(out(story))
    saved = story.router.checkpoint()
    twin = Router.restore(saved)
    assert twin.checkpoint() == saved
    later = [e.CallArrived("gera/99.0", "gera", "365", OTHER, OTHER), e.CallHeld("gera/99.0"), e.Tick()]
    at = story.now
    for event in later:
        at += 1.0
        assert twin.handle(event, at) == story.router.handle(event, at)
    for _ in range(6):
        due = story.router.next_deadline()
        assert twin.next_deadline() == due
        if due is None:
            break
        at = max(at, due)
        assert twin.handle(e.Tick(), at) == story.router.handle(e.Tick(), at)
    assert twin.checkpoint() == story.router.checkpoint()


def test_done_callbacks_are_remembered_for_a_while() -> None:
    """A thousand of them."""
    story = asked(ready="")
    state = story.router.state
    for i in range(1_001):
        state.done[f"gera/x{i}"] = replace(one(story), id=f"gera/x{i}")
    story.send(e.CallbackClosed(one(story).id, CallbackResult.CANCELLED, "", "anna"))
    assert len(state.done) == 1_001
    assert "gera/x0" not in state.done


# ---- why not


def why_not(story: Story) -> list[str]:
    views = [story.router.callback(record.id) for record in story.router.callbacks()]
    return [view.why_not for view in views if view is not None]


def test_it_is_said_why_nobody_rings() -> None:
    """Each reason in words, for each team that might."""
    story = asked(ready="", rules={"reserve": 1}, teams=("agency-gera", "agency-magdeburg"), out="")
    assert why_not(story) == [
        "only 0 free in agency-gera, reserve 1; only 0 free in agency-magdeburg, reserve 1"
    ]  # fmt: skip
    story.send(e.PlanReplaced(replace(plan(callback=replace(RULES, reserve=0)), version="2")))
    waits = story.dial("366")
    assert why_not(story) == ["1 callers wait for agency-gera"]
    story.hang_up(waits)
    call = story.dial(caller=HIS)
    assert why_not(story) == ["he is on the line himself"]
    story.hang_up(call)
    story.send(e.HotlineSwitched("gera", e.HotlineMode.CLOSED, None, "fire", "anna"))
    story.act("gera/2001", e.AgentAct.READY)
    assert why_not(story) == ["gera was closed by hand"]
    story.link_down("gera")
    assert why_not(story) == ["only 0 free in agency-gera, reserve 0"]


def test_it_is_said_who_is_at_it_and_when_it_is_tried_again() -> None:
    """With the agent and how far his call is."""
    story = asked(ready="gera/2001")
    story.agent_is_up(out(story))
    view = story.router.callback(one(story).id)
    assert view is not None
    assert (view.agent, view.stage, view.why_not) == ("gera/2001", "dialling", "somebody is at it")
    (live,) = story.router.snapshot(story.now).outbound
    assert (live.agent, live.stage, live.by_hand) == ("gera/2001", "dialling", False)
    assert story.router.callback("gera/none") is None
    story.caller_is_missed(out(story))
    assert why_not(story) == ["tried 1 times, again in 1800 s"]


def test_other_reasons_have_words_too() -> None:
    """By hand only, lacking skills, a trunk, the night, a link, a team that is gone, a hotline that rings nobody."""
    assert why_not(listed()) == ["rung only by hand"]
    topics = (Topic("other", "Other", needs=(("benefit", 2),)),)
    assert why_not(asked(ready="gera/2001", topics=topics)) == ["nobody free in agency-gera has the skills"]
    story = far()
    story.told("gera", e.TrunkState("gera", "magdeburg", up=False))
    story.act("magdeburg/1001", e.AgentAct.READY)
    assert why_not(story) == ["trunk from gera to magdeburg down"]
    story.link_down("gera")
    assert why_not(story) == ["no link to gera"]
    never = Hours("Europe/Berlin", ((),) * 7)
    assert why_not(asked(ready="gera/2001", rules={"hours": never})) == ["not at this hour"]
    made = story.router.plan
    story.send(e.PlanReplaced(replace(made, version="2", teams=made.teams[:1], agents=made.agents[:2], agreements=())))
    assert why_not(story) == ["no team is left to ring"]
    story.send(e.PlanReplaced(replace(plan(callback=None), version="3")))
    assert why_not(story) == ["gera rings nobody back"]


def test_a_new_plan_has_new_hours() -> None:
    """Who waited for the morning is rung at once if the new plan lets him be."""
    morning = Hours("Europe/Berlin", ((Span(8 * 3600, 12 * 3600),),) * 7)
    story = asked(ready="gera/2001", rules={"hours": morning})
    assert list(story.router.state.hour_timers) == ["gera"]
    story.send(e.PlanReplaced(replace(plan(callback=replace(RULES, reserve=0)), version="2")))
    story.obey_all()
    assert rings(story) == "gera/2001"
    assert not story.router.state.hour_timers


def test_a_phone_that_stops_ringing_is_told_once() -> None:
    """A caller comes, and then somebody cancels it by hand: one order to hang up."""
    story = asked(ready="")
    story.send(e.AgentActed("gera/2001", e.AgentAct.READY))
    record = one(story)
    call = story.arrive("gera", "365", OTHER)
    story.send(e.CallbackClosed(record.id, CallbackResult.CANCELLED, "", "anna"))
    assert len([x for x in story.books.orders if isinstance(x, c.HangUp)]) == 1
    story.obey_all()
    assert story.rung(call) == "gera/2001"


def test_another_hotline_that_is_switched_wakes_nobody() -> None:
    """Closed Gera stays closed when Magdeburg is opened."""
    story = asked(ready="")
    story.send(e.HotlineSwitched("gera", e.HotlineMode.CLOSED, None, "fire", "anna"))
    story.act("gera/2001", e.AgentAct.READY)
    story.send(e.HotlineSwitched("magdeburg", e.HotlineMode.NOTICE, None, "news", "anna"))
    assert rings(story) == ""


def test_words_about_an_unknown_call_change_nothing() -> None:
    """Whatever they say."""
    story = asked(ready="")
    call = "gera/cb9.9.1"
    for word in (
        e.OutboundRung(call), e.OutboundUp(call), e.OutboundAnswered(call), e.OutboundMissed(call, TryResult.BUSY)
    ):  # fmt: skip
        assert isinstance(story.send(word)[0], c.Ignored)
    assert not story.router.state.outcalls


def test_nothing_is_left_of_who_wants_to_be_forgotten() -> None:
    """He is not rung, and his number is neither told nor kept; another's result keeps his."""
    story = asked(ready="", callers=(HIS, OTHER))
    first, second = (back.record.id for back in story.router.state.backs.values())
    (changed,) = story.send(e.CallbackClosed(first, CallbackResult.FORGOTTEN, "he asked", "forget"))
    assert isinstance(changed, c.CallbackChanged)
    assert (changed.callback.number, changed.callback.result) == ("", CallbackResult.FORGOTTEN)
    story.send(e.CallbackClosed(second, CallbackResult.CANCELLED, "came in person", "anna"))
    assert [one.number for one in story.router.state.done.values()] == ["", OTHER]
