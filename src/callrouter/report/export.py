"""A report as data: JSON with everything, or a CSV table with one row per hotline and half hour. English keys, both."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from callrouter import __version__
from callrouter.core.commands import Unserved
from callrouter.report.book import Book
from callrouter.report.figures import Callbacks, Calls, Demands, Line, Results, Share
from callrouter.report.period import local

FORMAT = 1  # rises when a key changes its meaning
REASONS = tuple(reason for reason in Unserved if reason)


def as_json(book: Book) -> str:
    """Everything, for programs. Half hours begin at local time with its offset."""
    calls, demands = book.calls, book.demands
    data = {
        "report": FORMAT,
        "release": __version__,
        "period": {"kind": book.period.kind, "first": str(book.period.first), "last": str(book.period.last)},
        "made_at": book.now,
        "unfinished": book.unfinished,
        "targets": {"answered_within_target": book.targets.answered, "reached_at_first_attempt": book.targets.first,
                    "resolved_at_first_contact": book.targets.resolved},
        "total": _figures(book, calls, demands, book.callbacks, book.results),
        "hotlines": {name: _hotline(book, name, line) for name, line in book.lines.items()},
        "half_hours": [
            {"from": slot.at.isoformat(), "name": slot.name, "open": slot.open, **_calls(book, slot.calls)}
            for slot in book.slots()
        ],
        "days": [{"day": str(day), **_calls(book, some)} for day, some in book.days()],
        "overflow": [
            {
                "agreement": one.agreement, "borrower": one.borrower, "lender": one.lender,
                "calls": one.lent.calls, "talk_s": one.lent.talk_s,
            }
            for one in book.partners()
        ],
    }  # fmt: skip
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _hotline(book: Book, name: str, line: Line) -> dict[str, Any]:
    hotline = book.hotlines[name]
    return {
        "title": hotline.title,
        "site": hotline.site,
        "zone": book.zones[name],
        "target_s": hotline.target_s,
        **_figures(book, line.calls, line.demands(), line.callbacks, line.results),
        "demands_shown": _demands(book, line.shown),
        "demands_withheld": _demands(book, line.withheld),
    }


def _figures(book: Book, calls: Calls, demands: Demands, callbacks: Callbacks, results: Results) -> dict[str, Any]:
    return {
        "calls": _calls(book, calls),
        "demands": _demands(book, demands),
        "results": {
            "given": results.given,
            "missing": max(0, calls.answered - results.given),
            "resolved": results.resolved,
            "share_resolved": _share(book.at_once(results)),
        },
        "callbacks": {"due": callbacks.due, "kept": callbacks.kept, "share_kept": _share(kept_share(callbacks))},
    }


def kept_share(callbacks: Callbacks) -> Share:
    return Share(callbacks.kept, callbacks.due)


def _calls(book: Book, calls: Calls) -> dict[str, Any]:
    waited = calls.waited()
    return {
        "offered": calls.offered,
        "answered": calls.answered,
        "within_target": calls.within_target,
        "closed": calls.closed,
        "unserved": {reason.value: calls.unserved[reason] for reason in REASONS},
        "talk_s": calls.talk_s,
        "on_hold_s": calls.on_hold_s,
        "put_on_hold": calls.put_on_hold,
        "wait_median_s": waited[0] if waited else None,
        "wait_p90_s": waited[1] if waited else None,
        "share_within_target": _share(book.in_time(calls)),
    }


def _demands(book: Book, demands: Demands) -> dict[str, Any]:
    return {
        "ended": demands.ended,
        "reached": demands.reached,
        "within_target": demands.within_target,
        "at_first_attempt": demands.first,
        "unreached": demands.unreached,
        "attempts": demands.attempts,
        "open": demands.open,
        "reached_by_attempts": {str(tries): number for tries, number in sorted(demands.tries.items())},
        "share_within_target": _share(book.callers_in_time(demands)),
        "share_at_first_attempt": _share(book.at_first(demands)),
    }


def _share(share: Share) -> dict[str, Any]:
    return {"value": share.value, "small": share.small, "state": share.state or None}


COLUMNS = ("day", "from", "hotline", "offered", "answered", "within_target", "closed", *(r.value for r in REASONS))


def as_csv(book: Book, delimiter: str = ",") -> str:
    """A row for every half hour in which a hotline had calls; whole numbers only, so any spreadsheet reads it."""
    out = io.StringIO()
    rows = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")  # RFC 4180
    rows.writerow(COLUMNS)
    for name, line in book.lines.items():
        for at, calls in sorted(line.half_hours.items()):
            there = local(at, book.zones[name])
            figures = (calls.offered, calls.answered, calls.within_target, calls.closed)
            reasons = (calls.unserved[reason] for reason in REASONS)
            rows.writerow((there.date().isoformat(), there.isoformat(), name, *figures, *reasons))
    return out.getvalue()
