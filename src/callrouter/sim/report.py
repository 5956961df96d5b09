"""The page of one simulation: what was assumed, the figures, and the half hours of each hotline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from callrouter.sim.page import Text, bars_and_line, both, document, table
from callrouter.sim.summary import SHARES
from callrouter.sim.words import FIGURES, MEANING, PARTS, TOTAL, number

_COLUMNS = {
    "hotlines": ("offered", "within", "answered", "busied", "abandoned", "wait_s", "demands_within", "first_attempt",
                 "overflow_min", "closed"),
    "teams": ("calls", "occupancy", "on_duty_h", "lent_calls", "lent_min"),
    "agreements": ("calls", "minutes"),
}  # fmt: skip


def page(told: Mapping[str, Any]) -> str:
    """told: as `callrouter simulate --json` writes it."""
    title = told["title"] or "Simulation"
    parts = assumed(told)
    if told["known"]:
        parts.append(f"<p>{both(_known(told['known'], told['total']))}</p>")
    for part, columns in _COLUMNS.items():
        rows = [(escape(name), *(cell(found.get(one), one) for one in columns)) for name, found in _called(told[part])]
        if part == "hotlines":
            rows.append((both(TOTAL), *(cell(told["total"].get(one), one) for one in columns)))
        if rows:
            parts.append(table(PARTS[part], [("", ""), *(FIGURES[one] for one in columns)], rows))
    parts.append(f'<p class="soft">{both(MEANING)}</p>')
    for name, found in _called(told["hotlines"]):
        slots = found.get("half_hours", {})
        if slots:
            parts.append(f"<h2>{escape(name)}</h2>")
            parts.append(_half_hours(slots))
    return document((title, title), parts)


def assumed(told: Mapping[str, Any]) -> list[str]:
    """What was simulated: days, runs, seed and plan, what the scenario says of itself, and its sentences."""
    parts = [f'<p class="soft">{both(_facts(told))}</p>']
    if told["about"]:
        parts.append(f"<p>{escape(told['about'])}</p>")
    if told["changes"]:
        parts.append("<ul>" + "".join(f"<li><code>{escape(one)}</code></li>" for one in told["changes"]) + "</ul>")
    return parts


def cell(one: Mapping[str, float | None] | None, figure: str) -> str:
    """A value with its interval, as HTML."""
    if one is None or one["value"] is None:
        return "–"
    return both(with_interval(one["value"], one["half"], figure))


def with_interval(value: float, half: float | None, figure: str, signed: bool = False) -> Text:
    """Shares in per cent."""
    share = figure in SHARES
    scale = 100 if share else 1
    digits = 1 if share or abs(value) < 100 else 0
    sign = "+" if signed and value > 0 else ""
    texts = []
    for place in (0, 1):
        text = sign + number(value * scale, digits)[place]
        if half is not None:
            text += f" ± {number(half * scale, digits)[place]}"
        texts.append(text + (" %" if share and not signed else ""))
    return texts[0], texts[1]


def _called(part: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Those that had any call."""
    counts = ("offered", "calls", "closed")
    return [(name, found) for name, found in part.items() if any(found.get(k, {}).get("value") for k in counts)]


def _facts(told: Mapping[str, Any]) -> Text:
    start, days, runs, seed, plan = (told[key] for key in ("start", "days", "runs", "seed", "plan"))
    return (
        f"{start} ({told['zone']}), {days} Tag{'e' if days > 1 else ''}, {runs} Läufe, Startwert {seed}, Plan {plan}",
        f"{start} ({told['zone']}), {days} day{'s' if days > 1 else ''}, {runs} runs, seed {seed}, plan {plan}",
    )


def _known(known: Mapping[str, Sequence[float]], total: Mapping[str, Any]) -> Text:
    """What is known of the real thing, beside what came out."""
    texts = []
    for place, words in ((0, ("bekannt", "hier")), (1, ("known", "here"))):
        each = []
        for figure, (low, high) in known.items():
            found = total[figure]
            scale, unit = (100, " %") if figure in SHARES else (1, "")
            span = f"{number(low * scale, 0)[place]}–{number(high * scale, 0)[place]}{unit}"
            here = "–" if found["value"] is None else with_interval(found["value"], found["half"], figure)[place]
            each.append(f"{FIGURES[figure][place]}: {words[0]} {span}, {words[1]} {here}")
        texts.append("; ".join(each))
    return texts[0], texts[1]


def _half_hours(slots: Mapping[str, Any]) -> str:
    labels = list(slots)
    bars = [slots[label]["offered"]["value"] or 0.0 for label in labels]
    line = [slots[label]["within"]["value"] if "within" in slots[label] else None for label in labels]
    caption = ("Je halbe Stunde", "By half hour")
    chart = bars_and_line(caption, labels, bars, line, (FIGURES["offered"], FIGURES["within"]))
    rows = [
        (label, *(cell(slots[label].get(figure), figure) for figure in ("offered", "within", "overflow")))
        for label in labels
    ]
    heads = [("ab", "from"), *(FIGURES[figure] for figure in ("offered", "within", "overflow"))]
    shown = both(("Tabelle", "Table"))
    return f"{chart}<details><summary>{shown}</summary>{table(caption, heads, rows)}</details>"
