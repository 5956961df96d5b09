"""The page and the table of a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from rich import box
from rich.table import Table

from callrouter.sim.page import both, document, table
from callrouter.sim.report import cell, with_interval
from callrouter.sim.summary import SHARES
from callrouter.sim.words import FIGURES, MEANING, TOTAL

SHOWN = {
    "hotlines": ("within", "demands_within", "first_attempt", "overflow_min", "wait_s"),
    "teams": ("occupancy", "lent_min"),
    "agreements": ("calls", "minutes"),
}
BETTER = {"within": 1, "demands_within": 1, "first_attempt": 1, "answered": 1, "wait_s": -1}


def page(found: Mapping[str, Any], title: str) -> str:
    """found: as `callrouter whatif --json` writes it."""
    parts = []
    for variant in found["variants"]:
        parts.append(f"<h2><code>{escape(variant['change'])}</code></h2>")
        parts.append("<ul>" + "".join(f"<li>{both((s['de'], s['en']))}</li>" for s in variant["says"]) + "</ul>")
        for part, figures in SHOWN.items():
            rows = []
            for name, base, other in _touched(found["base"], variant, part):
                shown = both(TOTAL) if name == "all" else escape(name)
                cells: list[str] = []
                for figure in figures:
                    cells += [cell(base.get(figure), figure), cell(other.get(figure), figure), _change(other, figure)]
                rows.append((shown, *cells))
            heads = [("", "")]
            for figure in figures:
                de, en = FIGURES[figure]
                heads += [(f"{de}: bisher", f"{en}: as is"), ("dann", "then"), ("Unterschied", "difference")]
            if rows:
                parts.append(table(FIGURES[figures[0]], heads, rows))
    parts.append(f'<p class="soft">{both(MEANING)}</p>')
    ask = ("Was wäre, wenn", "What if")
    return document((f"{ask[0]}: {title}", f"{ask[1]}: {title}") if title else ask, parts)


def _touched(base: Mapping[str, Any], variant: Mapping[str, Any], part: str) -> list[tuple[str, Any, Any]]:
    """(name, as is, then) of those that had any call in either; the sum of all hotlines last."""
    rows = [(name, base[part].get(name, {}), other) for name, other in variant[part].items()]
    if part == "hotlines":
        rows.append(("all", base["total"], variant["total"]))
    counts = ("offered", "calls")
    return [row for row in rows if any(one.get(c, {}).get("value") for c in counts for one in row[1:])]


def _change(other: Mapping[str, Any], figure: str) -> str:
    one = other.get(figure, {})
    value, half = one.get("difference"), one.get("difference_half")
    if value is None:
        return "–"
    sure = half is not None and abs(value) > half
    good = BETTER.get(figure, 0) * value
    mark = f' class="{"good" if good > 0 else "bad"}"' if sure and good else ""
    return f"<span{mark}>{both(with_interval(value, half, figure, signed=True))}</span>"


def tables(found: Mapping[str, Any]) -> Iterable[Table]:
    """For the terminal: one table a variant."""
    for variant in found["variants"]:
        shown = Table(title=variant["change"], title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        shown.add_column("")
        for figure in ("in time %", "callers in time %", "at first try %", "overflow min"):
            shown.add_column(figure, justify="right")
            shown.add_column("±", justify="right")
        for name, base, other in _touched(found["base"], variant, "hotlines"):
            row = [name]
            for figure in SHOWN["hotlines"][:4]:
                row += [f"{_plain(base, figure)} → {_plain(other, figure)}", _signed(other, figure)]
            shown.add_row(*row)
        yield shown


def _plain(one: Mapping[str, Any], figure: str) -> str:
    value = one.get(figure, {}).get("value")
    return "–" if value is None else f"{value * (100 if figure in SHARES else 1):,.1f}"


def _signed(one: Mapping[str, Any], figure: str) -> str:
    found = one.get(figure, {})
    value, half = found.get("difference"), found.get("difference_half")
    if value is None:
        return "–"
    scale = 100 if figure in SHARES else 1
    return f"{value * scale:+,.1f}" + ("" if half is None else f" ± {half * scale:,.1f}")
