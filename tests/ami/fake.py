"""A scripted manager for the link's tests: answers as Asterisk does, byte for byte, and misbehaves when it is told to.

Not the virtual Asterisk (`sim/pbx.py`): it has no calls. A test changes `answers` (action → function of its fields that
returns the bytes to send, or None to stay silent) and writes raw bytes with `send`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Self

Fields = dict[str, str]
Answer = Callable[[Fields], bytes | None]


def block(*lines: str) -> bytes:
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def reply(fields: Fields, *lines: str, response: str = "Success") -> bytes:
    return block(f"Response: {response}", f"ActionID: {fields['ActionID']}", *lines)


def refuse(message: str) -> Answer:
    return lambda fields: reply(fields, f"Message: {message}", response="Error")


def silent(_: Fields) -> None:
    return None


class FakeAsterisk:
    """`async with FakeAsterisk() as fake`; then `fake.port`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.port = 0
        self.variables: dict[str, str] = {}
        self.status: list[list[str]] = []  # rows of Status, without Event and ActionID
        self.devices: dict[str, str] = {}
        self.actions: list[Fields] = []  # all that came, over all connections
        self.connections = 0
        self.booted = True
        self.banner = b"Asterisk Call Manager/11.0.0\r\n"
        self.answers: dict[str, Answer] = {
            "Challenge": lambda f: reply(f, "Challenge: 136795372"),
            "Login": lambda f: reply(f, "Message: Authentication accepted") + self._boot(),
            "Getvar": lambda f: reply(
                f, f"Variable: {f['Variable']}", f"Value: {self.variables.get(f['Variable'], '')}"
            ),
            "Setvar": self._setvar,
            "Status": self._status,
            "DeviceStateList": self._device_list,
        }
        self._writing = asyncio.Lock()
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """As kill -9 does: the port closes, connections break."""
        assert self._server is not None
        self._server.close()
        self.drop()
        await self._server.wait_closed()

    def drop(self) -> None:
        """Break all connections, keep listening."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def send(self, data: bytes) -> None:
        """Raw bytes to the newest connection."""
        self._writers[-1].write(data)

    async def dribble(self, data: bytes) -> None:
        """Byte by byte. Answers wait, as they do in Asterisk, which never writes one into another message."""
        async with self._writing:
            for byte in data:
                self.send(bytes((byte,)))
                await asyncio.sleep(0)

    def event(self, name: str, *lines: str) -> None:
        self.send(block(f"Event: {name}", *lines))

    def got(self, action: str) -> list[Fields]:
        return [fields for fields in self.actions if fields["Action"] == action]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        try:
            writer.write(self.banner)
            while True:
                text = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode()
                fields = dict(line.split(": ", 1) for line in text.split("\r\n"))
                self.actions.append(fields)
                answer = self.answers.get(fields["Action"], reply)(fields)
                if answer is not None:
                    async with self._writing:
                        writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    def _boot(self) -> bytes:
        return block("Event: FullyBooted", "Privilege: system,all", "Status: Fully Booted") if self.booted else b""

    def _setvar(self, fields: Fields) -> bytes:
        if "Channel" not in fields:
            self.variables[fields["Variable"]] = fields["Value"]
        return reply(fields, "Message: Variable Set")

    def _status(self, fields: Fields) -> bytes:
        rows = [block("Event: Status", *row, f"ActionID: {fields['ActionID']}") for row in self.status]
        return b"".join([reply(fields, "EventList: start"), *rows, self._complete("StatusComplete", fields)])

    def _device_list(self, fields: Fields) -> bytes:
        rows = [
            block("Event: DeviceStateChange", f"ActionID: {fields['ActionID']}", f"Device: {name}", f"State: {state}")
            for name, state in self.devices.items()
        ]
        return b"".join([reply(fields, "EventList: start"), *rows, self._complete("DeviceStateListComplete", fields)])

    @staticmethod
    def _complete(name: str, fields: Fields) -> bytes:
        return block(f"Event: {name}", f"ActionID: {fields['ActionID']}", "EventList: Complete", "ListItems: 0")


def channel(uid: str = "gera-1.1", name: str = "PJSIP/carrier-00000001", state: str = "Ring") -> list[str]:
    """The headers that every event of a channel has."""
    return [
        "Privilege: call,all",
        f"Channel: {name}",
        f"ChannelStateDesc: {state}",
        "CallerIDNum: 03023125042",
        "Context: callrouter-hold",
        "Exten: s",
        "Priority: 6",
        f"Uniqueid: {uid}",
        f"Linkedid: {uid}",
        f"ChanVariable: CR_CALL={uid}",
        "ChanVariable: CR_TRY=",
    ]


def user_event(name: str, uid: str = "gera-1.1", *lines: str) -> bytes:
    return block("Event: UserEvent", *channel(uid), f"UserEvent: {name}", f"Call: {uid}", *lines)


def hold(uid: str = "gera-1.1") -> bytes:
    return user_event("CrHold", uid, "Epoch: 1", "State: Ring")
