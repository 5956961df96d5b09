"""The page and the table of a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from rich import box
from rich.markup import escape as escape_markup
from rich.table import Table

from callrouter.sim.page import both, document, table
from callrouter.sim.report import assumed, cell, with_interval
from callrouter.sim.summary import SHARES
from callrouter.sim.words import FIGURES, MEANING, PARTS, TOGETHER, TOTAL

SHOWN = {
    "hotlines": ("within", "demands_within", "first_attempt", "overflow_min", "wait_s", "closed"),
    "teams": ("occupancy", "lent_min"),
    "agreements": ("calls", "minutes"),
}
PRINTED = {"hotlines": ("within", "demands_within", "first_attempt", "overflow_min", "closed"), "teams": ("occupancy",)}
BETTER = {"within": 1, "demands_within": 1, "first_attempt": 1, "answered": 1, "wait_s": -1}


AS_IS, THEN, DIFFERENCE = ("bisher", "as is"), ("dann", "then"), ("Unterschied", "difference")


def page(found: Mapping[str, Any], lang: str = "de") -> str:
    """found: as `callrouter whatif --json` writes it. lang: which language it opens in."""
    parts = assumed(found)
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
                heads += [(f"{de}: {AS_IS[0]}", f"{en}: {AS_IS[1]}"), THEN, DIFFERENCE]
            if rows:
                de, en = PARTS[part]
                parts.append(table((f"{de}: {variant['change']}", f"{en}: {variant['change']}"), heads, rows))
    parts.append(f'<p class="soft">{both(MEANING)} {both(TOGETHER)}</p>')
    ask = ("Was wäre, wenn", "What if")
    title = found["title"]
    return document((f"{ask[0]}: {title}", f"{ask[1]}: {title}") if title else ask, parts, lang)


def _touched(base: Mapping[str, Any], variant: Mapping[str, Any], part: str) -> list[tuple[str, Any, Any]]:
    """(name, as is, then) of those that had any call in either; the sum of all hotlines last."""
    rows = [(name, base[part].get(name, {}), other) for name, other in variant[part].items()]
    if part == "hotlines":
        rows.append(("all", base["total"], variant["total"]))
    counts = ("offered", "calls", "closed")
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


def tables(found: Mapping[str, Any], lang: str = "en") -> Iterable[Table]:
    """For the terminal: one table a variant, a line for each figure that is another, and for all hotlines together."""
    place = int(lang == "en")
    for variant in found["variants"]:
        shown = Table(title=variant["change"], title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        shown.add_column("")
        for words in (AS_IS, THEN, DIFFERENCE):
            shown.add_column(words[place], justify="right", no_wrap=True)
        for part, figures in PRINTED.items():
            for figure in figures:
                rows = [
                    (TOTAL[place] if name == "all" else name, base.get(figure, {}), other.get(figure, {}))
                    for name, base, other in _touched(found["base"], variant, part)
                    if name == "all" or _changed(other.get(figure, {}))
                ]
                if rows:
                    unit = " %" if figure in SHARES else ""
                    shown.add_row(f"[bold]{FIGURES[figure][place]}{unit}[/bold]", "", "", "")
                for name, base, other in rows:
                    change = {"value": other.get("difference"), "half": other.get("difference_half")}
                    shown.add_row(
                        f"  {escape_markup(name)}",
                        *(_plain(one, figure, place) for one in (base, other)),
                        _plain(change, figure, place, signed=True),
                    )
        yield shown


def _changed(one: Mapping[str, Any]) -> bool:
    """In any run; what is only in one of the variants has no difference."""
    return not one.get("difference") == one.get("difference_half") == 0


def _plain(one: Mapping[str, float | None], figure: str, place: int, signed: bool = False) -> str:
    """Without the unit."""
    value = one.get("value")
    return "–" if value is None else with_interval(value, one.get("half"), figure, signed)[place].removesuffix(" %")
