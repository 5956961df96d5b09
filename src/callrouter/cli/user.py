"""`callrouter user`: accounts of the web pages, also the first one. The service may run meanwhile."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import TypeVar

import click
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter import wiring
from callrouter.accounts.book import Account, AccountBook, AccountError
from callrouter.accounts.passwords import BadPassword, Passwords, check, generate
from callrouter.config.load import load
from callrouter.config.source import ConfigError
from callrouter.i18n import LANGUAGES, texts
from callrouter.roles import BadGrant, Grant
from callrouter.store.store import FAULTS, AuditEntry, open_engine, place_of, said, write_audit

T = TypeVar("T")
CONFIG = click.option(
    "--config", "folder", type=click.Path(path_type=Path), default=Path("config"), show_default=True,
    help="The configuration whose database is meant.",
)  # fmt: skip


@click.group()
def user() -> None:
    """Accounts of the web pages.

    Roles: agent:SITE/NUMBER, supervisor:SITE, department:NAME, display:SITE, ops, admin; a site or department may
    be *, which is all of them. Exit status: 0, or 2 if it could not be done.
    """


def _grants(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[Grant, ...]:
    try:
        return tuple(Grant.read(value) for value in values)
    except BadGrant as error:
        raise click.BadParameter(str(error)) from error


@user.command()
@click.argument("name")
@click.option("--role", "grants", multiple=True, required=True, callback=_grants, help="May be given several times.")
@click.option("--title", default="", help="What others see; without it the name.")
@click.option(
    "--generate", "made", is_flag=True, help="Make a password and print it, to be changed at the first login."
)
@CONFIG
def add(name: str, grants: tuple[Grant, ...], title: str, made: bool, folder: Path) -> None:
    """Add the account NAME. Asks for its password unless --generate is given."""
    password = _password(name, made)

    async def do(book: AccountBook, engine: AsyncEngine) -> None:
        await book.add(name, title, grants, await _hash(password), time(), must_change=made)
        await _audit(engine, f"account {name} added", "", ", ".join(map(str, grants)))

    _run(folder, do)
    click.echo(f"added: {name} ({', '.join(map(str, grants))})")
    if made:
        click.echo(f"password: {password}")


@user.command("list")
@CONFIG
def list_(folder: Path) -> None:
    """Print all accounts with their roles."""

    async def do(book: AccountBook, _engine: AsyncEngine) -> list[Account]:
        return await book.accounts()

    found = _run(folder, do)
    wide = max((len(one.name) for one in found), default=0)
    for one in found:
        since = f"{datetime.fromtimestamp(one.created_at, UTC):%Y-%m-%d}"
        marks = [] if one.enabled else ["disabled"]
        marks += [] if one.local else ["single sign-on"]
        marks += [f"{one.sessions} sessions"] if one.sessions else []
        roles = ", ".join(map(str, one.grants)) or "no role"
        click.echo(f"{one.name:<{wide}}  {since}  {roles}{'  [' + ', '.join(marks) + ']' if marks else ''}")
    if not found:
        click.echo("no accounts; add the first one with: callrouter user add NAME --role admin", err=True)


@user.command()
@click.argument("name")
@click.option("--role", "grants", multiple=True, required=True, callback=_grants, help="All roles that it shall have.")
@CONFIG
def roles(name: str, grants: tuple[Grant, ...], folder: Path) -> None:
    """Give NAME these roles instead of those it has."""
    _change(folder, name, lambda book, one: book.set_grants(one.id, grants), "roles", ", ".join(map(str, grants)))


@user.command()
@click.argument("name")
@CONFIG
def disable(name: str, folder: Path) -> None:
    """Log NAME out everywhere and let nobody log in as him."""
    _change(folder, name, lambda book, one: book.set_enabled(one.id, False), "disabled")


@user.command()
@click.argument("name")
@CONFIG
def enable(name: str, folder: Path) -> None:
    """Let NAME log in again."""
    _change(folder, name, lambda book, one: book.set_enabled(one.id, True), "enabled")


@user.command()
@click.argument("name")
@click.option("--generate", "made", is_flag=True, help="Make one and print it, to be changed at the next login.")
@CONFIG
def password(name: str, made: bool, folder: Path) -> None:
    """Set another password for NAME; logs him out everywhere."""
    new = _password(name, made)

    async def set_it(book: AccountBook, one: Account) -> None:
        await book.set_password(one.id, await _hash(new), must_change=made)

    _change(folder, name, set_it, "password set")
    if made:
        click.echo(f"password: {new}")


@user.command()
@click.argument("name")
@CONFIG
def revoke(name: str, folder: Path) -> None:
    """Log NAME out everywhere."""
    _change(folder, name, lambda book, one: book.end_all(one.id), "sessions revoked")


# ---- inside


def _password(name: str, made: bool) -> str:
    if made:
        return generate()
    new: str = click.prompt(f"Password for {name}", hide_input=True, confirmation_prompt=True)
    try:
        check(new, name)
    except BadPassword as error:
        raise click.ClickException(texts(LANGUAGES[-1])(str(error))) from error
    return new


async def _hash(password: str) -> str:
    passwords = Passwords()
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()


def _change(
    folder: Path, name: str, act: Callable[[AccountBook, Account], Awaitable[object]], what: str, after: str = ""
) -> None:
    async def do(book: AccountBook, engine: AsyncEngine) -> None:
        one = await book.account(name)
        if one is None:
            raise AccountError(f"there is no account '{name}'")
        await act(book, one)
        before = ", ".join(map(str, one.grants)) if what == "roles" else ""
        await _audit(engine, f"account {one.name} {what}", before, after)

    _run(folder, do)
    click.echo(f"{name}: {what}")


def _run(folder: Path, do: Callable[[AccountBook, AsyncEngine], Awaitable[T]]) -> T:
    async def run() -> T:
        engine = await open_engine(url)
        try:
            return await do(AccountBook(engine), engine)
        finally:
            await engine.dispose()

    try:
        service = load(folder).network.service
        url = wiring.database_url(service, service.state_dir)
        return asyncio.run(run())
    except ConfigError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        raise SystemExit(2) from error
    except AccountError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(2) from error
    except FAULTS as error:
        click.echo(f"error: the database {place_of(url)}: {said(error)}", err=True)
        raise SystemExit(2) from error


async def _audit(engine: AsyncEngine, what: str, before: str, after: str) -> None:
    await write_audit(engine, AuditEntry(time(), getpass.getuser(), what, "callrouter user", before, after))
