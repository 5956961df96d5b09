"""`python -m bench [--quick] [PART …]`: measure, compare with the budgets, write `bench/results/`.

A part is a module with `figures(run) -> Iterator[Figure]`; it is added by a line in `PARTS`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from time import perf_counter, strftime

from rich.console import Console

from bench import result
from bench.machine import Neighbours
from bench.result import Figure
from bench.run import GRACE_S, Run, within

BUSY = 0.2  # processors that others keep busy: more of it makes figures rough


@dataclass(frozen=True, slots=True)
class Part:
    """module: of this package. limit_s, quick_s: how long it may take."""

    module: str
    limit_s: float
    quick_s: float


PARTS = {  # together under 12 minutes
    "router": Part("router", 45, 20),
    "ami": Part("ami", 50, 30),
    "simulation": Part("simulation", 45, 25),
    "asterisk": Part("asterisk", 340, 120),
    "takeover": Part("takeover", 50, 30),
    "wallboards": Part("wallboards", 130, 75),
}


def measured(name: str, console: Console, quick: bool) -> Iterator[Figure]:
    """The figures of one part, and what became of its time. A part that fails does not take the others with it."""
    part = PARTS[name]
    limit_s = part.quick_s if quick else part.limit_s
    run = Run(quick, limit_s, lambda text: console.print(f"{name}: {text}", style="dim", highlight=False))
    run.say(f"about {limit_s:.0f} s")
    others = Neighbours()
    try:
        with within(limit_s + GRACE_S):
            yield from import_module(f"bench.{part.module}").figures(run)
    except Exception as error:
        console.print_exception()
        yield Figure("Bench", f"part {name} comes to an end", 0, "", least=1, judged=True, note=repr(error)[:200])
    foreign = others.look()
    note = f"others kept {foreign:.1f} processors busy"
    yield Figure(
        "Bench", f"part {name}", run.spent_s, "s", note=note if foreign < BUSY else f"{note}: figures are rough"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure, and compare with the budgets.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="five minutes; the figures are rougher")
    chosen = parser.parse_args()
    parts = [name for word in chosen.parts for name in word.split(",") if name] or list(PARTS)
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    console = Console(width=None if sys.stdout.isatty() else 160)
    figures: list[Figure] = []
    started, load = perf_counter(), os.getloadavg()
    for name in parts:
        figures += measured(name, console, chosen.quick)
    figures.sort(key=lambda figure: figure.group == "Bench")
    run: dict[str, object] = {
        "at": strftime("%Y-%m-%dT%H:%M:%S%z"),
        "whole": parts == list(PARTS) and not chosen.quick,
        "quick": chosen.quick,
        "parts": parts,
        "seconds": round(perf_counter() - started),
        "load_before": [round(value, 1) for value in load],
        "load_after": [round(value, 1) for value in os.getloadavg()],
    }
    console.print(result.table(figures))
    console.print(f"written to {result.write(figures, run).relative_to(result.RESULTS.parent.parent)}")
    missed = [figure for figure in figures if figure.judged and not figure.met]
    for figure in missed:
        console.print(
            f"budget missed: {figure.group}: {figure.name}: {figure.value:.3g} {figure.unit}, {figure.budget}"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
