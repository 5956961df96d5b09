"""`callrouter run` as a process of its own, between signals."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from callrouter.core.commands import Claim
from callrouter.core.router import Router
from callrouter.journal.records import CODEC
from callrouter.journal.replay import replay
from callrouter.journal.segment import read_segment
from callrouter.sim.people import ANSWERS
from tests.app.conftest import NUMBERS, TOKEN, Network
from tests.waiting import until


class Process:
    """A running `callrouter run`, its log lines and what it tells systemd."""

    def __init__(self, process: asyncio.subprocess.Process, told: socket.socket) -> None:
        self.process = process
        self.told: list[str] = []
        self.lines: list[dict[str, object]] = []
        self._socket = told
        self._reader = asyncio.create_task(self._read())
        asyncio.get_running_loop().add_reader(told, self._hear)

    async def _read(self) -> None:
        assert self.process.stderr
        async for line in self.process.stderr:
            self.lines.append(json.loads(line))

    def says(self, event: str) -> dict[str, object] | None:
        return next((line for line in self.lines if line["event"] == event), None)

    def _hear(self) -> None:
        """At once, as systemd does: some ten words fill the socket, and what comes then is lost."""
        with suppress(BlockingIOError):
            while True:
                self.told.append(self._socket.recv(200).decode())

    def deaf(self) -> None:
        """From here on as a systemd that hangs."""
        asyncio.get_running_loop().remove_reader(self._socket)

    def notified(self, state: str) -> bool:
        self._hear()
        return state in self.told

    async def end(self, number: int) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(60):
            status = await self.process.wait()
            await self._reader
        self.deaf()
        return status


@asynccontextmanager
async def started(network: Network, folder: Path) -> AsyncIterator[Process]:
    """The command over the network's files, ready."""
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.setblocking(False)
    path = folder / f"notify{os.urandom(4).hex()}"
    told.bind(str(path))
    environment = {**os.environ, "NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "200000"}
    environment.pop("WATCHDOG_PID", None)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "callrouter", "run", str(network.folder), "--log-format", "json",
        stderr=asyncio.subprocess.PIPE, cwd=folder, env=environment,
    )  # fmt: skip
    running = Process(process, told)
    try:
        await until(lambda: running.notified("READY=1") and running.says("callrouter runs"), lambda: str(running.lines))
        yield running
    finally:
        if process.returncode is None:
            await running.end(signal.SIGKILL)
        running.deaf()
        told.close()


@asynccontextmanager
async def beating(network: Network) -> AsyncIterator[None]:
    """As if the router that was killed lived on: on a busy machine the next one may come later than the failsafe."""
    beats = [(site, f"CR_BEAT_{site.globals['CR_EPOCH']}") for site in network.sites.values()]

    async def beat() -> None:
        for number in count():
            for site, name in beats:
                site.globals[name] = f"{number}.tests"
            await asyncio.sleep(0.5)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def api(running: Process) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    line = running.says("callrouter runs")
    assert line
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
        yield session, f"{line['url']}/api/v1/agents"


async def act(running: Process, agent: str, state: str) -> None:
    async with api(running) as (session, url), session.post(f"{url}/{agent}/state", json={"state": state}) as answer:
        assert answer.status == 200, await answer.text()


async def state(running: Process, agent: str) -> str:
    async with api(running) as (session, url), session.get(f"{url}/{agent}") as answer:
        return str((await answer.json())["state"])


@pytest.mark.slow
async def test_ends_gracefully_and_reloads_on_signals(network: Network, tmp_path: Path) -> None:
    """SIGHUP reads the files again, SIGTERM ends with status 0, and systemd is told of all of it."""
    network.write(service="  listen: 127.0.0.1:0\n")
    async with started(network, tmp_path) as running:
        await until(lambda: running.notified("WATCHDOG=1"))
        running.process.send_signal(signal.SIGHUP)
        await until(lambda: running.says("configuration read"))
        assert await running.end(signal.SIGTERM) == 0
        assert running.notified("STOPPING=1")
        assert running.lines[-1]["event"] == "callrouter has stopped"


@pytest.mark.slow
async def test_a_systemd_that_hears_nothing_keeps_nobody_waiting(network: Network, tmp_path: Path) -> None:
    """The service says that it cannot be told, goes on, and ends when it is asked to."""
    network.write(service="  listen: 127.0.0.1:0\n")
    async with started(network, tmp_path) as running:
        running.deaf()
        await until(lambda: running.says("systemd could not be told"))
        assert await running.end(signal.SIGTERM) == 0


@pytest.mark.slow
async def test_nothing_is_lost_by_kill_9(network: Network, tmp_path: Path) -> None:
    """What the site was told is in the journal of a router that was killed, what an API answered for is in its
    database, and the next one serves the caller who still rings, by the agent who was ready."""
    network.write(service="  listen: 127.0.0.1:0\n")
    gera = network.sites["gera"]
    async with started(network, tmp_path) as running:
        await until(lambda: len([s for s in network.sites.values() if s.globals.get("CR_EPOCH", "0") != "0"]) == 2)
        caller = gera.call(NUMBERS["gera"])
        await until(lambda: caller.channel is not None and caller.channel.variables.get("CR_CLAIM"))
        await act(running, "gotha/3001", "ready")
        await act(running, "gotha/3001", "pause")
        await running.end(signal.SIGKILL)
    (path,) = (tmp_path / "var" / "journal").iterdir()
    claims = [c.call for entry in read_segment(path, CODEC)[1] for c in entry.commands if isinstance(c, Claim)]
    assert claims == [caller.call]
    assert replay(path, CODEC, lambda header: Router.restore(header.state)).difference is None

    network.phone("gera/2001", ANSWERS)
    async with beating(network), started(network, tmp_path) as running:
        assert await state(running, "gotha/3001") == "paused"
        await act(running, "gera/2001", "ready")
        await caller.until("talking", timeout_s=60.0)
        assert caller.heard.count("answered") == 1
        caller.hang_up()
        await caller.until("ended")
        assert await running.end(signal.SIGINT) == 0


async def ended(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "callrouter", "run", *arguments, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        _, text = await process.communicate()
    assert process.returncode is not None
    return process.returncode, text.decode()


@pytest.mark.slow
async def test_refuses_to_start_with_reasons(network: Network, tmp_path: Path) -> None:
    """A mistake, a missing secret and a port that is taken each end with status 2 and one clear line."""
    network.write(service="  colour: red\n")
    status, text = await ended(str(network.folder))
    assert (status, "network.yaml:" in text, "colour" in text) == (2, True, True)

    network.write()
    (network.folder / "ami").unlink()
    status, text = await ended(str(network.folder))
    assert (status, "error: file" in text, "Traceback" in text) == (2, True, False)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        network.write(service=f"  listen: 127.0.0.1:{port}\n  state_dir: {tmp_path / 'var'}\n")
        status, text = await ended(str(network.folder))
    assert (status, text.splitlines()[-1]) == (
        2,
        f"error: cannot listen on http://127.0.0.1:{port}: another program has it; "
        "stop that one, or write another address (service: listen)",
    )
