"""Days that begin with a live router's state."""

from __future__ import annotations

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from callrouter.config.load import load
from callrouter.core import events as e
from callrouter.core.agents import AgentState, Intent
from callrouter.core.checkpoint import Checkpoint
from callrouter.core.plan import Plan
from callrouter.core.router import Router
from callrouter.sim.call import ANSWERED, CLOSED
from callrouter.sim.changes import understood
from callrouter.sim.draws import Constant, Empirical, Exponential, Lognormal, Stream, beyond
from callrouter.sim.forecast import Horizon, Run, Unwanted, forecast, notes_of, paired, said_of, touched
from callrouter.sim.kernel import SECOND_US
from callrouter.sim.live import Live, LiveDay, factors, live_case
from callrouter.sim.scenario import Checked, Scenario, read_scenario
from callrouter.sim.whatif import RUNS_LEAST
from tests.core.story import NOON, Story, network
from tests.sim.checked import CheckedRouter
from tests.sim.mornings import states

CONFIG = Path(__file__).parents[2] / "config"
HOUR_US = 3600 * SECOND_US
BAD = ("hotline agency-gera calls +33%", "hotline agency-magdeburg calls +20%", "team agency-gera -3")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load(CONFIG).plan


@pytest.fixture(scope="module")
def monday(plan: Plan) -> Checked:
    return read_scenario(CONFIG / "scenarios" / "monday.yaml", plan)


def at(plan: Plan, monday: Checked, hour: float) -> Live:
    """The example network on a simulated Monday at this hour."""
    return states(plan, monday, monday.changes, [hour])[0][0]


def checked(checkpoint: Checkpoint) -> Router:
    """Looks at the invariants after every event from here on."""
    router = CheckedRouter.restore(checkpoint)
    assert isinstance(router, CheckedRouter)
    router.keep_books()
    return router


@pytest.mark.slow
def test_the_rest_of_a_day_begins_with_what_is_going_on(plan: Plan, monday: Checked) -> None:
    """Conversations end, who waits is served or gives up, more callers come; the invariants hold after every event."""
    live = at(plan, monday, 9.5)
    case = live_case(live, ())
    day = LiveDay(live, case, 1, 0, restore=checked)
    done = day.run(day.callers.arrivals(HOUR_US))
    talking = {call.id for call in live.checkpoint.calls if call.state == "talking"}
    assert len(talking) > 20
    assert len(done) > 200
    assert not day.live
    assert not day.router.state.calls
    assert all(call.outcome and call.at_us >= 0 for call in done)
    assert isinstance(day.router, CheckedRouter)
    assert not day.router.books.broken
    assert sum(call.outcome == ANSWERED for call in done) > 0.7 * len(done)


def test_a_router_in_any_state_can_be_taken_over() -> None:
    """Callers before, in and after prompts and offers, transferred ones, released ones; agents in every state."""
    story = Story(network(team={"wrap_up_s": 60.0}, hotline={"say_busy": "sorry"}), ready="gera magdeburg/1001")
    transferred, talking = story.dial(), story.dial()
    story.answer(transferred)
    story.answer(talking)
    story.send(e.LegEnded(transferred, story.calls[transferred].leg))
    offered = story.dial()
    story.act("magdeburg/1002", e.AgentAct.READY)
    refused = story.dial()
    story.send(e.OfferEnded(refused, 1, e.Result.REFUSED))
    story.act("magdeburg/1003", e.AgentAct.LOG_IN)
    story.send(e.CallArrived("gera/new.0", "gera", "365"))
    story.send(e.CallArrived("gera/gone.0", "gera", "365"), e.CallHeld("gera/gone.0"), e.CallTaken("gera/gone.0"))
    story.pass_time(3.0)
    states = {call.state for call in story.router.state.calls.values()}
    assert states >= {"transferred", "talking", "offered", "returning", "arrived", "failsafe"}
    callers = {"gera": {"talk": 60, "patience": 30, "arrivals": {"per_hour": 60}}}
    scenario = Scenario.model_validate({"start": "2026-11-23", "callers": callers})
    live = Live(story.router.checkpoint(), scenario, {}, NOON)
    assert offered in live.checkpoint.calls[2].id
    for run in range(20):
        day = LiveDay(live, live_case(live, ()), 1, run, restore=checked)
        done = day.run(day.callers.arrivals(HOUR_US))
        assert not day.router.state.calls
        assert sum(call.outcome == ANSWERED for call in done) > 10


def test_who_is_away_is_back_after_ten_minutes(plan: Plan, monday: Checked) -> None:
    """Paused agents are not there until then; then as many are there as are logged in, by the roster's steps."""
    live = at(plan, monday, 8.02)
    seats = list(live.checkpoint.seats)
    one = next(i for i, seat in enumerate(seats) if seat.team == "agency-gera" and seat.state is AgentState.READY)
    seats[one] = replace(seats[one], state=AgentState.PAUSED, intent=Intent.PAUSED)
    live = replace(live, checkpoint=replace(live.checkpoint, seats=tuple(seats)))
    steps = live_case(live, ()).setting.crews["agency-gera"]
    assert list(steps[:2]) == [(0, 9), (600 * SECOND_US, 10)]
    at_noon = [number for at_us, number in steps if at_us <= 4.1 * HOUR_US][-1]
    assert at_noon == 5, "the scenario's steps go on: 10 in the morning, 6 less one at lunch"
    more = live_case(live, [understood("team agency-gera +2", plan)]).setting.crews["agency-gera"]
    assert more[0][1] == steps[0][1] + 2


def test_a_team_that_is_to_have_so_many_has_so_many(plan: Plan, monday: Checked) -> None:
    """Whoever is there now and whatever was planned: '=12' means twelve, as long as it is meant."""
    live = at(plan, monday, 8.02)
    gone = {seat.id for seat in live.checkpoint.seats if seat.team == "agency-gera" and seat.state == "ready"}
    gone = set(sorted(gone)[:3])
    seats = [
        replace(seat, state=AgentState.LOGGED_OUT, intent=Intent.LOGGED_OUT) if seat.id in gone else seat
        for seat in live.checkpoint.seats
    ]
    live = replace(live, checkpoint=replace(live.checkpoint, seats=tuple(seats)))
    asked = [understood("team agency-gera =12 until 09:00", plan)]
    steps = live_case(live, asked).setting.crews["agency-gera"]
    assert [number for _, number in steps[:2]] == [12, 10 - len(gone)]


def test_a_busy_morning_is_taken_over_at_any_time(plan: Plan, monday: Checked) -> None:
    """With wrap-ups that the router would end before the agent of the simulation: nobody has two calls."""
    found, _ = states(plan, monday, BAD, [8.3, 8.7, 9.1])
    wrap_ups = 0
    for live in found:
        wrap_ups += sum(
            seat.state is AgentState.WRAP_UP and seat.resume_at is not None for seat in live.checkpoint.seats
        )
        day = LiveDay(live, live_case(live, ()), 1, 0, restore=checked)
        assert len(day.run(day.callers.arrivals(60 * SECOND_US))) > 5
        assert not day.router.state.calls
    assert wrap_ups > 10


@pytest.mark.slow
def test_a_bad_day_is_foreseen_as_it_becomes(plan: Plan, monday: Checked) -> None:
    """Over several days the calls that come, redials and all, and the share in time are those that were foreseen."""
    more_calls, more_in_time, came = [], [], 0
    for run in range(6):
        (live,), calls = states(plan, monday, BAD, [10.0], run, whole=True)
        day = LiveDay(live, live_case(live, ()), 1, run)
        pair = []
        for found in (day.run(day.callers.arrivals()), [one for one in calls if one.at_us >= 10 * HOUR_US]):
            own = [one for one in found if one.hotline == "agency-gera" and one.outcome != CLOSED]
            pair.append((len(own), sum(one.outcome == ANSWERED for one in own) / len(own)))
        came += pair[1][0]
        more_calls.append(pair[0][0] - pair[1][0])
        more_in_time.append(pair[0][1] - pair[1][1])
    assert abs(sum(more_calls)) < 0.25 * came, "counting redials as wishes more than doubled them"
    assert abs(sum(more_in_time)) / len(more_in_time) < 0.12


def test_the_day_is_as_busy_as_it_has_been_so_far(plan: Plan, monday: Checked) -> None:
    """Twice as many as expected: nearly twice as many to come; nothing known: as expected."""
    live = at(plan, monday, 10.0)
    case = live_case(live, ())
    ordinary = factors(live, case)
    assert all(0.6 < factor < 1.6 for factor in ordinary.values())
    doubled = factors(replace(live, came={name: 2 * n for name, n in live.came.items()}), case)
    assert all(1.2 < doubled[name] / ordinary[name] < 2 for name in ordinary)
    unknown = factors(replace(live, came={}, came_since=live.checkpoint.now), case)
    assert set(unknown.values()) == {1.0}


@pytest.mark.slow
def test_a_forecast_says_what_a_switch_does(plan: Plan, monday: Checked) -> None:
    """The next hour and the rest of the day, sites and hotlines that it can reach, paired; the same every time."""
    live = at(plan, monday, 12.0)
    change = [understood("agreement magdeburg-gera off for agency-gera", plan)]
    with ThreadPoolExecutor(2) as pool:
        hour, rest = forecast(live, change, pool, calls_max=16_000)
    assert (hour.name, rest.name, hour.seconds) == ("hour", "rest", 3600)
    assert {one.name for one in hour.outlooks if one.kind == "site"} == {"magdeburg", "gera", "gotha"}
    assert not any(one.name.startswith("arge") for one in hour.outlooks)
    gera = next(one for one in rest.outlooks if one.name == "gera")
    magdeburg = next(one for one in rest.outlooks if one.name == "magdeburg")
    assert gera.points is not None
    assert gera.points < 0, "Gera's callers go nowhere else"
    assert magdeburg.extra_calls_per_h < 0, "Magdeburg takes fewer calls of Gera's"
    assert gera.as_is.low is not None
    assert gera.as_is.high is not None
    assert gera.as_is.low <= (gera.as_is.value or 0) <= gera.as_is.high
    assert 150 < gera.calls < 600
    assert rest.whole


def test_a_target_that_is_asked_for_is_the_one_that_is_counted(plan: Plan, monday: Checked) -> None:
    """Of a second instead of four minutes: fewer are in time, whoever is called."""
    live = at(plan, monday, 8.2)
    asked = (understood("hotline agency-gera target_s=1", plan),)
    (pair,) = paired(
        live, (live_case(live, ()), live_case(live, asked)), ("agency-gera",), (1800 * SECOND_US,), 0
    ).pairs
    as_is, changed = (tallies["hotline", "agency-gera"] for tallies in pair)
    assert as_is.offered == changed.offered
    assert as_is.within > changed.within


@pytest.mark.slow
def test_a_change_that_changes_nothing_makes_no_difference_at_all(plan: Plan, monday: Checked) -> None:
    """Runs are paired to the call: an agreement that is on is switched on."""
    live = at(plan, monday, 17.0)
    change = [understood("agreement magdeburg-gera on", plan)]
    with ThreadPoolExecutor(1) as pool:
        horizons = forecast(live, change, pool, workers=1, calls_max=100)
        assert horizons == forecast(live, change, pool, workers=3, calls_max=100)
    for horizon in horizons:
        assert all(one.points == 0 and one.extra_calls_per_h == 0 for one in horizon.outlooks)
        assert said_of(change, horizon, {}, "") == []


@pytest.mark.slow
def test_a_bad_day_costs_no_more_than_an_ordinary_one(plan: Plan, monday: Checked) -> None:
    """As many calls as may be are simulated, in runs enough; the day is cut short, and said to be."""
    (live,), _ = states(plan, monday, BAD, [9.0])
    change = [understood("agreement magdeburg-gera off", plan)]
    with ThreadPoolExecutor(1) as pool:
        counted = _Counting(pool)
        hour, rest = forecast(live, change, counted, workers=1, calls_max=6000)
    assert sum(future.result().calls for future in counted.futures) < 1.5 * 6000
    assert hour.runs >= rest.runs >= RUNS_LEAST
    assert not rest.whole
    assert rest.seconds % 1800 == 0
    cut = said_of(change, rest, {}, "11:00")
    assert all("bis 11:00 Uhr" in de and "until 11:00" in en for de, en in cut)


class _Counting(Executor):
    """Keeps what is asked of another."""

    def __init__(self, pool: Executor) -> None:
        self.pool, self.futures = pool, list[Future[Run]]()

    def submit(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        self.futures.append(self.pool.submit(*args, **kwargs))
        return self.futures[-1]


def test_who_does_not_wait_leaves_no_work(plan: Plan, monday: Checked) -> None:
    """No run begins any more, and none waits in the workers."""
    live = at(plan, monday, 17.5)
    with ThreadPoolExecutor(1) as pool:
        counted = _Counting(pool)
        with pytest.raises(Unwanted):
            forecast(live, [understood("team agency-gera +1", plan)], counted, wanted=lambda: not counted.futures)
    assert len(counted.futures) == 1


def test_what_cannot_be_told_is_said(plan: Plan, monday: Checked) -> None:
    """Callers that the scenario does not know; a closed day; a hotline that the change closes."""
    live = at(plan, monday, 17.2)
    with ThreadPoolExecutor(1) as pool:
        unknown = [understood("team aachen +1", plan)]
        assert forecast(live, unknown, pool) == ()
        assert "keine Anrufe von aachen" in notes_of(live, unknown, (), {})[0][0]
        gera = [understood("team agency-gera +1", plan)]
        late = replace(live.checkpoint, now=live.checkpoint.now + 4 * 3600, calls=(), timers=())
        over = replace(live, checkpoint=late)
        assert forecast(over, gera, pool) == ()
        assert notes_of(over, gera, (), {}) == [("Heute ist geschlossen.", "Closed for today.")]
        closed = [understood("hotline agency-gera closed", plan)]
        horizons = forecast(live, closed, pool, 1, 100)
    assert notes_of(live, closed, horizons, {}) == []
    assert any("mehr finden bis heute Abend geschlossen" in de for de, _ in said_of(closed, horizons[-1], {}, ""))
    assert 2800 < horizons[-1].seconds < 3000, "calls are counted to closing time, not to midnight"


def dark_gera(plan: Plan, monday: Checked) -> Live:
    """At nine the link to Gera is lost, with people there who talk, are free and wait, and no trunk leads to Gotha."""
    live = at(plan, monday, 9.0)
    router = Router.restore(live.checkpoint)
    lost = e.TrunkState("magdeburg", "gotha", up=False)
    router.handle_all([e.LinkDown("gera"), lost], live.checkpoint.now)
    return replace(live, checkpoint=router.checkpoint())


def test_a_dark_site_stays_dark_until_the_question_says_that_it_is_back(plan: Plan, monday: Checked) -> None:
    """Its callers wait in vain and its agents get nothing, as it is now; from its return on it is as it was."""
    live = dark_gera(plan, monday)
    back_us = HOUR_US // 2
    for sentence, until_us in (("", 10**18), ("site gera up at 09:30", back_us), ("site gera up", 0)):
        changes = [understood(sentence, plan)] if sentence else []
        restore = checked if until_us == back_us else Router.restore
        day = LiveDay(live, live_case(live, changes), 1, 0, {"agency-gera", "agency-magdeburg"}, restore)
        found = [call for call in day.run(day.callers.arrivals(2 * back_us)) if call.hotline == "agency-gera"]
        early = [call for call in found if call.at_us < until_us - 120 * SECOND_US]
        late = [call for call in found if call.at_us >= until_us]
        assert not any(call.outcome == ANSWERED for call in early)
        assert sum(call.outcome == ANSWERED for call in late) >= 0.8 * len(late)
        at_site = [call for call in day.calls if call.agent.startswith("gera/")]
        assert all(call.at_us + (call.wait_us or 0) >= until_us for call in at_site)
        assert (len(early) > 20, len(late) > 20) == (until_us > 0, until_us <= back_us)
        assert not any(call.hotline == "agency-magdeburg" and call.agent.startswith("gotha/") for call in day.calls)


def test_what_is_broken_now_and_stays_so_is_said(plan: Plan, monday: Checked) -> None:
    """With the question that tells of its return; not to those whom it cannot concern."""
    live = dark_gera(plan, monday)
    gera, aachen = ([understood(f"team {name} +1", plan)] for name in ("agency-gera", "aachen"))
    told = notes_of(live, gera, (Horizon("hour", 60, 1),), {"gera": "Gera (GE)"})
    assert [note.partition(".")[0] for _, note in told] == [
        "Gera (GE) has no link",
        "The trunk from magdeburg to gotha is down",
    ]
    for text in told[0]:
        understood(text.split("„" if "„" in text else "'")[1].rstrip("“."), plan)
    assert "site gera up at 09:30" in told[0][0]
    assert all("link" not in en for _, en in notes_of(live, aachen, (), {}))


def test_only_what_a_change_can_reach_is_simulated(plan: Plan) -> None:
    """Over however many agreements; the ARGEn and Aachen stand alone."""
    reached = {
        sentence: {name.split("-")[0] for name in touched(plan, [understood(sentence, plan)])}
        for sentence in ("team aachen +1", "hotline arge-stendal calls +5%", "site gotha down at 12:00")
    }
    assert reached == {
        "team aachen +1": {"aachen"},
        "hotline arge-stendal calls +5%": {"arge"},
        "site gotha down at 12:00": {"agency"},
    }


@pytest.mark.parametrize("one", [Lognormal(240, 0.8), Exponential(60), Empirical((30, 90, 300)), Constant(50)])
def test_what_is_left_is_more_than_what_has_been(one: Lognormal | Exponential | Empirical | Constant) -> None:
    """Drawn given that it has lasted so long; nothing passed, the distribution itself."""
    draws = [u for i in range(50) for u in Stream("beyond").at(i)]
    for past in (0.0, 40.0, 299.0, 5000.0):
        values = [beyond(one, past, u) for u in draws]
        assert all(value >= past for value in values)
    assert [beyond(one, 0.0, u) for u in draws[:9]] == [one.of(u) for u in draws[:9]]
    left = [beyond(Exponential(60), 500.0, u) - 500 for u in draws]
    assert sum(left) / len(left) == pytest.approx(60, rel=0.2), "an exponential forgets"
