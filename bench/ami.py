"""AMI events through link, translation, engine and router: events per second of processor time.

The site is a process of its own at the other end of a TCP connection, and answers every order; what is measured is this
process alone. Once only what comes in, once with the orders written and their answers read, once with journal and
metrics as well.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from time import monotonic, process_time

from bench.result import Figure
from bench.run import Run
from bench.site import EVENTS_OF_A_CALL, SITE, plan
from callrouter.ami.epoch import Lease
from callrouter.ami.link import SiteLink
from callrouter.app import calm_collector
from callrouter.clock import Clock
from callrouter.core.commands import CallAnswered, CallFinished, Command, Order
from callrouter.core.events import AgentAct, AgentActed, Event
from callrouter.core.router import Router
from callrouter.engine import Engine
from callrouter.journal.records import CODEC
from callrouter.journal.writer import Journal
from callrouter.measures import Measures

GROUP = "AMI"
DEADLINE_S = 60.0
AHEAD = 100  # calls that the site sends before the orders for them have come
CHUNK = 500  # calls at once when nothing is ordered: the inbox must not fill


class Books:
    """Counts what became of the calls, and says when so many were answered, and when all are over."""

    def __init__(self, calls: int) -> None:
        self.calls = self.wanted = calls
        self.answered = self.finished = 0
        self.done = asyncio.Event()
        self.reached = asyncio.Event()

    def observe(self, event: Event, commands: Sequence[Command], now: float) -> None:
        for command in commands:
            if isinstance(command, CallAnswered):
                self.answered += 1
                if self.answered == self.wanted:
                    self.reached.set()
            elif isinstance(command, CallFinished):
                self.finished += 1
                if self.finished == self.calls:
                    self.done.set()


@asynccontextmanager
async def site(calls: int) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.site", str(calls), stdin=pipe, stdout=pipe
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process, int(await asyncio.wait_for(process.stdout.readline(), DEADLINE_S))
    finally:
        process.kill()
        await process.wait()


class Service:
    """Link, engine and router as `app.py` joins them. orders: they leave. folder: for the journal; metrics, too."""

    def __init__(self, port: int, books: Books, *, orders: bool, folder: Path | None) -> None:
        self.orders = orders
        self.clock = Clock()
        network = plan()
        router = Router(network, self.clock())
        measures = Measures(network) if folder else None
        observers = [books.observe, *([measures.observe] if measures else [])]
        self.journal = Journal(folder, CODEC, router.checkpoint) if folder else None
        self.engine = Engine(
            router, self.clock, self._execute, observers=observers, journal=self.journal, meter=measures
        )  # fmt: skip
        submit, lease = self.engine.submit, Lease(5, "bench")
        rng = Random(1).random
        self.link = SiteLink(
            SITE, "127.0.0.1", port, "callrouter", "", lease=lease, submit=submit, clock=monotonic, rng=rng
        )  # fmt: skip

    def _execute(self, order: Order) -> None:
        if self.orders:
            self.link.execute(order)

    async def open(self) -> None:
        """Until the site is read back and all agents are ready."""
        if self.journal:
            self.journal.begin(self.clock())
        self._running = asyncio.create_task(self.engine.run())
        self.link.start()
        while not self.engine.snapshot().sites[0].link_up:
            await asyncio.sleep(0.01)
        for agent in plan().agents:
            await self.engine.ask(AgentActed(agent.id, AgentAct.READY))

    async def close(self) -> None:
        await self.link.close()
        self.engine.stop()
        await self._running
        if self.journal:
            self.journal.close(self.clock())


async def run(calls: int, *, orders: bool = True, folder: Path | None = None) -> float:
    """Seconds of processor time for each of the site's events."""
    books = Books(calls)
    async with site(calls) as (process, port), asyncio.timeout(DEADLINE_S):
        assert process.stdin is not None
        service = Service(port, books, orders=orders, folder=folder)
        await service.open()
        calm_collector()
        started = process_time()
        if orders:
            process.stdin.write(f"{calls} {AHEAD}\n".encode())
        else:
            for upto in range(CHUNK, calls + 1, CHUNK):
                books.reached.clear()
                books.wanted = upto
                process.stdin.write(f"{upto} 0\n".encode())
                await books.reached.wait()
        await books.done.wait()
        spent = process_time() - started
        await service.close()
    assert books.answered == calls, f"only {books.answered} of {calls} calls were answered"
    assert service.link.state.shed == 0, "the link shed events"
    return spent / (calls * EVENTS_OF_A_CALL)


def figures(bench: Run) -> Iterator[Figure]:
    calls, rounds = (2_000, 2) if bench.quick else (6_000, 4)
    incoming, both, whole = [], [], []
    with tempfile.TemporaryDirectory(prefix="callrouter-bench-") as folder:
        for turn in bench.rounds(rounds, f"{calls:,} calls"):
            incoming.append(asyncio.run(run(calls, orders=False)))
            both.append(asyncio.run(run(calls)))
            whole.append(asyncio.run(run(calls, folder=Path(folder) / str(turn))))
    cost = min(incoming)
    yield Figure(GROUP, "events in: link, translation, engine, router", 1 / cost, "events/s", least=50_000)
    yield Figure(GROUP, "with orders out and their answers", 1 / min(both), "events/s", note="an order per 11 events")
    yield Figure(GROUP, "with journal and metrics, too", 1 / min(whole), "events/s")
    yield Figure(GROUP, "cost of orders", min(both) / cost, "×")
    yield Figure(GROUP, "cost of orders, journal and metrics", min(whole) / cost, "×")
