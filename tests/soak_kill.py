"""Kill a real `callrouter run` at random moments, over and over, and see whether a record is lost or doubled.

`python -m tests.soak_kill --kills 200 --calls 20000` drives virtual Asterisks with callers and agents while the service
is killed (SIGKILL) and started again. Callers come in waves; whom nobody serves in time is asked whether he wants to be
rung back, most press 1, and agents ring them in the lulls. A record exists once it stands in the journal as a whole
line; the truth is read from the journal's files here, without any code of the product, and from the callers' ears: who
has heard that he will be rung back must be on the list.
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
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from callrouter.sim.pbx import VirtualPbx, boot
from callrouter.sim.people import Behaviour, VirtualCaller
from tests.app.conftest import NUMBERS, TOKEN, Network

AGENTS = 8  # at each of the two sites
CALLERS = 40  # people who ring, again and again
WAVE_S = 5.0  # of many calls, then as long of few
HOTLINE = """, nobody: callback, hours: {Mon-Sun: '00:00-24:00', holidays: open},
    callback: {hours: {Mon-Sun: '07:00-21:00', holidays: open}, wait_s: 1, reserve: 0, tries_max: 3, pause_s: 60,
    dial_s: 10}"""
PROMISED = "callback-done-"  # what is said to whom a callback is promised
CALL_COLUMNS = ("outcome", "hotline", "arrived_at", "ended_at", "wait_s", "talk_s")
CALLBACK_COLUMNS = ("kind", "status", "result", "tries", "version", "hotline")
TRY_COLUMNS = ("result", "began_at", "ended_at", "talk_s", "hotline")
OUTCOMES_OF_DEMANDS = ("answered", "abandoned", "busied", "failsafe", "lost")


@dataclass
class Figures:
    """What came of it. missing, extra, wrong: records that are in the journal only, in SQL only, or differ; those of
    callbacks and of outbound calls have their kind before the id.

    seen_without_end: calls that some router knew, or ordered, and that have no record, not even one as lost.
    promises_lost: calls whose callers heard that they will be rung back and are not on the list. promised_twice:
    callers with two open callbacks for a hotline.
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
    seen_without_end: list[str] = field(default_factory=list)
    demand_attempts: int = 0
    demand_records: int = 0
    promises_heard: int = 0
    promises_lost: list[str] = field(default_factory=list)
    promised_twice: int = 0
    callbacks: dict[str, int] = field(default_factory=dict)
    rung_back: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        return (
            not self.missing
            and not self.extra
            and not self.doubled
            and not self.wrong
            and not self.seen_without_end
            and not self.promises_lost
            and not self.promised_twice
            and self.demand_attempts == self.demand_records
        )


class People:
    """Callers who ring, wait a moment or are served, and ring again."""

    def __init__(self, sites: dict[str, VirtualPbx], rng: random.Random) -> None:
        self.sites = sites
        self.rng = rng
        self.calls = 0
        self.promised: list[str] = []  # calls
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        for site in self.sites.values():
            for number in range(CALLERS):
                site.outside(_shown(number)).choose = lambda _: self._rung_back()
        self._tasks = [asyncio.create_task(self._person(number)) for number in range(CALLERS)]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def _rung_back(self) -> Behaviour:
        if self.rng.random() < 0.3:
            return Behaviour(refuse=self.rng.choice([486, 603, 480, 404]), refuse_s=0.05)
        return Behaviour(answer_s=self.rng.uniform(0, 0.3), talk_s=self.rng.uniform(0.02, 1.0))

    async def _person(self, number: int) -> None:
        number_shown = "" if number % 8 == 0 else _shown(number)
        while True:
            site = self.rng.choice(list(self.sites))
            caller = self.sites[site].call(NUMBERS[site], number_shown)
            caller.on_question = self._presses
            self.calls += 1
            try:
                await caller.until("ended", timeout_s=self.rng.uniform(0.1, 1.5 if self.rng.random() < 0.5 else 5.0))
            except TimeoutError:
                caller.hang_up()
                await self._gone(caller)
            finally:
                caller.hang_up()
            if any(PROMISED in said for said in caller.prompts):
                self.promised.append(caller.call)
            calm = int(time.monotonic() / WAVE_S) % 2
            await asyncio.sleep(self.rng.uniform(1.0, 3.0) if calm else self.rng.uniform(0.0, 0.3))

    def _presses(self, caller: VirtualCaller) -> None:
        if self.rng.random() < 0.8:
            asyncio.get_running_loop().call_later(self.rng.uniform(0.02, 0.5), caller.press, "1")

    async def _gone(self, caller: VirtualCaller) -> None:
        try:
            await caller.until("ended", timeout_s=5.0)
        except TimeoutError:
            print(f"a caller could not hang up: {caller.call}", file=sys.stderr)


def _shown(number: int) -> str:
    return f"0171{number:07}"


def by_day() -> str:
    """A time zone in which it is about one o'clock in the afternoon now: nobody is rung back at night."""
    return f"Etc/GMT{time.gmtime().tm_hour - 13:+d}"


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
        async with asyncio.timeout(300):  # the machine may have much else to do
            await self._ready.wait()

    async def end(self, number: int) -> int:
        assert self.process is not None
        assert self._reader is not None
        self.process.send_signal(number)
        async with asyncio.timeout(60):
            status = await self.process.wait()
            await self._reader
        return status

    async def listed(self, status: str = "") -> int:
        """Callbacks that the router has."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{self.url}/api/v1/callbacks{'?status=' * bool(status)}{status}") as answer,
        ):
            return int((await answer.json())["total"])

    async def post(self, path: str, body: object) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(self.url + path, json=body) as answer,
        ):
            assert answer.status == 200, await answer.text()


async def soak(
    folder: Path, kills: int, calls: int, seed: int, database: str = "", promises: int = 1
) -> tuple[Figures, Sequence[str]]:
    """Everything below `folder`; goes on until there were so many kills, calls and promises that callers have heard.
    What `judge` is given."""
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
                phone.choose = lambda _: Behaviour(answer_s=rng.uniform(0, 0.05), talk_s=rng.uniform(0.02, 1.5))
        await boot(*network.sites.values())
        for site in network.sites.values():
            for phone in site.phones.values():
                phone.register()
        service = "  listen: 127.0.0.1:0\n  journal: {rotate_mb: 1}\n" + (
            f"  database: '{database}'\n" if database else ""
        )
        phones = {name: tuple(site.phones) for name, site in network.sites.items()}
        network.write(service=service, phones=phones, ring_max_s=1, zone=by_day(), more=HOTLINE)
        people = People(network.sites, rng)
        victim = Victim(folder, config)
        await victim.start()
        await victim.ready()
        for name, site in network.sites.items():
            for phone in site.phones:
                await victim.post(f"/api/v1/agents/{name}/{phone}/state", {"state": "ready"})
        people.start()
        while figures.kills < kills or people.calls < calls or len(people.promised) < promises:
            await _wait_to_kill(victim, rng, figures)
            await victim.end(signal.SIGKILL)
            figures.kills += 1
            await victim.start()
            if figures.kills % 20 == 0:
                print(f"{figures.kills} kills, {people.calls} calls, {time.monotonic() - began:.0f} s", flush=True)
        await victim.ready()
        await people.stop()
        for name, site in network.sites.items():
            for phone in site.phones:
                await victim.post(f"/api/v1/agents/{name}/{phone}/state", {"state": "pause"})
        await asyncio.sleep(3.0)  # let the last ones end
        await _until(lambda: _quiet(victim, folder))
        figures.calls, figures.promises_heard = people.calls, len(people.promised)
        assert await victim.end(signal.SIGTERM) == 0
    figures.seconds = time.monotonic() - began
    return figures, people.promised


async def _quiet(victim: Victim, folder: Path) -> bool:
    """No agent is at a callback (they must have been made not to begin another), and the router knows all that is
    kept."""
    with closing(sqlite3.connect(f"file:{folder}/var/callrouter.db?mode=ro", uri=True)) as database:
        (kept,) = database.execute("SELECT count(*) FROM callback WHERE status != 'done'").fetchone()
    return not await victim.listed("taken") and await victim.listed() == kept


async def _until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(120):
        while not await true():
            await asyncio.sleep(0.2)


async def _wait_to_kill(victim: Victim, rng: random.Random, figures: Figures) -> None:
    """One in five dies while it starts, which takes about a second; most others soon after, some when it has rung
    callers back."""
    if rng.random() < 0.2:
        figures.killed_while_starting += 1
        await asyncio.sleep(rng.uniform(0.2, 1.5))
        return
    await victim.ready()
    await asyncio.sleep(rng.expovariate(1 / 2.0) if rng.random() < 0.7 else rng.uniform(3.0, 12.0))


Word = tuple[str, int, dict[str, Any]]


@dataclass
class Truth:
    """Every word of the journal about each finished call, callback and outbound call, as (run, seq, record).

    seen: calls that a router has met, or ordered."""

    calls: dict[str, list[Word]] = field(default_factory=dict)
    callbacks: dict[str, list[Word]] = field(default_factory=dict)
    outbound: dict[str, list[Word]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    segments: int = 0

    def take(self, run: str, seq: int, command: dict[str, Any]) -> None:
        match command["_"]:
            case "CallFinished":
                self.calls.setdefault(command["call"], []).append((run, seq, command))
            case "CallbackChanged":
                one = command["callback"]
                self.callbacks.setdefault(one["id"], []).append((run, seq, one))
            case "OutboundFinished":
                self.outbound.setdefault(command["call"], []).append((run, seq, command))
            case "CallOffered" | "DialOut":
                self.seen.add(command["call"])


def truth(folder: Path) -> Truth:
    found = Truth()
    paths = sorted((folder / "var" / "journal").glob("*.jsonl"))
    found.segments = len(paths)
    for path in paths:
        lines = path.read_bytes().split(b"\n")[:-1]  # a torn last line was never whole
        if not lines:
            continue
        run = json.loads(lines[0])["run"]
        for text in lines[1:]:
            entry = json.loads(text)
            for command in entry["commands"]:
                found.take(run, entry["seq"], command)
    return found


def judge(folder: Path, figures: Figures, promised: Sequence[str]) -> Figures:
    """Compare the journal with the SQLite database. promised: calls whose callers heard that they will be rung back."""
    said = truth(folder)
    figures.segments = said.segments
    database = sqlite3.connect(folder / "var" / "callrouter.db")
    database.row_factory = sqlite3.Row
    tables = ("call_record", "demand", "callback", "callback_try")
    rows, demands, callbacks, tries = (database.execute(f"SELECT * FROM {name}").fetchall() for name in tables)
    database.close()
    _compare(figures, "", said.calls, {row["call"]: row for row in rows}, CALL_COLUMNS)
    _compare(figures, "callback ", _alone(said), {row["id"]: row for row in callbacks}, CALLBACK_COLUMNS)
    _compare(figures, "outbound ", _seen_to_end(said.outbound), {row["id"]: row for row in tries}, TRY_COLUMNS)
    figures.doubled = sorted(call for call, number in Counter(row["call"] for row in rows).items() if number > 1)
    figures.seen_without_end = sorted(said.seen - said.calls.keys() - said.outbound.keys())
    figures.demand_attempts = sum(row["attempts"] for row in demands)
    figures.demand_records = sum(row["outcome"] in OUTCOMES_OF_DEMANDS and row["hotline"] != "" for row in rows)
    figures.outcomes = dict(Counter(row["outcome"] for row in rows))
    figures.callbacks = dict(Counter(f"{row['kind']} {row['result'] or row['status']}" for row in callbacks))
    figures.rung_back = dict(Counter(row["result"] for row in tries))
    listed = {row["call"] for row in callbacks if row["kind"] == "captured"}
    figures.promises_lost = sorted(set(promised) - listed)
    owed = Counter((row["caller"], row["hotline"]) for row in callbacks if row["status"] != "done")
    figures.promised_twice = sum(number > 1 for number in owed.values())
    return figures


def _compare(
    figures: Figures, kind: str, words: dict[str, list[Word]], kept: dict[str, sqlite3.Row], columns: Sequence[str]
) -> None:
    figures.journalled += len(words)
    figures.in_sql += len(kept)
    figures.missing += [kind + one for one in sorted(words.keys() - kept.keys())]
    figures.extra += [kind + one for one in sorted(kept.keys() - words.keys())]
    for one in sorted(words.keys() & kept.keys()):
        _, _, last = max(words[one], key=lambda word: word[:2])
        if any(kept[one][name] != last[name] for name in columns):
            figures.wrong.append(kind + one)


def _alone(said: Truth) -> dict[str, list[Word]]:
    """Callbacks by what was said of them; where an outbound call has ended later, in a router that did not know what it
    was made for, by that: how often he was rung, and the end."""
    ended: dict[str, list[Word]] = {}
    for words in _seen_to_end(said.outbound).values():
        run, seq, call = max(words, key=lambda word: word[:2])
        ended.setdefault(call["callback"], []).append((run, seq, call))
    found = {}
    for one, words in said.callbacks.items():
        run, seq, record = max(words, key=lambda word: (word[2]["version"], *word[:2]))
        for later, at, call in sorted(ended.get(one, ()), key=lambda word: word[:2]):
            if (run, seq) < (later, at) and record["status"] != "done":
                reached = call["result"] == "reached"
                status = "done" if reached else "not_reached" if call["rung"] else "open"
                record = {
                    **record, "status": status, "result": "reached" if reached else None,
                    "tries": record["tries"] + call["rung"], "version": record["version"] + 1,
                }  # fmt: skip
                run, seq = later, at
        found[one] = [(run, seq, record)]
    return found


def _seen_to_end(calls: dict[str, list[Word]]) -> dict[str, list[Word]]:
    """Of two words about one call, that of a router which did not see its end says less."""
    return {
        call: [word for word in words if word[2]["result"] != "unknown"] or words[:1] for call, words in calls.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--keep", type=Path, help="An empty folder for what the service writes; it is left there.")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="callrouter-soak-") as made:
        folder = arguments.keep or Path(made)
        soaked = asyncio.run(soak(folder, arguments.kills, arguments.calls, arguments.seed))
        figures = judge(folder, *soaked)
    print(json.dumps({**figures.__dict__, "seconds": round(figures.seconds)}, indent=1))
    print("sound" if figures.sound else "NOT SOUND")
    return 0 if figures.sound else 1


if __name__ == "__main__":
    raise SystemExit(main())
