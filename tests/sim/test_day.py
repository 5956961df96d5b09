"""The rules of the simulator, one sentence each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callrouter.core.events import AgreementSwitched, HotlineMode, HotlineSwitched
from callrouter.core.plan import Agent, Agreement, Hotline, Hours, Number, Plan, Site, Span, Strategy, Team, Topic
from callrouter.sim.call import Call, Kind
from callrouter.sim.crew import mixed
from callrouter.sim.day import Day, Setting, Switch
from callrouter.sim.kernel import SECOND_US, from_us, to_us
from callrouter.sim.stage import staged
from tests.sim.checked import CheckedRouter
from tests.sim.worlds import MIDNIGHT_US

S = SECOND_US


def plan(gera: int = 1, magdeburg: int = 1, limit_s: float | None = None, **agreement: object) -> Plan:
    """Two sites with a hotline and a team each; Magdeburg helps Gera if an agreement is described."""
    deal = Agreement("help", "gera", "magdeburg")
    sites = ("gera", "magdeburg")
    agents = [Agent(f"{s}/{k}", s, s, str(k)) for s, n in zip(sites, (gera, magdeburg), strict=True) for k in range(n)]
    return Plan(
        "1",
        tuple(Site(s, s, "TH", "Europe/Berlin") for s in sites),
        tuple(
            Hotline(s, s, s, (Number(s),), None, (s,), (Topic("any", "any"),), "any", ring_max_s=limit_s) for s in sites
        ),
        tuple(Team(s, s, s) for s in sites),
        tuple(agents),
        (replace(deal, **agreement),) if agreement else (),
    )


def call(
    at_s: float, hotline: str = "gera", talk_s: float = 10, wrap_s: float = 0, patience_s: float | None = None
) -> Call:
    patience_us = None if patience_s is None else to_us(patience_s)
    return Call(to_us(at_s), hotline, "", to_us(talk_s), to_us(wrap_s), patience_us)


def told(network: Plan, calls: list[Call], **setting: object) -> list[tuple[str, float | None, str]]:
    """(outcome, wait, agent) of each call, the invariants looked at after every event."""
    day = Day(Setting(staged(network, {}), MIDNIGHT_US, 100 * S, **setting), make=CheckedRouter)  # type: ignore[arg-type]
    done = day.run(calls)
    return [(c.outcome, None if c.wait_us is None else c.wait_us / S, c.agent) for c in done]


def test_an_agent_who_comes_free_at_the_end_of_patience_serves_the_caller() -> None:
    """Ends come before patience."""
    assert told(plan(), [call(0), call(1, patience_s=9)])[1] == ("answered", 9, "gera/0")


def test_patience_that_equals_the_ring_limit_is_abandoned() -> None:
    """Patience comes before the ring limit, also when both are nothing."""
    assert told(plan(limit_s=5), [call(0), call(1, patience_s=5)])[1] == ("abandoned", 5, "")
    assert told(plan(limit_s=0), [call(0), call(1, patience_s=0)])[1] == ("abandoned", 0, "")
    assert told(plan(limit_s=0), [call(0), call(1, patience_s=1)])[1] == ("busied", 0, "")


def test_a_busied_call_waited_the_ring_limit() -> None:
    """To the microsecond, also where the limit is no float."""
    network = plan(limit_s=0.3)
    assert told(network, [call(0), call(0.1)])[1] == ("busied", 0.3, "")


def test_calls_of_one_instant_come_in_the_order_of_the_trace() -> None:
    """The first has the only agent."""
    assert [row[0] for row in told(plan(limit_s=0), [call(1), call(1)])] == ["answered", "busied"]


def test_a_conversation_of_no_length_frees_its_agent_for_the_next_call_of_the_instant() -> None:
    """Ends come before arrivals, even ends that began now."""
    assert [row[2] for row in told(plan(limit_s=0), [call(1, talk_s=0), call(1, talk_s=0), call(1)])] == ["gera/0"] * 3


def test_wrap_up_is_as_long_as_the_call_says() -> None:
    """Whatever the team's limit is, longer or shorter."""
    network = replace(plan(), teams=tuple(replace(team, wrap_up_s=7.0) for team in plan().teams))
    for wrap_s in (0, 3, 7, 50):
        assert told(network, [call(0, wrap_s=wrap_s), call(1)])[1] == ("answered", 9 + wrap_s, "gera/0")


def test_longest_idle_counts_from_the_end_of_wrap_up() -> None:
    """Who hung up first but wrapped up longer has been idle for less time."""
    calls = [call(0, talk_s=10, wrap_s=20), call(0, talk_s=15), call(40)]
    assert told(plan(gera=2), calls)[2][2] == "gera/1"


def test_of_several_phones_rung_at_once_the_one_whose_turn_it_is_answers() -> None:
    """A ring-all team too gives one agent a call, and the others are free for the next of that instant."""
    network = plan(gera=3)
    network = replace(network, teams=tuple(replace(team, strategy=Strategy.RING_ALL) for team in network.teams))
    assert [row[2] for row in told(network, [call(1), call(1)])] == ["gera/0", "gera/1"]


def test_the_lender_keeps_its_reserve() -> None:
    """It lends only while more than so many are free, and own callers come first."""
    network = plan(gera=0, magdeburg=2, reserve=1)
    rows = told(network, [call(0, patience_s=3), call(1, patience_s=3), call(2, "magdeburg")])
    assert [row[0] for row in rows] == ["answered", "abandoned", "answered"]


def test_the_cap_counts_until_the_caller_hangs_up() -> None:
    """Wrap-up of the lent agent does not count."""
    network = plan(gera=0, magdeburg=2, max_calls=1)
    rows = told(network, [call(0, talk_s=10, wrap_s=60), call(1)])
    assert rows[1] == ("answered", 9, "magdeburg/1")


def test_an_agreement_is_switched_in_time() -> None:
    """At the instant of the switch the waiting call goes over."""
    network = plan(gera=0, enabled=False)
    switch = Switch(5 * S, Kind.SWITCH, AgreementSwitched("help", enabled=True))
    assert told(network, [call(0)], switches=(switch,))[0] == ("answered", 5, "magdeburg/0")


def test_who_has_just_waited_for_an_agreement_is_served_before_patience_ends() -> None:
    """And before the ring limit, also by who comes free after a conversation of no length."""
    assert told(plan(0, after_s=5), [call(0, patience_s=5)])[0] == ("answered", 5, "magdeburg/0")
    assert told(plan(0, limit_s=5, after_s=5), [call(0)])[0] == ("answered", 5, "magdeburg/0")
    both = told(plan(0, 2, limit_s=10, after_s=10, reserve=1), [call(0, talk_s=0), call(0, talk_s=7)])
    assert [row[:2] for row in both] == [("answered", 10), ("answered", 10)]


def test_the_hours_of_an_agreement_are_from_and_to() -> None:
    """At the instant at which they begin it lends, at that at which they end it does not."""
    first, last = Hours("Europe/Berlin", ((Span(30, 60),),) * 7), Hours("Europe/Berlin", ((Span(0, 60),),) * 7)
    assert told(plan(0, window=first), [call(10, patience_s=20)])[0] == ("answered", 20, "magdeburg/0")
    free_at_the_end = [call(0, "magdeburg", talk_s=60), call(30, patience_s=90)]
    assert told(plan(0, window=last), free_at_the_end)[1] == ("abandoned", 90, "")


def test_of_several_who_end_at_once_the_first_stay() -> None:
    """As many as have places; the others go."""
    calls = [call(0), call(0), call(20, talk_s=1)]
    assert told(plan(2), calls, crews={"gera": ((0, 2), (10 * S, 1))})[2] == ("answered", 0, "gera/0")


def test_the_idle_go_first_and_a_busy_agent_finishes() -> None:
    """From two to one: the free one goes, the busy one stays on; from two busy ones the second to finish goes."""
    one_busy = {"gera": ((0, 2), (5 * S, 1))}
    rows = told(plan(gera=2), [call(0), call(6), call(20)], crews=one_busy)
    assert [(row[1], row[2]) for row in rows] == [(0, "gera/0"), (4, "gera/0"), (0, "gera/0")]
    rows = told(plan(gera=2), [call(0, talk_s=10), call(0, talk_s=20), call(1)], crews=one_busy)
    assert rows[2][1] == 19, "at 10 s one is still busy, and only one may be"


def test_a_roster_that_rises_again_keeps_who_is_still_busy() -> None:
    """He counts as one of those who are wanted."""
    crew = {"gera": ((0, 1), (2 * S, 0), (5 * S, 1))}
    rows = told(plan(gera=2), [call(0), call(6)], crews=crew)
    assert rows[1] == ("answered", 4, "gera/0")


def test_a_small_crew_has_the_skills_of_the_whole_team() -> None:
    """Groups of different skills are evenly mixed in the order in which agents come on duty."""
    skilled = [Agent(f"s/{k}", "t", "s", str(k), (("x", 1),) if k < 4 else ()) for k in range(6)]
    assert [agent.phone for agent in mixed(skilled)] == ["0", "4", "1", "2", "5", "3"]
    assert [agent.phone for agent in mixed(skilled[4:])] == ["4", "5"]


def test_time_on_duty_is_what_the_roster_says_and_what_the_busy_add() -> None:
    """A crew of two for 50 s, then none, one of them busy until 60 s."""
    day = Day(Setting(staged(plan(gera=2), {}), MIDNIGHT_US, 100 * S, {"gera": ((0, 2), (50 * S, 0))}))
    day.run([call(40, talk_s=15, wrap_s=5)])
    assert day.crews["gera"].on_duty_us == 110 * S
    assert day.crews["magdeburg"].on_duty_us == 100 * S
    assert day.end_us == 100 * S


def test_callers_whom_nobody_will_ever_serve_are_abandoned_without_a_wait() -> None:
    """Without patience, limit and agents a call has no end; the simulator has."""
    rows = told(plan(gera=0), [call(0), call(1, patience_s=5), call(40, patience_s=5)])
    assert rows == [("abandoned", None, ""), ("abandoned", 5, ""), ("abandoned", 5, "")]


def test_only_who_was_not_reached_in_opening_hours_is_asked_whether_he_calls_again() -> None:
    """Busied and abandoned callers are; who was answered or called outside the hours is not."""
    network = plan(limit_s=0)
    shut = Hours("Europe/Berlin", ((Span(0, 1),),) * 7)
    network = replace(network, hotlines=(network.hotlines[0], replace(network.hotlines[1], hours=shut)))
    asked: list[tuple[str, int]] = []

    def again(one: Call, now_us: int) -> Call | None:
        asked.append((one.outcome, now_us // S))
        return call(now_us / S + 30) if one.attempt == 1 and len(asked) == 1 else None

    day = Day(Setting(staged(network, {}), MIDNIGHT_US, 100 * S), again)
    done = day.run([call(2, talk_s=10), call(3), call(4, patience_s=0), call(5, "magdeburg")])
    assert asked == [("busied", 3), ("abandoned", 4)]
    assert [one.outcome for one in done] == ["answered", "busied", "abandoned", "closed", "answered"]


# ---- sites without link


def _down(site: str, from_s: int, to_s: int) -> tuple[Switch, Switch]:
    return Switch(from_s * S, Kind.SITE_DOWN, site), Switch(to_s * S, Kind.SITE_UP, site)


def test_callers_of_a_dark_site_ring_on_and_are_served_when_the_link_is_back() -> None:
    """Those who waited and those who came meanwhile, in their order; who has no patience gives up as ever."""
    calls = [call(0, talk_s=10), call(1), call(6, patience_s=2), call(7)]
    rows = told(plan(), calls, switches=_down("gera", 5, 20))
    assert rows == [
        ("answered", 0, "gera/0"),
        ("answered", 19, "gera/0"),
        ("abandoned", 2, ""),
        ("answered", 23, "gera/0"),
    ]


def test_at_a_dark_site_the_dialplan_keeps_the_ring_limit() -> None:
    """Busy after the hotline's limit, whether the caller waited before or came meanwhile."""
    rows = told(plan(limit_s=8), [call(0, talk_s=99), call(1), call(6)], switches=_down("gera", 5, 60))
    assert rows[1:] == [("busied", 8, ""), ("busied", 8, "")]


def test_a_hotline_closed_by_hand_is_closed_at_a_dark_site() -> None:
    """As one that is closed by its hours."""
    closed = Switch(0, Kind.SWITCH, HotlineSwitched("gera", HotlineMode.CLOSED))
    calls = [call(15, patience_s=40)]
    assert told(plan(), calls, switches=(closed, *_down("gera", 10, 30)))[0] == ("closed", 0, "")


def test_agents_of_a_dark_site_are_not_lent() -> None:
    """The agreement stands, but no order reaches their phones."""
    calls = [call(0, talk_s=99), call(6)]
    rows = told(plan(gera=1, reserve=0), calls, switches=_down("magdeburg", 5, 30))
    assert rows[1] == ("answered", 24, "magdeburg/0")


@pytest.mark.parametrize("wrap_s", [0, 8, 40])
def test_work_that_ends_while_its_site_is_dark_frees_the_agent_when_the_link_is_back(wrap_s: int) -> None:
    """Or at the end of his wrap-up, if that is later."""
    rows = told(plan(), [call(0, talk_s=10, wrap_s=wrap_s), call(1)], switches=_down("gera", 5, 30))
    assert rows[1] == ("answered", max(30, 10 + wrap_s) - 1, "gera/0")


# ---- seconds


def test_seconds_are_exact_to_the_microsecond() -> None:
    """Text to microseconds and back, without a detour over floats."""
    assert [to_us(text) for text in ("0", "110", "0.000001", "1e-6", "1234567.0000005")] == [
        0, 110_000_000, 1, 1, 1_234_567_000_000
    ]  # fmt: skip
    assert [from_us(us) for us in (0, 110_000_000, 1, 2_500_000)] == ["0", "110", "0.000001", "2.5"]
    for wrong in ("", "x", "nan", "inf", "1s"):
        with pytest.raises(ValueError, match="number"):
            to_us(wrong)
