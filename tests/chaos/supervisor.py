"""Supervisors, who switch agreements and hotlines by the real API, over the world's network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.machine import Machine
from tests.chaos.scene import TOKEN

ANSWER_S = 8.0


@dataclass
class Switched:
    """What somebody was told: names and the state that was confirmed, None: it is not known what became of it."""

    name: str
    state: object
    until: float | None
    at: float
    machine: str


class Supervisor:
    def __init__(self, note: Callable[[str], None]) -> None:
        self.confirmed: dict[str, Switched] = {}
        self.unknown: set[str] = set()  # somebody asked and got no clear answer
        self._note = note

    async def switch(self, machine: Machine, path: str, name: str, body: dict[str, object], state: object) -> bool:
        """POST it; what was confirmed is remembered. Was it?"""
        loop = asyncio.get_running_loop()
        began = loop.time()
        status = await post(machine, f"/api/v1/{path}/{name}/switch", body)
        self._note(f"{path} {name} {state}: {status}")
        if status == 200:
            self.confirmed[name] = Switched(name, state, None, began, machine.name)
            self.unknown.discard(name)
        elif status not in (404, 409):
            self.unknown.add(name)
        return status == 200


async def post(machine: Machine, path: str, body: object) -> int:
    """The status of the answer; 0: there was none."""
    if not machine.alive or machine.service is None:
        return 0
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(ANSWER_S):
            transport, client = await loop.create_connection(_Client, "127.0.0.1", machine.service.server.port)
            content = json.dumps(body).encode()
            head = (
                f"POST {path} HTTP/1.1\r\nHost: router\r\nAuthorization: Bearer {TOKEN}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
            )
            transport.write(head.encode() + content)
            return await client.status
    except (OSError, TimeoutError):
        return 0


class _Client(asyncio.Protocol):
    def __init__(self) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._got = b""

    def data_received(self, data: bytes) -> None:
        self._got += data
        if b"\r\n" in self._got and not self.status.done():
            self.status.set_result(int(self._got.split(b" ", 2)[1]))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.status.done():
            self.status.set_result(0)
