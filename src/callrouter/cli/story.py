"""`callrouter story`: everything that the journal holds of one call, and whether it is decided the same way again."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from callrouter.core.commands import Offer
from callrouter.core.events import CallHeld, CallId, Event
from callrouter.core.explain import Candidate, candidates_for, candidates_of
from callrouter.core.router import Router
from callrouter.journal.records import CODEC
from callrouter.journal.segment import JournalDamaged
from callrouter.journal.story import Gap, Story, Turn, replayed
from callrouter.journal.story import story as told_story

FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
AFTER_S = 6 * 3600.0  # the time in its id, when no end is given


@click.command()
@click.argument("call")
@click.option("--journal", "folder", type=FOLDER, default=Path("var/journal"), show_default=True)
@click.option("--since", type=float, help="UTC seconds; without it the time in the call's id.")
@click.option("--until", type=float, help="UTC seconds; without it six hours after that.")
@click.option("--replay", "again", is_flag=True, help="Drive the router again and compare; name the candidates.")
@click.option("--gently", is_flag=True, help="Let others go first, such as a router on this machine.")
@click.option("--json", "as_json", is_flag=True, help="For programs. Holds callers' numbers, as the journal does.")
def story(
    call: str,
    folder: Path,
    since: float | None,
    until: float | None,
    again: bool,
    gently: bool,
    as_json: bool,
) -> None:
    """Tell what happened to CALL, such as gera/1732268042.17.

    Exit status: 0, 1 if with --replay a decision differs, 2 if the journal cannot be read.
    """
    began = _time_in(call)
    if since is None or until is None:
        if began is None:
            raise click.UsageError("this id holds no time; say --since and --until")
        since = began if since is None else since
        until = began + AFTER_S if until is None else until
    if gently:
        os.nice(10)
    try:
        if again:
            found = replayed(folder, CODEC, call, since, until, lambda head: Router.restore(head.state), _candidates)
        else:
            found = told_story(folder, CODEC, call, since, until)
    except (JournalDamaged, OSError) as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(2) from error
    click.echo(json.dumps(_data(found)) if as_json else _text(found, call))
    raise SystemExit(int(any(isinstance(one, Turn) and one.differs for one in found.items)))


def _time_in(call: str) -> float | None:
    """Asterisk's ids begin with the second in which the channel was made."""
    second = call.partition("/")[2].partition(".")[0]
    return float(second) if second.isdecimal() else None


def _candidates(router: Any, call: CallId, event: Event) -> Sequence[Candidate]:
    """Who could have it now; a call that is about to enter its line is looked at as if it were in it."""
    if isinstance(event, CallHeld) and event.call == call:
        return candidates_for(router, call)
    return candidates_of(router, call)


def _data(found: Story) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    for item in found.items:
        if isinstance(item, Gap):
            items.append({"gap": asdict(item)})
        else:
            items.append(
                {
                    "seq": item.seq,
                    "at": item.at,
                    "event": CODEC.encode(item.event),
                    "commands": [CODEC.encode(command) for command in item.commands],
                    "place": item.place,
                    "candidates": [asdict(one) for one in item.candidates],
                    "differs": item.differs,
                    "plan": item.plan,
                }
            )
    return {"items": items, "replayed": found.replayed}


def _text(found: Story, call: CallId) -> str:
    lines, plan = [], ""
    for item in found.items:
        if isinstance(item, Gap):
            lines.append(f"{_clock(item.start)}  gap until {_clock(item.end)}: {item.why}")
            continue
        if item.plan != plan:
            plan = item.plan
            lines.append(f"configuration {plan}")
        lines.append(f"{_clock(item.at)}  {type(item.event).__name__}  ({item.place})")
        for command in item.commands:
            if getattr(command, "call", None) == call:
                lines.append(f"    {type(command).__name__}{_whom(command)}")
        for why, number in _grouped(item.candidates):
            lines.append(f"      {number} × {why}")
        if item.differs:
            lines.append("      now decided otherwise")
    if found.replayed:
        lines.append(f"{found.replayed} turns of the router were made again")
    return "\n".join(lines) if lines else "nothing is known of this call"


def _whom(command: Any) -> str:
    """Whom it concerns, and why."""
    agents = (
        [target.agent for target in command.targets] if isinstance(command, Offer) else [getattr(command, "agent", "")]
    )
    whom, because = ", ".join(agents), getattr(command, "because", "")
    return f"{' ' if whom else ''}{whom}{': ' if because else ''}{because}"


def _grouped(candidates: Sequence[Candidate]) -> list[tuple[str, int]]:
    groups: dict[str, int] = {}
    for one in candidates:
        where = f"{one.team} (agreement {one.agreement})" if one.agreement else one.team
        key = f"{where}: {one.why_not or 'free'}"
        groups[key] = groups.get(key, 0) + 1
    return list(groups.items())


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
