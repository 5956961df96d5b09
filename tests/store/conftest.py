"""Databases for the tests: SQLite in a folder, and databases of a real PostgreSQL server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from callrouter.store.store import open_engine
from tests.store.postgres import cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with cluster() as url:
        yield url


def made(postgres: str) -> str:
    """A new, empty database on the server."""
    name = f"d{uuid4().hex}"

    async def create() -> None:
        engine = create_async_engine(postgres.format(database="postgres"), isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(f"CREATE DATABASE {name}"))
        await engine.dispose()

    asyncio.run(create())
    return postgres.format(database=name)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'callrouter.db'}"
    return made(request.getfixturevalue("postgres"))


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    """One with this release's tables."""
    engine = await open_engine(url)
    yield engine
    await engine.dispose()
