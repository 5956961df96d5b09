"""What a caller meets before he waits: a notice, a welcome, the menu; and what follows if he cannot be served.

Then he hears an announcement, or is asked whether he wants to be rung back, and busy.

All of it is early media: nothing here answers a call. A site whose carrier carries no early media skips it, and the
caller has the default topic.
"""

from __future__ import annotations

from callrouter.core.calls import Call, CallMove, CallState, Capture
from callrouter.core.commands import Ask, Outcome, Release, Say, TopicChosen, Unserved
from callrouter.core.events import DigitsRead, HotlineMode
from callrouter.core.network import Network
from callrouter.core.opening import spoken
from callrouter.core.plan import CallbackRules, Hotline, Nobody
from callrouter.core.presence import nobody_for
from callrouter.core.state import RING_GRACE_S, State

PROMPT_MAX_S = 120.0  # no announcement is longer
NUMBER_DIGITS_MAX = 20
CAPTURES_MAX = 3  # the offer, his number, his number again
BUSY = 17  # Q.850


def steps_of(s: Network, hotline: Hotline, site: str, implied_topic: str) -> tuple[str, ...]:
    """What this caller hears first, in order."""
    if not s.early_media(site):
        return ()
    wanted = (
        ("notice", s.mode(hotline.name) is HotlineMode.NOTICE and hotline.say_notice),
        ("welcome", hotline.say_welcome),
        ("menu", hotline.menu is not None and not implied_topic and s.early_digits(site)),
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
            call.stale_hold = True  # until what he pressed is told, which comes before the next hold
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
    return tuple(names.split("&")) if names else ()


def _prompted(s: State, call: Call, watch_s: float, move: CallMove = CallMove.PROMPT) -> None:
    moved = s.move_call(call, move)
    assert moved, f"call {call.id} is prompted but is {call.state}"
    call.claimed = True
    call.prompted_at = s.now
    s.watch(call, watch_s)


def digits_read(s: State, e: DigitsRead) -> None:
    """The caller chose, or did not: after the last try he has the default topic."""
    call = s.calls.get(e.call)
    if call is not None and call.step == e.step and call.state is CallState.CAPTURING:
        _captured(s, call, e)
        return
    if call is None or call.step != e.step or "menu" not in call.steps:
        s.ignore(e, "no menu is open")
        return
    call.stale_hold = False  # the prompt has ended: the next hold is a new one
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
    if outcome is Outcome.BUSIED:
        return _sounds(_parting(hotline, call))
    if outcome is Outcome.CLOSED and hotline.say_closed:
        by_hand = s.mode(hotline.name) is HotlineMode.CLOSED  # until when, the hours do not know
        return _sounds(spoken(hotline.say_closed, None if by_hand else hotline.hours, s.now))
    return ()


def _parting(hotline: Hotline, call: Call) -> str:
    """What who hears busy is told before it."""
    rules = hotline.callback
    if call.capture is not Capture.NOT_YET and rules is not None:
        return {Capture.DONE: rules.say_done, Capture.KNOWN: rules.say_known}.get(call.capture, "")
    return "" if hotline.nobody is Nobody.BUSY else hotline.say_busy


# ---- who cannot be served


def line_full(call: Call, hotline: Hotline) -> None:
    """As many wait as may: this call is told so as soon as it listens."""
    call.release = (BUSY, Outcome.BUSIED, f"the line is full: {hotline.line_max} callers wait")
    call.busied = Unserved.LINE_FULL


def turn_away(s: State, call: Call) -> None:
    """Decide whether a call that listens need not wait at all: nobody can come, or there is no room in the line."""
    hotline = s.hotlines[call.hotline]
    why = nobody_for(s, call) if hotline.turns_away else ""
    if why:
        call.release, call.busied = (BUSY, Outcome.BUSIED, why), Unserved.NOBODY_THERE
    elif call.capture is Capture.DECLINED and s.waiting[call.hotline] > hotline.line_max:
        line_full(call, hotline)


def _callback_rules(s: State, call: Call) -> CallbackRules | None:
    """If this caller may be asked whether he wants to be rung back: how."""
    hotline = s.hotlines.get(call.hotline)
    if hotline is None or hotline.nobody is not Nobody.CALLBACK or not s.early_digits(call.site):
        return None
    if call.answered_at is not None or not s.may_promise(call):  # up, he would pay for the question
        return None
    return hotline.callback


def _ask_back(s: State, call: Call) -> bool:
    """Ask a caller who is about to hear busy; False if there is nothing (more) to ask."""
    rules = _callback_rules(s, call)
    if rules is None:
        return False
    if call.capture is Capture.NOT_YET:
        call.capture = Capture.OFFER
    asks = {Capture.OFFER: rules.say_offer, Capture.NUMBER: rules.say_number, Capture.AGAIN: rules.say_again}
    if call.capture not in asks or call.captures >= CAPTURES_MAX:
        return False
    call.captures += 1
    call.step += 1
    digits_max = 1 if call.capture is Capture.OFFER else NUMBER_DIGITS_MAX
    _prompted(s, call, PROMPT_MAX_S + digits_max * rules.wait_s, CallMove.CAPTURE)
    call.stale_hold = True
    because = f"callback of {call.hotline}, {call.capture}: {call.because}"
    s.tell(Ask(call.id, call.step, _sounds(asks[call.capture]), digits_max, int(rules.wait_s), because))
    return True


def _captured(s: State, call: Call, e: DigitsRead) -> None:
    """What he pressed; what follows is ordered when he listens again."""
    call.stale_hold = False
    rules = s.rules(call.hotline)
    if call.capture is Capture.OFFER:
        if rules is None or e.digits != rules.digit:
            call.capture = Capture.DECLINED
        else:
            call.capture = s.promise(call, call.reach) if call.reach else Capture.NUMBER
    elif e.reach and rules is not None:
        call.capture = s.promise(call, e.reach)
    else:
        call.capture = Capture.AGAIN if call.capture is Capture.NUMBER else Capture.DECLINED


def release(s: State, call: Call, cause: int, outcome: Outcome, because: str) -> None:
    """End a call that listens, unanswered: after the question about a callback, or with its last words, if any."""
    s.leave_line(call)
    call.release, call.because = (cause, outcome, because), because
    if outcome is Outcome.BUSIED and _ask_back(s, call):
        return
    moved = s.move_call(call, CallMove.RELEASE)
    assert moved, f"call {call.id} is released but is {call.state}"
    sounds = last_words(s, call, outcome)
    if sounds:
        s.watch(call, PROMPT_MAX_S)
        s.tell(Say(call.id, sounds, cause, because))
    else:
        s.watch(call, RING_GRACE_S)
        s.tell(Release(call.id, cause, because))
