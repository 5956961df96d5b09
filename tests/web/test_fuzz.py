"""Schemathesis against the API on a loopback server: whatever is sent, the document keeps its word."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from callrouter.web.api import OPERATIONS
from callrouter.web.openapi import document
from callrouter.web.service import Server
from tests.examples import examples
from tests.web.world import WRITE, World

# What matches the schema may still not exist (404), come too late (409) or lie in the past (422).
SETTINGS = """
seed = 1
[generation]
deterministic = true
database = "none"
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "404", "409", "422"]
"""


@pytest.mark.slow
async def test_every_answer_is_as_documented(tmp_path: Path) -> None:
    """No server error; status, media type and body of each answer are those of the document; nothing wrong is taken."""
    settings, described = tmp_path / "schemathesis.toml", tmp_path / "openapi.json"
    settings.write_text(SETTINGS)
    described.write_text(json.dumps(document(OPERATIONS)))
    server = Server(World().context(), port=0)
    await server.listen()
    server.start()
    try:
        # Its command line, not its plugin for pytest: that makes the cases anew in each worker that collects the tests.
        command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", str(settings), "run"]
        command += ["--phases", "examples,coverage,fuzzing", "--max-examples", str(examples(20))]
        command += ["--header", f"Authorization: Bearer {WRITE}", "--url", f"{server.url}/api/v1", str(described)]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )  # fmt: skip
        told, _ = await process.communicate()
    finally:
        await server.stop()
    assert process.returncode == 0, told.decode()
    assert f"Tested: {len(OPERATIONS)}\n" in told.decode()
