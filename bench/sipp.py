"""What SIPp is to do as the carrier's callers and as the phones, and what comes of it. It knows no Asterisk."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from tests.asterisk.sip import parse

TALK_MS = 300
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


def phone() -> str:
    """Rings and answers at once; talks as long as the other side does."""
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


def caller(talk_ms: int = TALK_MS) -> str:
    """Dials field 0 of its file, waits for an answer, talks, hangs up."""

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
        + f'<pause milliseconds="{talk_ms}"/>\n'
        + _send(request("BYE", 2, "[branch]", peer, next_url) + "Content-Length: 0\n", 'retrans="500"')
        + '<recv response="200"/>\n</scenario>\n'
    )


@dataclass(frozen=True, slots=True)
class Load:
    """What came of some calls. delays_ms: INVITE to 200 of those that were answered, rising.

    *_ms: processor time per call. asterisk_busy, others_busy: share of Asterisk's processors and of the others that was
    used, by whomever. foreign: processors that others than the bench kept busy.
    """

    calls: int
    delays_ms: list[float]
    asterisk_ms: float
    router_ms: float
    sipp_ms: float
    asterisk_busy: float
    others_busy: float
    foreign: float

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
        began, answered = self._calls()
        return sorted((at - began[call]) * 1000 for call, at in answered.items())

    def answers(self) -> list[float]:
        """When each call was answered; UTC seconds, rising."""
        return sorted(self._calls()[1].values())

    def _calls(self) -> tuple[dict[str, float], dict[str, float]]:
        """When each call began, and when it was answered."""
        began: dict[str, float] = {}
        answered: dict[str, float] = {}
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
                answered.setdefault(packet.call_id, packet.at)
        return began, answered
