"""The figures of one variant over its runs: as JSON, and as tables for the eye."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table

from callrouter.sim.estimate import Estimate, estimate
from callrouter.sim.figures import ALL, Key, Numbers

PARTS = {"hotline": "hotlines", "team": "teams", "agreement": "agreements"}
DIGITS = 6
SHARES = frozenset(
    ["answered", "within", "abandoned", "busied", "overflow", "demands_within", "first_attempt", "reached", "occupancy"]
)


def estimates(runs: Sequence[Numbers]) -> dict[Key, Estimate]:
    """Of every figure that any run has, in the order of the first that has it."""
    keys = dict.fromkeys(key for numbers in runs for key in numbers)
    return {key: estimate([numbers.get(key, (0.0, 1.0 if _counts(key) else 0.0)) for numbers in runs]) for key in keys}


def _counts(key: Key) -> bool:
    """Is a run that lacks it one in which it is 0? Half hours appear only where somebody called."""
    return key.figure == "offered"


def as_json(found: Mapping[Key, Estimate]) -> dict[str, Any]:
    """{part: {name: {figure: {value, half}}}}, and half hours under `half_hours` of each hotline."""
    told: dict[str, Any] = {"total": {}, **{part: {} for part in PARTS.values()}}
    for key, one in found.items():
        into = told["total"] if key.name == ALL else told[PARTS[key.kind]].setdefault(key.name, {})
        if key.slot:
            into = into.setdefault("half_hours", {}).setdefault(key.slot, {})
        into[key.figure] = {"value": rounded(one.value), "half": rounded(one.half)}
    for part in (told["total"], *told["hotlines"].values()):
        if "half_hours" in part:
            part["half_hours"] = dict(sorted(part["half_hours"].items()))
    return told


def rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def said(one: Estimate | None, figure: str) -> str:
    """93.1 ± 0.4 %, or 12:30 for a long time, or a number."""
    if one is None or one.value is None:
        return "–"
    scale, digits = (100, 1) if figure in SHARES else (1, 0 if abs(one.value) >= 100 else 1)
    text = f"{one.value * scale:,.{digits}f}"
    return text if one.half is None else f"{text} ± {one.half * scale:,.{digits}f}"


_HOTLINE = {
    "offered": "calls",
    "within": "in time %",
    "answered": "answered %",
    "busied": "busy %",
    "abandoned": "gave up %",
    "wait_s": "wait s",
    "demands_within": "callers in time %",
    "first_attempt": "at first try %",
    "overflow_min": "overflow min",
    "closed": "closed",
}
_TEAM = {
    "calls": "calls",
    "occupancy": "occupancy %",
    "on_duty_h": "on duty h",
    "lent_calls": "lent",
    "lent_min": "lent min",
}
_AGREEMENT = {"calls": "calls", "minutes": "minutes"}


def tables(found: Mapping[Key, Estimate]) -> Iterable[Table]:
    """Hotlines, teams, agreements; those without a call are left out."""
    for kind, columns in (("hotline", _HOTLINE), ("team", _TEAM), ("agreement", _AGREEMENT)):
        names = dict.fromkeys(key.name for key in found if key.kind == kind)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column(kind)
        for words in columns.values():
            table.add_column(words, justify="right")
        for name in names:
            row = [found.get(Key(kind, name, figure)) for figure in columns]
            if not any(one and one.value for one, figure in zip(row, columns, strict=True) if figure != "on_duty_h"):
                continue
            table.add_row(name, *(said(one, figure) for one, figure in zip(row, columns, strict=True)))
        if table.row_count:
            yield table
