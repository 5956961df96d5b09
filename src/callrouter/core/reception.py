"""What a caller meets before he waits: a notice, a welcome, the menu; and the last words if he cannot be served.

All of it is early media: nothing here answers a call. A site whose carrier carries no early media skips it, and the
caller has the default topic.
"""

from __future__ import annotations

from callrouter.core.calls import Call, CallMove
from callrouter.core.commands import Ask, Outcome, Release, Say, TopicChosen
from callrouter.core.events import DigitsRead, HotlineMode
from callrouter.core.network import Network
from callrouter.core.opening import spoken
from callrouter.core.plan import Hotline
from callrouter.core.state import RING_GRACE_S, State

PROMPT_MAX_S = 120.0  # no announcement is longer


def steps_of(s: Network, hotline: Hotline, site: str, implied_topic: str) -> tuple[str, ...]:
    """What this caller hears first, in order."""
    if not s.early_media(site):
        return ()
    wanted = (
        ("notice", s.mode(hotline.name) is HotlineMode.NOTICE and hotline.say_notice),
        ("welcome", hotline.say_welcome),
        ("menu", hotline.menu is not None and not implied_topic),
    )
    return tuple(name for name, yes in wanted if yes)


def next_step(s: State, call: Call) -> bool:
    """Order the next prompt for a call that listens; False if there is none left and it may wait."""
    hotline = s.hotlines.get(call.hotline)
    while call.steps and hotline is not None:
        name = call.steps[0]
        if name == "menu" and hotline.menu is not None:
            menu = hotline.menu
            if call.asked >= menu.tries:  # what he pressed was never told: the default topic, not the menu for ever
                call.steps = call.steps[1:]
                continue
            call.asked += 1
            call.step += 1
            again = ", again" if call.asked > 1 else ""
            _prompted(s, call, PROMPT_MAX_S + menu.wait_s)
            s.tell(Ask(call.id, call.step, _sounds(menu.prompt), 1, int(menu.wait_s), f"menu of {call.hotline}{again}"))
            return True
        call.steps = call.steps[1:]
        sound = {"notice": hotline.say_notice, "welcome": hotline.say_welcome}.get(name, "")
        if sound:  # a new plan may have taken it away
            call.step += 1
            _prompted(s, call, PROMPT_MAX_S)
            s.tell(Say(call.id, _sounds(sound), 0, f"{name} of {call.hotline}"))
            return True
    return False


def _sounds(names: str) -> tuple[str, ...]:
    """The plan joins sounds that are played one after the other by `&`, as Asterisk does."""
    return tuple(names.split("&"))


def _prompted(s: State, call: Call, watch_s: float) -> None:
    moved = s.move_call(call, CallMove.PROMPT)
    assert moved, f"call {call.id} is prompted but is {call.state}"
    call.claimed = True
    call.prompted_at = s.now
    s.watch(call, watch_s)


def digits_read(s: State, e: DigitsRead) -> None:
    """The caller chose, or did not: after the last try he has the default topic."""
    call = s.calls.get(e.call)
    if call is None or call.step != e.step or "menu" not in call.steps:
        s.ignore(e, "no menu is open")
        return
    call.read_held = False  # the prompt has ended: the next hold is a new one
    hotline = s.hotlines[call.hotline]
    menu = hotline.menu
    chosen = dict(menu.options).get(e.digits, "") if menu else ""
    if not chosen and menu is not None and call.asked < menu.tries:
        return  # asked once more when it is back in hold
    call.steps = tuple(step for step in call.steps if step != "menu")
    call.topic = chosen or hotline.default_topic
    s.tell(TopicChosen(call.id, call.hotline, call.topic, e.digits if chosen else ""))


def last_words(s: Network, call: Call, outcome: Outcome) -> tuple[str, ...]:
    """The sounds before the busy tone; () = none."""
    hotline = s.hotlines.get(call.hotline)
    if hotline is None or not s.early_media(call.site):
        return ()
    if outcome is Outcome.BUSIED and hotline.say_busy:
        return _sounds(hotline.say_busy)
    if outcome is Outcome.CLOSED and hotline.say_closed:
        by_hand = s.mode(hotline.name) is HotlineMode.CLOSED  # until when, the hours do not know
        return _sounds(spoken(hotline.say_closed, None if by_hand else hotline.hours, s.now))
    return ()


def release(s: State, call: Call, cause: int, outcome: Outcome, because: str) -> None:
    """End a call that listens, unanswered, with its last words if there are any."""
    s.leave_line(call)
    call.release, call.because = (cause, outcome, because), because
    moved = s.move_call(call, CallMove.RELEASE)
    assert moved, f"call {call.id} is released but is {call.state}"
    sounds = last_words(s, call, outcome)
    if sounds:
        s.watch(call, PROMPT_MAX_S)
        s.tell(Say(call.id, sounds, cause, because))
    else:
        s.watch(call, RING_GRACE_S)
        s.tell(Release(call.id, cause, because))
