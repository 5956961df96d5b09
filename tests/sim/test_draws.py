"""Chance: keyed draws, distributions by inversion, and callers who stay the same when something else changes."""

from __future__ import annotations

from pathlib import Path
from statistics import mean, stdev

import pytest

from callrouter.config.load import load
from callrouter.core.plan import Plan
from callrouter.sim.call import Call
from callrouter.sim.callers import Callers
from callrouter.sim.case import make_case
from callrouter.sim.changes import understood
from callrouter.sim.draws import (
    Constant,
    Distribution,
    Empirical,
    Exponential,
    Lognormal,
    Stream,
    chosen,
    poisson,
    scaled,
)
from callrouter.sim.kernel import SECOND_US
from callrouter.sim.scenario import Scenario

CONFIG = Path(__file__).parents[2] / "config"
N = 4_000


@pytest.fixture(scope="module")
def network() -> Plan:
    return load(CONFIG).plan


@pytest.mark.parametrize(
    ("one", "deviation"),
    [(Lognormal(240, 0.8), 192), (Exponential(60), 60), (Constant(30), 0), (Empirical((1, 2, 3, 4)), 1.118)],
)
def test_a_distribution_has_its_mean_and_deviation(one: Distribution, deviation: float) -> None:
    """Within four standard errors; and twice as large when it is scaled by two."""
    stream = Stream("test", type(one).__name__)
    values = [one.of(u) for i in range(N) for u in stream.at(i)]
    assert mean(values) == pytest.approx(one.mean, abs=4 * deviation / (8 * N) ** 0.5 + 1e-9)
    assert stdev(values) == pytest.approx(deviation, rel=0.1, abs=1e-9)
    assert [scaled(one, 2).of(u) for u in stream.at(0)] == pytest.approx([2 * one.of(u) for u in stream.at(0)])


def test_draws_depend_on_their_address_alone() -> None:
    """Eight numbers between 0 and 1, the same ones whenever and wherever they are asked for."""
    stream = Stream(1, "a")
    first = stream.at(3, 4)
    assert len(first) == 8
    assert all(0 < u < 1 for u in first)
    assert Stream(1, "a").at(3, 4) == first != stream.at(4, 3)
    assert Stream(1, "b").at(3, 4) != first


@pytest.mark.parametrize("expected", [0.3, 5.0, 199.0, 750.0])
def test_poisson_numbers_have_mean_and_variance(expected: float) -> None:
    """And none is smaller for a larger mean."""
    stream = Stream("poisson")
    numbers = [poisson(expected, stream, i, 0) for i in range(N)]
    assert mean(numbers) == pytest.approx(expected, abs=4 * (expected / N) ** 0.5)
    assert stdev(numbers) ** 2 == pytest.approx(expected, rel=0.12)
    assert all(poisson(expected * 1.1, stream, i, 0) >= numbers[i] for i in range(200))


def test_names_are_chosen_by_their_shares() -> None:
    """Whatever the shares add up to."""
    assert [chosen((("a", 2), ("b", 0), ("c", 2)), u) for u in (0.01, 0.49, 0.51, 0.999999)] == ["a", "a", "c", "c"]


SCENARIO = Scenario.model_validate(
    {
        "start": "2026-11-23",
        "days": 2,
        "callers": {
            name: {
                "arrivals": {"per_day": 300, "profile": {"08:00-12:00": 3, "12:00-18:00": 2}, "day_cv": 0.1},
                "talk": {"mean_s": 200, "cv": 0.8},
                "patience": {"kind": "exponential", "mean_s": 90},
                "redial": {"probability": 0.5, "delay": {"mean_s": 60, "cv": 1}, "tries": 3},
                "topics": {"general": 2, "benefit": 1},
                "withheld": 0.2,
            }
            for name in ("agency-gera", "agency-gotha")
        },
    }
)


def _calls(network: Plan, *changes: str, of: str = "", run: int = 0) -> list[Call]:
    case = make_case(network, SCENARIO, [understood(change, network) for change in changes])
    return [call for call in Callers(case, 1, run).arrivals() if of in call.hotline]


def _seen(calls: list[Call], *names: str) -> list[tuple[object, ...]]:
    return [tuple(getattr(call, name) for name in names) for call in calls]


def test_callers_come_in_order_in_the_half_hours_of_the_profile(network: Plan) -> None:
    """Of two days, by the local clock, about as many as are wanted; some withhold their number; topics by share."""
    calls = _calls(network)
    assert [call.at_us for call in calls] == sorted(call.at_us for call in calls)
    assert len(calls) == pytest.approx(1200, rel=0.2)
    hours = {call.at_us // (3600 * SECOND_US) % 24 for call in calls}
    assert hours == set(range(8, 18))
    assert sum(not call.caller for call in calls) == pytest.approx(0.2 * len(calls), rel=0.3)
    assert sum(call.topic == "benefit" for call in calls) == pytest.approx(len(calls) / 3, rel=0.2)
    assert len({call.caller for call in calls if call.caller}) == sum(bool(call.caller) for call in calls)


ALL = ("at_us", "caller", "talk_us", "wrap_us", "patience_us", "topic")


@pytest.mark.parametrize(
    "change",
    [
        "team agency-gera +3",
        "agreement magdeburg-gera off",
        "hotline agency-gera calls +50%",
        "hotline agency-gera talk +9%",
    ],
)
def test_a_change_in_one_place_shifts_no_draw_in_another(network: Plan, change: str) -> None:
    """Gotha's callers are the same people with the same wishes at the same times."""
    assert _seen(_calls(network, change, of="gotha"), *ALL) == _seen(_calls(network, of="gotha"), *ALL)


def test_callers_of_two_hotlines_are_different_people(network: Plan) -> None:
    """With the same numbers of calls at the same hours they share neither times nor wishes."""
    gera, gotha = (_seen(_calls(network, of=name), "at_us", "talk_us", "patience_us") for name in ("gera", "gotha"))
    for place in range(3):
        assert not {row[place] for row in gera} & {row[place] for row in gotha}


def test_more_calls_are_the_same_calls_and_some_more(network: Plan) -> None:
    """And fewer are some of them; only in the hours that are meant."""
    before = set(_seen(_calls(network, of="gera"), *ALL))
    more = set(_seen(_calls(network, "hotline agency-gera calls +20%", of="gera"), *ALL))
    assert before < more
    assert len(more) == pytest.approx(1.2 * len(before), rel=0.1)
    assert set(_seen(_calls(network, "hotline agency-gera calls -20%", of="gera"), *ALL)) < before
    added = set(_seen(_calls(network, "hotline agency-gera calls +80% 10:00-11:00", of="gera"), *ALL)) - before
    assert {at // (3600 * SECOND_US) % 24 for at, *_ in added if isinstance(at, int)} == {10}


def test_a_longer_conversation_is_the_same_callers(network: Plan) -> None:
    """Every value is stretched, none is drawn anew."""
    longer = _calls(network, "hotline agency-gera talk +10%", of="gera")
    for call, other in zip(_calls(network, of="gera"), longer, strict=True):
        assert other.talk_us == pytest.approx(1.1 * call.talk_us, abs=2)
        assert (other.at_us, other.patience_us) == (call.at_us, call.patience_us)


def test_other_runs_have_other_callers(network: Plan) -> None:
    """No two runs share a time of arrival."""
    first, second = (set(_seen(_calls(network, run=run), "at_us")) for run in (0, 1))
    assert not first & second


def test_who_was_not_reached_tries_again_as_the_scenario_says(network: Plan) -> None:
    """About half of them, later, with the same wish and another patience, three calls in all at most."""
    callers = Callers(make_case(network, SCENARIO, ()), 1, 0)
    firsts = [call for call in callers.arrivals() if call.patience_us is not None]
    seconds = [(call, again) for call in firsts if (again := callers.again(call, call.at_us + 50))]
    assert len(seconds) == pytest.approx(len(firsts) / 2, rel=0.15)
    for call, again in seconds:
        assert again.at_us > call.at_us
        assert (again.caller, again.talk_us, again.topic) == (call.caller, call.talk_us, call.topic)
        assert (again.attempt, again.patience_us != call.patience_us) == (2, True)
        assert callers.again(call, call.at_us + 50) is not None, "asked again he says the same"
    thirds = [third for _, again in seconds if (third := callers.again(again, again.at_us))]
    assert len(thirds) == pytest.approx(len(seconds) / 2, rel=0.2)
    assert all(callers.again(third, third.at_us) is None for third in thirds)


def test_the_local_clock_rules_on_the_day_of_a_clock_change(network: Plan) -> None:
    """On the day on which summer time ends the office opens 9 hours after midnight."""
    scenario = replace_start(SCENARIO, "2026-10-25")
    calls = list(Callers(make_case(network, scenario, ()), 1, 0).arrivals())
    first_day = [call.at_us / (3600 * SECOND_US) for call in calls if call.at_us < 25 * 3600 * SECOND_US]
    assert 9 <= min(first_day) < 9.5
    assert 18.5 < max(first_day) < 19


def replace_start(scenario: Scenario, start: str) -> Scenario:
    return scenario.model_copy(update={"start": start})
