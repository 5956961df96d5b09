"""Schemathesis against the API on a loopback server: whatever is sent, the document keeps its word."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.config import ChecksConfig, PositiveDataAcceptanceConfig

from callrouter.web.api import OPERATIONS
from callrouter.web.openapi import document
from callrouter.web.service import Server
from tests.web.world import WRITE, World

# what matches the schema may still not exist (404), come too late (409) or lie in the past (422)
ACCEPTED = PositiveDataAcceptanceConfig(expected_statuses=["2xx", "404", "409", "422"])
schema = schemathesis.openapi.from_dict(document(OPERATIONS))
schema.config.checks = ChecksConfig(positive_data_acceptance=ACCEPTED)


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """The API's address; it runs in a thread of its own because schemathesis blocks."""
    loop = asyncio.new_event_loop()
    server = Server(World().context(), port=0)
    loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield f"{server.url}/api/v1"
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@schema.parametrize()
@hypothesis.settings(max_examples=20, derandomize=True, deadline=None, database=None)
def test_every_answer_is_as_documented(case: Any, base_url: str) -> None:
    """No server error; status, media type and body of each answer are those of the document; nothing wrong is taken."""
    case.call_and_validate(base_url=base_url, headers={"Authorization": f"Bearer {WRITE}"})
