"""`callrouter replay`: does this release still decide as the journal says that it was decided?"""

from __future__ import annotations

import json
from pathlib import Path

import click

from callrouter import __version__
from callrouter.core.commands import Command
from callrouter.core.router import Router
from callrouter.journal.records import CODEC
from callrouter.journal.replay import Difference
from callrouter.journal.replay import replay as run_replay
from callrouter.journal.segment import JournalDamaged


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def replay(files: tuple[Path, ...]) -> None:
    """Drive the router again over journal segments (or folders of them) and stop at the first other decision.

    Exit status: 0 all decisions are repeated, 1 one differs, 2 a file cannot be read.
    """
    paths = [path for file in files for path in (sorted(file.glob("*.jsonl")) if file.is_dir() else [file])]
    if not paths:
        raise click.UsageError("no *.jsonl in this folder")
    for path in paths:
        try:
            result = run_replay(path, CODEC, lambda header: Router.restore(header.state))
        except (JournalDamaged, OSError) as error:
            click.echo(f"error: {error}", err=True)
            raise SystemExit(2) from error
        if result.difference is not None:
            if result.header.release != __version__:
                click.echo(
                    f"written by release {result.header.release}, this is {__version__}: it may be meant", err=True
                )
            _show(result.difference)
            raise SystemExit(1)
        click.echo(f"{path}: {result.events} events, {result.decisions} decisions, all repeated")


def _show(difference: Difference) -> None:
    entry = difference.entry
    click.echo(f"{difference.path}:{entry.line}: event {entry.seq} at {entry.now} is decided otherwise")
    click.echo(f"  event     {CODEC.dumps(entry.event)}")
    _decisions("expected", entry.commands, entry.failed)
    _decisions("got", difference.got, difference.failed)


def _decisions(word: str, commands: tuple[Command, ...], failed: str) -> None:
    if failed:
        click.echo(f"  {word:<9} the router fails: {failed}")
    elif not commands:
        click.echo(f"  {word:<9} nothing")
    for command in commands:
        click.echo(f"  {word:<9} {json.dumps(CODEC.encode(command), ensure_ascii=False)}")
