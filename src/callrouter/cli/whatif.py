"""`callrouter whatif`: variants of a scenario beside each other, with the same callers in each."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from callrouter.cli.simulate import OUT, bounded, distinct, facts_of, loaded_or_exit, progress, warn_of_idle, write_file
from callrouter.sim import compared
from callrouter.sim.case import Case, make_case
from callrouter.sim.changes import Change, ChangeError
from callrouter.sim.idle import unused, without_effect
from callrouter.sim.runs import RUNS_MAX
from callrouter.sim.scenario import understood_all
from callrouter.sim.whatif import told, variants


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("config"))
@click.option("--scenario", type=click.Path(path_type=Path), required=True, help="YAML file of the scenario as it is.")
@click.option(
    "--change",
    "questions",
    multiple=True,
    required=True,
    help="A variant: 'agreement magdeburg-gera off'. Several sentences of one variant are parted by ';'.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Draws the same callers again.")
@click.option("--runs", type=click.IntRange(2, RUNS_MAX), default=20, show_default=True, help="Of each variant.")
@click.option("--json", "json_out", type=OUT, help="File for the figures.")
@click.option("--html", "html_out", type=OUT, help="File for a page that compares the variants.")
@click.option(
    "--lang",
    type=click.Choice(["de", "en"]),
    default="en",
    show_default=True,
    help="Of what is printed, and in which the page opens.",
)
@click.option("--processes", type=click.IntRange(1, 256), help="Without it as many as there are processors.")
def whatif(
    folder: Path,
    scenario: Path,
    questions: tuple[str, ...],
    seed: int,
    runs: int,
    json_out: Path | None,
    html_out: Path | None,
    lang: str,
    processes: int | None,
) -> None:
    """Compare variants of a scenario on the network in FOLDER: who is reached in time, what overflows."""
    distinct(scenario, json_out, html_out)
    loaded, checked = loaded_or_exit(folder, scenario)
    plan, lines = loaded.plan, bounded(loaded)

    def make(changes: Sequence[Change]) -> Case:
        return make_case(plan, checked.scenario, changes, lines)

    base = make(checked.changes)
    idle = [*without_effect(checked.changes, base, make), *unused(base)]
    changed: list[tuple[tuple[Change, ...], Case]] = []
    try:
        for question in questions:
            changes = understood_all(question, plan, checked.scenario.desks)
            changed.append((changes, make((*checked.changes, *changes))))
            idle += without_effect(changes, changed[-1][1], make)
    except ChangeError as error:
        raise click.BadParameter(str(error), param_hint="--change") from None
    warn_of_idle(idle, lang)
    with progress() as bar:
        task = bar.add_task("simulating", total=runs * (1 + len(changed)))
        found = variants(base, changed, seed, runs, processes, lambda done: bar.update(task, completed=done))
    answer = {**facts_of(loaded, base, seed, runs), **told(found, plan)}
    write_file(json_out, lambda file: file.write(json.dumps(answer, ensure_ascii=False, indent=1) + "\n"))
    write_file(html_out, lambda file: file.write(compared.page(answer, lang)))
    console = Console(width=None if sys.stdout.isatty() else 160)
    for variant, table in zip(answer["variants"], compared.tables(answer, lang), strict=True):
        console.print(table)
        for sentence in variant["says"]:
            console.print(sentence[lang])
