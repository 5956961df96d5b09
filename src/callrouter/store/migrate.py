"""Bring a database's tables up to this release, at the start. Blocks: call it in a thread.

A database newer than this release is refused by alembic (it knows no such step), so that a rollback does not write
into tables that it misunderstands.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from callrouter.store import sqlite
from callrouter.store.schema import METADATA

BEFORE_ALEMBIC = "agreement_switch"  # a table of the release that made its tables without alembic
FIRST = "0001"
HEAD = "head"
LOCK = 0x63616C6C  # PostgreSQL: two routers that start at once migrate one after the other


def migrate(url: URL) -> None:
    """Raises SQLAlchemyError and OSError."""
    try:
        if url.get_backend_name() == "sqlite":
            engine = create_engine(url.set(drivername="sqlite"), poolclass=NullPool)
            sqlite.prepare(engine)
            with engine.begin() as connection:
                upgrade(connection)
        else:
            asyncio.run(_migrate(url))
    except CommandError as error:
        raise SQLAlchemyError(f"the database is of another release: {error}") from error


async def _migrate(url: URL) -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(upgrade)
    finally:
        await engine.dispose()


def upgrade(connection: Connection, revision: str = HEAD) -> None:
    """Run the missing steps over this connection, in its transaction. An empty one gets the last tables at once."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    config = configuration(connection)
    tables = inspect(connection).get_table_names()
    if not tables and revision == HEAD:
        METADATA.create_all(connection)
        command.stamp(config, HEAD)
        return
    if BEFORE_ALEMBIC in tables and "alembic_version" not in tables:
        command.stamp(config, FIRST)
    command.upgrade(config, revision)


def configuration(connection: Any) -> Config:
    """What alembic needs to know: where the steps are, and the connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
