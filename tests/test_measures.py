"""Measures: each number counts what its help text says, and Prometheus' own linter has nothing to say."""

from __future__ import annotations

import re
from dataclasses import replace

from callrouter.ami.linkstate import LinkState
from callrouter.core.agents import AgentState
from callrouter.core.commands import (
    AgreementChanged,
    AnsweredWithoutAgent,
    CallAnswered,
    CallFinished,
    CallOffered,
    Claim,
    Command,
    Ignored,
    Offer,
    OfferFinished,
    Outcome,
    Unserved,
)
from callrouter.core.demands import Demand
from callrouter.core.events import (
    CallArrived,
    CallEnded,
    LinkDown,
    LiveCall,
    PlanReplaced,
    Result,
    SiteRead,
    Stage,
    Tick,
)
from callrouter.core.plan import Agreement, Hotline, Hours, Plan, Site, Team
from callrouter.core.snapshot import Counts
from callrouter.measures import Measures
from callrouter.reach import callback_families, record_families
from callrouter.store.standing import Standing
from tests.deploy.prometheus import promtool

PLAN = Plan(
    "7f3a",
    (Site("gera", "Gera", "TH", "Europe/Berlin"),),
    (Hotline("agency-gera", "Gera", "gera", (), None, ("gera",), (), ""),),
    (Team("gera", "Gera", "gera"), Team("magdeburg", "Magdeburg", "magdeburg")),
    (),
    (Agreement("gera-magdeburg", "gera", "magdeburg"),),
)
FINISHED = CallFinished(
    "gera/1", "agency-gera", "", "gera", "0365", "", Outcome.ANSWERED, 0.0, 300.0, 240.0, 60.0,
    "magdeburg/1", "magdeburg", "gera-magdeburg", True, 1, 16, "",
)  # fmt: skip

DEMAND = Demand("gera/1", "agency-gera", "k", False, 0.0, 400.0, 3, 230.0, False, True, 400.0, 400.0)


SWITCHED = AgreementChanged("gera-magdeburg", enabled=True, before=False, until=1_795_431_600.0, reason="", by="")


class Journal:
    trouble = ""
    lines_written = 12
    lines_lost = 0
    bytes_written = 3_400


def values(measures: Measures) -> dict[str, float]:
    """Each sample of the exposition text by its name and labels."""
    lines = [line for line in measures.text().decode().splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def after(*commands: Command) -> dict[str, float]:
    measures = Measures(PLAN)
    measures.observe(Tick(), commands, 0.0)
    return values(measures)


def full() -> Measures:
    """Everything declared and in use."""
    dated = Hours("Europe/Berlin", ((),) * 7, last_day="2026-12-31")
    measures = Measures(replace(PLAN, agreements=(replace(PLAN.agreements[0], window=dated),)))
    measures.observe(Tick(), [SWITCHED], 0.0)
    measures.watch_counts(
        lambda: Counts({"agency-gera": 2}, {("gera", AgentState.READY): 3}, {("gera-magdeburg", "gera"): 1}), lambda: 5
    )
    measures.watch_journal(Journal())
    measures.watch_flag("ready", lambda: False)
    measures.watch_flag("store_writable", lambda: True)
    measures.watch_links(lambda: [LinkState("gera", orders_lost=2, asterisk="22.10.1", dialplan="3")])
    measures.reloaded(True, 1_800_000_000.0)
    measures.show_agreements([("gera-magdeburg", "gera", True, 1_795_431_600.0)])
    measures.observe(SiteRead("gera"), [FINISHED], 0.0)
    measures.handled(Tick(), 0.001, 0.0001)
    measures.watch(lambda: record_families(120, 5, 0))
    measures.watch(lambda: callback_families([Standing("agency-gera", "captured", 4, 1, 9, 8)], ["agency-gera"]))
    measures.reach.closed([DEMAND])
    return measures


def test_promtool_has_nothing_to_say() -> None:
    """Names and help texts follow prometheus.io, as Prometheus' own linter checks them."""
    assert promtool("check", "metrics", text=full().text()) == (0, "")


def test_series_of_the_plan_are_there_from_the_start() -> None:
    """A rate over a series that begins with its first event would miss that event: all begin at zero."""
    found = values(Measures(PLAN))
    for series in (
        'callrouter_calls_offered_total{hotline="agency-gera"}',
        'callrouter_calls_finished_total{hotline="agency-gera",outcome="busied"}',
        'callrouter_call_wait_seconds_bucket{hotline="agency-gera",le="240.0",outcome="answered"}',
        'callrouter_answered_without_agent_total{hotline="agency-gera"}',
        'callrouter_overflow_calls_total{agreement="gera-magdeburg",borrower="gera",lender="magdeburg"}',
        'callrouter_calls_answered_total{hotline="agency-gera",team="magdeburg"}',
        'callrouter_offers_total{result="no_answer",team="gera"}',
        'callrouter_link_up{site="gera"}',
        'callrouter_link_reconnects_total{site="gera"}',
    ):
        assert found[series] == 0.0, series
    assert found['callrouter_config_info{version="7f3a"}'] == 1.0


def test_versions_of_sites_are_labels() -> None:
    """What a site did not say is an empty label, and a site without our dialplan is told from it."""
    measures = Measures(PLAN)
    measures.watch_links(lambda: [LinkState("gera"), LinkState("gotha", asterisk="22.10.1", dialplan="")])
    found = values(measures)
    assert found['callrouter_site_info{asterisk="",dialplan="",site="gera"}'] == 1.0
    assert found['callrouter_site_info{asterisk="22.10.1",dialplan="none",site="gotha"}'] == 1.0


def test_nobody_can_be_recognised() -> None:
    """No agent and no caller is in a label."""
    measures = full()
    measures.observe(CallArrived("gera/9", "gera", "0365", "0171555"), [replace(FINISHED, caller="0171555")], 0.0)
    text = measures.text().decode()
    assert "0171555" not in text
    assert "magdeburg/1" not in text


def test_offered_and_closed_are_apart() -> None:
    """Attempts outside opening hours are not among the offered."""
    found = after(
        CallOffered("gera/1", "agency-gera", "", "gera", open=True),
        CallOffered("gera/2", "agency-gera", "", "gera", open=False),
    )
    assert found['callrouter_calls_offered_total{hotline="agency-gera"}'] == 1
    assert found['callrouter_calls_closed_total{hotline="agency-gera"}'] == 1


def test_answered_counts_team_target_and_agreement() -> None:
    """An answer counts for the team; in time and overflow only if they are so."""
    own = CallAnswered("gera/1", "agency-gera", "gera", "gera/1", "gera", "", 241.0, within_target=False)
    lent = replace(own, team="magdeburg", agreement="gera-magdeburg", within_target=True)
    found = after(own, lent)
    assert found['callrouter_calls_answered_total{hotline="agency-gera",team="gera"}'] == 1
    assert found['callrouter_calls_answered_total{hotline="agency-gera",team="magdeburg"}'] == 1
    assert found['callrouter_calls_answered_within_target_total{hotline="agency-gera"}'] == 1
    assert found['callrouter_overflow_calls_total{agreement="gera-magdeburg",borrower="gera",lender="magdeburg"}'] == 1


def test_finished_counts_outcome_wait_and_talk() -> None:
    """A wait of exactly 240 s is in the bucket of 240 s; talk time is added at the end."""
    found = after(FINISHED, replace(FINISHED, outcome=Outcome.UNKNOWN_NUMBER, hotline="", talk_s=0.0))
    assert found['callrouter_calls_finished_total{hotline="agency-gera",outcome="answered"}'] == 1
    assert found['callrouter_calls_finished_total{hotline="-",outcome="unknown_number"}'] == 1
    bucket = 'callrouter_call_wait_seconds_bucket{hotline="agency-gera",le="%s",outcome="answered"}'
    assert found[bucket % "240.0"] == 1
    assert found[bucket % "180.0"] == 0
    assert found['callrouter_call_talk_seconds_total{hotline="agency-gera"}'] == 60


def test_offers_switches_promise_and_ignored() -> None:
    """Each notice counts in its own metric."""
    found = after(
        OfferFinished("gera/1", 1, "gera/1", "gera", None, 2.0),
        OfferFinished("gera/1", 2, "gera/1", "gera", Result.NO_ANSWER, 20.0),
        AgreementChanged("gera-magdeburg", enabled=True, before=False, until=None, reason="", by=""),
        AnsweredWithoutAgent("gera/1", "agency-gera", "up in hold"),
        Ignored("LegEnded", "unknown call"),
        Claim("gera/1", "new"),
    )
    assert found['callrouter_offers_total{result="answered",team="gera"}'] == 1
    assert found['callrouter_offers_total{result="no_answer",team="gera"}'] == 1
    assert found['callrouter_agreement_enabled{agreement="gera-magdeburg"}'] == 1
    assert found['callrouter_answered_without_agent_total{hotline="agency-gera"}'] == 1
    assert found['callrouter_events_ignored_total{event="LegEnded"}'] == 1


def test_link_goes_down_and_comes_back() -> None:
    """The link is up once the site was read back; only a return after a loss is a reconnect."""
    measures = Measures(PLAN)
    up, back = 'callrouter_link_up{site="gera"}', 'callrouter_link_reconnects_total{site="gera"}'
    for event, expected in (
        (SiteRead("gera"), (1, 0)),
        (SiteRead("gera"), (1, 0)),
        (LinkDown("gera"), (0, 0)),
        (LinkDown("gera"), (0, 0)),
        (SiteRead("gera"), (1, 1)),
    ):
        measures.observe(event, [], 0.0)
        assert (values(measures)[up], values(measures)[back]) == expected
    assert values(measures)['callrouter_site_reads_total{site="gera"}'] == 3


def test_a_site_that_a_new_plan_leaves_out_has_no_link_that_could_be_down() -> None:
    """Its link is closed after the plan is in force; a series at 0 from then on would be an alarm for ever."""
    measures = full()
    measures.observe(PlanReplaced(replace(PLAN, sites=(), version="8")), [], 0.0)
    measures.observe(LinkDown("gera"), [], 0.0)
    assert 'callrouter_link_up{site="gera"}' not in values(measures)


def test_calls_of_another_router_are_counted_once() -> None:
    """A router that takes over finds three: one that no router had met, one that waits, one that talks."""
    measures = Measures(PLAN)
    live = (
        LiveCall("gera/1", "0365", "", Stage.HELD, 1.0, claimed=False),
        LiveCall("gera/2", "0365", "", Stage.HELD, 9.0),
        LiveCall("gera/3", "0365", "", Stage.TALKING, 60.0, claimed=False, talk_s=50.0),
    )
    offered = [CallOffered(one.call, "agency-gera", "", "gera", open=True) for one in live]
    answered = CallAnswered("gera/3", "agency-gera", "gera", "gera/1", "gera", "", 10.0, within_target=True)
    measures.observe(SiteRead("gera", live), [*offered, answered], 0.0)
    found = values(measures)
    assert found['callrouter_calls_offered_total{hotline="agency-gera"}'] == 1
    assert found['callrouter_calls_answered_total{hotline="agency-gera",team="gera"}'] == 0
    measures.observe(CallArrived("gera/3", "gera", "0365", ""), [offered[0], answered], 1.0)
    assert values(measures)['callrouter_calls_answered_total{hotline="agency-gera",team="gera"}'] == 1


def test_new_plan_brings_its_series_and_version() -> None:
    """After a reload only the new version shows, removed sites have no link, and counters go on."""
    measures = Measures(PLAN)
    measures.observe(Tick(), [CallOffered("gera/1", "agency-gera", "", "gera", open=True)], 0.0)
    other = replace(
        PLAN,
        version="8",
        sites=(Site("gotha", "Gotha", "TH", "Europe/Berlin"),),
        hotlines=(*PLAN.hotlines, replace(PLAN.hotlines[0], name="agency-gotha")),
    )
    measures.observe(PlanReplaced(other), [], 0.0)
    found = values(measures)
    assert 'callrouter_config_info{version="7f3a"}' not in found
    assert found['callrouter_config_info{version="8"}'] == 1
    assert found['callrouter_calls_offered_total{hotline="agency-gotha"}'] == 0
    assert found['callrouter_calls_offered_total{hotline="agency-gera"}'] == 1
    assert 'callrouter_link_up{site="gera"}' not in found


def test_engine_counts() -> None:
    """The meter's side: events, shed, failed, orders, withheld orders and faults."""
    measures = Measures(PLAN)
    measures.handled(CallEnded("gera/1"), 0.2, 0.00002)
    measures.shed(CallEnded("gera/1"))
    measures.failed(CallEnded("gera/1"))
    measures.ordered(Claim("gera/1", ""), withheld=False)
    measures.ordered(Offer("gera/1", 1, (), 20, ""), withheld=True)
    measures.observer_failed()
    measures.execute_failed()
    found = values(measures)
    for series in (
        'callrouter_events_total{event="CallEnded"}',
        'callrouter_events_shed_total{event="CallEnded"}',
        'callrouter_events_failed_total{event="CallEnded"}',
        'callrouter_orders_total{order="Claim"}',
        'callrouter_orders_withheld_total{order="Offer"}',
        "callrouter_orders_failed_total",
        "callrouter_observer_failures_total",
        'callrouter_event_lag_seconds_bucket{le="0.25"}',
        'callrouter_decision_seconds_bucket{le="2.5e-05"}',
    ):
        assert found[series] == 1, series
    assert found['callrouter_orders_total{order="Offer"}'] == 0


def test_live_values_are_read_at_the_scrape() -> None:
    """Gauges show what is true when somebody looks, states without agents included."""
    found = values(full())
    assert found['callrouter_calls_waiting{hotline="agency-gera"}'] == 2
    assert found['callrouter_agents{state="ready",team="gera"}'] == 3
    assert found['callrouter_agents{state="talking",team="gera"}'] == 0
    assert found['callrouter_calls_borrowed{agreement="gera-magdeburg",borrower="gera",lender="magdeburg"}'] == 1
    assert found["callrouter_inbox_events"] == 5
    assert found["callrouter_journal_writable"] == 1
    assert found["callrouter_journal_lines_total"] == 12
    assert found["callrouter_journal_lines_lost_total"] == 0
    assert found['callrouter_link_lost_orders_total{site="gera"}'] == 2
    assert found["callrouter_ready"] == 0
    assert found["callrouter_config_last_reload_successful"] == 1


def test_demands_are_counted_by_what_came_of_them() -> None:
    """Reached in time, reached late, at the first attempt, not at all; withheld ones are apart."""
    measures = Measures(PLAN)
    late = replace(DEMAND, id="2", within_target=False)
    first = replace(DEMAND, id="3", attempts=1, reached_first=True)
    lost = replace(DEMAND, id="4", attempts=2, reached_at=None, within_target=False)
    hidden = replace(first, id="5", withheld=True, caller="")
    measures.reach.closed([DEMAND, late, first, lost, hidden])
    found = values(measures)

    def of(name: str, number: str = "shown") -> float:
        return found[f'callrouter_demands_{name}total{{hotline="agency-gera",number="{number}"}}']

    names = ("", "reached_", "reached_within_target_", "reached_at_first_attempt_", "unreached_")
    assert [of(name) for name in names] == [4, 3, 2, 1, 1]
    assert [of(name, "withheld") for name in names] == [1, 1, 1, 1, 0]
    assert found['callrouter_demand_attempts_sum{hotline="agency-gera",reached="yes"}'] == 7
    assert found['callrouter_demand_attempts_count{hotline="agency-gera",reached="yes"}'] == 3
    assert found['callrouter_demand_attempts_bucket{hotline="agency-gera",le="2.0",reached="no"}'] == 1


def test_ledger_of_lent_conversations() -> None:
    """What a lender talked for others is told per agreement; conversations of one's own are not."""
    found = after(FINISHED, replace(FINISHED, call="gera/2", agreement="", team="gera"))
    assert (
        found['callrouter_overflow_talk_seconds_total{agreement="gera-magdeburg",borrower="gera",lender="magdeburg"}']
        == 60
    )


def test_time_on_hold() -> None:
    """Counted with the calls in which it happened; a call without it is not among them."""
    found = after(replace(FINISHED, on_hold_s=12.5), replace(FINISHED, call="gera/2"))
    assert found['callrouter_call_on_hold_seconds_total{hotline="agency-gera"}'] == 12.5
    assert found['callrouter_calls_put_on_hold_total{hotline="agency-gera"}'] == 1


def test_why_nobody_was_reached() -> None:
    """Each attempt without an agent counts under one reason; answered ones under none."""
    lost = replace(FINISHED, outcome=Outcome.BUSIED, unserved=Unserved.RING_LIMIT, talk_s=0.0)
    found = after(FINISHED, lost, replace(lost, call="gera/3", unserved=Unserved.LINE_FULL))
    reasons = {name: value for name, value in found.items() if name.startswith("callrouter_calls_unserved_total")}
    assert len(reasons) == len(Unserved) - 1
    assert sum(reasons.values()) == 2
    assert found['callrouter_calls_unserved_total{hotline="agency-gera",reason="ring_limit"}'] == 1


def test_ends_of_agreements() -> None:
    """The first end of a switch is shown until it is over; the agreement's own last day comes from the plan."""
    dated = Hours("Europe/Berlin", ((),) * 7, last_day="2026-12-31")
    measures = Measures(replace(PLAN, agreements=(replace(PLAN.agreements[0], window=dated),)))
    of = '{agreement="gera-magdeburg"}'
    name = f"callrouter_agreement_switch_ends_timestamp_seconds{of}"
    measures.observe(Tick(), [SWITCHED], 0.0)
    assert values(measures)[name] == 1_795_431_600.0
    assert values(measures)[f"callrouter_agreement_ends_timestamp_seconds{of}"] == 1_798_758_000.0
    measures.observe(Tick(), [replace(SWITCHED, until=None, by="expiry")], 0.0)
    assert name not in values(measures)
    measures.observe(Tick(), [SWITCHED, replace(SWITCHED, until=1_795_431_000.0, borrower="magdeburg")], 0.0)
    assert values(measures)[name] == 1_795_431_000.0
    measures.observe(PlanReplaced(replace(PLAN, agreements=())), [], 0.0)
    assert name not in values(measures)


def test_callbacks_as_they_stand() -> None:
    """Each hotline and kind by itself; what there is none of is there at zero."""
    found = values(full())
    of = '{hotline="agency-gera",kind="captured"}'
    assert [found[f"callrouter_callbacks_{name}{of}"] for name in ("open", "overdue", "due", "kept")] == [4, 1, 9, 8]
    assert found['callrouter_callbacks_open{hotline="agency-gera",kind="department"}'] == 0


def test_definitions_are_published() -> None:
    """Who reads a figure of demands finds in its help text what it counts, and from when."""
    text = full().text().decode()
    for name in ("demands_total", "demands_reached_within_target_total", "demands_unreached_total"):
        (told,) = re.findall(rf"# HELP callrouter_{name} (.*)", text)
        assert len(told) > 60
    assert "no later than the hotline's target (240 s unless set) after the first attempt" in text
