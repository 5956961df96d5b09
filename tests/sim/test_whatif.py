"""What is said of variants: only what is sure, of the hours in which it is, and in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from callrouter.config.load import load
from callrouter.core.plan import Plan
from callrouter.sim.changes import understood
from callrouter.sim.figures import ALL, Key, Numbers
from callrouter.sim.said import said
from callrouter.sim.scenario import understood_all
from callrouter.sim.whatif import RUNS_LEAST, WINDOW_RUNS, Variant, effects, sentences

OFFICE = range(8, 18)  # hours
HOTLINES = ("agency-gera", "agency-gotha", "aachen")
Within = Callable[[int, str, int], float]
"""(run, hotline, hour) to calls in time of 50 in each half hour."""


@pytest.fixture(scope="module")
def network() -> Plan:
    return load(Path(__file__).parents[2] / "config").plan


def variant(network: Plan, runs: int, within: Within, closed: float = 0.0, sentence: str = "") -> Variant:
    """closed: calls a run that find Gera closed."""
    made: list[Numbers] = []
    for run in range(runs):
        numbers: Numbers = {}
        total = 0.0
        for name in HOTLINES:
            whole = 0.0
            for hour in OFFICE:
                for minute in ("00", "30"):
                    above = within(run, name, hour)
                    numbers[Key("hotline", name, "within", f"{hour:02}:{minute}")] = (above, 50.0)
                    whole += above
            numbers[Key("hotline", name, "offered")] = (1000.0, 1.0)
            numbers[Key("hotline", name, "within")] = (whole, 1000.0)
            numbers[Key("hotline", name, "closed")] = (closed if name == "agency-gera" else 0.0, 1.0)
            total += whole
        numbers[Key("hotline", ALL, "within")] = (total, 3000.0)
        made.append(numbers)
    return Variant((understood(sentence, network),) if sentence else (), tuple(made))


def says(network: Plan, runs: int, then: Within, closed: float = 0.0, sentence: str = "team aachen +1") -> list[str]:
    """In English; before, 40 of 50 were in time everywhere."""
    base = variant(network, runs, lambda *_: 40.0)
    return [en for _, en in sentences(base, variant(network, runs, then, closed, sentence), network)]


def late(runs: int, spread: float) -> Within:
    """Gera loses 5 of 50 between 10 and 12, give or take so many."""

    def within(run: int, name: str, hour: int) -> float:
        if name != "agency-gera" or hour not in (10, 11):
            return 40.0
        return 35.0 + (spread if run % 2 else -spread)

    return within


def test_the_hours_that_are_told_are_those_that_feel_it(network: Plan) -> None:
    """And the whole period beside them."""
    (told,) = says(network, WINDOW_RUNS, late(WINDOW_RUNS, 0.5))
    assert "costs Agentur für Arbeit Gera 10 ± 2 points between 10 and 12 (whole period: −2.0 ± 0.2)" in told


def test_what_would_be_sure_of_one_window_is_not_of_the_surest_of_many(network: Plan) -> None:
    """−5 ± 3.9 of 50 by Student's interval for one look: of 27 windows one may well be so by chance."""
    (told,) = says(network, WINDOW_RUNS, late(WINDOW_RUNS, 5.2))
    assert "changes nothing in the share in time that 10 runs could show" in told


@pytest.mark.parametrize("runs", [2, RUNS_LEAST - 1])
def test_of_few_runs_nothing_is_said_to_be_sure(runs: int, network: Plan) -> None:
    """However alike they are: two runs are alike by chance. From some on the whole period is told, later its hours."""
    assert "changes nothing in the share in time" in says(network, runs, late(runs, 0.0))[0]
    assert "over the whole period" in says(network, RUNS_LEAST, late(RUNS_LEAST, 0.0))[0]
    assert "between" not in says(network, WINDOW_RUNS - 1, late(WINDOW_RUNS - 1, 0.0))[0]


def test_what_is_sure_but_small_is_said_to_be_small(network: Plan) -> None:
    """And not to be nothing; only what no run shows at all is nothing."""
    small = says(network, 20, lambda run, _, hour: 39.9 - 0.01 * (run % 2))[0]
    assert "costs all together 0.2 ± 0.0 points, less than half a point over the whole period" in small
    assert says(network, 20, lambda *_: 40.0) == [
        "Having 1 more person in aachen changes nothing in who is reached in time."
    ]


def test_who_finds_it_closed_is_told(network: Plan) -> None:
    """Closing a hotline is not free for those who call it."""
    told = says(network, 2, lambda *_: 40.0, closed=120.0, sentence="hotline agency-gera closed")
    assert told[-1] == "Closing the hotline agency-gera turns away 120 ± 0 more calls of Agentur für Arbeit Gera."


@pytest.mark.slow
@pytest.mark.parametrize("runs", [5, 10, 20])
def test_chance_alone_says_nothing(runs: int, network: Plan) -> None:
    """Of answers about a change without any effect five in a hundred say that it has one, at most."""
    rng = Random(runs)
    answers, wrong = 200, 0

    def chance(*_: object) -> float:
        return 40 + rng.gauss(0, 2.8)  # as of 50 callers, four in five of whom are reached

    for _ in range(answers):
        base, other = variant(network, runs, chance), variant(network, runs, chance)
        found = effects(base, other, HOTLINES)
        wrong += any(one.felt for one in found)
    assert wrong <= 0.05 * answers + 2 * (0.05 * 0.95 * answers) ** 0.5


WORDS = [
    ("agreement magdeburg-gera off at 10:00", "Vereinbarung magdeburg-gera aus (ab 10:00)",
     "Switching the agreement magdeburg-gera off (from 10:00)"),
    ("agreement magdeburg-gera off for agency-gera until 12:00",
     "Vereinbarung magdeburg-gera aus (für agency-gera bis 12:00)",
     "Switching the agreement magdeburg-gera off (for agency-gera until 12:00)"),
    ("agreement magdeburg-gera reserve=agency-gera:2", "Vereinbarung magdeburg-gera mit reserve=2 für agency-gera",
     "Setting reserve=2 for agency-gera in the agreement magdeburg-gera"),
    ("agreement magdeburg-gera max_calls=none", "Vereinbarung magdeburg-gera mit max_calls=none",
     "Setting max_calls=none in the agreement magdeburg-gera"),
    ("team aachen +1 Mon-Fri 09:00-11:00", "1 Person mehr in aachen (Mo–Fr 09:00–11:00)",
     "Having 1 more person in aachen (Mon-Fri 09:00-11:00)"),
    ("team aachen =12 2026-11-23", "12 Leute in aachen (2026-11-23)", "Having 12 people in aachen (2026-11-23)"),
    ("hotline aachen calls -12.5% from 09:00", "12,5 % weniger Anrufe bei aachen (ab 09:00)",
     "Having 12.5 % fewer calls at aachen (from 09:00)"),
    ("hotline aachen talk +10%", "Gespräche bei aachen 10 % länger", "Having conversations at aachen last 10 % longer"),
    ("hotline aachen wrap_up -5%", "Nachbearbeitung bei aachen 5 % kürzer",
     "Having wrap-up at aachen last 5 % shorter"),
    ("hotline aachen patience -50%", "Anrufer von aachen 50 % ungeduldiger",
     "Having callers of aachen be 50 % less patient"),
    ("hotline aachen closed 12:00-13:00", "Hotline aachen geschlossen (12:00–13:00)",
     "Closing the hotline aachen (12:00-13:00)"),
    ("hotline aachen pooled", "Hotline aachen statt Durchwahlen", "Pooling the desks of aachen"),
    ("hotline aachen target_s=5", "Hotline aachen mit target_s=5", "Setting target_s=5 at the hotline aachen"),
    ("site gera up at 11:00", "Standort gera wieder mit Verbindung (ab 11:00)",
     "Having the site gera back (from 11:00)"),
    ("site gera down 11:00-11:20", "Standort gera ohne Verbindung (11:00–11:20)",
     "Losing the link of the site gera (11:00-11:20)"),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "german", "english"), WORDS, ids=[words[0] for words in WORDS])
def test_a_change_is_said_in_both_languages(sentence: str, german: str, english: str, network: Plan) -> None:
    """Without words of the other, times and days included."""
    assert said(understood_all(sentence, network, ["aachen"])) == (german, english)


def test_several_changes_act_together(network: Plan) -> None:
    """Listed with commas, and the verb is that of several."""
    changes = understood_all("team aachen +2; agreement magdeburg-gera off; hotline aachen talk +5%", network)
    base = variant(network, 20, lambda *_: 40.0)
    other = Variant(changes, variant(network, 20, lambda *_: 30.0).runs)
    (german, english), *_ = sentences(base, other, network)
    assert german.startswith(
        "2 Leute mehr in aachen, Vereinbarung magdeburg-gera aus und Gespräche bei aachen 5 % länger: kostet Agentur"
    )
    assert english.startswith(
        "Having 2 more people in aachen, switching the agreement magdeburg-gera off and having conversations at aachen "
        "last 5 % longer together cost Agentur"
    )
