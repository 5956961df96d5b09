"""One hotline, or some: reach against the target, how long callers wait, why they were not reached."""

from __future__ import annotations

from typing import Any

from deploy.grafana.panels import (
    FIRSTS,
    SHARES,
    Sections,
    bars,
    choice,
    course,
    demands,
    heat,
    in_time,
    made,
    number,
    resolved,
)

OF = 'hotline=~"$hotline"'


def _sum(metric: str, matchers: str = OF, window: str = "$__range") -> str:
    return f"sum(increase(callrouter_{metric}{{{matchers}}}[{window}]))"


def build() -> Any:
    """For the hotlines that are chosen."""
    shown, withheld = f'{OF},number="shown"', f'{OF},number="withheld"'
    tries = 'callrouter_demand_attempts_{}{{hotline=~"$hotline"}}'
    reach = [
        number(
            "Answered in time",
            "Of the attempts decided in the range shown; target 80 %, just missed from 75 % on.",
            in_time(OF, "$__range"),
            unit="percentunit",
            found=SHARES,
        ),
        number(
            "Callers reached in time",
            "Of the demands that ended in the range shown; target 80 %.",
            demands("reached_within_target", OF, "$__range"),
            unit="percentunit",
            found=SHARES,
        ),
        number(
            "Reached at first attempt",
            "Of the demands that ended in the range shown; target 93 %.",
            demands("reached_at_first_attempt", OF, "$__range"),
            unit="percentunit",
            found=FIRSTS,
        ),
        number(
            "First-contact resolution",
            "Of the answered calls of the range shown whose result the agent gave; target 80 %.",
            resolved(OF, "$__range"),
            unit="percentunit",
            found=SHARES,
        ),
        number(
            "Tries per demand",
            "Of callers who show their number.",
            f"sum(increase({tries.format('sum')}[$__range])) / sum(increase({tries.format('count')}[$__range]))",
            width=3,
        ),
        number(
            "Unreached demands",
            "Callers who gave up for good, numbers shown.",
            _sum("demands_unreached_total", shown),
            width=3,
        ),
        number(
            "Withheld numbers",
            "Share of demands whose caller shows no number; each attempt is one.",
            f"{_sum('demands_total', withheld)} / {_sum('demands_total')}",
            unit="percentunit",
            width=2,
        ),
        course(
            "Reach against the target",
            "Over the half hour before each moment. Lines at 75 % and 80 %.",
            {
                "answered in time": in_time(OF, "30m"),
                "callers reached in time": demands("reached_within_target", OF, "30m"),
                "reached at first attempt": demands("reached_at_first_attempt", OF, "30m"),
            },
            unit="percentunit",
            found=SHARES,
            most=1.0,
            width=16,
        ),
        bars(
            "Attempts",
            "Of the range shown.",
            {
                "offered": _sum("calls_offered_total"),
                "answered": _sum("calls_answered_total"),
                "in time": _sum("calls_answered_within_target_total"),
                "outside opening hours": _sum("calls_closed_total"),
            },
            width=8,
        ),
    ]
    wait_of = f'{OF},outcome="answered"'
    waits = [
        heat(
            "How long callers waited",
            "Answered or not; each cell is how many waited about so long in that step.",
            f"sum by (le) (increase(callrouter_call_wait_seconds_bucket{{{OF}}}[$__rate_interval]))",
        ),
        course(
            "Wait of the answered",
            "Half waited no longer than the lower line, nine of ten no longer than the upper one; over the half hour before.",
            {
                "median": f"histogram_quantile(0.5, sum by (le) (increase(callrouter_call_wait_seconds_bucket{{{wait_of}}}[30m])))",
                "9 of 10": f"histogram_quantile(0.9, sum by (le) (increase(callrouter_call_wait_seconds_bucket{{{wait_of}}}[30m])))",
                "target": f"max(callrouter_hotline_target_seconds{{{OF}}})",
            },
            unit="s",
        ),
        course(
            "Waiting now",
            "Callers who ring unanswered.",
            {"{{hotline}}": f"sum by (hotline) (callrouter_calls_waiting{{{OF}}})"},
            stacked=True,
        ),
    ]
    why = [
        bars(
            "Why callers were not reached",
            "Attempts of the range shown, by reason.",
            {"{{reason}}": f"sort_desc(sum by (reason) (increase(callrouter_calls_unserved_total{{{OF}}}[$__range])))"},
        ),
        course(
            "Not reached over time",
            "Per hour, by reason.",
            {"{{reason}}": f"sum by (reason) (rate(callrouter_calls_unserved_total{{{OF}}}[$__rate_interval])) * 3600"},
            stacked=True,
        ),
    ]
    served = [
        course(
            "Answered by team",
            "Per hour: the hotline's own and those that an agreement lets help.",
            {"{{team}}": f"sum by (team) (rate(callrouter_calls_answered_total{{{OF}}}[$__rate_interval])) * 3600"},
            stacked=True,
        ),
        course(
            "Minutes talked and on hold",
            "Per hour. Callers pay for both, and for hold they get nothing.",
            {
                "talked": f"sum(rate(callrouter_call_talk_seconds_total{{{OF}}}[$__rate_interval])) * 60",
                "on hold": f"sum(rate(callrouter_call_on_hold_seconds_total{{{OF}}}[$__rate_interval])) * 60",
            },
            unit="m",
        ),
        number("Put on hold", "Conversations of the range shown.", _sum("calls_put_on_hold_total"), width=12),
        number(
            "Answered without agent",
            "Must stay 0.",
            _sum("answered_without_agent_total"),
            width=12,
            found=((None, "#1ab2ff"), (1.0, "#ff6666")),
        ),
    ]
    promised = f'{OF},kind=~"captured|department"'
    callbacks = [
        course(
            "Callbacks",
            "Open and overdue ones, of all kinds.",
            {
                "open, {{kind}}": f"sum by (kind) (max by (hotline, kind) (callrouter_callbacks_open{{{OF}}}))",
                "overdue": f"sum(max by (hotline, kind) (callrouter_callbacks_overdue{{{OF}}}))",
            },
        ),
        bars(
            "Promises of the last 7 days",
            "Due, and those of them that were kept.",
            {
                "due": f"sum(max by (hotline, kind) (callrouter_callbacks_due{{{promised}}}))",
                "kept": f"sum(max by (hotline, kind) (callrouter_callbacks_kept{{{promised}}}))",
            },
        ),
    ]
    variables = [choice("hotline", "Hotline", "label_values(callrouter_hotline_info, hotline)", several=True)]
    text = "How callers of a hotline are served, by attempt and by caller. What the figures mean: docs/measures.md."
    sections: Sections = [
        ("Reach", reach),
        ("Waiting", waits),
        ("Not reached", why),
        ("Served", served),
        ("Callbacks", callbacks),
    ]
    return made("hotline", "callrouter: hotline", text, variables, sections)
