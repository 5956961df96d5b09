"""The three-site network to play with: callers, phones, the wire. `python -m tests.asterisk.lab` starts it by hand.

`Lab` is what tests use: `await lab.phone("gera", "2001")` registers a phone that rings and waits to be told;
`lab.call("gera")` is a caller. Whatever a test leaves behind is gone when it ends: processes, channels, registrations,
globals. SIPp processes are started by the dozen, so nothing here waits for one to be "probably ready".
"""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

from tests.asterisk import sipp
from tests.asterisk.ami import HandRouter, RawAmi
from tests.asterisk.network import AMI_PORT, SECRET, SIP_PORT, Network, Site
from tests.asterisk.parties import Caller, Phone
from tests.asterisk.registration import next_port, register
from tests.asterisk.rtp import Keypad
from tests.asterisk.sip import Checked, Wire, check_promise

MEDIA_PORT = 22_000  # and up, four for each party: below what the kernel gives to others, above the SIP ports


class Lab:
    """One test's view of the network. `async with Lab(network) as lab`."""

    def __init__(self, network: Network, pcap: Path | None = None) -> None:
        self.network = network
        self.wire = Wire(network, file=pcap)
        self.amis: dict[str, RawAmi] = {}
        self._processes: list[subprocess.Popen[bytes]] = []
        self._registered: dict[tuple[str, str], str] = {}
        self._closers: list[Callable[[], object]] = []
        self._numbers = count(1)
        self._keypads: list[Keypad] = []

    async def __aenter__(self) -> Lab:
        self._dir = tempfile.TemporaryDirectory(prefix="callrouter-sipp-")
        self.dir = Path(self._dir.name)
        self._control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._control.bind((self.network.control, 0))
        self.wire.open()
        for site in self.network.sites.values():
            if site.process is not None:
                await self.connect(site.name)
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._clean()
        finally:
            for process in self._processes:
                process.kill()
            for process in self._processes:
                process.wait(5)
            for keypad in self._keypads:
                keypad.close()
            for ami in self.amis.values():
                await ami.close()
            self.wire.close()
            self._control.close()
            self._dir.cleanup()

    async def connect(self, site: str) -> RawAmi:
        """(Again) the bench's own AMI connection to a site, as `lab`."""
        old = self.amis.pop(site, None)
        if old is not None:
            await old.close()
        ami = RawAmi(self.network.sites[site].host, AMI_PORT, "lab", SECRET)
        await ami.__aenter__()
        self.amis[site] = ami
        return ami

    async def restart(self, site: str) -> None:
        """Start a site again that was killed or stopped, and connect to it."""
        self.network.sites[site].start()
        await asyncio.to_thread(self.network.sites[site].wait_ready)
        await self.connect(site)

    async def _clean(self) -> None:
        for name, site in self.network.sites.items():
            if site.process is None:
                await self.restart(name)
        for (name, phone), _ in self._registered.items():
            await self.register(self.network.sites[name], phone, "")
        for ami in self.amis.values():
            await ami.command("channel request hangup all")
            for line in (await ami.command("dialplan show globals")).splitlines():
                match = re.match(r"\s*(CR_EPOCH|CR_BEAT_\d+)=", line)
                if match:
                    await ami.set_global(match[1], "")
            while (await ami.listing("CoreShowChannels")) != []:
                await asyncio.sleep(0.005)  # polled until the last channel is gone; nothing announces "none left"

    # ---- phones

    async def phone(
        self,
        site: str,
        name: str,
        *,
        rings: bool = True,
        does: str = "",
        after_ms: int = 0,
        talk_ms: int = 0,
        talks: bool = False,
        register: bool = True,
    ) -> Phone:
        """A phone as `sipp.phone` describes it, registered and known to its site as reachable."""
        return (
            await self.phones(
                site, [name], rings=rings, does=does, after_ms=after_ms, talk_ms=talk_ms, talks=talks, register=register
            )
        )[0]

    async def phones(
        self,
        site: str,
        names: list[str],
        *,
        rings: bool = True,
        does: str = "",
        after_ms: int = 0,
        talk_ms: int = 0,
        talks: bool = False,
        register: bool = True,
    ) -> list[Phone]:
        """Several phones of one habit in one process."""
        where = self.network.sites[site]
        host, port = self.network.phones_host, next_port()
        text = sipp.phone(rings=rings, does=does, after_ms=after_ms, talk_ms=talk_ms, talks=talks)
        process = self._sipp(f"phone{port}", text, host, port, ["-aa"])
        await self._listening(process, host, port)
        made = [Phone(self, where, name, host, port, process) for name in names]
        if register:
            contacts = {name: f"sip:{name}@{self.network.phones_host}:{port}" for name in names}
            for name, contact in contacts.items():
                await self.register(where, name, contact)
            ami = self.amis[site]
            await self.until_reachable(ami, set(names))
        return made

    async def outside(self, site: str, number: str) -> Phone:
        """The telephone of somebody whom this site rings over its trunk. number: as the trunk is to dial it."""
        host = self.network.carrier
        process = self._sipp("outside", sipp.phone(), host, SIP_PORT, ["-aa"])
        await self._listening(process, host, SIP_PORT)
        return Phone(self, self.network.sites[site], number, host, SIP_PORT, process)

    async def until_reachable(self, ami: RawAmi, phones: set[str], deadline_s: float = 20.0) -> None:
        async with asyncio.timeout(deadline_s):
            while True:
                rows = await ami.listing("DeviceStateList")
                gone = ("UNAVAILABLE", "INVALID", "UNKNOWN")
                if phones <= {row["Device"].removeprefix("PJSIP/") for row in rows if row["State"] not in gone}:
                    return
                await asyncio.sleep(0.005)  # polled: the state may have been there before we looked for its event

    async def register(self, site: Site, name: str, contact: str) -> None:
        """REGISTER as the phone would, with digest; an empty contact takes the registration away."""
        await asyncio.to_thread(register, self.network.phones_host, site, name, contact)
        if contact:
            self._registered[site.name, name] = contact

    # ---- callers

    def call(
        self,
        site: str,
        number: str = "",
        *,
        dials: str = "",
        from_: str = "",
        headers: tuple[str, ...] = (),
        uri: str = "",
        gives_up_ms: int = 0,
        talk_ms: int = 0,
        source: str = "",
        press: str | tuple[str, ...] = (),
    ) -> Caller:
        """Somebody dials the site's first number (or `dials`) now. number: his own, unique if not given.

        press: what he may be told to press before the answer, one input or several.
        """
        where = self.network.sites[site]
        number = number or f"+4989999{98000 + next(self._numbers)}"
        port = next_port()
        host = source or self.network.carrier
        keys = (press,) if isinstance(press, str) else press
        keypad = Keypad(host) if keys else None
        if keypad is not None:
            self._keypads.append(keypad)
        text = sipp.caller(
            from_ or f"<sip:{number}@[local_ip]:[local_port]>",
            headers=headers, gives_up_ms=gives_up_ms, talk_ms=talk_ms, uri=uri, keys=keys,
            media_port=keypad.port if keypad else 0,
        )  # fmt: skip
        target = dials or FIRST_NUMBER[site]
        more = ["-m", "1", "-s", target, f"{where.host}:{SIP_PORT}"]
        return Caller(
            self, where, number, host, port, self._sipp(f"caller{port}", text, host, port, more), keys, keypad
        )

    async def held(self, caller: Caller) -> str:
        """Wait until the dialplan holds this caller for the first time; Asterisk's id of the call."""
        ami = self.amis[caller.site.name]
        call = (await ami.event("CrOffered", Cli=caller.number))["Call"]
        await ami.event("CrHold", Call=call)
        return call

    def crowd(self, site: str, calls: int, rate: int, *, talk_ms: int, first: int = 0) -> int:
        """Many callers in one process, `rate` a second, each with his own number; returns its SIP port."""
        where, port = self.network.sites[site], next_port()
        rows = self.dir / f"crowd{port}.csv"
        rows.write_text("SEQUENTIAL\n" + "".join(f"+49899999{first + i:05d}\n" for i in range(calls)))
        text = sipp.caller("<sip:[field0]@[local_ip]:[local_port]>", talk_ms=talk_ms)
        more = [
            "-m",
            str(calls),
            "-l",
            str(calls),
            "-r",
            str(rate),
            "-inf",
            str(rows),
            "-s",
            FIRST_NUMBER[site],
            f"{where.host}:{SIP_PORT}",
        ]
        self._sipp(f"crowd{port}", text, self.network.carrier, port, more)
        return port

    def dial_from_phone(
        self, phone: Phone, number: str, *, uri: str = "", talk_ms: int = 0, from_user: str = ""
    ) -> Caller:
        """The phone's owner dials: an INVITE with his credentials from his address."""
        port = next_port()
        where = phone.site
        login = f"[authentication username={phone.name} password={where.password}]"
        text = sipp.caller(f"<sip:{from_user or phone.name}@{where.host}>", uri=uri, talk_ms=talk_ms, login=login)
        more = ["-m", "1", "-s", number, f"{where.host}:{SIP_PORT}"]
        process = self._sipp(f"dial{port}", text, self.network.phones_host, port, more)
        return Caller(self, where, phone.name, self.network.phones_host, port, process)

    # ---- all

    def tell(self, call_id: str, word: str, to: tuple[str, int]) -> None:
        text = (
            f"{word} sip:lab SIP/2.0\r\nVia: SIP/2.0/UDP {self.network.control};branch=z9hG4bK{next_port()}\r\n"
            f"From: <sip:lab@lab>;tag=lab\r\nTo: <sip:lab@lab>;tag=lab\r\nCall-ID: {call_id}\r\nCSeq: 99 {word}\r\n"
            "Content-Length: 0\r\n\r\n"
        )
        self._control.sendto(text.encode(), to)

    async def ended(self, call_id: str, deadline_s: float = 20.0) -> None:
        def over() -> bool:
            return any(
                p.method == "BYE" or (p.status >= 300 and p.cseq.endswith(" INVITE"))
                for p in self.wire.of_call(call_id)
            )

        await self.wire.until(over, deadline_s, f"end of {call_id}")

    def check(self) -> Checked:
        """The promise so far; see `sip.check_promise`."""
        return check_promise(self.network, list(self.wire.packets))

    async def hand_router(self, site: str, epoch: int = 1) -> HandRouter:
        """A router played by hand at this site; it is the caller's to enter (`async with`)."""
        return HandRouter(self.amis[site], epoch)

    def _sipp(self, name: str, text: str, host: str, port: int, more: list[str]) -> subprocess.Popen[bytes]:
        file = sipp.write(self.dir / f"{name}.xml", text)
        command = [
            "setpriv", "--pdeathsig", "KILL", "sipp", "-sf", str(file), "-i", host, "-mi", host, "-p", str(port),
            "-mp", str(MEDIA_PORT + 4 * (port % 2500)), "-nostdin",
            "-trace_err", "-error_file", str(self.dir / f"{name}.err"), *more,
        ]  # fmt: skip
        out = (self.dir / f"{name}.out").open("wb")
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir, process_group=0
        )
        out.close()
        self._processes.append(process)
        return process

    async def _listening(self, process: subprocess.Popen[bytes], host: str, port: int) -> None:
        """Until the phone's socket is bound: then nothing sent to it is lost."""
        quad = int.from_bytes(socket.inet_aton(host), "little")
        needle = f"{quad:08X}:{port:04X}"
        async with asyncio.timeout(20):
            while needle not in Path("/proc/net/udp").read_text():  # noqa: ASYNC240 - the kernel's own, no disk
                assert process.poll() is None, self.errors()
                await asyncio.sleep(0.002)  # polled: SIPp does not say when it listens

    def errors(self) -> str:
        """What SIPp complained about, for a failing test's message."""
        return "\n".join(
            f"{path.name}: {path.read_text(errors='replace')[-600:]}" for path in sorted(self.dir.glob("*.err"))
        )


FIRST_NUMBER = {"magdeburg": "3023125010", "gera": "4066969010", "gotha": "6990009010"}


if __name__ == "__main__":  # `python -m tests.asterisk.lab`
    from tests.asterisk.hand import main

    raise SystemExit(main())
