"""A virtual post office: an SMTP server (RFC 5321, with STARTTLS and AUTH PLAIN) that keeps what it is given.

For the demo and the tests; nothing ever leaves it.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64decode
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

KEPT_MAX = 1_000
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Delivered:
    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    encrypted: bool
    user: str


class PostOffice:
    """refuse: the answer to a recipient, such as '550 no such user'; '' = taken. folder: keeps letters as files."""

    def __init__(
        self,
        refuse: Callable[[str], str] = lambda _: "",
        tls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.refuse = refuse
        self.folder = folder
        self.count = 0
        self.delivered: deque[Delivered] = deque(maxlen=KEPT_MAX)
        self.port = 0
        self._tls = tls
        self._login = login
        self._server: asyncio.Server | None = None
        self._arrived = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._writers):
                writer.close()
            await self._server.wait_closed()

    async def received(self, number: int, timeout_s: float = 20.0) -> Delivered:
        """The message with this number, counted from 1, as soon as it is there. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while len(self.delivered) < number:
                self._arrived.clear()
                await self._arrived.wait()
        return self.delivered[number - 1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await _Session(self, reader, writer).run()
        self._writers.discard(writer)
        writer.close()

    def keep(self, one: Delivered) -> None:
        self.delivered.append(one)
        self.count += 1
        if self.folder is not None and self.count <= KEPT_MAX:
            self.folder.mkdir(exist_ok=True)
            (self.folder / f"{self.count:04}.eml").write_bytes(bytes(one.message))
        self._arrived.set()


class _Session:
    def __init__(self, office: PostOffice, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._office = office
        self._reader = reader
        self._writer = writer
        self._user = ""
        self._encrypted = False
        self._sender = ""
        self._recipients: list[str] = []

    async def run(self) -> None:
        await self._say("220 post office")
        while line := await self._reader.readline():
            verb, _, rest = line.decode("latin-1").strip().partition(" ")
            answer = getattr(self, f"_{verb.lower()}", None)
            if verb.upper() == "QUIT":
                await self._say("221 good-bye")
                return
            await (answer(rest) if answer is not None and verb.isalpha() else self._say("502 not here"))

    async def _say(self, *lines: str) -> None:
        last = len(lines) - 1
        for i, line in enumerate(lines):
            self._writer.write(f"{line[:3]}{' ' if i == last else '-'}{line[4:]}\r\n".encode())
        await self._writer.drain()

    async def _ehlo(self, _: str) -> None:
        lines = ["250 post office", "250 8BITMIME"]
        if self._office._tls is not None and not self._encrypted:
            lines.append("250 STARTTLS")
        if self._office._login is not None:
            lines.append("250 AUTH PLAIN")
        await self._say(*lines)

    _helo = _ehlo

    async def _starttls(self, _: str) -> None:
        assert self._office._tls is not None
        await self._say("220 go on")
        await self._writer.start_tls(self._office._tls)
        self._encrypted = True

    async def _auth(self, rest: str) -> None:
        _, _, text = rest.partition(" ")
        _, user, password = b64decode(text).decode().split("\0")
        if (user, password) != self._office._login:
            await self._say("535 wrong")
            return
        self._user = user
        await self._say("235 welcome")

    async def _mail(self, rest: str) -> None:
        if self._office._login is not None and not self._user:
            await self._say("530 log in first")
            return
        self._sender, self._recipients = _path(rest), []
        await self._say("250 ok")

    async def _rcpt(self, rest: str) -> None:
        recipient = _path(rest)
        why = self._office.refuse(recipient)
        if why:
            await self._say(why)
            return
        self._recipients.append(recipient)
        await self._say("250 ok")

    async def _data(self, _: str) -> None:
        if not self._recipients:
            await self._say("503 for whom?")
            return
        await self._say("354 go on")
        lines = []
        while (line := await self._reader.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        message = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(message, EmailMessage)
        self._office.keep(Delivered(self._sender, tuple(self._recipients), message, self._encrypted, self._user))
        await self._say("250 kept")

    async def _rset(self, _: str) -> None:
        self._sender, self._recipients = "", []
        await self._say("250 ok")

    async def _noop(self, _: str) -> None:
        await self._say("250 ok")


def _path(rest: str) -> str:
    """The address of `FROM:<a@b> BODY=8BITMIME`."""
    return rest.partition("<")[2].partition(">")[0]
