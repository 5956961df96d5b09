"""The ledger between partners: who lends to whom, how much, and whether they are even."""

from __future__ import annotations

from typing import Any

from deploy.grafana.panels import ALWAYS, Sections, bars, course, made, rows

DEAL = "agreement, borrower, lender"
LEGEND = "{{agreement}}: {{borrower}} → {{lender}}"


def _net(window: str) -> str:
    """Minutes that each team talked for others, less those that others talked for it."""
    talk = f"increase(callrouter_overflow_talk_seconds_total[{window}])"
    gave = f'sum by (team) (label_replace({talk}, "team", "$1", "lender", "(.+)"))'
    had = f'sum by (team) (label_replace({talk}, "team", "$1", "borrower", "(.+)"))'
    return f"({gave} - {had}) / 60"


def build() -> Any:
    """Over all agreements."""
    ledger = [
        rows(
            "Ledger of the range shown",
            "The borrower's callers, answered by the lender. Partners are even when both directions are equal.",
            {
                "calls": f"sum by ({DEAL}) (increase(callrouter_overflow_calls_total[$__range]))",
                "minutes": f"sum by ({DEAL}) (increase(callrouter_overflow_talk_seconds_total[$__range])) / 60",
            },
            width=14,
        ),
        bars(
            "Balance of the range shown",
            "Minutes that a team talked for others, less those that others talked for it.",
            {"{{team}}": f"sort_desc({_net('$__range')})"},
            unit="m",
            width=10,
        ),
    ]
    over_time = [
        course(
            "Lent now",
            "Calls that the lender has of the borrower's, rung or talking.",
            {LEGEND: f"sum by ({DEAL}) (callrouter_calls_borrowed)"},
            stacked=True,
        ),
        course(
            "Calls taken over",
            "Per hour.",
            {LEGEND: f"sum by ({DEAL}) (rate(callrouter_overflow_calls_total[$__rate_interval])) * 3600"},
        ),
        course(
            "Balance of the last hour",
            "Minutes; above 0 a team gives more than it gets.",
            {"{{team}}": _net("1h")},
            unit="m",
            least=None,
        ),
        course(
            "Share of answers that another team gave",
            "Of all answered attempts, over the half hour before.",
            {
                "lent": "sum(increase(callrouter_overflow_calls_total[30m])) / sum(increase(callrouter_calls_answered_total[30m]))"
            },
            unit="percentunit",
            most=1.0,
        ),
    ]
    switches = [
        course(
            "Switched on",
            "1 while the agreement is.",
            {"{{agreement}}": "max by (agreement) (callrouter_agreement_enabled)"},
            found=ALWAYS,
            most=1.0,
        ),
        rows(
            "Switches that end by themselves",
            "When the configured state returns.",
            {"ends": "max by (agreement) (callrouter_agreement_switch_ends_timestamp_seconds) * 1000"},
            unit="dateTimeAsIso",
            width=12,
        ),
        course(
            "Ready agents",
            "A lender lends only beyond its reserve.",
            {"{{team}}": 'sum by (team) (callrouter_agents{state="ready"})'},
            width=24,
            height=8,
        ),
    ]
    text = "Who lends to whom under which agreement, how much, and whether the partners are even."
    sections: Sections = [("Ledger", ledger), ("Over time", over_time), ("Agreements", switches)]
    return made("overflow", "callrouter: overflow", text, [], sections)
