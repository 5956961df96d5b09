"""The people on the line: an agent's phone and a caller, each a SIPp process seen through the capture."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.asterisk.network import Site
from tests.asterisk.rtp import Keypad
from tests.asterisk.sip import Packet

if TYPE_CHECKING:
    from tests.asterisk.lab import Lab


@dataclass(slots=True)
class Phone:
    """An agent's phone: a SIPp that takes any number of calls, and a registration. name: its endpoint at `site`.

    Or the telephone of somebody out in the world, whom a site rings over its trunk: then name is the number dialled.
    """

    lab: Lab
    site: Site
    name: str
    host: str
    port: int
    process: subprocess.Popen[bytes]

    def legs(self) -> list[Packet]:
        """The INVITEs that reached it in this test, oldest first, one per call."""
        seen: dict[str, Packet] = {}
        for p in tuple(self.lab.wire.packets):
            if p.method == "INVITE" and p.dst == (self.host, self.port) and p.uri_user == self.name:
                seen.setdefault(p.call_id, p)
        return list(seen.values())

    async def rings(self, times: int = 1, deadline_s: float = 20.0) -> Packet:
        """Wait until it has been rung this many times; the last INVITE."""
        await self.lab.wire.until(lambda: len(self.legs()) >= times, deadline_s, f"phone {self.name} rings")
        leg = self.legs()[times - 1]
        await self.lab.wire.packet(
            lambda p: p.call_id == leg.call_id and p.src[1] == self.port and p.status >= 100, deadline_s, "its answer"
        )
        return leg

    def tell(self, word: str) -> None:
        """ANSWER, BUSY, DECLINE, AWAY, FAULT or HANGUP, for its newest call."""
        self.lab.tell(self.legs()[-1].call_id, word, (self.host, self.port))

    async def talks(self, deadline_s: float = 20.0) -> None:
        """Wait until its newest call is answered and acknowledged."""
        leg = self.legs()[-1]
        await self.lab.wire.packet(
            lambda p: p.method == "ACK" and p.call_id == leg.call_id, deadline_s, f"phone {self.name} talks"
        )

    async def answers(self, times: int = 1) -> Packet:
        """It is rung for the nth time and answers; its 200."""
        leg = await self.rings(times)
        self.tell("ANSWER")
        return await self.lab.wire.packet(
            lambda p: p.call_id == leg.call_id and p.src == (self.host, self.port) and p.is_invite_answer
        )

    async def free(self, deadline_s: float = 20.0) -> None:
        """Wait until its newest call is over in SIP: BYE, or the INVITE failed."""
        await self.lab.ended(self.legs()[-1].call_id, deadline_s)


@dataclass(slots=True)
class Caller:
    """One caller from the carrier. number: what he shows. Outcomes come from the wire, not from SIPp."""

    lab: Lab
    site: Site
    number: str
    host: str  # where he calls from
    port: int
    process: subprocess.Popen[bytes]
    keys: tuple[str, ...] = ()
    keypad: Keypad | None = None

    @property
    def packets(self) -> list[Packet]:
        return [p for p in tuple(self.lab.wire.packets) if self.port in (p.src[1], p.dst[1])]

    @property
    def call_id(self) -> str:
        return f"1-{self.process.pid}@{self.host}"  # as SIPp makes it

    def heard(self, status: int) -> list[Packet]:
        return [p for p in self.packets if p.status == status and p.dst[1] == self.port and p.cseq.endswith(" INVITE")]

    async def hears(self, status: int, deadline_s: float = 20.0) -> Packet:
        what = f"caller {self.number} hears {status}"
        await self.lab.wire.until(lambda: self.heard(status), deadline_s, what)
        return self.heard(status)[0]

    @property
    def final(self) -> int:
        """The final answer to his INVITE, 0 as long as there is none."""
        answers = (p for p in self.packets if p.status >= 200 and p.dst[1] == self.port and p.cseq.endswith(" INVITE"))
        return next((p.status for p in answers), 0)

    async def ends(self, deadline_s: float = 20.0) -> int:
        """Wait for the final answer to the INVITE."""
        await self.lab.wire.until(lambda: self.final, deadline_s, f"final answer to caller {self.number}")
        return self.final

    async def refused(self, deadline_s: float = 20.0) -> int:
        """Wait for the final refusal of a phone's call, after it was asked for its password."""

        def final() -> int:
            answers = [p for p in self.packets if p.status >= 300 and p.dst[1] == self.port and p.status != 401]
            return answers[0].status if answers else 0

        await self.lab.wire.until(final, deadline_s, f"refusal of {self.number}'s call")
        return final()

    def hang_up(self) -> None:
        """CANCEL while it rings, BYE in a conversation."""
        self.lab.tell(self.call_id, "HANGUP", (self.host, self.port))

    async def press(self, by: str, number: int = 0) -> None:
        """Press what he was made with, the first or a later input: by RTP (RFC 4733) or INFO."""
        if by == "INFO":
            self.lab.tell(self.call_id, f"INFO{number}", (self.host, self.port))
            return
        assert self.keypad is not None
        await self.keypad.press(self.keys[number], (await self.hears(183)).body)

    @property
    def gone(self) -> bool:
        """His call is over: a BYE either way, or a refusal."""
        return any(p.method == "BYE" for p in self.packets) or self.final >= 300

    async def over(self, deadline_s: float = 20.0) -> None:
        await self.lab.wire.until(lambda: self.gone, deadline_s, f"end of caller {self.number}'s call")
