"""Inside the router: events, decisions, orders, what is written, and what the process costs."""

from __future__ import annotations

from typing import Any

from deploy.grafana.panels import ALWAYS, NEVER, Sections, course, made, number, rows


def _quantiles(metric: str) -> dict[str, str]:
    return {
        name: f"histogram_quantile({q}, sum by (le) (rate({metric}_bucket[$__rate_interval])))"
        for name, q in (("median", 0.5), ("99 of 100", 0.99))
    }


def build() -> Any:
    """Of every router that is scraped."""
    now = [
        number("Ready", "0: /readyz says what is wrong.", "max(callrouter_ready)", found=ALWAYS),
        number("Routers", "That Prometheus reaches.", 'sum(up{job="callrouter"})', found=ALWAYS),
        number(
            "Configuration",
            "0: the newest was refused and the old one is in force.",
            "min(callrouter_config_last_reload_successful)",
            found=ALWAYS,
        ),
        number("Journal", "0: it is not written.", "min(callrouter_journal_writable)", found=ALWAYS),
        number("Database", "0: it is not written.", "min(callrouter_store_writable)", found=ALWAYS),
        number(
            "Faults",
            "In the range shown. Must stay 0.",
            "sum(increase(callrouter_events_failed_total[$__range])) + sum(increase(callrouter_observer_failures_total[$__range]))"
            " + sum(increase(callrouter_orders_failed_total[$__range]))",
            found=NEVER,
        ),
    ]
    events = [
        course(
            "Events",
            "Per second, by kind.",
            {"{{event}}": "sum by (event) (rate(callrouter_events_total[$__rate_interval])) > 0"},
            unit="ops",
            stacked=True,
        ),
        course(
            "Time that events waited",
            "Half, and all but one of a hundred, waited no longer.",
            _quantiles("callrouter_event_lag_seconds"),
            unit="s",
        ),
        course(
            "Time to decide", "The same of the router's own time.", _quantiles("callrouter_decision_seconds"), unit="s"
        ),
        course("Inbox", "Events that wait to be handled; it has a bound.", {"{{instance}}": "callrouter_inbox_events"}),
        course(
            "Ignored and refused events",
            "Per second: late echoes are harmless, refused ones mean a full inbox.",
            {
                "ignored": "sum(rate(callrouter_events_ignored_total[$__rate_interval]))",
                "shed": "sum(rate(callrouter_events_shed_total[$__rate_interval]))",
            },
            unit="ops",
        ),
        course(
            "Orders",
            "Per second, by kind; withheld ones are those of a router that stands down.",
            {
                "{{order}}": "sum by (order) (rate(callrouter_orders_total[$__rate_interval]))",
                "withheld": "sum(rate(callrouter_orders_withheld_total[$__rate_interval]))",
            },
            unit="ops",
            stacked=True,
        ),
    ]
    links = [
        course(
            "Messages of the sites",
            "Per second.",
            {"{{site}}": "sum by (site) (rate(callrouter_link_messages_total[$__rate_interval]))"},
            unit="ops",
        ),
        course(
            "Lost, fenced and rejected",
            "In each step.",
            {
                "{{site}} lost": "sum by (site) (increase(callrouter_link_lost_orders_total[$__rate_interval]))",
                "{{site}} fenced": "sum by (site) (increase(callrouter_link_fenced_orders_total[$__rate_interval]))",
                "{{site}} rejected": "sum by (site) (increase(callrouter_link_rejected_messages_total[$__rate_interval]))",
            },
        ),
    ]
    written = [
        course(
            "Journal",
            "Bytes per second.",
            {"written": "sum(rate(callrouter_journal_bytes_total[$__rate_interval]))"},
            unit="Bps",
            width=8,
            height=7,
        ),
        course(
            "Call records behind",
            "Bytes of the journal that are not in SQL yet.",
            {"{{instance}}": "callrouter_call_records_behind_bytes"},
            unit="bytes",
            width=8,
            height=7,
        ),
        course(
            "Call records",
            "Kept in SQL, per minute; unreadable ones are a fault.",
            {
                "kept": "sum(rate(callrouter_call_records_total[$__rate_interval])) * 60",
                "unreadable": "sum(rate(callrouter_call_records_unreadable_total[$__rate_interval])) * 60",
                "lines lost": "sum(rate(callrouter_journal_lines_lost_total[$__rate_interval])) * 60",
            },
            width=8,
            height=7,
        ),
    ]
    process = [
        course(
            "Processor",
            "1 is one core; the router has one.",
            {"{{instance}}": 'rate(process_cpu_seconds_total{job="callrouter"}[$__rate_interval])'},
            width=8,
            height=7,
        ),
        course(
            "Memory",
            "Resident.",
            {"{{instance}}": 'process_resident_memory_bytes{job="callrouter"}'},
            unit="bytes",
            width=8,
            height=7,
        ),
        rows(
            "Releases and configurations",
            "What each router runs and which plan is in force.",
            {
                "release": "callrouter_build_info",
                "configuration": "callrouter_config_info",
            },
            width=8,
            height=7,
        ),
        rows(
            "Asterisk and dialplan of the sites",
            "As each router has found them; a dialplan that does not fit has an alert.",
            {"found": "callrouter_site_info"},
            width=24,
            height=6,
        ),
    ]
    text = "Inside the router: events, decisions, orders, journal, database and process."
    sections: Sections = [
        ("Now", now),
        ("Events and orders", events),
        ("Links", links),
        ("Written", written),
        ("Process", process),
    ]
    return made("engine", "callrouter: engine", text, [], sections)
