"""Figures with their budgets, as a table and as JSON. Knows nothing of what is measured.

Only ratios of two figures of one run are judged: absolute figures depend on the machine and are shown for comparison.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from bench.machine import about

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. most, least: its budget; judged: a ratio, so that missing the budget is a failure."""

    group: str
    name: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None
    judged: bool = False
    note: str = ""

    @property
    def met(self) -> bool:
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def budget(self) -> str:
        if self.least is not None:
            return f"≥ {_number(self.least)}"
        return f"≤ {_number(self.most)}" if self.most is not None else ""

    @property
    def verdict(self) -> str:
        if not self.budget:
            return ""
        if self.judged:
            return "met" if self.met else "MISSED"
        return "(met here)" if self.met else "(missed here)"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"


def table(figures: Sequence[Figure]) -> Table:
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("what", "figure", "value", "unit", "budget", "", "note"):
        made.add_column(title, justify="right" if title == "value" else "left", no_wrap=title != "note")
    group = ""
    for figure in figures:
        if group and figure.group != group:
            made.add_section()
        first = "" if figure.group == group else figure.group
        group = figure.group
        made.add_row(first, figure.name, _number(figure.value), figure.unit, figure.budget, figure.verdict, figure.note)
    return made


def write(figures: Sequence[Figure], run: dict[str, object], folder: Path = RESULTS) -> Path:
    """`results.json` and `results.txt` of a whole run, else `partial.*`; older ones are in the repository's history."""
    name = "results" if run["whole"] else "partial"
    folder.mkdir(parents=True, exist_ok=True)
    told = [{**asdict(figure), "budget": figure.budget, "verdict": figure.verdict} for figure in figures]
    whole = {"run": run, "machine": about(), "figures": told}
    path = folder / f"{name}.json"
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    with (folder / f"{name}.txt").open("w", encoding="utf-8") as file:
        Console(file=file, width=160, color_system=None).print(table(figures))
    return path
