"""`callrouter scenarios`: every scenario of a folder in one line each, beside what is known of the real centres."""

from __future__ import annotations

from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

from callrouter.cli.simulate import bounded, loaded_or_exit, progress
from callrouter.sim.case import make_case
from callrouter.sim.figures import ALL, Key
from callrouter.sim.runs import RUNS_MAX, Job, many
from callrouter.sim.summary import SHARES, estimates, said


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("config"))
@click.option("--runs", type=click.IntRange(2, RUNS_MAX), default=20, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
def scenarios(folder: Path, runs: int, seed: int) -> None:
    """Simulate every scenario in FOLDER/scenarios and print its figures beside those that are known."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for words in ("scenario", "calls", "in time %", "at first try %", "callers in time %", "overflow min", "known"):
        table.add_column(words, justify="left" if words in ("scenario", "known") else "right")
    files = sorted((folder / "scenarios").glob("*.yaml"))
    with progress() as bar:
        task = bar.add_task("simulating", total=runs * len(files))
        for done, file in enumerate(files):
            loaded, checked = loaded_or_exit(folder, file)
            case = make_case(loaded.plan, checked.scenario, checked.changes, bounded(loaded))
            jobs = [Job(case, seed, run) for run in range(runs)]
            before = done * runs
            found = estimates(list(many(jobs, told=lambda n, before=before: bar.update(task, completed=before + n))))  # type: ignore[misc]
            shown = ("offered", "within", "first_attempt", "demands_within", "overflow_min")
            cells = [said(found.get(Key("hotline", ALL, figure)), figure) for figure in shown]
            table.add_row(file.stem, *cells, "; ".join(_known(*one) for one in checked.scenario.known.items()))
    Console(width=160).print(table)


def _known(figure: str, span: list[float]) -> str:
    low, high = (f"{value:.0%}" if figure in SHARES else f"{value:,.0f}" for value in span)
    return f"{figure.replace('_', ' ')} {low} to {high}"
