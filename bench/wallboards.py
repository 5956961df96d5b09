"""200 open wallboards on the running demo: how late they show what happened, and what they cost the router.

The service is `callrouter demo` in a process of its own, at several times the pace of a busy morning, so that there are
events enough to compare. 200 screens (two sites, two languages, several sessions) hold their streams as
browsers do. Phases with none open and with all of them open take turns. In every phase an agreement is switched by the
API again and again; the time runs from the request until a screen has received the frame that shows it. What the router
took for its events, and how long they waited for it, comes from its own metrics.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Any

from aiohttp import ClientSession, ClientTimeout, CookieJar, TCPConnector
from prometheus_client.parser import text_string_to_metric_families

from bench.result import Figure
from bench.run import Run
from callrouter.cli.stage import PASSWORD

GROUP = "200 wallboards"
BOARDS, SESSIONS = 200, 10
TRIES = 10
PACE = 5
PHASE_S, SWITCH_EVERY_S, LONGEST_S = 11.0, 1.0, 10.0
SITES, LANGUAGES = ("magdeburg", "gera"), ("de", "en")
AGREEMENT = "magdeburg-gera"
DEALS = re.compile(rb'hx-target="#deals"(.*?)</hx-partial>', re.DOTALL)
OFF = re.compile(rb">\s*(AUS|OFF)\s*<")
SETUP_S = 0.025  # that routing may add to a set-up, p99
OURS = {"Sec-Fetch-Site": "same-origin"}


@dataclass(slots=True)
class Board:
    """One screen's stream. off: what it shows of the agreement, since when (monotonic)."""

    site: str
    language: str
    off: bool | None = None
    at: float = 0.0

    def take(self, frame: bytes) -> None:
        found = DEALS.search(frame)
        if found is not None and (off := OFF.search(found[1]) is not None) != self.off:
            self.off, self.at = off, monotonic()


@dataclass(frozen=True, slots=True)
class Histogram:
    """Cumulative counts by upper bound in seconds, as Prometheus has them."""

    counts: dict[float, float]

    def plus(self, other: Histogram, sign: int = 1) -> Histogram:
        bounds = sorted({*self.counts, *other.counts})
        return Histogram({le: self.counts.get(le, 0.0) + sign * other.counts.get(le, 0.0) for le in bounds})

    def quantile(self, share: float) -> float:
        """Between the bounds as `histogram_quantile` does; the largest finite bound is the most it can say."""
        wanted, low, below = share * self.counts[inf], 0.0, 0.0
        for le, count in self.counts.items():
            if count >= wanted and count > below:
                return low if le == inf else low + (le - low) * (wanted - below) / (count - below)
            low, below = (low if le == inf else le), count
        return low

    def beyond(self, bound: float) -> float:
        """The share of what was longer."""
        return 1 - self.counts[bound] / max(1.0, self.counts[inf])


EMPTY = Histogram({})


@dataclass
class Sum:
    """All phases of one kind. wait: of events for their turn. seen_s: from the switch to each screen."""

    decide: Histogram = EMPTY
    wait: Histogram = EMPTY
    seen_s: list[float] = field(default_factory=list)


class Demo:
    """The running demo as its users reach it."""

    def __init__(self, url: str, token: str, api: ClientSession) -> None:
        self.url = url
        self._token = token
        self._api = api

    async def router(self) -> tuple[Histogram, Histogram]:
        """(decisions, waits for them) since it began."""
        async with self._api.get(f"{self.url}/metrics") as answer:
            families = {one.name: one for one in text_string_to_metric_families(await answer.text())}
        decide, wait = (
            Histogram({float(s.labels["le"]): s.value for s in families[name].samples if s.name.endswith("_bucket")})
            for name in ("callrouter_decision_seconds", "callrouter_event_lag_seconds")
        )
        return decide, wait

    async def switch(self, enabled: bool) -> None:
        path = f"{self.url}/api/v1/agreements/{AGREEMENT}/switch"
        body = {"enabled": enabled, "reason": "bench: two hundred wallboards"}
        async with self._api.post(path, json=body, headers={"Authorization": f"Bearer {self._token}"}) as answer:
            answer.raise_for_status()

    async def log_in(self, session: ClientSession) -> None:
        form = {"name": "betrieb", "password": PASSWORD}
        for _ in range(TRIES):
            async with session.post(f"{self.url}/anmelden", data=form, headers=OURS, allow_redirects=False) as answer:
                if answer.status != 503:  # a machine that is busy with others
                    assert answer.status == 303, answer.status
                    return
            await asyncio.sleep(1.0)
        raise ConnectionError(f"no login in {TRIES} tries")


@asynccontextmanager
async def demo() -> AsyncIterator[Demo]:
    command = (sys.executable, "-m", "callrouter", "demo", "--port", "0", "--pace", str(PACE), "--seed", "1")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    drain: asyncio.Task[Any] | None = None
    try:
        told = b""
        while b"Bearer " not in told:
            line = await process.stdout.readline()
            assert line, f"the demo has ended: {told.decode()}"
            told += line
        drain = asyncio.create_task(process.stdout.read())  # what it prints later must not block it
        url, token = re.search(rb"(http://[\d.:]+)/metrics", told), re.search(rb"Bearer ([0-9a-f]+)", told)
        assert url is not None
        assert token is not None
        async with client() as api:
            yield Demo(url[1].decode(), token[1].decode(), api)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        if drain is not None:
            await drain


def client() -> ClientSession:
    timeout = ClientTimeout(total=None, sock_read=60)
    return ClientSession(connector=TCPConnector(limit=0), cookie_jar=CookieJar(unsafe=True), timeout=timeout)


@asynccontextmanager
async def open_boards(made: Demo) -> AsyncIterator[list[Board]]:
    """All screens, each having received its first frame."""
    boards = [Board(SITES[n % 2], LANGUAGES[n // 2 % 2]) for n in range(BOARDS)]
    sessions = [client() for _ in range(SESSIONS)]
    tasks: list[asyncio.Task[None]] = []
    try:
        for session in sessions:
            await made.log_in(session)
        tasks = [asyncio.create_task(follow(made, sessions[n % SESSIONS], board)) for n, board in enumerate(boards)]
        await reached(boards, lambda board: board.off is not None, tasks)
        yield boards
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for session in sessions:
            await session.close()


async def follow(made: Demo, session: ClientSession, board: Board) -> None:
    """Read the stream until cancelled."""
    headers = {"Accept-Language": board.language, "Accept": "text/event-stream"}
    async with session.get(f"{made.url}/wand/{board.site}/strom", headers=headers) as answer:
        answer.raise_for_status()
        rest = b""
        async for chunk, _ in answer.content.iter_chunks():
            *frames, rest = (rest + chunk).split(b"\n\n")
            for frame in frames:
                board.take(frame)
    raise ConnectionError("the stream has ended")


async def reached(boards: list[Board], true: Any, tasks: list[asyncio.Task[None]], longest_s: float = 60.0) -> None:
    end = monotonic() + longest_s
    while not all(map(true, boards)):
        for task in tasks:
            if task.done():
                task.result()  # raises what broke
        if monotonic() > end:
            return
        await asyncio.sleep(0.02)


async def phase(made: Demo, boards: list[Board], into: Sum) -> None:
    """PHASE_S of the day; the agreement is switched once a second, and is on in the end."""
    before, end, off = await made.router(), monotonic() + PHASE_S, False
    while monotonic() < end or off:
        off, asked = not off, monotonic()
        await made.switch(enabled=not off)
        await reached(boards, lambda board, off=off: board.off is off, [], LONGEST_S)
        into.seen_s += [board.at - asked if board.off is off else LONGEST_S for board in boards]
        await asyncio.sleep(max(0.0, asked + SWITCH_EVERY_S - monotonic()))
    after = await made.router()
    into.decide = into.decide.plus(after[0]).plus(before[0], -1)
    into.wait = into.wait.plus(after[1]).plus(before[1], -1)


async def measure(run: Run) -> tuple[Sum, Sum]:
    none, every = Sum(), Sum()
    async with demo() as made:
        for _ in run.rounds(2 if run.quick else 4, f"{BOARDS} wallboards"):
            await phase(made, [], none)
            async with open_boards(made) as boards:
                await phase(made, boards, every)
    return none, every


def figures(run: Run) -> Iterator[Figure]:
    none, every = asyncio.run(measure(run))
    seen = sorted(every.seen_s)
    note = f"{len(seen):,} updates, {PACE} × the pace of a busy morning"
    yield Figure(GROUP, "from the switch to the screen, p50", seen[len(seen) // 2], "s")
    yield Figure(GROUP, "from the switch to the screen, p99", seen[int(len(seen) * 0.99)], "s", most=1.0, note=note)
    times = [one.decide.quantile(0.5) * 1e6 for one in (none, every)]
    note = f"median {times[0]:.0f} → {times[1]:.0f} µs; {every.decide.counts[inf]:,.0f} events"
    yield Figure(
        GROUP, "a decision, all open against none", times[1] / times[0], "×", most=1.25, judged=True, note=note
    )
    waits = [one.wait.quantile(0.99) * 1e3 for one in (none, every)]
    yield Figure(GROUP, "an event waits for its turn, p99, none open", waits[0], "ms")
    yield Figure(
        GROUP,
        "the same, all open",
        waits[1],
        "ms",
        most=SETUP_S * 1e3,
        note=f"p50 {every.wait.quantile(0.5) * 1e3:.2f} ms",
    )
    late = [one.wait.beyond(SETUP_S) for one in (none, every)]
    yield Figure(
        GROUP,
        "events that wait for longer than 25 ms",
        late[1] * 100,
        "%",
        most=1.0,
        note=f"{late[0]:.2%} with none open",
    )
