"""`callrouter staff`: how many agents each half hour needs, found and checked by simulation."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

from callrouter.cli.simulate import OUT, distinct, loaded_or_exit, progress, write_file
from callrouter.config.messages import did_you_mean
from callrouter.sim.runs import RUNS_MAX
from callrouter.sim.staff import Search, Staffing
from callrouter.sim.summary import rounded, said


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("config"))
@click.option("--scenario", type=click.Path(path_type=Path), required=True, help="YAML file of the scenario.")
@click.option("--team", "teams", multiple=True, help="Only these; without it every team whose hotlines are called.")
@click.option(
    "--reach", type=click.FloatRange(0.01, 0.999), default=0.8, show_default=True, help="Share to answer within target."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--runs", type=click.IntRange(1, RUNS_MAX), default=10, show_default=True, help="Of each look.")
@click.option("--json", "json_out", type=OUT, help="File for the figures.")
@click.option("--processes", type=click.IntRange(1, 256), help="Without it as many as there are processors.")
def staff(
    folder: Path,
    scenario: Path,
    teams: tuple[str, ...],
    reach: float,
    seed: int,
    runs: int,
    json_out: Path | None,
    processes: int | None,
) -> None:
    """Find the smallest roster with which each half hour of FOLDER's teams meets the target, one team after the other.

    Agreements count as configured, and each team's roster holds for those that follow.
    """
    distinct(scenario, json_out)
    loaded, checked = loaded_or_exit(folder, scenario)
    plan = loaded.plan
    called = {name for name, callers in checked.scenario.callers.items() if callers.arrivals}
    served = [team.name for team in plan.teams if any(team.name in h.teams for h in plan.hotlines if h.name in called)]
    for team in teams:
        if team not in served:
            raise click.BadParameter(f"team '{team}' has no callers; {did_you_mean(team, served)}", param_hint="--team")
    current, found = checked.scenario, []
    with progress() as bar:
        for team in teams or served:
            task = bar.add_task(team, total=None)
            search = Search(plan, current, checked.changes, team, reach, seed, runs, processes)
            search.looked = lambda task=task: bar.advance(task)  # type: ignore[misc]
            found.append(search.find())
            current = search.with_roster(found[-1])
            bar.remove_task(task)
    write_file(json_out, lambda file: file.write(json.dumps([_told(one) for one in found], indent=1) + "\n"))
    console = Console(width=None if sys.stdout.isatty() else 160)
    for one in found:
        console.print(_table(one, reach))
    click.echo("roster:")
    for one in found:
        click.echo(f"  {one.team}:")
        for duty in one.duties():
            click.echo(f"    - {{agents: {duty['agents']}, hours: {duty['hours']}}}")
    raise SystemExit(0 if all(one.met for one in found) else 1)


def _table(one: Staffing, reach: float) -> Table:
    met = "" if one.met else "; NOT met everywhere"
    title = f"{one.team}: {one.agent_hours:g} agent hours for {reach:.0%} in time ({one.looks} looks{met})"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for words in ("from", "agents", "calls", "in time %"):
        table.add_column(words, justify="right")
    for need in one.needs:
        table.add_row(need.clock, str(need.agents), f"{need.calls:.1f}", said(need.within, "within"))
    return table


def _told(one: Staffing) -> dict[str, object]:
    return {
        "team": one.team,
        "met": one.met,
        "agent_hours": one.agent_hours,
        "looks": one.looks,
        "half_hours": [
            {
                "from": need.clock,
                "agents": need.agents,
                "calls": rounded(need.calls),
                "within": {"value": rounded(need.within.value), "half": rounded(need.within.half)},
            }
            for need in one.needs
        ],
    }
