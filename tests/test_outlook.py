"""Asking the running service what a switch would do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from sqlalchemy.exc import OperationalError

from callrouter.config.load import load
from callrouter.core.checkpoint import Checkpoint
from callrouter.core.commands import CallFinished, CallOffered, Outcome
from callrouter.core.events import AgentAct, AgentActed, CallArrived, CallEnded, PhoneState, SiteRead, Tick
from callrouter.core.router import Router
from callrouter.outlook import ASKING_MAX, NO_RECORDS, Outlook, Records
from callrouter.store.today import Attempt
from callrouter.web.context import CannotTell
from callrouter.web.models import WhatIfOut
from callrouter.web.preview import Wish

CONFIG = Path(__file__).parents[1] / "config"
MONDAY = CONFIG / "scenarios" / "monday.yaml"
EVENING = 1_795_449_000.0  # Monday 2026-11-23, 16:50 in Gera: little is left of the day


@pytest.fixture(scope="module")
def router() -> Router:
    """The example network in the evening: half of the agents are there, nobody calls."""
    plan = load(CONFIG).plan
    router = Router(plan, EVENING)
    for site in plan.sites:
        phones = tuple(PhoneState(site.name, a.phone, True, False) for a in plan.agents if a.site == site.name)
        router.handle(SiteRead(site.name, (), phones), EVENING)
    for agent in plan.agents[::2]:
        router.handle(AgentActed(agent.id, AgentAct.READY), EVENING)
    return router


def outlook(
    router: Router,
    scenario: Path | None = MONDAY,
    make: Callable[[], Executor] | None = None,
    records: Records = NO_RECORDS,
    since: float = EVENING - 3600,
) -> Outlook:
    """Simulates little. since: when the service began."""
    return Outlook(scenario, router.checkpoint, since, make or (lambda: ThreadPoolExecutor(1)), 100, records)


def recorded(*attempts: Attempt) -> Records:
    """All that ended before."""

    async def read(_since: float, _until: float, most: int) -> Sequence[Attempt]:
        return attempts[:most]

    return Records(read, lambda number: number and f"key of {number}")


async def test_an_answer_is_what_the_api_publishes(router: Router) -> None:
    """Both horizons, the sites that the change can reach, and nothing of the live router is touched."""
    before = router.checkpoint()
    asked = outlook(router)
    answer = WhatIfOut.model_validate(await asked.ask("agreement magdeburg-gera off; team agency-gera -2"))
    assert [horizon.name for horizon in answer.horizons] == ["hour", "rest"]
    assert {site.name for site in answer.horizons[0].sites} == {"magdeburg", "gera", "gotha"}
    assert all(site.calls > 0 for site in answer.horizons[0].sites)
    assert answer.change == "agreement magdeburg-gera off; team agency-gera -2"
    assert router.checkpoint() == before
    asked.close()


async def test_what_cannot_be_answered_says_why(router: Router, tmp_path: Path) -> None:
    """No scenario, one that is wrong, a sentence that is not understood, none at all: each with its mend."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("start: x", encoding="utf-8")
    for scenario, text, message in (
        (None, "team agency-gera +1", "no scenario of an ordinary day is configured; name it in service.forecast"),
        (tmp_path / "none.yaml", "team agency-gera +1", "cannot be read: No such file or directory"),
        (broken, "team agency-gera +1", "broken.yaml:1:8: 'x' is no day"),
        (MONDAY, "team achen +1", "team 'achen' does not exist; did you mean 'aachen'?"),
        (MONDAY, " ; ", "nothing is changed"),
    ):
        with pytest.raises(CannotTell) as caught:
            await outlook(router, scenario).ask(text)
        assert message in str(caught.value)
        assert caught.value.question == (scenario is MONDAY)


class _Wrong(Executor):
    def submit(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        raise AssertionError("magdeburg/1040 answers but is BUSY")


async def test_a_simulation_that_fails_is_a_refusal_and_one_line_in_the_log(router: Router) -> None:
    """Whatever goes wrong in it: neither the API nor the page breaks."""
    asked = outlook(router, make=_Wrong)
    with structlog.testing.capture_logs() as lines:
        with pytest.raises(CannotTell) as caught:
            await asked.ask("team agency-gera +1")
        assert "the simulation failed" in str(caught.value)
        assert [line["event"] for line in lines] == ["a forecast failed"]
        assert await asked.foresee(Wish("magdeburg-gera", False)) is None


class _Broken(Executor):
    def submit(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        raise BrokenProcessPool("a worker was killed")


async def test_a_killed_worker_costs_one_answer(router: Router) -> None:
    """The question fails with 'ask again', and the next one starts other processes."""
    made: list[Executor] = []

    def make() -> Executor:
        made.append(ThreadPoolExecutor(1) if made else _Broken())
        return made[-1]

    asked = outlook(router, make=make)
    with pytest.raises(CannotTell) as caught:
        await asked.ask("team agency-gera +1")
    assert caught.value.busy
    assert await asked.ask("team agency-gera +1")
    asked.close()


async def test_a_sentence_that_changes_nothing_from_now_on_is_said(router: Router) -> None:
    """With the reason, in both languages: it is so already, or its time is over."""
    text = "agreement magdeburg-gera on; team agency-gera +1 08:00-09:00; team agency-gera +1; site gera up"
    answer = WhatIfOut.model_validate(await outlook(router, records=recorded()).ask(text))
    assert [(note.en.partition(";")[0], note.de.partition(" ")[0]) for note in answer.notes] == [
        (
            "'agreement magdeburg-gera on' changes nothing: it is so anyway, or another sentence decides it",
            "„agreement",
        ),
        ("'team agency-gera +1 08:00-09:00' is meant for no time of these days", "„team"),
        ("'site gera up' changes nothing: it is so anyway, or another sentence decides it", "„site"),
    ]


async def test_questions_take_turns_and_too_many_are_refused(router: Router) -> None:
    """One at a time; beyond a few that wait the next is told to ask again."""
    asked = outlook(router)
    answers = await asyncio.gather(
        *(asked.ask("team agency-gera +1") for _ in range(ASKING_MAX + 2)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, CannotTell)]
    assert len(refused) == 2
    assert all(answer.busy for answer in refused)
    assert all(isinstance(answer, CannotTell) or answer == answers[0] for answer in answers)
    asked.close()


async def test_todays_calls_say_how_busy_the_day_is(router: Router) -> None:
    """Calls in opening hours are counted per hotline, from when the service began or this day did."""
    quiet, busy = outlook(router), outlook(router)
    call = CallOffered("gera/1", "agency-gera", "general", "gera", True)
    closed = replace(call, open=False)
    for asked, number in ((quiet, 3), (busy, 90)):
        for when, how_many in ((EVENING - 86_400, 50), (EVENING - 60, number)):  # the first of yesterday
            more = (replace(call, call=f"gera/{when}-{one}") for one in range(how_many))
            asked.observe(Tick(), (*more, *(closed,) * 99), when)
    calls = []
    for asked in (quiet, busy):
        answer = WhatIfOut.model_validate(await asked.ask("team agency-gera +1"))
        calls += [one.calls for one in answer.horizons[0].hotlines if one.name == "agency-gera"]
        asked.close()
    assert calls[1] > 1.5 * calls[0]


CALLERS = ("030", "040", "030", "", "050", "040")


def arrival(number: int) -> float:
    """Every minute since two, when the offices of the example are busy."""
    return EVENING - 9000 + 60 * number


def morning(asked: Outlook, numbers: Sequence[int], live: Sequence[int] = ()) -> list[Attempt]:
    """So many calls are seen, nobody reached; of all but the `live` ones the records."""
    found = []
    for number in numbers:
        call, caller, at = f"gera/{number}", CALLERS[number % len(CALLERS)], arrival(number)
        offered = CallOffered(call, "agency-gera", "general", "gera", True)
        asked.observe(CallArrived(call, "gera", "365", caller), [offered], at)
        if number not in live:
            ended = CallFinished(
                call, "agency-gera", "general", "gera", "365", caller, Outcome.ABANDONED, at, at + 30, 30, 0, "", "",
                "", False, 0, 16, "",
            )  # fmt: skip
            asked.observe(CallEnded(call), [ended], at + 30)
            key = f"key of {caller}" if caller else ""
            found.append(Attempt(call, "agency-gera", key, at, at + 30, reached=False))
    return found


async def test_a_restart_forgets_no_call_of_the_day(router: Router) -> None:
    """The same answer as before it, with some calls only in the records and some only seen since the start."""
    unstarted = outlook(router, since=EVENING - 86_400, records=recorded())
    records = morning(unstarted, range(120), live=(119,))
    restarted = outlook(router, records=recorded(*records[:100]))
    morning(restarted, range(90, 120), live=(119,))
    forgetful = outlook(router)
    answers = [await asked.ask("team agency-gera -2") for asked in (unstarted, restarted, forgetful)]
    assert answers[0] == answers[1]
    assert answers[0]["notes"] == []
    assert answers[0]["horizons"] != answers[2]["horizons"]


@pytest.mark.parametrize("broken", ["away", "slow", "behind"])
async def test_a_database_that_says_nothing_costs_no_answer(
    router: Router, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came before the start is unknown then, and the answer says so."""

    async def read(_since: float, _until: float, _most: int) -> Sequence[Attempt]:
        if broken == "slow":
            await asyncio.Event().wait()
        raise OperationalError("", {}, Exception("no connection"))

    monkeypatch.setattr("callrouter.outlook.RECORDS_S", 0.01)
    asked = outlook(router, records=Records(read, complete=lambda: broken != "behind"))
    answer = WhatIfOut.model_validate(await asked.ask("team agency-gera -2"))
    assert answer.horizons
    assert [note.en.partition(" are ")[0] for note in answer.notes] == ["The calls before 15:50"]


async def test_of_very_many_calls_the_latest_are_looked_at(router: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    """Since the first of them the day is known, and the answer says that, too."""
    monkeypatch.setattr("callrouter.outlook.RECORDS_MAX", 2)
    calls = [Attempt(f"gera/{at}", "agency-gera", "", EVENING - at, EVENING - at, True) for at in (60, 600, 6000)]
    answer = await outlook(router, records=recorded(*calls)).ask("team agency-gera -2")
    assert "before 16:40 " in str(answer["notes"])


@pytest.mark.slow
async def test_other_processes_simulate(router: Router) -> None:
    """With the real pool: warmed, asked twice with the same answer, closed."""
    checkpoint: Checkpoint = router.checkpoint()
    asked = Outlook(MONDAY, lambda: checkpoint, EVENING)
    await asked.warm()
    first, second = await asked.ask("team agency-gera -1"), await asked.ask("team agency-gera -1")
    assert first == second
    asked.close()


async def test_the_page_on_which_an_agreement_is_switched_is_shown_hour_and_day(router: Router) -> None:
    """Per site by its title, as it is and after the switch; nothing where nothing can be said."""
    asked = outlook(router, records=recorded())
    shown = await asked.foresee(Wish("magdeburg-gera", False))
    assert shown is not None
    titles = {one.title for one in router.plan.sites if one.name in ("magdeburg", "gera", "gotha")}
    hour, rest = shown.spans
    assert {effect.site for effect in rest.effects} == titles
    for effect in (*hour.effects, *rest.effects):
        assert 0 <= effect.after.low <= effect.after.median <= effect.after.high <= 1
    assert hour.minutes == 60
    assert rest.minutes >= 60
    assert hour.runs >= rest.runs > 1
    assert shown.notes == ()
    assert await asked.foresee(Wish("unknown", False)) is None
    assert await outlook(router, None).foresee(Wish("magdeburg-gera", False)) is None
    asked.close()


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        (Wish("magdeburg-gera", False, "agency-gera"), "agreement magdeburg-gera off for agency-gera"),
        (Wish("magdeburg-gera", True, until="17:30:05"), "agreement magdeburg-gera on until 17:30:05"),
        (
            Wish("magdeburg-gera", False, "agency-gera", "18:00:00"),
            "agreement magdeburg-gera off for agency-gera until",
        ),
    ],
)
async def test_direction_and_end_are_asked(router: Router, wish: Wish, sentence: str) -> None:
    """What is simulated is the switch as the form stands."""
    asked = outlook(router)
    heard: list[str] = []
    ask = asked.ask

    async def listened(text: str) -> Mapping[str, object]:
        heard.append(text)
        return await ask(text)

    asked.ask = listened  # type: ignore[method-assign]
    assert await asked.foresee(wish) is not None
    assert heard[0].startswith(sentence)
    asked.close()
