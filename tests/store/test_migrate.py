"""Migrations: from nothing and from every older release they lead to exactly the tables that the code speaks of."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from callrouter.core.events import AgreementSwitched, Event
from callrouter.core.plan import Agreement, Plan
from callrouter.store.migrate import configuration, migrate, upgrade
from callrouter.store.schema import METADATA
from callrouter.store.store import Store


def on(url: str, do: Any) -> Any:
    async def run() -> Any:
        engine = create_async_engine(url)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(do)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def differences(connection: Connection) -> list[Any]:
    options = {"compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))


def test_migrations_make_exactly_the_tables(url: str) -> None:
    """From an empty database, and run again, nothing differs from the metadata."""
    migrate(make_url(url))
    migrate(make_url(url))
    assert on(url, differences) == []


def looks(connection: Connection) -> dict[str, Any]:
    """Each table as the database itself describes it, in no order."""
    seen = inspect(connection)

    def told(found: Any) -> list[str]:
        return sorted(repr(sorted((key, repr(value)) for key, value in one.items())) for one in found)

    return {
        name: {
            "columns": told(seen.get_columns(name)),
            "key": sorted(seen.get_pk_constraint(name)["constrained_columns"]),
            "indexes": told(seen.get_indexes(name)),
            "unique": told(seen.get_unique_constraints(name)),
            "foreign": told(seen.get_foreign_keys(name)),
            "checks": told(seen.get_check_constraints(name)),
        }
        for name in seen.get_table_names()
    }


def test_a_new_database_is_as_one_that_climbed(url: str) -> None:
    """An empty database gets its tables at once; they are those to which all the steps lead."""

    def climb(connection: Connection) -> dict[str, Any]:
        for step in list(ScriptDirectory.from_config(configuration(connection)).walk_revisions())[::-1]:
            upgrade(connection, step.revision)
        climbed = looks(connection)
        METADATA.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        return climbed

    climbed = on(url, climb)
    migrate(make_url(url))
    assert on(url, looks) == climbed
    known = on(url, lambda c: MigrationContext.configure(c).get_current_revision())
    assert known == on(url, lambda c: ScriptDirectory.from_config(configuration(c)).get_current_head())


def test_each_step_leads_on_from_the_one_before(url: str) -> None:
    """There is one line of steps, and a database may stop at each of them."""

    def climb(connection: Connection) -> list[str]:
        steps = list(ScriptDirectory.from_config(configuration(connection)).walk_revisions())[::-1]
        assert [step.down_revision for step in steps] == [None, *[step.revision for step in steps[:-1]]]
        for step in steps:
            upgrade(connection, step.revision)
        return [step.revision for step in steps]

    assert on(url, climb)[:2] == ["0001", "0002"]
    assert on(url, differences) == []


def test_tables_from_before_migrations_are_taken_over(url: str) -> None:
    """A database of the release that had no migrations keeps what it holds."""

    def old(connection: Connection) -> None:
        upgrade(connection, "0001")
        connection.execute(text("DROP TABLE alembic_version"))
        connection.execute(text("INSERT INTO agent_state VALUES ('gera/1', 'ready', '', 1.0)"))

    on(url, old)
    migrate(make_url(url))
    assert on(url, differences) == []
    assert on(url, lambda c: c.execute(text("SELECT agent FROM agent_state")).scalar()) == "gera/1"


def test_switches_from_before_directions_are_for_both(url: str) -> None:
    """A switch that was kept for a whole agreement comes back for each of its directions, and once."""

    def old(connection: Connection) -> None:
        upgrade(connection, "0006")
        values = "('gera-magdeburg', false, NULL, 'flu', 'meier', 1.0)"
        connection.execute(text(f"INSERT INTO agreement_switch VALUES {values}"))

    on(url, old)
    both = (Agreement("gera-magdeburg", "gera", "magdeburg"), Agreement("gera-magdeburg", "magdeburg", "gera"))
    plan = Plan("1", (), (), (), (), both)

    async def restored() -> list[Event]:
        store = Store(url, None, lambda: 2.0)  # type: ignore[arg-type]  # no agent is asked about
        await store.open()
        try:
            return await store.restore(plan)
        finally:
            await store.close()

    for _ in range(2):
        assert asyncio.run(restored()) == [
            AgreementSwitched("gera-magdeburg", False, None, "flu", "meier", borrower)
            for borrower in ("gera", "magdeburg")
        ]


def test_newer_database_is_refused(url: str) -> None:
    """After a rollback of the program the tables are not written by code that does not know them."""
    migrate(make_url(url))
    on(url, lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(SQLAlchemyError, match="another release"):
        migrate(make_url(url))


def test_step_that_breaks_leaves_nothing_half_done(url: str) -> None:
    """A migration is one transaction, tables included."""

    def broken(connection: Connection) -> None:
        upgrade(connection, "0001")
        command.upgrade(configuration(connection), "0002")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        _through_migrate(url, broken)
    migrate(make_url(url))
    assert on(url, differences) == []


def _through_migrate(url: str, do: Any) -> None:
    """In a connection like the migration's own."""
    from sqlalchemy import create_engine

    from callrouter.store import sqlite

    if url.startswith("sqlite"):
        engine = create_engine(make_url(url).set(drivername="sqlite"))
        sqlite.prepare(engine)
        try:
            with engine.begin() as connection:
                do(connection)
        finally:
            engine.dispose()
    else:
        on(url, do)
