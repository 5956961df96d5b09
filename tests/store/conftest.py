"""Databases for the tests: SQLite in a folder, and databases of a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.store.store import open_engine
from tests.store.postgres import made

POSTGRESQL = (pytest.mark.slow, pytest.mark.xdist_group("postgres"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=POSTGRESQL)])
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
