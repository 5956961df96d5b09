"""`callrouter callbacks`: the callers who are to be rung back, out of the service's database. It may run meanwhile."""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from time import time
from zoneinfo import ZoneInfo

import click
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.callers import Callers
from callrouter.cli.database import with_database
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus, Refused, finish
from callrouter.store.callbacks import Callbacks
from callrouter.store.schema import CALLBACK
from callrouter.store.store import AuditEntry, write_audit
from callrouter.web.models import masked

LISTED_MAX = 1_000
FOLDER = click.option(
    "--config", "folder", type=click.Path(path_type=Path), default=Path("config"), show_default=True,
    help="The configuration whose database is meant.",
)  # fmt: skip


@click.group()
def callbacks() -> None:
    """Callers who are to be rung back, and those who gave up.

    The service may run meanwhile: it learns of what is done here within seconds. To have somebody rung now, ask the
    service (POST /api/v1/callbacks/…/take). Exit status: 0, or 2 if it could not be done.
    """


@callbacks.command("list")
@click.option("--hotline", default="", help="Only this hotline's.")
@click.option("--kind", type=click.Choice([one.value for one in CallbackKind]), help="Only this kind.")
@click.option("--overdue", is_flag=True, help="Only those whose due time is over.")
@click.option("--done", is_flag=True, help="Those that are done, the latest first, instead of the open ones.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@FOLDER
def list_(hotline: str, kind: str | None, overdue: bool, done: bool, as_json: bool, folder: Path) -> None:
    """List them by due time, at most 1000. Numbers are masked."""
    where = [CALLBACK.c.status == CallbackStatus.DONE.value if done else CALLBACK.c.status != CallbackStatus.DONE.value]
    if hotline:
        where.append(CALLBACK.c.hotline == hotline)
    if kind:
        where.append(CALLBACK.c.kind == kind)
    if overdue:
        where.append(CALLBACK.c.due_at < time())

    async def find(engine: AsyncEngine, callers: Callers) -> list[Callback]:
        return await Callbacks(engine, callers).find(*where, limit=LISTED_MAX, latest=done)

    loaded, found = with_database(folder, find)
    if as_json:
        click.echo(json.dumps([_facts(one) for one in found], indent=1))
        return
    zones = {site.name: ZoneInfo(site.zone) for site in loaded.plan.sites}
    for one in found:
        click.echo(_line(one, zones.get(one.site, UTC)))
    click.echo(f"{len(found)} callbacks" if len(found) < LISTED_MAX else f"the first {LISTED_MAX} callbacks")


@callbacks.command()
@click.argument("callback")
@click.option("--reason", required=True, help="Kept with it and in the audit trail.")
@FOLDER
def cancel(callback: str, reason: str, folder: Path) -> None:
    """Nobody need ring the caller of CALLBACK any more."""

    async def close(engine: AsyncEngine, callers: Callers) -> str:
        who, now, kept = getpass.getuser(), time(), Callbacks(engine, callers)
        one = await kept.get(callback)
        if one is None:
            return f"there is no callback {callback!r}"
        try:
            done = finish(one, CallbackResult.CANCELLED, who, now, reason)
        except Refused as error:
            return str(error)
        if not await kept.change(done):
            return "it was changed at this very moment; look again"
        entry = AuditEntry(now, who, f"callback {callback} closed", reason, one.status, CallbackResult.CANCELLED)
        await write_audit(engine, entry)
        return ""

    _, why_not = with_database(folder, close)
    if why_not:
        click.echo(f"error: {why_not}", err=True)
        raise SystemExit(2)
    click.echo("cancelled; a running service stops ringing within seconds")


def _line(one: Callback, zone: tzinfo) -> str:
    due = datetime.fromtimestamp(one.due_at, zone).strftime("%Y-%m-%d %H:%M")
    state = one.result or one.status
    tries = f", tries {one.tries}" if one.tries else ""
    by = one.taken_by or one.done_by
    return (
        f"{one.id}  due {due}  {one.kind} {one.hotline} {masked(one.number)}  {state}{tries}{f' ({by})' if by else ''}"
    )


def _facts(one: Callback) -> dict[str, object]:
    """Without what only the service needs."""
    facts = {name: getattr(one, name) for name in _SHOWN}
    return {**facts, "caller": masked(one.number)}


_SHOWN: Sequence[str] = (
    "id", "kind", "hotline", "topic", "site", "department", "asked_at", "due_at", "status", "taken_by", "tries",
    "last_try_at", "last_result", "done_at", "done_by", "result", "because",
)  # fmt: skip
