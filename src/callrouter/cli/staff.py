"""`callrouter staff`: how many agents each half hour needs, found and checked by simulation."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from callrouter.cli.simulate import OUT, distinct, loaded_or_exit, progress, warn_of_idle, write_file
from callrouter.config.messages import did_you_mean
from callrouter.sim.case import desk_hotlines, make_case
from callrouter.sim.idle import without_effect
from callrouter.sim.part import called, connected
from callrouter.sim.runs import RUNS_MAX
from callrouter.sim.staff import Search, Staffing
from callrouter.sim.summary import rounded, said


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("config"))
@click.option("--scenario", type=click.Path(path_type=Path), required=True, help="YAML file of the scenario.")
@click.option("--team", "teams", multiple=True, help="Only these; without it all whose hotlines are called.")
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
    """Find the smallest rosters with which each half hour of FOLDER's teams meets the target, all of them together.

    Agreements count as configured; teams that are not asked for are as the scenario has them, and keep the target.
    """
    distinct(scenario, json_out)
    loaded, checked = loaded_or_exit(folder, scenario)
    plan = loaded.plan
    hotlines = called(plan, checked.scenario)
    if not hotlines:
        raise click.UsageError(f"nobody calls in {scenario}; give hotlines callers with arrivals")
    served = [team.name for team in plan.teams if any(team.name in one.teams for one in hotlines)]
    for team in teams:
        if team not in served:
            raise click.BadParameter(f"team '{team}' has no callers; {did_you_mean(team, served)}", param_hint="--team")
    desks = set(desk_hotlines(checked.scenario, checked.changes))
    for line in hotlines:
        if line.name in desks and set(line.teams) & set(teams or served):
            why = f"callers of '{line.name}' dial desks in this scenario, so more agents are more numbers to dial"
            raise click.UsageError(f"{why}; add 'hotline {line.name} pooled' to its changes")
    make = partial(make_case, plan, checked.scenario)
    warn_of_idle(without_effect(checked.changes, make(checked.changes), make))
    found: list[Staffing] = []
    with progress() as bar:
        for touching in connected(plan, checked):
            some = [team for team in dict.fromkeys(teams or served) if team in touching]
            if some:
                task = bar.add_task(", ".join(some), total=None)
                with Search(plan, checked, some, reach, seed, runs, processes) as search:
                    search.told = partial(_tell, bar, task, ", ".join(some))
                    found += search.find()
                bar.remove_task(task)
    write_file(json_out, lambda file: file.write(json.dumps([_told(one) for one in found], indent=1) + "\n"))
    console = Console(width=None if sys.stdout.isatty() else 160)
    for one in found:
        click.echo(_title(one, reach))
        console.print(_table(one))
    for one in found:
        for warning in _warnings(one, reach):
            click.echo(warning, err=True)
    click.echo("roster:")
    for one in found:
        click.echo(f"  {one.team}:" + ("" if one.shifts else " []"))
        for shift in one.shifts:
            days = f"days: {shift.days}, " if shift.days else ""
            click.echo(f"    - {{agents: {shift.agents}, {days}hours: {shift.hours}}}")
    raise SystemExit(0 if all(one.met for one in found) else 1)


def _tell(bar: Progress, task: TaskID, teams: str, doing: str) -> None:
    bar.update(task, description=f"{teams}: {doing}", advance=1)


def _warnings(one: Staffing, reach: float) -> Iterator[str]:
    vain = [" ".join([*need.days, need.clock]).strip() for need in one.needs if need.in_vain and not need.met]
    if vain:
        yield (
            f"warning: {one.team} cannot reach {reach:.0%} at {', '.join(vain)}, however many agents there are; "
            "look at sites that are down, skills, hours and ring limits"
        )
    if not one.needs:
        yield f"warning: nobody calls {one.team} while it is open; check start, days, arrivals and the hotlines' hours"
    if not one.smallest:
        yield f"warning: {one.team}: stopped after {one.looks} looks, so fewer agents may do; try fewer days or teams"


def _title(one: Staffing, reach: float) -> str:
    met = "" if one.met else "; NOT met everywhere"
    week = " a week" if _several(one) else ""
    return f"{one.team}: {one.agent_hours:g} agent hours{week} for {reach:.0%} in time ({one.looks} looks{met})"


def _several(one: Staffing) -> bool:
    """Are there several days, so that they are named?"""
    return any(any(need.days) for need in one.needs)


def _table(one: Staffing) -> Table:
    several = _several(one)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for words in (*(["days"] if several else []), "from", "agents", "calls", "in time %"):
        table.add_column(words, justify="right")
    for need in one.needs:
        days = [", ".join(need.days)] if several else []
        table.add_row(*days, need.clock, str(need.agents), f"{need.calls:.1f}", said(need.within, "within"))
    return table


def _told(one: Staffing) -> dict[str, object]:
    return {
        "team": one.team,
        "met": one.met,
        "smallest": one.smallest,
        "agent_hours": rounded(one.agent_hours),
        "looks": one.looks,
        "half_hours": [
            {
                "days": [day for day in need.days if day],
                "from": need.clock,
                "agents": need.agents,
                "calls": rounded(need.calls),
                "within": {"value": rounded(need.within.value), "half": rounded(need.within.half)},
                "met": need.met,
            }
            for need in one.needs
        ],
        "roster": [
            {"agents": shift.agents, **({"days": shift.days} if shift.days else {}), "hours": shift.hours}
            for shift in one.shifts
        ],
    }
