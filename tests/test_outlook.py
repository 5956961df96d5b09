"""Asking the running service what a switch would do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from callrouter.config.load import load
from callrouter.core.checkpoint import Checkpoint
from callrouter.core.commands import CallOffered
from callrouter.core.events import AgentAct, AgentActed, PhoneState, SiteRead, Tick
from callrouter.core.router import Router
from callrouter.outlook import ASKING_MAX, Outlook
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


def outlook(router: Router, scenario: Path | None = MONDAY, make: Callable[[], Executor] | None = None) -> Outlook:
    """Simulates little."""
    return Outlook(scenario, router.checkpoint, EVENING - 3600, make or (lambda: ThreadPoolExecutor(1)), 100)


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
        asked.observe(Tick(), (call,) * 50, EVENING - 86_400)  # of yesterday
        asked.observe(Tick(), (*(call,) * number, *(closed,) * 99), EVENING - 60)
    calls = []
    for asked in (quiet, busy):
        answer = WhatIfOut.model_validate(await asked.ask("team agency-gera +1"))
        calls += [one.calls for one in answer.horizons[0].hotlines if one.name == "agency-gera"]
        asked.close()
    assert calls[1] > 1.5 * calls[0]


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
    asked = outlook(router)
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
