"""Fixtures of the API's tests: the world and a client of its application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from callrouter.web.service import make_app
from tests.web.world import READ, WRITE, World

Client = TestClient[Any, Any]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    async with TestClient(TestServer(make_app(world.context()))) as client:
        yield client


@pytest.fixture
def write() -> dict[str, str]:
    return {"Authorization": f"Bearer {WRITE}"}


@pytest.fixture
def read() -> dict[str, str]:
    return {"Authorization": f"Bearer {READ}"}
