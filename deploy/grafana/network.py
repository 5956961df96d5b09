"""The whole network on one page: how callers are served now, and what needs somebody."""

from __future__ import annotations

from typing import Any

from deploy.grafana.panels import (
    ALWAYS,
    FIRSTS,
    NEVER,
    SHARES,
    Sections,
    bars,
    by_hotline,
    course,
    demands,
    in_time,
    made,
    number,
    resolved,
)

ALL = 'hotline=~".+"'


def build() -> Any:
    """Over all sites."""
    now = [
        number(
            "Answered in time",
            "Of the attempts decided in the range shown; target 80 %, just missed from 75 % on.",
            in_time(ALL, "$__range"),
            unit="percentunit",
            found=SHARES,
        ),
        number(
            "Callers reached in time",
            "Of the demands that ended in the range shown; target 80 %.",
            demands("reached_within_target", ALL, "$__range"),
            unit="percentunit",
            found=SHARES,
        ),
        number(
            "Reached at first attempt",
            "Of the demands that ended in the range shown; target 93 %.",
            demands("reached_at_first_attempt", ALL, "$__range"),
            unit="percentunit",
            found=FIRSTS,
        ),
        number(
            "First-contact resolution",
            "Of the answered calls of the range shown whose result the agent gave; target 80 %.",
            resolved(ALL, "$__range"),
            unit="percentunit",
            found=SHARES,
        ),
        number("Waiting now", "Callers who ring unanswered at this moment.", "sum(callrouter_calls_waiting)", width=3),
        number(
            "Answered without agent",
            "Must stay 0.",
            "sum(increase(callrouter_answered_without_agent_total[$__range]))",
            found=NEVER,
            width=3,
        ),
        number(
            "Alerts",
            "How many fire; docs/operations.md says what to do.",
            'count(ALERTS{alertstate="firing"}) or vector(0)',
            found=NEVER,
            width=2,
        ),
    ]
    service = [
        course(
            "Answered in time by hotline",
            "Over the half hour before each moment. Lines at 75 % and 80 %.",
            {"{{hotline}}": by_hotline(in_time(ALL, "30m"))},
            unit="percentunit",
            found=SHARES,
            most=1.0,
        ),
        course(
            "Arrivals",
            "Attempts in opening hours, per hour.",
            {"{{hotline}}": "sum by (hotline) (rate(callrouter_calls_offered_total[$__rate_interval])) * 3600"},
            stacked=True,
        ),
        course(
            "Waiting callers",
            "Those being offered to an agent included.",
            {"{{hotline}}": "sum by (hotline) (callrouter_calls_waiting)"},
            stacked=True,
        ),
        course("Agents by state", "All teams.", {"{{state}}": "sum by (state) (callrouter_agents)"}, stacked=True),
    ]
    why = [
        bars(
            "Why callers were not reached",
            "Attempts of the range shown, by reason.",
            {"{{reason}}": "sort_desc(sum by (reason) (increase(callrouter_calls_unserved_total[$__range])))"},
        ),
        course(
            "Error budget burnt",
            "The share of attempts not answered in time, over the allowed 20 %. Above 1 the target is being "
            "missed, at 5 nobody is served. These are the windows of the alerts.",
            {
                "{{hotline}} 1h": "hotline:callrouter_calls_late:ratio1h / 0.2",
                "{{hotline}} 6h": "hotline:callrouter_calls_late:ratio6h / 0.2",
            },
            found=((None, "#1ab2ff"), (1.0, "#ffc21a"), (4.0, "#ff6666")),
        ),
    ]
    sites = [
        course(
            "Links",
            "Of each router to each site.",
            {"{{site}} {{instance}}": "callrouter_link_up"},
            found=ALWAYS,
            most=1.0,
            width=8,
            height=7,
        ),
        course(
            "Conversations of others",
            "Calls that a lending team has now.",
            {
                "{{agreement}}: {{borrower}} → {{lender}}": "sum by (agreement, borrower, lender) (callrouter_calls_borrowed)"
            },
            width=8,
            height=7,
        ),
        course(
            "Ready agents",
            "By team: who could take a call now.",
            {"{{team}}": 'sum by (team) (callrouter_agents{state="ready"})'},
            width=8,
            height=7,
        ),
    ]
    text = "How callers of all hotlines are served, and what needs somebody. What the figures mean: docs/measures.md."
    sections: Sections = [("Now", now), ("Service", service), ("Not reached", why), ("Sites and teams", sites)]
    return made("network", "callrouter: network", text, [], sections)
