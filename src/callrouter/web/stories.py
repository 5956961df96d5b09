"""The story of a call for a page, told by `callrouter story` in a process of its own: routing never waits for it.

One at a time; who asks too much is told to try again.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from callrouter.core.explain import Candidate
from callrouter.journal.records import CODEC
from callrouter.journal.story import Gap, Story, Turn

log = structlog.get_logger(__name__)

ANSWER_S = 90.0
ASKING_MAX = 4
BYTES_MAX = 64 << 20


class NoStory(Exception):
    """It cannot be told now; the log says why."""


class Stories:
    """The part that the pages about single calls look at."""

    def __init__(self, folder: Path) -> None:
        """folder: of the journal."""
        self._folder = folder
        self._turn = asyncio.Semaphore(1)
        self._asking = 0

    async def tell(self, call: str, since: float, until: float, *, replay: bool = False) -> Story:
        """Raises NoStory."""
        if self._asking >= ASKING_MAX:
            raise NoStory("too many are asked for at once")
        self._asking += 1
        try:
            async with self._turn, asyncio.timeout(ANSWER_S):
                return await self._ask(call, since, until, replay)
        except (TimeoutError, OSError, ValueError) as error:
            log.warning("a story could not be told", error=f"{type(error).__name__}: {error}")
            raise NoStory(str(error)) from error
        finally:
            self._asking -= 1

    async def _ask(self, call: str, since: float, until: float, replay: bool) -> Story:
        between = ["--since", f"{since:.6f}", "--until", f"{until:.6f}"]
        words = ["story", "--json", "--gently", "--journal", str(self._folder), *between]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "callrouter", *words, *(["--replay"] if replay else []), "--", call,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=BYTES_MAX,
        )  # fmt: skip
        try:
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode not in (0, 1):
            raise NoStory(err.decode(errors="replace").strip()[-500:])
        return _story(json.loads(out))


def _story(data: Mapping[str, Any]) -> Story:
    return Story(tuple(_item(one) for one in data["items"]), data["replayed"])


def _item(data: Mapping[str, Any]) -> Turn | Gap:
    if "gap" in data:
        return Gap(**data["gap"])
    return Turn(
        data["seq"],
        data["at"],
        CODEC.decode(data["event"]),
        tuple(CODEC.decode(command) for command in data["commands"]),
        data["place"],
        tuple(Candidate(**one) for one in data["candidates"]),
        data["differs"],
        data["plan"],
    )
