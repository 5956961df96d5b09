"""One site: its hotlines, its teams, its Asterisk."""

from __future__ import annotations

from typing import Any

from deploy.grafana.panels import ALWAYS, NEVER, SHARES, Sections, choice, course, in_time, made, number, rows

HOTLINE = '* on (instance, hotline) group_left () callrouter_hotline_info{site="$site"}'
TEAM = '* on (instance, team) group_left () callrouter_team_info{site="$site"}'
ALL = 'hotline=~".+"'


def _here(share: str) -> str:
    """The same of this site's hotlines alone."""
    return share.replace("sum(increase(", "sum by (hotline) (increase(").replace("])", f"]) {HOTLINE}")


def build() -> Any:
    """For the site that is chosen."""
    of_site = _here(in_time(ALL, "$__range")).replace("sum by (hotline) (", "sum(")
    now = [
        number(
            "Answered in time",
            "Of the attempts that the site's hotlines decided in the range shown; target 80 %.",
            of_site,
            unit="percentunit",
            found=SHARES,
        ),
        number("Waiting now", "Callers of the site's hotlines.", f"sum(callrouter_calls_waiting {HOTLINE})"),
        number(
            "Ready",
            "Agents of the site's teams who could take a call now.",
            f'sum(callrouter_agents{{state="ready"}} {TEAM})',
        ),
        number("Talking", "Agents of the site's teams.", f'sum(callrouter_agents{{state="talking"}} {TEAM})'),
        number("Link", "1 while a router is connected.", 'max(callrouter_link_up{site="$site"})', found=ALWAYS),
        number(
            "Lost orders",
            "In the range shown.",
            'sum(increase(callrouter_link_lost_orders_total{site="$site"}[$__range]))',
            found=NEVER,
        ),
    ]
    lines = [
        course(
            "Answered in time by hotline",
            "Over the half hour before each moment.",
            {"{{hotline}}": _here(in_time(ALL, "30m"))},
            unit="percentunit",
            found=SHARES,
            most=1.0,
        ),
        course(
            "Arrivals",
            "Attempts in opening hours, per hour.",
            {
                "{{hotline}}": f"sum by (hotline) (rate(callrouter_calls_offered_total[$__rate_interval]) {HOTLINE}) * 3600"
            },
            stacked=True,
        ),
        course(
            "Waiting callers",
            "Of the site's hotlines.",
            {"{{hotline}}": f"sum by (hotline) (callrouter_calls_waiting {HOTLINE})"},
            stacked=True,
        ),
        rows(
            "Calls of the range shown",
            "By hotline.",
            {
                "offered": f"sum by (hotline) (increase(callrouter_calls_offered_total[$__range]) {HOTLINE})",
                "closed": f"sum by (hotline) (increase(callrouter_calls_closed_total[$__range]) {HOTLINE})",
                "unserved": f"sum by (hotline) (increase(callrouter_calls_unserved_total[$__range]) {HOTLINE})",
                "on hold, s": f"sum by (hotline) (increase(callrouter_call_on_hold_seconds_total[$__range]) {HOTLINE})",
            },
        ),
    ]
    teams = [
        course(
            "Agents by state",
            "Of the site's teams.",
            {"{{team}} {{state}}": f"sum by (team, state) (callrouter_agents {TEAM}) > 0"},
            stacked=True,
        ),
        course(
            "What came of offers",
            "Phones rung for a call, per hour.",
            {"{{result}}": f"sum by (result) (rate(callrouter_offers_total[$__rate_interval]) {TEAM}) * 3600"},
            stacked=True,
        ),
    ]
    link = [
        course(
            "Messages",
            "From the site's Asterisk, per second.",
            {"messages": 'sum(rate(callrouter_link_messages_total{site="$site"}[$__rate_interval]))'},
            width=8,
            height=7,
        ),
        course(
            "Refused",
            "Each of these wants an explanation.",
            {
                "forged?": 'sum(increase(callrouter_link_rejected_messages_total{site="$site"}[$__rate_interval]))',
                "failed": 'sum(increase(callrouter_link_failed_messages_total{site="$site"}[$__rate_interval]))',
                "logins": 'sum(increase(callrouter_link_refused_logins_total{site="$site"}[$__rate_interval]))',
                "fenced": 'sum(increase(callrouter_link_fenced_orders_total{site="$site"}[$__rate_interval]))',
            },
            width=8,
            height=7,
        ),
        course(
            "Links lost and read back",
            "In each step.",
            {
                "reconnects": 'sum(increase(callrouter_link_reconnects_total{site="$site"}[$__rate_interval]))',
                "read back": 'sum(increase(callrouter_site_reads_total{site="$site"}[$__rate_interval]))',
            },
            width=8,
            height=7,
        ),
    ]
    variables = [choice("site", "Site", "label_values(callrouter_link_up, site)", several=False)]
    text = "One site: its hotlines, its teams and the link to its Asterisk."
    sections: Sections = [("Now", now), ("Hotlines", lines), ("Teams", teams), ("Link", link)]
    return made("site", "callrouter: site", text, variables, sections)
