"""One real Asterisk with 200 phones, a carrier that calls at a chosen rate, and callrouter beside it as a process.

Everything that is compared runs on this one Asterisk: numbers that only Dial, numbers that wait and Dial, a number with
`Queue()`, and callrouter's own. Callers and phones are SIPp, without audio; phones answer at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count, cycle, islice
from pathlib import Path

from tests.asterisk.ami import RawAmi
from tests.asterisk.network import AMI_PORT, SECRET, SIP_PORT, Network, Site, SiteSpec, running
from tests.asterisk.registration import register
from tests.asterisk.sip import parse

from callrouter.config.dialplan import DialplanSite

SITE = "magdeburg"
PHONES = tuple(str(number) for number in range(1001, 1201))
AT_ONCE, AFTER_1_S = "3023125010", "3023125011"  # callrouter's hotlines
QUEUE = "6000"
TALK_MS = 300
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
_SDP = """v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [media_port] RTP/AVP 8
a=rtpmap:8 PCMA/8000"""
_OK = "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n{contact}"
_CONTACT = "Contact: <sip:[local_ip]:[local_port]>"
_WITH_SDP = f"Content-Type: application/sdp\nContent-Length: [len]\n\n{_SDP}"
_TAG = ";tag=[pid]P[call_number]"


def _send(text: str, attributes: str = "") -> str:
    return f"<send {attributes}><![CDATA[\n{text}\n]]></send>\n"


def _phone() -> str:
    ringing = _OK.replace("200 OK", "180 Ringing").format(tag=_TAG, contact=_CONTACT)
    answer = _OK.format(tag=_TAG, contact=f"{_CONTACT}\n{_WITH_SDP}")
    return (
        '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="phone">\n<recv request="INVITE"/>\n'
        + _send(ringing + "\nContent-Length: 0\n")
        + _send(answer, 'retrans="500"')
        + '<recv request="ACK"/>\n<recv request="BYE"/>\n'
        + _send(_OK.format(tag="", contact="Content-Length: 0\n"))
        + "</scenario>\n"
    )


def _caller() -> str:
    def request(method: str, sequence: int, branch: str, to: str = "", target: str = "") -> str:
        uri = target or "sip:[field0]@[remote_ip]:[remote_port]"
        return (
            f"{method} {uri} SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}\n"
            "From: <sip:+49899999[call_number]@[local_ip]:[local_port]>;tag=[pid]C[call_number]\n"
            f"To: <sip:[field0]@[remote_ip]:[remote_port]>{to}\nCall-ID: [call_id]\nCSeq: {sequence} {method}\n"
            "Max-Forwards: 70\n"
        )

    optional = "".join(f'<recv response="{code}" optional="true"/>\n' for code in (100, 180, 183))
    contact = "Contact: <sip:caller@[local_ip]:[local_port]>\n"
    peer, next_url = "[peer_tag_param]", "[next_url]"
    return (
        '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="caller">\n'
        + _send(request("INVITE", 1, "[branch]") + contact + _WITH_SDP, 'retrans="500" start_rtd="setup"')
        + optional
        + '<recv response="200" rtd="setup" rrs="true"/>\n'
        + _send(request("ACK", 1, "z9hG4bK-[pid]-[call_number]-a", peer, next_url) + "Content-Length: 0\n")
        + f'<pause milliseconds="{TALK_MS}"/>\n'
        + _send(request("BYE", 2, "[branch]", peer, next_url) + "Content-Length: 0\n", 'retrans="500"')
        + '<recv response="200"/>\n</scenario>\n'
    )


@dataclass(frozen=True, slots=True)
class Load:
    """What came of some calls. delays_ms: INVITE to 200 of those that were answered, rising."""

    calls: int
    delays_ms: list[float]
    asterisk_ms: float  # processor time per call
    router_ms: float

    @property
    def failed(self) -> int:
        return self.calls - len(self.delays_ms)

    def quantile(self, share: float) -> float:
        """Failed calls count as the longest delays of all."""
        place = int(share * (self.calls - 1))
        return self.delays_ms[place] if place < len(self.delays_ms) else float("inf")


@dataclass(frozen=True, slots=True)
class Wire:
    """What the carrier sent and got while it was captured."""

    file: Path
    carrier: str

    def setups_ms(self) -> list[float]:
        """INVITE to 200 OK of each call that was answered, rising."""
        began: dict[str, float] = {}
        delays: dict[str, float] = {}
        data = self.file.read_bytes()
        place = 24
        while place + 16 <= len(data):
            seconds, micros, length, _ = struct.unpack_from("<IIII", data, place)
            packet = parse(seconds + micros / 1e6, data[place + 16 : place + 16 + length])
            place += 16 + length
            if packet is None:
                continue
            if packet.method == "INVITE" and packet.src[0] == self.carrier:
                began.setdefault(packet.call_id, packet.at)
            elif packet.is_invite_answer and packet.dst[0] == self.carrier and packet.call_id in began:
                delays.setdefault(packet.call_id, (packet.at - began[packet.call_id]) * 1000)
        return sorted(delays.values())


@dataclass(slots=True)
class Rig:
    network: Network
    folder: Path
    site: Site
    router: subprocess.Popen[bytes] | None = None
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
        self._sipp("phones", _phone(), host, PHONES_PORT, "-aa")
        for phone in PHONES:
            register(host, self.site, phone, f"sip:{phone}@{host}:{PHONES_PORT}")

    def load(self, numbers: Iterator[str], rate: float, seconds: float) -> Load:
        """Call these numbers at this rate. Returns when all calls are over."""
        calls = max(1, round(rate * seconds))
        port = next(_ports)
        name = f"caller{port}"
        rows = self.folder / f"{name}.csv"
        rows.write_text("SEQUENTIAL\n" + "".join(f"{number}\n" for number in islice(numbers, calls)))
        before = self._cpu_ms()
        child = self._sipp(
            name, _caller(), self.network.carrier, port, "-m", str(calls), "-r", str(rate), "-inf", str(rows),
            "-trace_rtt", "-rtt_freq", "1", "-l", "5000", "-timeout", str(round(seconds + 15)),
            "-recv_timeout", "12000", f"{self.site.host}:{SIP_PORT}",
        )  # fmt: skip
        child.wait(seconds + 40)
        asterisk_ms, router_ms = ((after - was) / calls for after, was in zip(self._cpu_ms(), before, strict=True))
        self._children.remove(child)
        delays: list[float] = []
        for path in self.folder.glob(f"{name}_*_rtt.csv"):
            lines = path.read_text().splitlines()[1:]
            delays += [float(line.split(";")[1]) for line in lines]
        return Load(calls, sorted(delays), asterisk_ms, router_ms)

    def _cpu_ms(self) -> tuple[float, float]:
        """Of Asterisk and of callrouter, so far."""

        def spent(process: subprocess.Popen[bytes] | None) -> float:
            if process is None:
                return 0.0
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

        return spent(self.site.process), spent(self.router)

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
        async with RawAmi(self.site.host, AMI_PORT, "lab", SECRET, events=False) as ami:
            loaded = await ami.action("ModuleLoad", Module="app_queue.so", LoadType="load")
            assert loaded["Response"] == "Success", loaded
            await ami.command("dialplan reload")
            told = await ami.command("queue show bench")
            assert told.count("PJSIP/") == len(PHONES), told

    async def settle(self) -> None:
        """Until no channel is left and all phones are free."""
        async with RawAmi(self.site.host, AMI_PORT, "lab", SECRET, events=False) as ami:
            async with asyncio.timeout(60):
                while await ami.listing("CoreShowChannels"):
                    await asyncio.sleep(0.1)

    @contextmanager
    def callrouter(self) -> Iterator[None]:
        """The service as shipped, with all agents ready; their states are asked for by its API."""
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
        out = (self.folder / "callrouter.out").open("wb")
        command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "callrouter", "run", str(config)]
        self.router = subprocess.Popen(
            [*command, "--log-level", "warning"], stdout=out, stderr=out, env={**os.environ, **secrets}
        )  # fmt: skip
        out.close()
        try:
            self._wait_ready(f"http://127.0.0.1:{port}")
            yield
        finally:
            self.router.terminate()
            self.router.wait(20)
            self.router = None

    def _wait_ready(self, url: str, deadline_s: float = 30.0) -> None:
        until = time.monotonic() + deadline_s
        while True:
            try:
                with urllib.request.urlopen(f"{url}/readyz", timeout=2):
                    break
            except OSError:
                if time.monotonic() > until or self.router is None or self.router.poll() is not None:
                    raise AssertionError((self.folder / "callrouter.out").read_text()[-3000:]) from None
                time.sleep(0.05)
        for phone in PHONES:
            agent = f"{url}/api/v1/agents/{SITE}/{phone}/state"
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
            request = urllib.request.Request(agent, json.dumps({"state": "ready"}).encode(), headers)
            with urllib.request.urlopen(request, timeout=5) as answer:
                state = json.load(answer)["state"]
                assert state == "ready", f"agent {phone} is {state}"

    def close(self) -> None:
        for child in self._children:
            child.kill()
            child.wait(5)


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    spec = SiteSpec(DialplanSite(SITE, (AT_ONCE, AFTER_1_S), PHONES, failsafe=PHONES[-2:], failsafe_s=5))
    with running((spec,)) as network:
        made = Rig(network, folder, network.sites[SITE])
        try:
            made.open_phones()
            await made.prepare()
            yield made
        finally:
            made.close()


def phones(prefix: str) -> Iterator[str]:
    """Numbers that dial one phone after the other."""
    return cycle(prefix + phone for phone in PHONES)


def always(number: str) -> Iterator[str]:
    return cycle((number,))
