"""Kill a real `callrouter run` at random moments, over and over, and see whether a call record is lost or doubled.

`python -m tests.soak_kill --kills 200 --calls 20000` drives virtual Asterisks with callers and agents while the service
is killed (SIGKILL) and started again. A call record exists once its `CallFinished` stands in the journal as a whole
line; the truth is read from the journal's files here, without any code of the product.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from callrouter.sim.pbx import VirtualPbx, boot
from callrouter.sim.people import Behaviour, VirtualCaller
from tests.app.conftest import NUMBERS, TOKEN, Network

AGENTS = 8  # at each of the two sites
CALLERS = 24  # people who ring, again and again
OUTCOMES_OF_DEMANDS = ("answered", "abandoned", "busied", "failsafe", "lost")


@dataclass
class Figures:
    """What came of it. missing, extra, wrong: records that are in the journal only, in SQL only, or differ.

    seen_without_end: calls that some router knew and that have no record, not even one as lost.
    """

    kills: int = 0
    killed_while_starting: int = 0
    calls: int = 0
    seconds: float = 0.0
    segments: int = 0
    journalled: int = 0
    in_sql: int = 0
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seen_without_end: int = 0
    demand_attempts: int = 0
    demand_records: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        return (
            not self.missing
            and not self.extra
            and not self.doubled
            and not self.wrong
            and not self.seen_without_end
            and self.demand_attempts == self.demand_records
        )


class People:
    """Callers who ring, wait a moment or are served, and ring again."""

    def __init__(self, sites: dict[str, VirtualPbx], rng: random.Random) -> None:
        self.sites = sites
        self.rng = rng
        self.calls = 0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._person(number)) for number in range(CALLERS)]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _person(self, number: int) -> None:
        number_shown = "" if number % 8 == 0 else f"0171{number:07}"
        while True:
            site = self.rng.choice(list(self.sites))
            caller = self.sites[site].call(NUMBERS[site], number_shown)
            self.calls += 1
            try:
                await caller.until("ended", timeout_s=self.rng.uniform(0.1, 1.5))
            except TimeoutError:
                caller.hang_up()
                await self._gone(caller)
            finally:
                caller.hang_up()
            await asyncio.sleep(self.rng.uniform(0.0, 0.3))

    async def _gone(self, caller: VirtualCaller) -> None:
        try:
            await caller.until("ended", timeout_s=5.0)
        except TimeoutError:
            print(f"a caller could not hang up: {caller.call}", file=sys.stderr)


class Victim:
    """The service as a process. `ready` once it says that it runs."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.folder = folder
        self.config = config
        self.process: asyncio.subprocess.Process | None = None
        self.url = ""
        self._reader: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def start(self) -> None:
        self._ready.clear()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "callrouter", "run", str(self.config), "--log-format", "json",
            stderr=asyncio.subprocess.PIPE, cwd=self.folder,
        )  # fmt: skip
        self._reader = asyncio.create_task(self._read(self.process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr
        with (self.folder / "log").open("ab") as log:
            async for line in process.stderr:
                log.write(line)
                if b'"callrouter runs"' in line:
                    self.url = json.loads(line)["url"]
                    self._ready.set()

    async def ready(self) -> None:
        async with asyncio.timeout(60):
            await self._ready.wait()

    async def end(self, number: int) -> int:
        assert self.process is not None
        assert self._reader is not None
        self.process.send_signal(number)
        async with asyncio.timeout(60):
            status = await self.process.wait()
            await self._reader
        return status

    async def post(self, path: str, body: object) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(self.url + path, json=body) as answer,
        ):
            assert answer.status == 200, await answer.text()


async def soak(folder: Path, kills: int, calls: int, seed: int, database: str = "") -> Figures:
    """Everything below `folder`; goes on until there were so many kills and so many calls."""
    rng = random.Random(seed)
    figures = Figures()
    config = folder / "config"
    config.mkdir()
    network = Network(config)
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        for index, (name, number) in enumerate(NUMBERS.items()):
            phones = tuple(str(1000 * (index + 2) + one) for one in range(1, AGENTS + 1))
            site = network.sites[name] = VirtualPbx(name, phones=phones, numbers=[number])
            stack.push_async_callback(site.kill)
            for phone in site.phones.values():
                phone.choose = lambda _: Behaviour(answer_s=rng.uniform(0, 0.05), talk_s=rng.uniform(0.02, 0.8))
        await boot(*network.sites.values())
        for site in network.sites.values():
            for phone in site.phones.values():
                phone.register()
        service = "  listen: 127.0.0.1:0\n  journal: {rotate_mb: 1}\n" + (
            f"  database: '{database}'\n" if database else ""
        )
        network.write(service=service, phones={name: tuple(site.phones) for name, site in network.sites.items()})
        people = People(network.sites, rng)
        victim = Victim(folder, config)
        await victim.start()
        await victim.ready()
        for name, site in network.sites.items():
            for phone in site.phones:
                await victim.post(f"/api/v1/agents/{name}/{phone}/state", {"state": "ready"})
        people.start()
        while figures.kills < kills or people.calls < calls:
            await _wait_to_kill(victim, rng, figures)
            await victim.end(signal.SIGKILL)
            figures.kills += 1
            await victim.start()
            if figures.kills % 20 == 0:
                print(f"{figures.kills} kills, {people.calls} calls, {time.monotonic() - began:.0f} s", flush=True)
        await victim.ready()
        await people.stop()
        await asyncio.sleep(3.0)  # let the last ones end
        figures.calls = people.calls
        assert await victim.end(signal.SIGTERM) == 0
    figures.seconds = time.monotonic() - began
    return figures


async def _wait_to_kill(victim: Victim, rng: random.Random, figures: Figures) -> None:
    """One in five dies while it starts, which takes about a second; the others soon after."""
    if rng.random() < 0.2:
        figures.killed_while_starting += 1
        await asyncio.sleep(rng.uniform(0.2, 1.5))
        return
    await victim.ready()
    await asyncio.sleep(rng.expovariate(1 / 2.0))


def truth(folder: Path) -> tuple[dict[str, list[tuple[str, int, dict[str, object]]]], set[str], int]:
    """(every word about each finished call as (run, seq, record), calls that a router has seen, segments)."""
    words: dict[str, list[tuple[str, int, dict[str, object]]]] = {}
    seen: set[str] = set()
    paths = sorted((folder / "var" / "journal").glob("*.jsonl"))
    for path in paths:
        lines = path.read_bytes().split(b"\n")[:-1]  # a torn last line was never whole
        if not lines:
            continue
        run = json.loads(lines[0])["run"]
        for text in lines[1:]:
            if b"Call" not in text:
                continue
            entry = json.loads(text)
            for command in entry["commands"]:
                if command["_"] == "CallFinished":
                    words.setdefault(command["call"], []).append((run, entry["seq"], command))
                elif command["_"] == "CallOffered":
                    seen.add(command["call"])
    return words, seen, len(paths)


def judge(folder: Path, figures: Figures) -> Figures:
    """Compare the journal with the SQLite database."""
    words, seen, figures.segments = truth(folder)
    database = sqlite3.connect(folder / "var" / "callrouter.db")
    database.row_factory = sqlite3.Row
    rows = database.execute("SELECT * FROM call_record").fetchall()
    demands = database.execute("SELECT * FROM demand").fetchall()
    database.close()
    kept = {row["call"]: row for row in rows}
    figures.journalled, figures.in_sql = len(words), len(rows)
    figures.missing = sorted(words.keys() - kept.keys())
    figures.extra = sorted(kept.keys() - words.keys())
    figures.doubled = sorted(call for call, number in Counter(row["call"] for row in rows).items() if number > 1)
    for call in words.keys() & kept.keys():
        _, _, last = max(words[call], key=lambda word: word[:2])
        row = kept[call]
        if any(
            row[name] != last[name] for name in ("outcome", "hotline", "arrived_at", "ended_at", "wait_s", "talk_s")
        ):
            figures.wrong.append(call)
    figures.seen_without_end = len(seen - words.keys())
    figures.demand_attempts = sum(row["attempts"] for row in demands)
    figures.demand_records = sum(row["outcome"] in OUTCOMES_OF_DEMANDS and row["hotline"] != "" for row in rows)
    figures.outcomes = dict(Counter(row["outcome"] for row in rows))
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="callrouter-soak-") as folder:
        figures = asyncio.run(soak(Path(folder), arguments.kills, arguments.calls, arguments.seed))
        judge(Path(folder), figures)
    print(json.dumps({**figures.__dict__, "seconds": round(figures.seconds)}, indent=1))
    print("sound" if figures.sound else "NOT SOUND")
    return 0 if figures.sound else 1


if __name__ == "__main__":
    raise SystemExit(main())
