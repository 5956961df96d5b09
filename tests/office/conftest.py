"""A database, a clock that tests set, and the figures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.office.figures import OfficeFigures as Figures
from callrouter.store.store import open_engine
from tests.desk.test_workdays import at
from tests.office.floor import House, Opener


class Clock:
    """now: UTC seconds; tests set it."""

    def __init__(self) -> None:
        self.now = at("2027-09-17 09:00")

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def figures(registry: CollectorRegistry, clock: Clock) -> Figures:
    return Figures(registry, clock)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = await open_engine(f"sqlite+aiosqlite:///{tmp_path / 'callrouter.db'}")
    yield engine
    await engine.dispose()


@pytest.fixture
async def open_house(engine: AsyncEngine) -> AsyncIterator[Opener]:
    """Makes houses on one database, and closes them."""
    opened: list[House] = []

    def make(*args: Any, **more: Any) -> House:
        opened.append(House(engine, *args, **more))
        return opened[-1]

    yield make
    for house in opened:
        await house.office.close()
