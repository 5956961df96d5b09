"""Before he waits: menus, announcements, closing by hand; all of it unanswered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from callrouter.core import commands as c
from callrouter.core import events as e
from callrouter.core.plan import Hours, Menu, Plan, Site, Topic
from callrouter.core.router import Router
from tests.core.test_scenarios import WEEKDAYS, Story, network

MENU = Menu("gera-menu", (("1", "benefit"), ("2", "other")), wait_s=5.0, tries=2)


def plan(*, early_media: bool = True, early_digits: bool = True, **hotline: Any) -> Plan:
    topics = (Topic("other", "Other"), Topic("benefit", "Benefit", priority=1))
    old = network(hotline={"topics": topics, "menu": MENU, **hotline})
    sites = tuple(Site(s.name, s.title, s.land, s.zone, early_media, early_digits) for s in old.sites)
    magdeburg = replace(old.hotlines[1], menu=None, say_welcome="", say_busy="", say_closed="", say_notice="")
    return replace(old, sites=sites, hotlines=(old.hotlines[0], magdeburg))


def hears(story: Story, call: str) -> tuple[str, ...]:
    """The sounds that play for the caller now."""
    prompt = story.calls[call].prompt
    return prompt.sounds if prompt else ()


def press(story: Story, call: str, digits: str = "") -> None:
    story.prompt_ends(call, digits)
    story.obey_all()


def topic_of(story: Story, call: str) -> str:
    return {v.call: v.topic for v in story.router.snapshot(story.now).calls}[call]


def test_a_digit_before_the_answer_chooses_the_topic() -> None:
    """He hears the menu, presses 1, and rings an agent with that topic; nothing was answered."""
    story = Story(plan())
    call = story.dial()
    assert hears(story, call) == ("gera-menu",)
    assert story.rung(call) == ""
    press(story, call, "1")
    assert story.rung(call)
    assert topic_of(story, call) == "benefit"
    assert not story.calls[call].up


def test_no_or_wrong_input_is_asked_once_more_then_the_default() -> None:
    """A wrong digit repeats the menu; silence after that gives the default topic."""
    story = Story(plan())
    call = story.dial()
    press(story, call, "7")
    assert hears(story, call) == ("gera-menu",)
    press(story, call)
    assert story.rung(call)
    assert topic_of(story, call) == "other"
    assert [x.digits for x in story.told_notices if isinstance(x, c.TopicChosen)] == [""]


def test_the_second_try_counts() -> None:
    """A usable digit at the repeat chooses."""
    story = Story(plan())
    call = story.dial()
    press(story, call)
    press(story, call, "1")
    assert topic_of(story, call) == "benefit"


def test_a_number_that_implies_its_topic_skips_the_menu() -> None:
    """366 is the benefit line: it rings at once."""
    story = Story(plan())
    assert story.rung(story.dial("366"))


def test_a_trunk_without_early_media_has_no_menu_and_no_announcements() -> None:
    """The caller goes to the default topic; busy and closed are plain tones."""
    story = Story(plan(early_media=False, say_welcome="hello", say_busy="sorry", ring_max_s=0.0), ready="gera")
    for _ in range(2):
        assert story.rung(story.dial())
    assert story.outcome(story.dial()) is c.Outcome.BUSIED


def test_a_trunk_without_early_digits_has_announcements_and_no_menu() -> None:
    """The caller hears the welcome, then goes to the default topic unasked; the announcement before busy is played."""
    story = Story(plan(early_digits=False, say_welcome="hello", say_busy="sorry", ring_max_s=0.0), ready="gera")
    call = story.dial()
    assert hears(story, call) == ("hello",)
    press(story, call)
    assert story.rung(call)
    assert topic_of(story, call) == "other"


def test_a_welcome_comes_before_the_menu_and_a_notice_before_both() -> None:
    """Notice, welcome, menu, then he rings an agent; the wait counts from his arrival."""
    story = Story(plan(say_welcome="hello", say_notice="strike"))
    story.send(e.HotlineSwitched("gera", e.HotlineMode.NOTICE, reason="strike", by="anna"))
    call = story.dial()
    heard = []
    while hears(story, call):
        heard += hears(story, call)
        story.pass_time(10.0)
        press(story, call, "2")
    assert heard == ["strike", "hello", "gera-menu"]
    story.answer(call)
    assert [x.wait_s for x in story.told_notices if isinstance(x, c.CallAnswered)] == [30.0]


def test_the_order_in_line_is_by_arrival_not_by_the_end_of_the_menu() -> None:
    """Who came first is served first, though he took longer over the menu."""
    story = Story(plan(), ready="")
    slow = story.dial()
    story.pass_time(1.0)
    quick = story.dial()
    press(story, quick, "2")
    press(story, slow, "2")
    story.act("gera/2001", e.AgentAct.READY)
    assert (story.rung(slow), story.rung(quick)) == ("gera/2001", "")


def test_a_caller_who_hangs_up_in_the_menu_has_abandoned() -> None:
    """And what he would have pressed is ignored."""
    story = Story(plan())
    call = story.dial()
    story.hang_up(call)
    assert story.outcome(call) is c.Outcome.ABANDONED
    assert isinstance(story.send(e.DigitsRead(call, 1, "1"))[0], c.Ignored)


def test_all_busy_is_announced_before_the_busy_tone() -> None:
    """At the ring limit he hears it as early media, then cause 17, unanswered."""
    story = Story(plan(menu=None, say_busy="sorry"), ready="")
    call = story.dial()
    story.pass_time(111.0)
    assert hears(story, call) == ("sorry",)
    press(story, call)
    record = story.books.ended[call]
    assert (record.outcome, record.cause, story.books.broken) == (c.Outcome.BUSIED, 17, [])


def test_a_limit_reached_in_the_menu_ends_the_call_after_it() -> None:
    """If nobody is free then; a free agent still has him."""
    for ready, served in (("", False), ("gera", True)):
        story = Story(plan(ring_max_s=8.0), ready=ready)
        call = story.dial()
        story.pass_time(9.0)
        assert call in story.calls
        press(story, call, "1")
        assert (call in story.calls and bool(story.rung(call))) is served


def test_closed_is_announced_with_the_next_opening() -> None:
    """On Saturday: closed, and the sound that names Monday eight o'clock; then cause 17."""
    story = Story(plan(hours=Hours("Europe/Berlin", WEEKDAYS), say_closed="closed&next-opening-de"))
    story.pass_time(5 * 86_400.0)
    call = story.dial()
    assert hears(story, call) == (
        "closed",
        "opening-mon-de",
        "opening-day-30-de",
        "opening-month-11-de",
        "opening-at-0800-de",
    )
    press(story, call)
    assert (story.outcome(call), story.books.ended[call].cause) == (c.Outcome.CLOSED, 17)


def test_a_call_that_came_in_time_is_served_after_closing() -> None:
    """Arrived a second before six, it is answered after six."""
    story = Story(plan(menu=None, hours=Hours("Europe/Berlin", WEEKDAYS)), ready="")
    story.pass_time(6 * 3600.0 - 1.0)
    call = story.dial()
    story.pass_time(60.0)
    story.act("gera/2001", e.AgentAct.READY)
    assert story.rung(call) == "gera/2001"


def test_a_hotline_closed_by_hand_is_closed_until_the_switch_expires() -> None:
    """Closed with reason and end: callers hear so, no opening is promised; after the end they ring agents again."""
    story = Story(plan(menu=None, say_closed="closed&next-opening-de"))
    story.send(e.HotlineSwitched("gera", e.HotlineMode.CLOSED, story.now + 60.0, "fire alarm", "anna"))
    call = story.dial()
    assert hears(story, call) == ("closed", "next-opening-de")
    line = next(x for x in story.router.snapshot(story.now).lines if x.hotline == "gera")
    assert (line.open, line.mode) == (False, "closed")
    assert Router.restore(story.router.checkpoint()).checkpoint() == story.router.checkpoint()
    story.pass_time(61.0)
    assert story.rung(story.dial())
    changes = [x for x in story.told_notices if isinstance(x, c.HotlineChanged)]
    assert [(x.mode, x.before, x.by) for x in changes] == [
        ("closed", "normal", "anna"),
        ("normal", "closed", "expiry"),
    ]
    assert "by hand" in story.router.state.calls[call].release[2]


def test_switching_back_by_hand_and_unknown_hotlines() -> None:
    """NORMAL ends a switch; its old expiry then does nothing; an unknown hotline is ignored."""
    story = Story(plan(menu=None))
    story.send(e.HotlineSwitched("gera", e.HotlineMode.CLOSED, story.now + 60.0, "x", "anna"))
    story.send(e.HotlineSwitched("gera", e.HotlineMode.NORMAL, None, "x", "anna"))
    assert story.rung(story.dial())
    story.pass_time(61.0)
    assert len([x for x in story.told_notices if isinstance(x, c.HotlineChanged)]) == 2
    assert isinstance(story.send(e.HotlineSwitched("nowhere", e.HotlineMode.CLOSED))[0], c.Ignored)


def test_a_notice_without_a_sound_is_no_step() -> None:
    """A hotline that has no notice to play rings at once."""
    story = Story(plan(menu=None))
    story.send(e.HotlineSwitched("gera", e.HotlineMode.NOTICE, None, "x", "anna"))
    assert story.rung(story.dial())


def test_a_plan_that_drops_the_menu_lets_the_caller_through() -> None:
    """The menu or welcome he had still to hear is gone: he waits for an agent when the prompt ends."""
    story = Story(plan(say_welcome="hello"))
    call = story.dial()
    new = plan(menu=None)
    story.send(e.PlanReplaced(replace(new, version="2")))
    press(story, call)
    assert story.rung(call)


def test_a_site_read_back_knows_who_hears_a_prompt() -> None:
    """A router that starts again lets the prompt end and puts the caller in line; a lost prompt is ordered again."""
    story = Story(plan(), ready="")
    call = story.dial()
    story.router = Router(story.router.plan, story.now)
    story.books.__init__(story.router)  # type: ignore[misc]
    for site in story.links:
        story.link_up(site)
    assert {v.call: v.state for v in story.router.snapshot(story.now).calls} == {call: "prompted"}
    press(story, call, "1")
    assert {v.call: v.state for v in story.router.snapshot(story.now).calls} == {call: "waiting"}


def test_a_prompt_that_was_lost_is_ordered_again() -> None:
    """Read back as waiting: fresh orders are given time to show, then the step is repeated."""
    story = Story(plan(), ready="")
    call = story.arrive("gera", "365")
    story.calls[call].orders.clear()
    story.link_up("gera")
    assert not story.calls[call].orders
    story.pass_time(3.0)
    story.link_up("gera")
    story.obey_all()
    assert hears(story, call) == ("gera-menu",)


def test_a_hold_that_is_told_again_after_a_read_back_does_not_skip_a_prompt() -> None:
    """His site is read while he arrives or between two prompts: the late word of his hold orders nothing twice."""
    story = Story(plan(say_welcome="hello"))
    call = "gera/70.0"
    held = e.LiveCall(call, "365", "030", e.Stage.HELD, 0.0)
    story.send(e.CallArrived(call, "gera", "365"))
    commands = story.send(e.SiteRead("gera", (held,), story.phone_states("gera")))
    assert [x.sounds for x in commands if isinstance(x, c.Say)] == [("hello",)]
    assert [type(x) for x in story.send(e.CallHeld(call))] == [c.Ignored]
    story.pass_time(1.0)
    commands = story.send(e.CallHeld(call))
    assert [x.sounds for x in commands if isinstance(x, c.Ask)] == [("gera-menu",)]
    story.pass_time(5.0)
    commands = story.send(e.SiteRead("gera", (replace(held, age_s=6.0),), story.phone_states("gera")))
    assert [type(x) for x in commands if isinstance(x, c.Ask)] == [c.Ask]
    assert [type(x) for x in story.send(e.CallHeld(call))] == [c.Ignored]
    commands = story.send(e.DigitsRead(call, 3, "1"), e.CallHeld(call))
    assert [x.topic for x in commands if isinstance(x, c.TopicChosen)] == ["benefit"]
    assert [type(x) for x in commands if isinstance(x, c.Offer)] == [c.Offer]


def test_a_menu_whose_digits_are_never_told_ends_in_the_default_topic() -> None:
    """Back in hold without a word of what he pressed, as often as the menu has tries: he waits with the default."""
    story = Story(plan())
    call = story.dial()
    for _ in range(2):
        story.pass_time(4.0)
        true = story.calls[call]
        true.stage, true.prompt = e.Stage.HELD, None
        story.told("gera", e.CallHeld(call))
        story.obey_all()
    assert story.rung(call)
    assert topic_of(story, call) == "other"


def test_a_hold_that_is_told_twice_does_not_close_the_menu() -> None:
    """The second word of the hold before the menu: the caller is still asked, and his digit chooses."""
    story = Story(plan())
    call = story.dial()
    story.send(e.CallHeld(call))
    story.obey_all()
    assert hears(story, call) == ("gera-menu",)
    assert not story.rung(call)
    press(story, call, "1")
    assert story.rung(call)
    assert topic_of(story, call) == "benefit"


def test_a_switch_by_hand_outlives_a_new_plan_and_ends_in_time() -> None:
    """Closed for a minute, a new plan after ten seconds: open again after the minute."""
    story = Story(plan())
    story.send(e.HotlineSwitched("gera", e.HotlineMode.CLOSED, story.now + 60.0, "drill", "anna"))
    story.pass_time(10.0)
    story.send(e.PlanReplaced(replace(story.router.plan, version="2")))
    assert story.outcome(story.dial()) is c.Outcome.CLOSED
    story.pass_time(51.0)
    assert hears(story, story.dial()) == ("gera-menu",)
