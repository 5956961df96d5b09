"""`callrouter forget`: take one person out of the records."""

from __future__ import annotations

import getpass
from pathlib import Path
from time import time

import click
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.callers import Callers, normalise
from callrouter.cli.database import with_database
from callrouter.store.retention import Forgotten
from callrouter.store.retention import forget as forget_caller
from callrouter.store.store import AuditEntry, write_audit


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("config"))
@click.option("--caller", required=True, help="The person's telephone number, in any spelling.")
def forget(folder: Path, caller: str) -> None:
    """Erase the caller with this number from the records that the configuration in FOLDER keeps.

    His calls stay as calls of nobody. The service may run meanwhile. Journal segments hold numbers until
    `service.journal.keep_days` is over; they are not rewritten. Exit status: 0 also when nothing was known of him,
    2 if it could not be done.
    """
    if not normalise(caller):
        raise click.UsageError("this is no telephone number")

    async def do(engine: AsyncEngine, callers: Callers) -> Forgotten:
        found = await forget_caller(engine, callers.key_of(caller), time())
        what = f"{found.calls} calls, {found.callbacks} callbacks"
        entry = AuditEntry(time(), getpass.getuser(), "a caller was forgotten", "callrouter forget", what, "")
        await write_audit(engine, entry)
        return found

    loaded, found = with_database(folder, do)
    if found == Forgotten(0, 0):
        click.echo("nothing was known of this caller")
    else:
        click.echo(f"calls that are nobody's now: {found.calls}; callbacks: {found.callbacks}")
    days = loaded.network.service.journal.keep_days
    click.echo(f"journal segments may hold the number for up to {days} days; then they are deleted")
