"""What went over the wire: a live capture of the network's SIP, and the promise read out of it.

`Wire` runs tcpdump on the loopback device and parses as it goes, so that a test can wait for a message and afterwards
prove an order of messages. It believes nothing but packets: neither Asterisk's events nor the engine's records.
"""

from __future__ import annotations

import asyncio
import re
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from tests.asterisk.network import Network

_RTP = "10000-20000"  # rtp.conf
_USER = re.compile(r"<?sips?:([^@>;]*)@")


@dataclass(frozen=True, slots=True)
class Packet:
    """One SIP message. method: of a request, '' for a response. status: of a response, else 0. at: capture's clock."""

    at: float
    src: tuple[str, int]
    dst: tuple[str, int]
    method: str
    status: int
    call_id: str
    cseq: str  # '1 INVITE'
    headers: dict[str, str]
    body: str
    uri: str = ""

    @property
    def is_invite_answer(self) -> bool:
        return self.status // 100 == 2 and self.cseq.endswith(" INVITE")

    @property
    def from_user(self) -> str:
        match = _USER.search(self.headers.get("from", ""))
        return match[1] if match else ""

    @property
    def uri_user(self) -> str:
        match = _USER.search(self.uri)
        return match[1] if match else ""

    def __str__(self) -> str:
        what = self.method or f"{self.status} ({self.cseq})"
        at = f"{self.at % 1000:10.4f}"
        return f"{at} {self.src[0]}:{self.src[1]} > {self.dst[0]}:{self.dst[1]} {what} {self.call_id} {self.from_user}"


@dataclass(slots=True)
class Wire:
    """`packets` grows while it runs. Use `open` / `close`, or let `Lab` do it."""

    network: Network
    packets: list[Packet] = field(default_factory=list)
    file: Path | None = None  # the same as a pcap, for people
    _process: subprocess.Popen[bytes] | None = None
    _thread: threading.Thread | None = None
    _said: bytes = b""
    _waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = field(default_factory=list)

    def open(self) -> None:
        mine = f"net 127.0.{self.network.net}.0/24 and udp and not portrange {_RTP} and not host {self.network.control}"
        command = ["tcpdump", "-i", "lo", "-n", "-U", "--immediate-mode", "-s", "8192", "-B", "65536", "-w", "-", mine]
        command[0:0] = ["setpriv", "--pdeathsig", "KILL"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0)
        assert self._process.stderr is not None
        first = self._process.stderr.readline()  # "listening on lo": from now on nothing is missed
        assert b"listening on" in first, first
        self._thread = threading.Thread(target=self._read, name="wire", daemon=True)
        self._thread.start()

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(5)
            assert self._thread is not None
            self._thread.join(5)
            assert self._process.stdout is not None
            assert self._process.stderr is not None
            self._said = self._process.stderr.read()
            self._process.stdout.close()
            self._process.stderr.close()
            self._process = None

    def _read(self) -> None:
        assert self._process is not None
        stream = self._process.stdout
        assert stream is not None
        out = self.file.open("wb") if self.file else None
        header = stream.read(24)
        if out:
            out.write(header)
        while True:
            record = stream.read(16)
            if len(record) < 16:
                break
            seconds, micros, length, _ = struct.unpack("<IIII", record)
            frame = stream.read(length)
            if out:
                out.write(record + frame)
            packet = parse(seconds + micros / 1e6, frame)
            if packet is not None:
                self.packets.append(packet)
                for loop, event in tuple(self._waiters):
                    if not loop.is_closed():
                        loop.call_soon_threadsafe(event.set)
        if out:
            out.close()

    async def until(self, true: Callable[[], object], deadline_s: float = 20.0, what: str = "") -> None:
        """Wait until the packets make `true` true; fails with the last packets."""
        event = asyncio.Event()
        waiter = (asyncio.get_running_loop(), event)
        self._waiters.append(waiter)
        end = time.monotonic() + deadline_s
        try:
            while not true():
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"not seen in SIP within {deadline_s} s: {what}\n" + self.text(30))
                try:
                    await asyncio.wait_for(event.wait(), left)
                except TimeoutError:
                    continue
                event.clear()
        finally:
            self._waiters.remove(waiter)

    async def packet(self, true: Callable[[Packet], bool], deadline_s: float = 20.0, what: str = "") -> Packet:
        """The first packet for which this is true, past or to come."""
        await self.until(lambda: any(true(p) for p in tuple(self.packets)), deadline_s, what)
        return next(p for p in tuple(self.packets) if true(p))

    def of_call(self, call_id: str) -> list[Packet]:
        return [p for p in tuple(self.packets) if p.call_id == call_id]

    @property
    def dropped(self) -> int:
        """Packets that the capture missed; known after `close`."""
        match = re.search(rb"(\d+) packets? dropped by kernel", self._said)
        return int(match[1]) if match else 0

    def story(self, call_ids: tuple[str, ...]) -> str:
        """All packets of these calls and of every leg that was made for the same callers."""
        packets = tuple(self.packets)
        numbers = {plain(p.from_user) for p in packets if p.call_id in call_ids}
        return "\n".join(str(p) for p in packets if plain(p.from_user) in numbers)

    def text(self, last: int = 1000) -> str:
        return "\n".join(str(p) for p in [p for p in tuple(self.packets) if not p.cseq.endswith("OPTIONS")][-last:])


def parse(at: float, frame: bytes) -> Packet | None:
    """A SIP message out of an Ethernet frame of the loopback device; None for anything else."""
    if len(frame) < 42 or frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return None
    ip_length = (frame[14] & 15) * 4
    udp = 14 + ip_length
    sport, dport = struct.unpack(">HH", frame[udp : udp + 4])
    src = (".".join(map(str, frame[26:30])), sport)
    dst = (".".join(map(str, frame[30:34])), dport)
    head, _, body = frame[udp + 8 :].decode("utf-8", "replace").partition("\r\n\r\n")
    lines = head.split("\r\n")
    first = lines[0].split(" ", 2)
    if len(first) < 3 or "SIP/2.0" not in (first[0], first[2]):
        return None
    headers: dict[str, str] = {}
    for line in lines[1:]:
        key, _, value = line.partition(":")
        headers.setdefault(key.strip().lower(), value.strip())
    is_response = first[0] == "SIP/2.0"
    return Packet(
        at, src, dst, "" if is_response else first[0], int(first[1]) if is_response else 0,
        headers.get("call-id", ""), headers.get("cseq", ""), headers, body, "" if is_response else first[1],
    )  # fmt: skip


# ---- the promise


@dataclass(frozen=True, slots=True)
class Checked:
    """calls: callers' INVITEs that reached a site. answered: those with a 200 OK. early: no agent's before it."""

    calls: int
    answered: int
    early: tuple[str, ...]


def check_promise(network: Network, packets: list[Packet]) -> Checked:
    """Nobody pays to wait: no 200 OK to a caller's INVITE before a phone's 200 OK to the leg that was made for him.

    A caller and the leg for him are joined by the caller's number (the From of both), else, when callers hid it, by
    any phone's answer not yet taken by another caller. What an agent answers in order to ring somebody back is no
    answer to a caller. Packets must be in the order of the capture.
    """
    sites = {site.host for site in network.sites.values()}
    callers: dict[str, str] = {}  # Call-ID of a caller -> his number
    answered: set[str] = set()
    early: list[str] = []
    legs: dict[str, str] = {}  # Call-ID of a phone's leg -> the caller's number
    ready: dict[str, int] = {}  # number -> phones' answers that no caller has used up yet
    counted_legs: set[str] = set()
    for packet in packets:
        if packet.method == "INVITE":
            if packet.src[0] == network.carrier and packet.dst[0] in sites:
                callers.setdefault(packet.call_id, plain(packet.from_user))
            elif packet.dst[0] == network.phones_host and _for_a_caller(packet):
                legs.setdefault(packet.call_id, plain(packet.from_user))
        elif packet.is_invite_answer:
            call_id = packet.call_id
            if call_id in legs and packet.src[0] == network.phones_host and call_id not in counted_legs:
                counted_legs.add(call_id)
                ready[legs[call_id]] = ready.get(legs[call_id], 0) + 1
            elif call_id in callers and packet.dst[0] == network.carrier and call_id not in answered:
                answered.add(call_id)
                if ready.get(callers[call_id], 0) < 1:
                    early.append(call_id)
                else:
                    ready[callers[call_id]] -= 1
    return Checked(len(callers), len(answered), tuple(early))


def _for_a_caller(packet: Packet) -> bool:
    """A leg that is made for a caller who rings, not for one who is to be rung back."""
    call = packet.headers.get("x-callrouter-call", "")
    return bool(call) and "-cb" not in call


def plain(user: str) -> str:
    """The digits that the dialplan makes of a From's user part, so that both ends of a call compare."""
    return "".join(c for c in unquote(user) if c in "0123456789+")[:20]


def statuses(packets: list[Packet], to: str) -> Iterator[int]:
    """The answers to INVITE that this address got, in order."""
    return (p.status for p in packets if p.status and p.dst[0] == to and p.cseq.endswith(" INVITE"))
