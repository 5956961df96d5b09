"""The router's reasons in German: each that it gives has its form, and a part of one may be a reason itself."""

from __future__ import annotations

import pytest

from callrouter.core import commands as c
from callrouter.core import events as e
from callrouter.core.explain import Question, ask
from callrouter.core.plan import Hours
from callrouter.i18n import texts
from callrouter.web import reasons, words
from callrouter.web.reasons import known, told
from tests.core.story import Story, network
from tests.core.test_ringback import OTHER, asked, out


@pytest.mark.parametrize(
    ("reason", "german"),
    [
        ("agreement off", "Vereinbarung AUS"),
        ("only 3 free in agency-gera, reserve is 4", "nur 3 frei in agency-gera, Reserve ist 4"),
        ("attempt 2: no_answer", "Versuch 2: nicht angenommen"),
        (
            "overflow by both: nobody free in a; 5 free in b, reserve 2, borrowed 1 of 3; round robin",
            "Überlauf nach both: niemand frei in a; 5 frei in b, Reserve 2, geliehen 1 von 3; der Reihe nach",
        ),
        (
            "overflow by both: nobody free in a who could take it; 5 free in b, reserve 2; longest idle",
            "Überlauf nach both: niemand frei in a, der ihn annehmen könnte; 5 frei in b, Reserve 2; am längsten frei",
        ),
        ("paused", "Pause"),
    ],
)
def test_forms(reason: str, german: str) -> None:
    """Names and numbers are kept; why somebody pauses is not."""
    assert known(reason) == german
    assert told(reason, "de") == german
    assert told(reason, "en") == reason


def test_unknown_reason_is_shown_as_it_is() -> None:
    """A reason without a form is better than none."""
    assert told("the moon is full", "de") == "the moon is full"


def test_no_form_hides_another() -> None:
    """Each form's own text is read by that form."""
    for (english, german), (pattern, _) in zip(reasons._GERMAN, reasons._FORMS, strict=True):
        assert pattern.fullmatch(english), english
        assert known(english) == german or "{" in english, english


def test_what_the_router_says_is_known() -> None:
    """Everything that callers, agents and sites do in a lively hour is explained in German."""
    story = Story(ready="magdeburg")
    said: set[str] = set()

    def hear(commands: object) -> None:
        for command in commands:  # type: ignore[attr-defined]
            because = getattr(command, "because", "")
            if because and not isinstance(command, c.Ignored | c.AgentChanged | c.Reread):
                said.add(because)

    original = story.send

    def send(*events: e.Event) -> object:
        found = original(*events)
        hear(found)
        return found

    story.send = send  # type: ignore[method-assign,assignment]
    call = story.dial()
    story.answer(call)
    story.hang_up(call)
    second = story.dial()
    story.phone_fails(second, e.Result.REFUSED)
    story.pass_time(200.0)
    story.send(e.AgreementSwitched("magdeburg-gera", enabled=False, reason="x", by="y"))
    story.dial()
    story.pass_time(200.0)
    for question in (
        Question("gera", story.now),
        Question("gera", story.now, busy=("agency-gera",)),
        Question("gera", story.now, busy=("agency-gera",), off=("magdeburg-gera",)),
        Question("gera", story.now, sites_down=("magdeburg",), logged_out=("agency-gera",)),
    ):
        answer = ask(network(), question)
        said.add(answer.because)
        said |= {one.why_not for one in answer.candidates if one.why_not}
    said |= {record.because for record in story.books.ended.values()}
    assert {one for one in said if known(one) is None} == set()
    assert len(said) > 8


def test_what_is_said_of_callbacks_is_known() -> None:
    """Why somebody is rung back or not, and what came of it."""
    said: set[str] = set()

    def look(story: Story) -> None:
        for callback in story.router.callbacks():
            view = story.router.callback(callback.id)
            assert view is not None
            said.add(view.why_not)

    story = asked(ready="", rules={"reserve": 1, "tries_max": 2})
    look(story)
    story.act("gera/2001", e.AgentAct.READY)
    story.act("gera/2002", e.AgentAct.READY)
    look(story)
    call = story.dial(caller=OTHER)
    story.phone_fails(call, e.Result.BUSY)
    story.hang_up(call)
    story.pass_time(60.0)
    for _ in range(2):
        story.agent_is_up(out(story))
        story.caller_is_missed(out(story))
        look(story)
        story.pass_time(1900.0)
    listed = story.dial(caller=OTHER)
    story.hang_up(listed)
    look(story)
    night = asked(ready="gera/2001", rules={"hours": Hours("Europe/Berlin", (((),) * 7))})
    look(night)
    for one in (story, night):
        said |= {x.because for x in one.books.orders if isinstance(x, c.DialOut | c.HangUp)}
        said |= {x.because for x in one.told_notices if isinstance(x, c.OutboundFinished)}
        said |= {x.callback.because for x in one.told_notices if isinstance(x, c.CallbackChanged)}
    assert {one for one in said - {""} if known(one) is None} == set()
    assert len(said) > 8


@pytest.mark.parametrize("language", ["de", "en"])
def test_values_are_words(language: str) -> None:
    """What a call's story names as outcome, result, stage or cause is never a word of the program."""
    known = {"outcome": c.Outcome, "result": e.Result, "stage": e.Stage, "unserved": c.Unserved}
    for key, kind in known.items():
        for one in kind:
            said = words.value(texts(language), key, one.value)
            assert "_" not in said
            if language == "de":
                assert said != one.value or not one.value, (key, one)
    assert words.value(texts(language), "team", "answered") == "answered"
