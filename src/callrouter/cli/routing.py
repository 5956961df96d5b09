"""`callrouter explain` and `callrouter route-test`: ask the production router about a situation before it is live."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import click
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from callrouter.config.load import load
from callrouter.config.messages import explain_all, wrong
from callrouter.config.source import ConfigError
from callrouter.core.explain import Answer, Question, QuestionError, ask, grouped
from callrouter.core.plan import Plan


def _plan(folder: Path, year: str) -> Plan:
    """As of the year that is asked about, whose holidays it then knows. What is no year is told elsewhere."""
    today = date(int(year), 1, 1) if re.fullmatch(r"(19|20)\d\d", year) else None
    try:
        return load(folder, today).plan
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        raise SystemExit(1) from None


def _instant(plan: Plan, hotline: str, at: str) -> float:
    """`2026-11-23 09:14` by the wall clock of the hotline's site."""
    zones = {site.name: site.zone for site in plan.sites}
    zone = next((zones[h.site] for h in plan.hotlines if h.name == hotline), "Europe/Berlin")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise QuestionError(f"{at!r} is not a time; write it as '2026-11-23 09:14'") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).timestamp()


def _switches(switches: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    off: list[str] = []
    on: list[str] = []
    for switch in switches:
        name, equals, state = switch.partition("=")
        if not equals or state not in ("on", "off"):
            raise QuestionError(f"{switch!r} is not a switch; write it as magdeburg-gera=off")
        (on if state == "on" else off).append(name)
    return tuple(off), tuple(on)


def _told(answer: Answer, every_agent: bool) -> str:
    lines = [f"{answer.outcome}: {answer.because}"]
    if answer.agents:
        by = f" under agreement {answer.agreement}" if answer.agreement else ""
        lines[0] = f"{answer.outcome} to {', '.join(answer.agents)} ({answer.team}){by}: {answer.because}"
    if not answer.candidates:
        lines.append("  no candidates: the call is not put in a line")
    for team, agreement, why, agents in grouped(answer):
        where = f"{team} (agreement {agreement})" if agreement else team
        who = ", ".join(agents) if every_agent or len(agents) <= 3 else f"{agents[0]} … {agents[-1]}"
        lines.append(f"  {where}: {len(agents)} × {why} [{who}]")
    return "\n".join(lines)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("config"))
@click.option("--hotline", required=True, help="The hotline that is dialled.")
@click.option("--at", "at", required=True, help="When: '2026-11-23 09:14', by the clock of the hotline's site.")
@click.option("--topic", default="", help="The topic; the hotline's default without it.")
@click.option("--busy", multiple=True, help="A team or agent (site/number) whose phones are in use.")
@click.option("--logged-out", multiple=True, help="A team or agent who is not there.")
@click.option("--agreement", "switches", multiple=True, help="A switch: magdeburg-gera=off.")
@click.option("--site-down", multiple=True, help="A site without link.")
@click.option("--waited", "waited_s", type=float, default=0.0, help="Seconds that the caller has waited.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
@click.option("--all", "every_agent", is_flag=True, help="Name every agent.")
def explain(
    folder: Path,
    hotline: str,
    at: str,
    topic: str,
    busy: tuple[str, ...],
    logged_out: tuple[str, ...],
    switches: tuple[str, ...],
    site_down: tuple[str, ...],
    waited_s: float,
    as_json: bool,
    every_agent: bool,
) -> None:
    """Say who would get a call, and of each candidate why not. All agents are ready but for those named."""
    plan = _plan(folder, at[:4])
    try:
        off, on = _switches(switches)
        when = _instant(plan, hotline, at)
        answer = ask(plan, Question(hotline, when, topic, busy, logged_out, off, on, site_down, waited_s))
    except QuestionError as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(asdict(answer), ensure_ascii=False, indent=2) if as_json else _told(answer, every_agent))


# ---- route-test


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


class Expectation(BaseModel):
    """What must come out; what is not said is not checked."""

    model_config = ConfigDict(extra="forbid")
    outcome: Literal["offered", "waits", "busied", "closed"] | None = None
    team: str | None = None
    agent: str | None = None
    agreement: str | None = Field(None, description="'' or none: no agreement")

    @model_validator(mode="after")
    def _something(self) -> Expectation:
        if not self.model_fields_set:
            raise wrong("nothing is expected, so this could not fail", "write {outcome: …}, {team: …} or {agent: …}")
        return self


class Case(BaseModel):
    """A situation and what is expected of it."""

    model_config = ConfigDict(extra="forbid")
    name: str
    hotline: str
    at: str
    topic: str = ""
    busy: Names = ()
    logged_out: Names = ()
    off: Names = ()
    on: Names = ()
    sites_down: Names = ()
    waited_s: float = 0.0
    expect: Expectation


class Table(BaseModel):
    """A file of expectations."""

    model_config = ConfigDict(extra="forbid")
    tests: Annotated[list[Case], Field(min_length=1)]


def _read_table(file: Path) -> tuple[Table, Any]:
    """The table and its YAML tree (for line numbers); ends with a clear error at the place."""
    yaml = YAML(typ="rt")
    try:
        tree = yaml.load(file.read_text(encoding="utf-8"))
        return Table.model_validate(_plain(tree)), tree
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
        raise click.ClickException(f"{place}: {getattr(error, 'problem', error)}") from None
    except UnicodeDecodeError:
        raise click.ClickException(f"{file}: not UTF-8; save the file in UTF-8") from None
    except ValidationError as errors:
        found = explain_all(Table, errors)
        lines = [f"{_place(file, tree, one.loc)}: {one.what}; {one.mend}" for one in found]
        raise click.ClickException("\n".join(lines)) from None


def _plain(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {str(key): _plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_plain(value) for value in tree]
    return str(tree) if isinstance(tree, datetime) else tree


def _place(file: Path, tree: Any, path: tuple[int | str, ...]) -> str:
    """file:line:col of the deepest node on the path that has a position."""
    line, col = 0, 0
    for step in path:
        position = getattr(tree, "lc", None)
        try:
            line, col = position.item(step) if isinstance(tree, list) else position.key(step)  # type: ignore[union-attr]
            tree = tree[step]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return f"{file}:{line + 1}:{col + 1}"


def _differences(expect: Expectation, answer: Answer) -> list[str]:
    checks = (
        ("outcome", expect.outcome, answer.outcome),
        ("team", expect.team, answer.team),
        ("agreement", expect.agreement, answer.agreement),
    )
    wrong = [
        f"{name}: expected {want!r}, got {got!r}" for name, want, got in checks if want is not None and want != got
    ]
    if expect.agent is not None and expect.agent not in answer.agents:
        wrong.append(f"agent: expected {expect.agent!r}, got {', '.join(answer.agents) or 'nobody'}")
    return wrong


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--config", "folder", type=click.Path(path_type=Path), default=Path("config"), help="The folder to test.")
def route_test(file: Path, folder: Path) -> None:
    """Run a table of expectations in FILE with the production router; status 1 and the difference if one fails."""
    table, tree = _read_table(file)
    plans = {year: _plan(folder, year) for year in {case.at[:4] for case in table.tests}}
    failed = 0
    for number, case in enumerate(table.tests):
        place = _place(file, tree, ("tests", number))
        plan = plans[case.at[:4]]
        try:
            answer = ask(
                plan,
                Question(
                    case.hotline,
                    _instant(plan, case.hotline, case.at),
                    case.topic,
                    case.busy,
                    case.logged_out,
                    case.off,
                    case.on,
                    case.sites_down,
                    case.waited_s,
                ),
            )
        except QuestionError as error:
            wrong, told = [str(error)], ""
        else:
            wrong, told = _differences(case.expect, answer), _told(answer, every_agent=False)
        if wrong:
            failed += 1
            click.echo(f"FAILED {case.name} ({place})")
            for line in wrong:
                click.echo(f"  {line}")
            if told:
                click.echo("  the router says: " + told.replace("\n", "\n  "))
        else:
            click.echo(f"ok     {case.name}")
    click.echo(f"{len(table.tests) - failed} passed, {failed} failed")
    raise SystemExit(1 if failed else 0)
