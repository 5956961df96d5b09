"""A small SIP telephone for the contract tests: callers and phones with the manners of `callrouter.sim.people`.

One UDP socket each, on loopback, where nothing is lost, so it repeats nothing. It offers audio and sends none. It is
a second opinion beside SIPp: it keeps states and can be told what to do from the test itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from itertools import count
from uuid import uuid4

from callrouter.sim.people import IGNORES, Behaviour, Watched

Address = tuple[str, int]
_SDP = "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
_SDP += "m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na={way}\r\n"
_serial = count(1)


class Message:
    def __init__(self, text: str) -> None:
        head, _, self.body = text.partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        self.first = first
        self.status = int(first.split(" ")[1]) if first.startswith("SIP/2.0 ") else 0
        self.headers: list[tuple[str, str]] = []
        for line in lines:
            key, _, value = line.partition(":")
            self.headers.append((key.strip().lower(), value.strip()))
        number, _, method = self["cseq"].partition(" ")
        self.cseq, self.method = int(number or 0), method.strip()

    def __getitem__(self, key: str) -> str:
        return next((value for name, value in self.headers if name == key), "")

    @property
    def tag(self) -> str:
        match = re.search(r";tag=([^;>]+)", self["to"])
        return match[1] if match else ""

    @property
    def contact(self) -> str:
        match = re.search(r"<([^>]+)>", self["contact"])
        return match[1] if match else ""


class Line(asyncio.DatagramProtocol):
    """A socket that hands each message to the dialog of its Call-ID, and new INVITEs to `on_invite`."""

    def __init__(self, host: str, server: Address, user: str, password: str) -> None:
        self.host, self.server, self.user, self.password = host, server, user, password
        self.port = 0
        self.dialogs: dict[str, Callable[[Message], None]] = {}
        self.on_invite: Callable[[Message], None] | None = None
        self.transport: asyncio.DatagramTransport | None = None

    async def open(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, port))
        self.port = self.transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    @property
    def sdp(self) -> str:
        return self.media("sendrecv")

    def media(self, way: str) -> str:
        return _SDP.format(ip=self.host, port=self.port + 1 if self.port < 65535 else 40000, way=way)

    @property
    def contact(self) -> str:
        return f"<sip:{self.user}@{self.host}:{self.port}>"

    def send(self, text: str) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.sendto(text.encode(), self.server)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        message = Message(data.decode("utf-8", "replace"))
        dialog = self.dialogs.get(message["call-id"])
        if dialog is not None:
            dialog(message)
        elif message.status == 0 and message.method == "INVITE" and self.on_invite is not None:
            self.on_invite(message)
        elif message.status == 0 and message.method != "ACK":
            self.reply(message, 200)  # OPTIONS of qualify, and what comes after the end

    def reply(self, to: Message, status: int, body: str = "") -> None:
        lines = [f"SIP/2.0 {status} OK"]
        lines += [f"{name}: {value}" for name, value in to.headers if name in ("via", "from", "call-id", "cseq")]
        tag = "" if to.tag or status == 100 else ";tag=ua"
        lines += [f"To: {to['to']}{tag}", f"Contact: {self.contact}", *_body_headers(body)]
        self.send("\r\n".join(lines) + "\r\n\r\n" + body)

    def request(
        self,
        method: str,
        uri: str,
        ids: tuple[str, str, str],
        cseq: int,
        *,
        branch: str = "",
        extra: str = "",
        body: str = "",
    ) -> None:
        """ids: Call-ID, From and To as they stand in the dialog."""
        call_id, local, remote = ids
        via = f"SIP/2.0/UDP {self.host}:{self.port};branch={branch or new_branch()}"
        lines = [f"{method} {uri} SIP/2.0", f"Via: {via}", f"From: {local}", f"To: {remote}", f"Call-ID: {call_id}"]
        lines += [f"CSeq: {cseq} {method}", "Max-Forwards: 70", f"Contact: {self.contact}"]
        lines += [extra] if extra else []
        self.send("\r\n".join([*lines, *_body_headers(body)]) + "\r\n\r\n" + body)

    def authorization(self, challenge: str, method: str, uri: str) -> str:
        fields = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
        realm, nonce = fields["realm"], fields["nonce"]
        one = _md5(f"{self.user}:{realm}:{self.password}")
        two = _md5(f"{method}:{uri}")
        common = f'Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", algorithm=MD5'
        if "qop" in fields:
            answer = _md5(f"{one}:{nonce}:00000001:abc:auth:{two}")
            common += ', qop=auth, nc=00000001, cnonce="abc"'
        else:
            answer = _md5(f"{one}:{nonce}:{two}")
        opaque = f', opaque="{fields["opaque"]}"' if "opaque" in fields else ""
        return f'Authorization: {common}, response="{answer}"{opaque}'


def _body_headers(body: str) -> list[str]:
    return [*(["Content-Type: application/sdp"] if body else []), f"Content-Length: {len(body)}"]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def new_branch() -> str:
    return f"z9hG4bK{uuid4().hex}"


class Outgoing(Watched):
    """A call that this telephone makes. state: dialling, ringing (180 came), talking, ended."""

    def __init__(self, line: Line, number: str) -> None:
        super().__init__("dialling")
        self.line = line
        self.heard: list[str] = []
        self.cause = 0
        self.sip = 0
        self._uri = f"sip:{number}@{line.server[0]}:{line.server[1]}"
        self._call_id = f"{uuid4().hex}@{line.host}"
        self._from = f"<sip:{line.user}@{line.host}:{line.port}>;tag=c{next(_serial)}"
        self._to = f"<{self._uri}>"
        self._target = self._uri
        self._cseq = 1
        self._branch = new_branch()
        self._cancelled = False
        line.dialogs[self._call_id] = self._got
        self._invite("")

    @property
    def _ids(self) -> tuple[str, str, str]:
        return self._call_id, self._from, self._to

    def _invite(self, extra: str) -> None:
        self._branch = new_branch()
        self.line.request(
            "INVITE", self._uri, self._ids, self._cseq, branch=self._branch, extra=extra, body=self.line.sdp
        )

    def hang_up(self) -> None:
        if self.state == "talking":
            self.line.request("BYE", self._target, self._ids, self._cseq + 1)
            self._end(0)
        elif self.state != "ended":
            self._cancelled = True
            self.line.request(
                "CANCEL", self._uri, (self._call_id, self._from, f"<{self._uri}>"), self._cseq, branch=self._branch
            )

    def hold(self) -> None:
        self._cseq += 1
        self.line.request("INVITE", self._target, self._ids, self._cseq, body=self.line.media("sendonly"))

    def _end(self, sip: int) -> None:
        self.sip = sip
        self.heard.append(f"ended {sip or 16}")
        self.become("ended")

    def _got(self, m: Message) -> None:
        if m.status == 0:
            if m.method == "BYE":
                self.line.reply(m, 200)
                self._end(0)
            elif m.method == "INVITE":
                self.line.reply(m, 200, self.line.sdp)
            elif m.method != "ACK":
                self.line.reply(m, 200)
        elif m.method == "INVITE" and m.cseq == self._cseq:
            self._answered(m)

    def _answered(self, m: Message) -> None:
        if m.status >= 300:
            self.line.request("ACK", self._uri, (self._call_id, self._from, m["to"]), m.cseq, branch=self._branch)
            if m.status == 401:
                self._cseq += 1
                self._invite(self.line.authorization(m["www-authenticate"], "INVITE", self._uri))
            elif self.state != "ended":
                self._end(m.status)
        elif m.status >= 200:
            self._to, self._target = m["to"], m.contact or self._uri
            self.line.request("ACK", self._target, self._ids, m.cseq)
            if self.state not in ("talking", "ended"):
                self.heard.append("answered")
                self.become("talking")
        elif m.status in (180, 183):
            self.heard.append("ringing" if m.status == 180 else "early media")
            if m.status == 180:
                self.become("ringing")


class Incoming(Watched):
    """A call that this telephone gets. state: ringing, talking, ended."""

    def __init__(self, phone: Phone, invite: Message) -> None:
        super().__init__("ringing")
        self.phone = phone
        self._invite = invite
        self._line = phone.line
        self._cseq = 0
        self._line.dialogs[invite["call-id"]] = self._got

    def answer(self) -> None:
        if self.state == "ringing":
            self._line.reply(self._invite, 200, self._line.sdp)
            self.become("talking")
            if self.phone.behaviour.talk_s is not None:
                asyncio.get_running_loop().call_later(self.phone.behaviour.talk_s, self.hang_up)

    def ring(self) -> None:
        if self.state == "ringing":
            self._line.reply(self._invite, 180)

    def hold(self, on: bool = True) -> None:
        """RFC 3264 8.4: an offer in which we only send; sendrecv takes the other end back."""
        m = self._invite
        ids = (m["call-id"], m["to"] + ";tag=ua", m["from"])
        self._cseq += 1
        body = self._line.media("sendonly" if on else "sendrecv")
        self._line.request("INVITE", m.contact, ids, self._cseq, body=body)

    def transfer(self, number: str) -> None:
        """Put the caller through unseen (RFC 3515): the switch rings `number` for him and ends this call."""
        m = self._invite
        ids = (m["call-id"], m["to"] + ";tag=ua", m["from"])
        host, port = self._line.server
        self._cseq += 1
        self._line.request("REFER", m.contact, ids, self._cseq, extra=f"Refer-To: <sip:{number}@{host}:{port}>")

    def refuse(self, sip: int = 603) -> None:
        if self.state == "ringing":
            self._line.reply(self._invite, sip)
            self._end()

    def hang_up(self) -> None:
        if self.state == "talking":
            m = self._invite
            ids = (m["call-id"], m["to"] + ";tag=ua", m["from"])
            self._line.request("BYE", m.contact, ids, self._cseq + 1)
            self._end()

    def _end(self) -> None:
        self.become("ended")
        if self in self.phone.calls:
            self.phone.calls.remove(self)

    def _got(self, m: Message) -> None:
        if m.status >= 200 and m.method == "INVITE":  # the answer to our re-INVITE
            ids = (m["call-id"], m["from"], m["to"])
            self._line.request("ACK", self._invite.contact, ids, m.cseq)
        if m.status or m.method == "ACK":
            return
        if m.method == "INVITE":
            if m.tag:
                self._line.reply(m, 200, self._line.sdp)
            return
        self._line.reply(m, 200)
        if m.method == "CANCEL" and self.state == "ringing":
            self._line.reply(self._invite, 487)
            self._end()
        elif m.method == "BYE":
            self._end()
        elif m.method == "NOTIFY" and m["event"] == "talk" and self.phone.behaviour.talks:
            self.answer()


class Phone:
    """An agent's telephone, registered by `register`."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.name = line.user
        self.behaviour: Behaviour = IGNORES
        self.calls: list[Incoming] = []
        self._cseq = count(1)
        self._register_id = f"{uuid4().hex}@{line.host}"
        self._done: asyncio.Future[int] | None = None
        self._expires = 0
        line.on_invite = self._invited
        line.dialogs[self._register_id] = self._registered

    async def register(self) -> None:
        await self._register(3600)

    async def unregister(self) -> None:
        await self._register(0)

    def dial(self, number: str) -> Outgoing:
        return Outgoing(self.line, number)

    async def _register(self, expires: int) -> None:
        self._expires = expires
        self._done = asyncio.get_running_loop().create_future()
        self._send_register("")
        status = await asyncio.wait_for(self._done, 30)
        assert status == 200, f"REGISTER of {self.name}: {status}"

    def _send_register(self, authorization: str) -> None:
        server = self.line.server
        me = f"<sip:{self.name}@{server[0]}>"
        extra = f"Expires: {self._expires}" + (f"\r\n{authorization}" if authorization else "")
        ids = (self._register_id, me + ";tag=r", me)
        self.line.request("REGISTER", f"sip:{server[0]}", ids, next(self._cseq), extra=extra)

    def _registered(self, m: Message) -> None:
        if m.status == 401 and self._done is not None and not self._done.done():
            uri = f"sip:{self.line.server[0]}"
            self._send_register(self.line.authorization(m["www-authenticate"], "REGISTER", uri))
        elif m.status >= 200 and self._done is not None and not self._done.done():
            self._done.set_result(m.status)

    def _invited(self, m: Message) -> None:
        self.line.reply(m, 100)
        call, behaviour = Incoming(self, m), self.behaviour
        if self.calls and not behaviour.second:
            call.refuse(486)
            return
        self.calls.append(call)
        loop = asyncio.get_running_loop()
        if not behaviour.rings:
            return
        if behaviour.refuse and not behaviour.refuse_s:
            call.refuse(behaviour.refuse)
            return
        call.ring()
        if behaviour.refuse:
            loop.call_later(behaviour.refuse_s, call.refuse, behaviour.refuse)
        elif behaviour.answer_s is not None:
            loop.call_later(behaviour.answer_s, call.answer)
