"""Nobody to talk to: who is told so at once, who is asked whether he wants to be rung back; all of it unanswered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from callrouter.core import commands as c
from callrouter.core import events as e
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus
from callrouter.core.plan import CallbackRules, Hours, Menu, Nobody, Plan, Relaxation, Site, Topic
from callrouter.core.router import Router
from tests.core.story import NOON, WEEKDAYS, Story, network

HIS = "+491711234567"
EVENING = NOON + 2 * 86_400 + 6 * 3600  # Wednesday, 18:00
RULES = CallbackRules(
    hours=None,
    working=Hours("Europe/Berlin", WEEKDAYS),
    shows="0365",
    say_offer="offer",
    say_number="number",
    say_again="again",
    say_done="done",
    say_known="known",
)


def plan(
    *, early_media: bool = True, early_digits: bool = True, callback: CallbackRules | None = RULES, **hotline: Any
) -> Plan:
    """Gera's callers may ask to be rung back."""
    asked = {"nobody": Nobody.CALLBACK, "callback": callback, "say_busy": "sorry", **hotline}
    old = network(hotline=asked, agreement={"enabled": False})
    sites = tuple(Site(s.name, s.title, s.land, s.zone, early_media, early_digits) for s in old.sites)
    other = replace(old.hotlines[1], nobody=Nobody.ANNOUNCE, callback=None, menu=None, ring_max_s=110.0)
    return replace(old, sites=sites, hotlines=(old.hotlines[0], other))


def full(**hotline: Any) -> Story:
    """Everybody of Gera is paused, and nobody waits there: who comes is asked at once."""
    return Story(plan(ring_max_s=0.0, **hotline), ready="")


def hears(story: Story, call: str) -> tuple[str, ...]:
    prompt = story.calls[call].prompt
    return prompt.sounds if prompt else ()


def press(story: Story, call: str, digits: str = "") -> None:
    story.prompt_ends(call, digits)
    story.obey_all()


def told(story: Story) -> list[Callback]:
    return [x.callback for x in story.told_notices if isinstance(x, c.CallbackChanged)]


def promised(story: Story) -> list[Callback]:
    """What is open now."""
    return [back.record for back in story.router.state.backs.values()]


# ---- at once, where nobody can come


def test_nobody_logged_in_is_busy_at_once() -> None:
    """A caller does not ring 110 seconds for a team in which nobody is logged in; the reason says so."""
    story = Story(plan(callback=None), ready="", out="gera")
    story.pass_time(16.0)
    call = story.dial()
    assert hears(story, call) == ("sorry",)
    press(story, call)
    record = story.books.ended[call]
    assert (record.outcome, record.unserved, record.wait_s) == (c.Outcome.BUSIED, c.Unserved.NOBODY_THERE, 0.0)
    assert record.because == "nobody is logged in who could come: agency-gera"


@pytest.mark.parametrize("state", ["paused", "talking", "wrap_up", "busy", "offered"])
def test_whoever_is_logged_in_may_still_come(state: str) -> None:
    """One agent is paused, talks, wraps up, is rung or has a call of his own: the caller rings on."""
    story = Story(plan(), ready="gera/2001", out="gera/2002 magdeburg")
    story.pass_time(16.0)
    if state == "paused":
        story.act("gera/2001", e.AgentAct.PAUSE)
    elif state == "busy":
        story.told("gera", e.PhoneLeg("gera", "2001", "gera/own", up=True))
    else:
        first = story.dial()
        if state != "offered":
            story.answer(first)
        if state == "wrap_up":
            story.hang_up(first)
    assert story.agent("gera/2001") == state
    call = story.dial()
    assert story.calls[call].stage is e.Stage.HELD


def test_agents_whose_phones_are_gone_are_nobody() -> None:
    """Logged in, but the phone does not answer its site: the caller is not kept for it."""
    story = Story(plan(callback=None), ready="gera")
    story.pass_time(16.0)
    for phone in ("2001", "2002"):
        story.told("gera", e.PhoneState("gera", phone, reachable=False, in_use=False))
    press(story, call := story.dial())
    assert story.books.ended[call].unserved is c.Unserved.NOBODY_THERE


def test_an_agreement_that_could_take_him_now_counts() -> None:
    """Nobody at Gera, one free at Magdeburg: he goes there, and with patience asked for he waits for it."""
    for after_s in (0.0, 30.0):
        old = plan()
        deal = replace(old.agreements[0], enabled=True, after_s=after_s)
        story = Story(replace(old, agreements=(deal,)), ready="magdeburg/1001", out="gera")
        story.pass_time(16.0)
        call = story.dial()
        story.pass_time(after_s)
        assert story.rung(call) == "magdeburg/1001"
        second = story.dial()
        assert hears(story, second) == ("offer",)


def test_nobody_with_the_skill_is_nobody() -> None:
    """Only agents who may ever serve the topic count, at any step of its relaxed needs."""
    topics = (Topic("other", "Other"), Topic("benefit", "Benefit", needs=(("benefit", 2),)))
    story = Story(plan(topics=topics), ready="", out="gera/2002")
    story.pass_time(16.0)
    assert story.calls[story.dial("365")].stage is e.Stage.HELD
    assert hears(story, story.dial("366")) == ("offer",)
    relaxed = (topics[0], replace(topics[1], relax=(Relaxation(60.0, ()),)))
    story.send(e.PlanReplaced(replace(plan(topics=relaxed), version="2")))
    story.obey_all()
    assert story.calls[story.dial("366")].stage is e.Stage.HELD


def test_a_menu_is_not_played_for_nobody() -> None:
    """He hears at once that nobody is there, not the menu first; if one of its topics has somebody he is asked."""
    menu = Menu("menu", (("1", "benefit"),), wait_s=5.0, tries=1)
    for out, heard in (("gera", "offer"), ("gera/2001", "menu")):
        story = Story(plan(menu=menu), ready="", out=out)
        story.pass_time(16.0)
        assert hears(story, story.dial()) == (heard,)


def test_callers_who_wait_when_the_last_agent_leaves_are_told_soon() -> None:
    """Not in the instant, since he may only have changed his seat, but within a quarter of a minute."""
    story = Story(plan(), ready="", out="gera/2002 magdeburg")
    story.pass_time(16.0)
    call = story.dial()
    story.act("gera/2001", e.AgentAct.LOG_OUT)
    story.pass_time(14.0)
    assert story.calls[call].stage is e.Stage.HELD
    story.pass_time(2.0)
    assert hears(story, call) == ("offer",)


def test_an_agent_who_comes_back_in_time_keeps_the_callers() -> None:
    """His phone was registered anew: nobody is told anything."""
    story = Story(plan(), ready="", out="gera/2002 magdeburg")
    story.pass_time(16.0)
    call = story.dial()
    for there in (False, True):
        story.act("gera/2001", e.AgentAct.READY if there else e.AgentAct.LOG_OUT)
        story.told("gera", e.PhoneState("gera", "2001", reachable=there, in_use=False))
        story.pass_time(5.0)
    story.pass_time(20.0)
    assert story.rung(call) == "gera/2001"


def test_a_link_that_is_made_anew_turns_nobody_away() -> None:
    """The agents' site is out of sight for a moment: its callers ring on; if it stays away they are told."""
    old = plan()
    gera = replace(old.hotlines[0], teams=("agency-magdeburg",))
    story = Story(replace(old, hotlines=(gera, old.hotlines[1])), ready="", out="gera")
    story.pass_time(16.0)
    call = story.dial()
    story.link_down("magdeburg")
    story.pass_time(10.0)
    assert story.calls[call].stage is e.Stage.HELD
    story.link_up("magdeburg")
    story.pass_time(60.0)
    assert story.calls[call].stage is e.Stage.HELD
    story.link_down("magdeburg")
    story.link_down("magdeburg")
    story.pass_time(16.0)
    assert story.calls[call].stage is e.Stage.HELD  # they were paused when it went, and still are
    story.act("magdeburg/1001", e.AgentAct.READY)
    assert story.agent("magdeburg/1001") == "unreachable"
    for agent in ("magdeburg/1002", "magdeburg/1003"):
        story.act(agent, e.AgentAct.LOG_OUT)
    story.pass_time(16.0)
    assert hears(story, call) == ("offer",)


def test_a_router_that_starts_again_first_looks_who_is_there() -> None:
    """Its agents are logged in anew within moments; until then nobody is turned away."""
    story = Story(plan(), ready="")
    call = story.dial()
    story.router = Router(story.router.plan, story.now)
    story.books.__init__(story.router)  # type: ignore[misc]
    for site in story.links:
        story.link_up(site)
    story.pass_time(10.0)
    assert story.calls[call].stage is e.Stage.HELD
    story.pass_time(10.0)
    assert hears(story, call) == ("offer",)


# ---- what he is told


def test_busy_says_nothing_even_with_a_text() -> None:
    """`busy` is the plain tone; `announce` says the text first."""
    for nobody, heard in ((Nobody.BUSY, ()), (Nobody.ANNOUNCE, ("sorry",))):
        story = full(nobody=nobody)
        call = story.dial()
        assert (hears(story, call) if call in story.calls else ()) == heard


def test_a_shown_number_is_asked_nothing_more() -> None:
    """1 is pressed: it is promised, he is told so, then cause 17; nothing was answered."""
    story = full()
    call = story.dial(caller=HIS)
    assert hears(story, call) == ("offer",)
    press(story, call, "1")
    assert hears(story, call) == ("done",)
    assert not story.calls[call].up
    press(story, call)
    record = story.books.ended[call]
    assert (record.outcome, record.cause, story.books.broken) == (c.Outcome.BUSIED, 17, [])
    (one,) = told(story)
    assert (one.id, one.kind, one.number, one.site) == (call, CallbackKind.CAPTURED, HIS, "gera")
    assert (one.due_at, one.expires_at, one.status) == (EVENING, EVENING + 7 * 86_400, CallbackStatus.OPEN)


def test_the_promise_is_made_when_the_digit_is_pressed() -> None:
    """Whoever hangs up before he hears that it was understood is rung back all the same."""
    story = full()
    call = story.dial(caller=HIS)
    story.prompt_ends(call, "1")
    story.hang_up(call)
    assert [one.kind for one in promised(story)] == [CallbackKind.CAPTURED]


@pytest.mark.parametrize("shown", ["", "017"])
def test_without_a_usable_number_he_keys_one_in(shown: str) -> None:
    """Withheld, or nothing that can be rung: he is asked for one, once more if it is none, and then let go."""
    story = full()
    call = story.dial(caller=shown)
    press(story, call, "1")
    assert hears(story, call) == ("number",)
    press(story, call, "99")
    assert hears(story, call) == ("again",)
    press(story, call, "01711234567")
    assert hears(story, call) == ("done",)
    assert [one.number for one in promised(story)] == [HIS]
    press(story, call)
    other = story.dial(caller=shown)
    for digits in ("1", "", "5"):
        press(story, other, digits)
    assert story.outcome(other) is c.Outcome.BUSIED
    assert len(promised(story)) == 1


def test_nothing_or_another_digit_is_no() -> None:
    """Then he hears busy, and no more words."""
    for digit in ("", "2"):
        story = full()
        call = story.dial(caller=HIS)
        press(story, call, digit)
        assert story.outcome(call) is c.Outcome.BUSIED
        assert [one.kind for one in told(story)] == [CallbackKind.UNREACHED]


def test_an_agent_who_became_free_meanwhile_has_him() -> None:
    """Who did not want to be rung back is served if somebody is free when he has heard the question out."""
    story = full()
    call = story.dial(caller=HIS)
    story.act("gera/2001", e.AgentAct.READY)
    press(story, call)
    assert story.rung(call) == "gera/2001"


def test_the_limit_is_asked_about_once() -> None:
    """At the ring limit he is asked; after that his call ends, and no second question is heard."""
    story = Story(plan(), ready="")
    call = story.dial(caller=HIS)
    story.pass_time(111.0)
    assert hears(story, call) == ("offer",)
    press(story, call)
    assert story.books.ended[call].unserved is c.Unserved.RING_LIMIT


def test_a_full_line_is_asked_too() -> None:
    """The second of one place is asked; there is room now, so he may wait after all; if not he hears busy."""
    for leaves in (True, False):
        story = Story(plan(line_max=1), ready="")
        first, second = story.dial(), story.dial(caller=HIS)
        assert hears(story, second) == ("offer",)
        assert story.router.state.waiting["gera"] == 1
        if leaves:
            story.hang_up(first)
        press(story, second)
        assert (second in story.calls) is leaves
        if not leaves:
            assert story.books.ended[second].unserved is c.Unserved.LINE_FULL


def test_without_early_media_nobody_is_asked() -> None:
    """Nothing can be heard before the answer: plain busy, and he is listed as unreached."""
    story = full(early_media=False)
    call = story.dial(caller=HIS)
    assert story.outcome(call) is c.Outcome.BUSIED
    assert [one.kind for one in promised(story)] == [CallbackKind.UNREACHED]


def test_without_early_digits_nobody_is_asked_but_told() -> None:
    """He could not press the key, so he hears the announcement and busy, and is listed as unreached."""
    story = full(early_digits=False)
    call = story.dial(caller=HIS)
    assert hears(story, call) == ("sorry",)
    press(story, call)
    assert story.outcome(call) is c.Outcome.BUSIED
    assert [one.kind for one in promised(story)] == [CallbackKind.UNREACHED]


def test_who_was_answered_already_is_not_asked() -> None:
    """Put back unserved though his leg is up: he pays, so he hears no question."""
    story = Story(plan(ring_max_s=20.0), ready="gera/2001", out="gera/2002 magdeburg")
    call = story.dial(caller=HIS)
    story.answer(call)
    story.act("gera/2001", e.AgentAct.LOG_OUT)
    story.pass_time(30.0)
    true = story.calls[call]
    true.stage, true.leg = e.Stage.HELD, ""
    story.told("gera", e.CallHeld(call, answered=True))
    story.obey_all()
    assert hears(story, call) == ("sorry",)


def test_a_promise_needs_a_day_on_which_it_is_due() -> None:
    """Hours that never come: nothing is offered, and nobody is listed."""
    story = full(callback=replace(RULES, working=Hours("Europe/Berlin", ((),) * 7)))
    call = story.dial(caller=HIS)
    assert hears(story, call) == ("sorry",)
    press(story, call)
    assert promised(story) == []


def test_a_question_that_is_lost_is_asked_again_but_not_for_ever() -> None:
    """What he pressed was never told: three questions at most."""
    story = full()
    call = story.dial(caller=HIS)
    for heard in (("offer",), ("offer",), ("offer",)):
        assert hears(story, call) == heard
        story.pass_time(4.0)
        true = story.calls[call]
        true.stage, true.prompt = e.Stage.HELD, None
        story.told("gera", e.CallHeld(call))
        story.obey_all()
    assert story.outcome(call) is c.Outcome.BUSIED


def test_a_new_plan_may_take_the_question_away() -> None:
    """He hears it while the rules go: what he presses counts for nothing, and he is let go."""
    story = full()
    shown, hidden = story.dial(caller=HIS), story.dial(caller="")
    press(story, hidden, "1")
    story.send(e.PlanReplaced(replace(plan(ring_max_s=0.0, callback=None), version="2")))
    press(story, shown, "1")
    press(story, hidden, "01711234567")
    for call in (shown, hidden):
        assert hears(story, call) == ("sorry",)
        press(story, call)
        assert story.outcome(call) is c.Outcome.BUSIED
    assert promised(story) == []


def test_a_read_back_knows_who_is_being_asked() -> None:
    """The late word of a hold orders no question twice; a router that starts again asks him anew."""
    story = full()
    call = "gera/70.0"
    held = e.LiveCall(call, "365", HIS, e.Stage.HELD, 0.0, reach=HIS)
    asked = story.send(e.SiteRead("gera", (held,), story.phone_states("gera")))
    assert [x.sounds for x in asked if isinstance(x, c.Ask)] == [("offer",)]
    late = story.send(e.CallHeld(call))
    assert not any(isinstance(x, c.Ask) for x in late)
    fresh = Router(story.router.plan, story.now)
    fresh.handle(e.SiteRead("gera", (replace(held, stage=e.Stage.PROMPTED),), story.phone_states("gera")), story.now)
    fresh.handle(e.AgentActed("gera/2001", e.AgentAct.LOG_IN), story.now)
    assert not [x for x in fresh.handle(e.DigitsRead(call, 1, "1"), story.now) if isinstance(x, c.CallbackChanged)]
    again = fresh.handle(e.CallHeld(call), story.now)
    assert [x.sounds for x in again if isinstance(x, c.Ask)] == [("offer",)]


# ---- one open callback per caller and hotline


def test_a_second_request_adds_none() -> None:
    """He is told that he is on the list; another hotline's list is another."""
    story = full()
    for heard in ("done", "known"):
        call = story.dial(caller=HIS)
        press(story, call, "1")
        assert hears(story, call) == (heard,)
        press(story, call)
    hidden = story.dial(caller="")
    press(story, hidden, "1")
    press(story, hidden, "01711234567")
    assert hears(story, hidden) == ("known",)
    assert len(promised(story)) == 1


def test_a_redial_that_is_answered_closes_it() -> None:
    """He rang again and an agent talked to him: superseded, and by whom."""
    story = full()
    press(story, first := story.dial(caller=HIS), "1")
    press(story, first)
    story.act("gera/2001", e.AgentAct.READY)
    story.answer(second := story.dial(caller=HIS))
    (done,) = [one for one in told(story) if one.status is CallbackStatus.DONE]
    assert (done.id, done.result, done.done_by) == (first, CallbackResult.SUPERSEDED, "gera/2001")
    assert done.because == f"he rang again: {second}"
    assert promised(story) == []
    story.hang_up(second)
    assert promised(story) == []


def test_who_gives_up_is_listed_once() -> None:
    """Abandoned twice: one entry; with a number that cannot be rung: none; answered when he rings again: closed."""
    story = Story(plan(), ready="")
    for caller in (HIS, HIS, "017", ""):
        story.hang_up(story.dial(caller=caller))
    assert [(one.kind, one.number) for one in promised(story)] == [(CallbackKind.UNREACHED, HIS)]
    story.act("gera/2001", e.AgentAct.READY)
    story.answer(story.dial(caller=HIS))
    assert promised(story) == []


def test_who_asks_after_he_was_listed_is_promised() -> None:
    """The same entry becomes a promise, counted from now."""
    story = full()
    press(story, first := story.dial(caller=HIS))
    story.pass_time(86_400.0)
    press(story, story.dial(caller=HIS), "1")
    (one,) = promised(story)
    assert (one.id, one.kind, one.due_at, one.version) == (first, CallbackKind.CAPTURED, EVENING + 86_400, 1)


def test_lists_are_bounded() -> None:
    """The oldest of those who gave up makes room; with as many promises as can be kept no more are offered."""
    story = full(callback=replace(RULES, unreached_max=2))
    for caller in ("+491", "+492", "+493"):
        press(story, story.dial(caller=caller))
    assert [one.number for one in promised(story)] == ["+492", "+493"]
    assert [one.because for one in told(story) if one.status is CallbackStatus.DONE] == ["others came after him"]
    story.router.state.backs_max = 2
    assert hears(story, story.dial(caller=HIS)) == ("sorry",)


def test_nobody_is_listed_where_the_hotline_does_not_want_it() -> None:
    """unreached_max 0 keeps no numbers of those who did not ask."""
    story = full(callback=replace(RULES, unreached_max=0))
    press(story, story.dial(caller=HIS))
    assert promised(story) == []


def test_an_entry_expires() -> None:
    """Those who gave up when a promise would have been due; a promise a week after it was."""
    story = full()
    press(story, story.dial(caller="+491"))
    press(story, asked := story.dial(caller="+492"), "1")
    press(story, asked)
    story.pass_time(EVENING - story.now + 1.0)
    assert [one.number for one in promised(story)] == ["+492"]
    story.pass_time(6.9 * 86_400)
    assert [one.number for one in promised(story)] == ["+492"]
    story.pass_time(86_400.0)
    assert promised(story) == []
    assert [one.result for one in told(story) if one.result] == [CallbackResult.EXPIRED] * 2


def test_nothing_expires_while_its_site_cannot_be_reached() -> None:
    """A router that stands by decides nothing: another one may have rung meanwhile."""
    story = full()
    press(story, story.dial(caller=HIS))
    story.link_down("gera")
    story.pass_time(3 * 86_400.0)
    assert len(promised(story)) == 1
    story.link_up("gera")
    story.pass_time(60.0)
    assert promised(story) == []


def test_a_checkpoint_keeps_the_promises() -> None:
    """Asked, listed and on the line: the restored router goes on as the old one would."""
    story = full()
    press(story, first := story.dial(caller=HIS), "1")
    press(story, first)
    press(story, story.dial(caller="+492"))
    call = story.dial(caller=HIS)
    saved = story.router.checkpoint()
    after = Router.restore(saved)
    assert after.checkpoint() == saved
    story.router = story.books.router = after
    press(story, call, "1")
    assert hears(story, call) == ("known",)
    press(story, call)
    story.pass_time(EVENING - story.now + 1.0)
    assert [one.number for one in promised(story)] == [HIS]


def test_a_hotline_that_turns_nobody_away_lets_him_ring_to_the_limit() -> None:
    """Though nobody is logged in who could come: the rules by which simulations are published know no more."""
    story = Story(plan(turns_away=False, ring_max_s=40.0, nobody=Nobody.BUSY, callback=None), ready="")
    for agent in ("gera/2001", "gera/2002"):
        story.act(agent, e.AgentAct.LOG_OUT)
    story.pass_time(60.0)
    call = story.dial()
    story.pass_time(39.0)
    assert call in story.calls
    story.pass_time(2.0)
    assert story.books.ended[call].wait_s == 40.0


def test_a_promise_that_is_cancelled_while_its_caller_is_on_the_line() -> None:
    """When he hangs up unserved it is the same entry, opened again as of one who gave up."""
    story = full()
    call = story.dial(caller=HIS)
    press(story, call, "1")
    story.send(e.CallbackClosed(call, CallbackResult.CANCELLED, "a mistake", "anna"))
    story.hang_up(call)
    (one,) = promised(story)
    assert (one.id, one.version, one.status) == (call, 2, CallbackStatus.OPEN)
