"""`callrouter simulate`: a scenario or a trace of calls through the production router in virtual time."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from callrouter.config.load import Loaded, load
from callrouter.config.source import ConfigError
from callrouter.sim.call import CLOSED, Call
from callrouter.sim.case import Case, make_case
from callrouter.sim.changes import Change
from callrouter.sim.day import Day
from callrouter.sim.desks import whole
from callrouter.sim.figures import Numbers
from callrouter.sim.idle import Idle, unused, without_effect
from callrouter.sim.runs import RUNS_MAX, Job, day_of, figures, many, watched, with_desks
from callrouter.sim.scenario import Checked, read_scenario
from callrouter.sim.summary import as_json, estimates, tables
from callrouter.sim.traces import read_trace, write_calls, write_trace


def loaded_or_exit(folder: Path, scenario: Path) -> tuple[Loaded, Checked]:
    """As of the year in which the scenario begins, whose holidays it then knows; or every problem, and the end."""
    try:
        loaded = load(folder)
        checked = read_scenario(scenario, loaded.plan)
        loaded = load(folder, checked.first_day)
    except ConfigError as error:
        refuse(error)
    return loaded, checked


def refuse(error: ConfigError) -> NoReturn:
    for problem in error.problems:
        click.echo(str(problem), err=True)
    raise SystemExit(2) from None


def bounded(loaded: Loaded) -> frozenset[str]:
    """Hotlines whose files say how many callers may wait."""
    return frozenset(name for name, one in loaded.network.hotlines.items() if "line_max" in one.model_fields_set)


def progress() -> Progress:
    """On standard error, and only where somebody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


class OutFile(click.Path):
    """A file to be written at the end: what would keep it from being so is said before the work."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.parent.is_dir():
            self.fail(f"{path}: there is no folder {path.parent}; make it, or name another file", param, ctx)
        if not os.access(path.parent, os.W_OK):
            self.fail(f"{path}: nobody lets you write into {path.parent}; name another file", param, ctx)
        return path


OUT = OutFile()


def distinct(*paths: Path | None) -> None:
    """Nothing is written over what is read, or twice. Raises UsageError."""
    named = [path.resolve() for path in paths if path is not None]
    for path in named:
        if named.count(path) > 1:
            raise click.UsageError(f"{path} is named twice: give each file a name of its own")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("config"))
@click.option("--scenario", type=click.Path(path_type=Path), required=True, help="YAML file of the scenario.")
@click.option("--trace", type=click.Path(path_type=Path), help="CSV file of calls, instead of the scenario's callers.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Draws the same callers again.")
@click.option("--runs", type=click.IntRange(1, RUNS_MAX), default=1, show_default=True, help="With other callers each.")
@click.option("--calls-out", type=OUT, help="CSV file for what became of each call (of the first run).")
@click.option("--trace-out", type=OUT, help="CSV file for the calls themselves, as a trace (of the first run).")
@click.option("--json", "json_out", type=OUT, help="File for the figures.")
@click.option("--html", "html_out", type=OUT, help="File for a page with the figures.")
@click.option("--processes", type=click.IntRange(1, 256), help="Without it as many as there are processors.")
def simulate(
    folder: Path,
    scenario: Path,
    trace: Path | None,
    seed: int,
    runs: int,
    calls_out: Path | None,
    trace_out: Path | None,
    json_out: Path | None,
    html_out: Path | None,
    processes: int | None,
) -> None:
    """Simulate a scenario on the network in FOLDER: every call goes through the router that routes real ones.

    The same seed gives the same files, whatever the number of processes.
    """
    distinct(scenario, trace, calls_out, trace_out, json_out, html_out)
    if trace and runs > 1:
        raise click.UsageError("a trace says what every caller does, so one run is all there is: leave --runs out")
    loaded, checked = loaded_or_exit(folder, scenario)
    calls, last_us = None, 0

    def make(changes: Sequence[Change]) -> Case:
        return make_case(loaded.plan, checked.scenario, changes, bounded(loaded), last_us)

    case = make(checked.changes)
    if trace:
        try:
            calls = read_trace(trace, [one.name for one in case.plan.hotlines], case.desks)
        except ConfigError as error:
            refuse(error)
        last_us = calls[-1].at_us if calls else 0
        case = make(checked.changes)
    if calls:
        traced = {whole(call.hotline) for call in calls}
        warn_of_idle([*without_effect(checked.changes, case, make, traced), *unused(case, traced)])
    elif calls is None:
        warn_of_idle([*without_effect(checked.changes, case, make), *unused(case)])
    last_us = last_us or case.setting.until_us
    jobs = [Job(case, seed, run) for run in range(runs)]
    found: list[Numbers] = []
    with progress() as bar:
        task = bar.add_task("simulating", total=len(jobs))
        if calls is not None or calls_out or trace_out or len(jobs) == 1:
            day, done = _first(jobs[0], calls, lambda at_us: bar.update(task, completed=at_us / max(1, last_us)))
            found.append(figures(day, done, case))
            _warn(done, trace)
            write_file(calls_out, lambda file: write_calls(done, file))
            write_file(trace_out, lambda file: write_trace(done, file))
        rest = jobs[len(found) :]
        bar.update(task, completed=len(found))
        found += many(rest, processes, lambda done: bar.update(task, completed=len(jobs) - len(rest) + done))
    told = {**facts_of(loaded, case, seed, len(found)), **as_json(estimates(found))}
    write_file(json_out, lambda file: file.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n"))
    if html_out:
        from callrouter.sim.report import page

        write_file(html_out, lambda file: file.write(page(told)))
    console = Console(width=None if sys.stdout.isatty() else 160)
    for table in tables(estimates(found)):
        console.print(table)


def _first(job: Job, trace: list[Call] | None, told: Callable[[int], None]) -> tuple[Day, list[Call]]:
    """The run whose calls are shown: the first, or that of a trace."""
    if trace is not None:
        day = Day(with_desks(job.case, job.seed, job.run))
        return day, day.run(watched(trace, told))
    day, callers = day_of(job.case, job.seed, job.run)
    return day, day.run(watched(callers.arrivals(), told))


def warn_of_idle(found: Iterable[Idle], lang: str = "en") -> None:
    for what, (de, en) in dict.fromkeys(found):
        click.echo(f"Warnung: „{what}“ {de}" if lang == "de" else f"warning: '{what}' {en}", err=True)


def _warn(calls: Sequence[Call], trace: Path | None) -> None:
    if not calls:
        mend = (
            "give hotlines callers whose arrivals fall into these days" if trace is None else f"{trace} holds no calls"
        )
        click.echo(f"warning: nobody called; {mend}", err=True)
    elif all(call.outcome == CLOSED for call in calls):
        click.echo("warning: whoever called found it closed; check start, days and the hotlines' hours", err=True)
    forever = sum(call.wait_us is None for call in calls)
    if forever:
        click.echo(
            f"warning: {forever} callers were never served and never gave up (their wait is empty); "
            "give them patience, a ring limit or somebody on duty",
            err=True,
        )


def write_file(path: Path | None, write: Callable[[TextIO], object]) -> None:
    if path is None:
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            write(file)
    except OSError as error:
        raise click.ClickException(f"{path}: cannot be written: {error.strerror}") from None


def facts_of(loaded: Loaded, case: Case, seed: int, runs: int) -> dict[str, Any]:
    """What figures are of."""
    scenario = case.scenario
    return {
        "title": scenario.title,
        "about": scenario.about,
        "plan": loaded.plan.version,
        "start": scenario.start,
        "days": scenario.days,
        "zone": case.clock.zone,
        "changes": [change.text for change in case.changes],
        "known": scenario.known,
        "seed": seed,
        "runs": runs,
    }
