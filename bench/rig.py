"""One real Asterisk with 200 phones, a carrier that calls at a chosen rate, and callrouter beside it as a process.

Everything that is compared runs on this one Asterisk: numbers that only Dial, numbers that wait and Dial, a number with
`Queue()`, and callrouter's own. Callers and phones are SIPp, without audio; phones answer at once. Asterisk has half of
the processors to itself, whatever it is asked to do; callers, phones and callrouter share the others.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

from tests.asterisk.ami import RawAmi
from tests.asterisk.network import AMI_PORT, SECRET, SIP_PORT, Network, Site, SiteSpec, running
from tests.asterisk.registration import register

from bench import sipp
from bench.machine import Busy, Neighbours, confine, shares, spent_ms
from bench.sipp import Load, Wire
from callrouter.config.dialplan import DialplanSite

SITE = "magdeburg"
PHONES = tuple(str(number) for number in range(1001, 1201))
NOBODYS_PHONE = "1901"  # its agent is ready, and it is never there
AT_ONCE, AFTER_1_S = "3023125010", "3023125011"  # callrouter's hotlines
QUEUE = "6000"
TOKEN = "a-token-for-the-bench-only"
PHONES_PORT = 20001
_ports = count(20002)

_DIALPLAN = """
[from-carrier]
exten => _81XXX,1,Dial(PJSIP/${EXTEN:1},20)
exten => _71XXX,1,Ringing()
 same => n,Wait(1)
 same => n,Dial(PJSIP/${EXTEN:1},20)
exten => 6000,1,Queue(bench,r)
"""
_QUEUE = """
[general]
persistentmembers = no
autofill = yes
[bench]
strategy = rrmemory
autofill = yes
timeout = 20
retry = 1
ringinuse = no
wrapuptime = 0
"""
_CONFIG = """
service:
  listen: 127.0.0.1:{port}
  state_dir: {state}
  tokens: [{{name: bench, secret: {{env: CALLROUTER_BENCH_TOKEN}}}}]
sites:
  magdeburg:
    title: Magdeburg
    land: ST
    zone: Europe/Berlin
    asterisk: {{host: {host}, user: callrouter, secret: {{env: CALLROUTER_BENCH_AMI}}}}
    trunk: {{carrier: carrier, sip: "{host}:5060"}}
hotlines:
  at-once: {{title: At once, site: magdeburg, numbers: [{{number: 030 23125 010, digits: "{at_once}"}}], teams: full}}
  after-1-s: {{title: After 1 s, site: magdeburg, numbers: [{{number: 030 23125 011, digits: "{late}"}}], teams: idle}}
teams:
  full: {{title: Full, site: magdeburg, wrap_up_s: 0, agents: {{from: 1001, count: 200}}}}
  idle: {{title: Idle, site: magdeburg, wrap_up_s: 0, agents: {{from: 1901, count: 1}}}}
agreements:
  late: {{borrower: idle, lender: full, after_s: 1}}
"""


@dataclass(slots=True)
class Router:
    """A running `callrouter run`."""

    process: subprocess.Popen[bytes]
    url: str
    out: Path

    def api(self, path: str, body: dict[str, object] | None = None) -> Any:
        """GET, or POST what is given."""
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def wait_ready(self, deadline_s: float = 60.0) -> None:
        until = time.monotonic() + deadline_s
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=2):
                    return
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise AssertionError(self.out.read_text()[-3000:]) from None
                time.sleep(0.02)

    def open_desks(self, phones: Iterable[str]) -> None:
        """Their agents are ready; who was so when the last router ended still is."""
        known = {one["agent"]: one["state"] for one in self._agents()}
        for phone in phones:
            if known[f"{SITE}/{phone}"] not in ("ready", "unreachable"):
                self.api(f"/agents/{SITE}/{phone}/state", {"state": "ready"})

    def _agents(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.api("/agents?limit=500")["items"]
        return found


@dataclass(slots=True)
class Rig:
    network: Network
    folder: Path
    site: Site
    processors: tuple[set[int], set[int]]  # Asterisk's, and everybody else's
    router: Router | None = None
    _phones: subprocess.Popen[bytes] | None = None
    _children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    # ---- phones and callers

    def _sipp(self, name: str, text: str, host: str, port: int, *more: str) -> subprocess.Popen[bytes]:
        scenario = self.folder / f"{name}.xml"
        scenario.write_text(text)
        command = [
            "setpriv", "--pdeathsig", "KILL", "sipp", "-sf", str(scenario), "-i", host, "-mi", host, "-p", str(port),
            "-nostdin", "-timer_resol", "1", *more,
        ]  # fmt: skip
        out = (self.folder / f"{name}.out").open("wb")
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.folder)
        out.close()
        self._children.append(child)
        return child

    def open_phones(self) -> None:
        """All phones in one process, each registered as it would do by itself."""
        host = self.network.phones_host
        self._phones = self._sipp("phones", sipp.phone(), host, PHONES_PORT, "-aa")
        for phone in PHONES:
            register(host, self.site, phone, f"sip:{phone}@{host}:{PHONES_PORT}")

    def callers(
        self, numbers: Iterator[str], calls: int, rate: float, talk_ms: int = sipp.TALK_MS, most_s: float = 60.0
    ) -> tuple[subprocess.Popen[bytes], str]:
        """Begin to call these numbers at this rate: (the process, its name)."""
        port = next(_ports)
        name = f"caller{port}"
        rows = self.folder / f"{name}.csv"
        rows.write_text("SEQUENTIAL\n" + "".join(f"{number}\n" for number in islice(numbers, calls)))
        child = self._sipp(
            name, sipp.caller(talk_ms), self.network.carrier, port, "-m", str(calls), "-r", str(rate),
            "-inf", str(rows), "-trace_rtt", "-rtt_freq", "1", "-l", "5000", "-timeout", str(round(most_s)),
            "-recv_timeout", str(round(most_s * 1000)), f"{self.site.host}:{SIP_PORT}",
        )  # fmt: skip
        return child, name

    def load(self, numbers: Iterator[str], rate: float, seconds: float) -> Load:
        """Call these numbers at this rate. Returns when all calls are over."""
        calls = max(1, round(rate * seconds))
        busy, neighbours, before = Busy(*self.processors), Neighbours(), self._spent_ms()
        child, name = self.callers(numbers, calls, rate, most_s=seconds + 15)
        time.sleep(min(seconds, 1.0) / 2)  # the first half second is SIPp's own beginning
        busy.look()
        time.sleep(max(0.0, seconds - 0.5))
        asterisk_busy, others_busy = busy.look()  # while calls come in
        child.wait(seconds + 40)
        self._children.remove(child)
        spent = [(now - was) / calls for now, was in zip(self._spent_ms(), before, strict=True)]
        delays: list[float] = []
        for path in self.folder.glob(f"{name}_*_rtt.csv"):
            delays += [float(line.split(";")[1]) for line in path.read_text().splitlines()[1:]]
        return Load(calls, sorted(delays), *spent, asterisk_busy, others_busy, neighbours.look())

    def _spent_ms(self) -> tuple[float, float, float]:
        """Processor time of Asterisk, of callrouter and of SIPp, so far."""
        assert self._phones is not None
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        callers_ms = (ended.ru_utime + ended.ru_stime) * 1000
        router_ms = spent_ms(self.router.process.pid) if self.router else 0.0
        return spent_ms(self.site.process.pid), router_ms, callers_ms + spent_ms(self._phones.pid)

    @contextmanager
    def captured(self) -> Iterator[Wire]:
        """All that the carrier sends and gets meanwhile, with the kernel's times."""
        wire = Wire(self.folder / "carrier.pcap", self.network.carrier)
        command = ["setpriv", "--pdeathsig", "KILL", "tcpdump", "-i", "lo", "-n", "-U", "--immediate-mode", "-s", "0"]
        command += ["-B", "16384", "-w", str(wire.file), f"host {wire.carrier} and udp port {SIP_PORT}"]
        child = subprocess.Popen(command, stderr=subprocess.PIPE)
        assert child.stderr is not None
        first = child.stderr.readline()
        assert b"listening on" in first, first
        try:
            yield wire
        finally:
            child.terminate()
            child.wait(5)
            child.stderr.close()

    # ---- Asterisk and callrouter

    async def prepare(self) -> None:
        """Put the numbers that are compared beside callrouter's own."""
        etc = self.site.etc
        with (etc / "callrouter-site.conf").open("a") as file:
            file.write(_DIALPLAN)
        members = "".join(f"member => PJSIP/{phone}\n" for phone in PHONES)
        (etc / "queues.conf").write_text(_QUEUE + members)
        async with self.ami() as ami:
            loaded = await ami.action("ModuleLoad", Module="app_queue.so", LoadType="load")
            assert loaded["Response"] == "Success", loaded
            await ami.command("dialplan reload")
            told = await ami.command("queue show bench")
            assert told.count("PJSIP/") == len(PHONES), told

    def ami(self) -> RawAmi:
        return RawAmi(self.site.host, AMI_PORT, "lab", SECRET, events=False)

    async def reached(self, talking: int, waiting: int, deadline_s: float = 30.0) -> None:
        """Until the router has so many callers who talk, and so many who do not yet."""
        found: Counter[str] = Counter()
        try:
            async with asyncio.timeout(deadline_s):
                while (found["talking"], found.total()) != (talking, talking + waiting):
                    await asyncio.sleep(0.05)
                    assert self.router is not None
                    page = await asyncio.to_thread(self.router.api, "/calls?limit=500")
                    found = Counter(call["state"] for call in page["items"])
        except TimeoutError:
            raise AssertionError(f"not {talking} talking and {waiting} waiting, but {dict(found)}") from None

    async def channels(self) -> list[str]:
        async with self.ami() as ami:
            return sorted(one["Channel"] for one in await ami.listing("CoreShowChannels"))

    async def hang_up(self, channels: Iterable[str]) -> None:
        async with self.ami() as ami:
            for sent in [ami.send("Hangup", Channel=channel, Cause="16") for channel in channels]:
                await ami.answer(sent)

    async def settle(self) -> None:
        """Until no channel is left."""
        async with self.ami() as ami:
            async with asyncio.timeout(60):
                while await ami.listing("CoreShowChannels"):
                    await asyncio.sleep(0.1)

    def start_router(self) -> Router:
        """The service as shipped; it has begun to start."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = self.folder / "config"
        config.mkdir(exist_ok=True)
        text = _CONFIG.format(
            port=port, state=self.folder / "state", host=self.site.host, at_once=AT_ONCE, late=AFTER_1_S
        )  # fmt: skip
        (config / "bench.yaml").write_text(text)
        secrets = {"CALLROUTER_BENCH_TOKEN": TOKEN, "CALLROUTER_BENCH_AMI": SECRET}
        out = self.folder / "callrouter.out"
        command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "callrouter", "run", str(config)]
        with out.open("ab") as file:
            process = subprocess.Popen(
                [*command, "--log-level", "warning"], stdout=file, stderr=file, env={**os.environ, **secrets}
            )
        self.router = Router(process, f"http://127.0.0.1:{port}", out)
        return self.router

    @contextmanager
    def callrouter(self, ready: Iterable[str] = (*PHONES, NOBODYS_PHONE)) -> Iterator[Router]:
        """The service with the agents at these phones ready."""
        router = self.start_router()
        try:
            router.wait_ready()
            router.open_desks(ready)
            yield router
        finally:
            self.end_router()

    def end_router(self) -> None:
        if self.router is not None:
            self.router.process.terminate()
            self.router.process.wait(30)
            self.router = None

    def close(self) -> None:
        for child in self._children:
            child.kill()
            child.wait(5)


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    processors = shares()
    os.sched_setaffinity(0, processors[1])  # and all that is started from here
    spec = SiteSpec(DialplanSite(SITE, (AT_ONCE, AFTER_1_S), PHONES, failsafe=PHONES[-2:], failsafe_s=5))
    try:
        with running((spec,)) as network:
            made = Rig(network, folder, network.sites[SITE], processors)
            confine(made.site.process.pid, processors[0])
            try:
                made.open_phones()
                await made.prepare()
                yield made
            finally:
                made.end_router()
                made.close()
    finally:
        os.sched_setaffinity(0, processors[0] | processors[1])


def phones(prefix: str) -> Iterator[str]:
    """Numbers that dial one phone after the other."""
    return cycle(prefix + phone for phone in PHONES)


def always(number: str) -> Iterator[str]:
    return cycle((number,))
