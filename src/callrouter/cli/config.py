"""`callrouter check` and `callrouter schema`: what is wrong in a configuration folder, and help for editors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
from pydantic import BaseModel

from callrouter.cli.prompts import warnings_of as prompt_warnings
from callrouter.config import schema as models
from callrouter.config.json_schema import json_schema_text
from callrouter.config.load import Loaded, load
from callrouter.config.secret import Secret, SecretError
from callrouter.config.source import ConfigError, Problem


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("config"))
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
@click.option("--secrets", is_flag=True, help="Also look up every secret, as the service does when it starts here.")
def check(folder: Path, as_json: bool, secrets: bool) -> None:
    """Check the configuration in FOLDER: every error and warning as file:line:col, what is wrong; the mend.

    Ends with status 1 if there is an error. Warnings are looked for when there is none, and do not count.
    """
    loaded: Loaded | None = None
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    try:
        loaded = load(folder)
        problems = loaded.unguided
        warnings = (*loaded.warnings, *prompt_warnings(loaded, folder))
    except ConfigError as error:
        problems = error.problems
    missing = _missing_secrets(loaded.network) if loaded and secrets else []
    failed = bool(problems or missing)
    if as_json:
        findings = [_finding(problem) for problem in (*problems, *warnings)]
        answer = {
            "ok": not failed,
            "version": loaded.plan.version if loaded else None,
            "problems": findings,
            "secrets_missing": missing,
        }
        click.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        for problem in sorted((*problems, *warnings)):
            click.echo(str(problem))
        for text in missing:
            click.echo(text)
        click.echo(_summary(loaded, len(problems) + len(missing), len(warnings), folder))
    raise SystemExit(1 if failed else 0)


@click.command()
@click.option("--scenario", is_flag=True, help="Of scenarios for `callrouter simulate` instead.")
def schema(scenario: bool) -> None:
    """Print the JSON Schema (2020-12) of the configuration files, for editors."""
    if scenario:
        from callrouter.sim.scenario import Scenario

        click.echo(json_schema_text(Scenario, "callrouter scenario"), nl=False)
    else:
        click.echo(json_schema_text(), nl=False)


def _finding(problem: Problem) -> dict[str, object]:
    severity = "warning" if problem.warning else "error"
    return {**asdict(problem.place), "severity": severity, "what": problem.what, "mend": problem.mend}


def _missing_secrets(network: models.Network) -> list[str]:
    """What keeps the service from starting here: each secret that is not there, or is none."""
    from callrouter.callers import Callers  # these take a second, which a plain check does not need
    from callrouter.wiring import tokens

    missing = []
    for owner, secret in _secrets("", network):
        try:
            secret.reveal()
        except SecretError as error:
            missing.append(f"{owner}: {error}")
    if missing:
        return missing
    try:
        tokens(network.service, Secret.reveal)
        if network.service.caller_key:
            Callers(network.service.caller_key.reveal())
    except ValueError as error:
        missing.append(str(error))
    return missing


def _secrets(where: str, value: object) -> Iterator[tuple[str, Secret]]:
    """Every secret that an entry names, with its place in the words of the files."""
    if isinstance(value, Secret):
        yield where, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(f"{where}.{name}" if where else name, getattr(value, name))
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _secrets(f"{where}.{name}", inner)
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _secrets(f"{where}.{getattr(inner, 'name', i)}", inner)


def _summary(loaded: Loaded | None, errors: int, warnings: int, folder: Path) -> str:
    counts = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
    if loaded is None or errors:
        return f"{folder}: {counts}"
    plan = loaded.plan
    parts = [
        _count(len(plan.sites), "site"),
        _count(len(plan.hotlines), "hotline"),
        _count(len(plan.teams), "team"),
        _count(len(plan.agents), "agent"),
        _count(len(loaded.network.agreements), "agreement"),
        _count(len(loaded.desk.departments), "department"),
        _count(len(loaded.desk.places), "place"),
    ]
    return f"{folder}: good ({', '.join(parts)}; {_count(warnings, 'warning')}); version {plan.version}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
