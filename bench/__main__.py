"""`python -m bench [--quick] [PART …]`: measure, compare with the budgets, write `bench/results/`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from time import perf_counter, strftime

from rich.console import Console

from bench import result
from bench.result import Figure


def _router(quick: bool) -> Sequence[Figure]:
    from bench import router

    return router.figures(quick=quick)


def _ami(quick: bool) -> Sequence[Figure]:
    from bench import ami

    return ami.figures(quick=quick)


def _asterisk(quick: bool) -> Sequence[Figure]:
    from bench import asterisk

    return asterisk.figures(quick=quick)


def _simulation(quick: bool) -> Sequence[Figure]:
    from bench import simulation

    return simulation.figures(quick=quick)


PARTS: dict[str, Callable[[bool], Sequence[Figure]]] = {
    "router": _router,
    "ami": _ami,
    "simulation": _simulation,
    "asterisk": _asterisk,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--quick", action="store_true", help="under two minutes; the figures are rougher")
    chosen = parser.parse_args()
    if unknown := [part for part in chosen.parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    console = Console(width=None if sys.stdout.isatty() else 160)
    figures: list[Figure] = []
    started = perf_counter()
    load = os.getloadavg()[0]
    if load > 0.5:
        console.print(f"this machine is busy (load {load:.1f}): the figures will be rough", style="yellow")
    for part in chosen.parts or PARTS:
        console.print(f"measuring {part} …", style="dim")
        figures += PARTS[part](chosen.quick)
    run: dict[str, object] = {
        "at": strftime("%Y-%m-%dT%H:%M:%S%z"),
        "quick": chosen.quick,
        "parts": chosen.parts or list(PARTS),
        "seconds": round(perf_counter() - started),
        "load_before": round(load, 1),  # runnable processes: the figures are rough where others were at work
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
