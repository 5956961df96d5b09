"""A small raw AMI client, and a router played by hand, for tests of the dialplan alone.

It has nothing of the product in it on purpose: what it shows is what Asterisk says. A message is a dict of header to
value; repeated headers are joined by a line feed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from types import TracebackType

Message = dict[str, str]


class RawAmi:
    """`async with RawAmi(host, port, user, secret) as ami`. `events` holds all that was received, in order."""

    def __init__(self, host: str, port: int, user: str, secret: str, *, events: bool = True) -> None:
        self.host, self.port, self.user, self.secret = host, port, user, secret
        self.want_events = events
        self.events: list[Message] = []
        self._answers: dict[str, list[Message]] = {}
        self._changed = asyncio.Condition()
        self._ids = count(1)
        self._task: asyncio.Task[None] | None = None
        self.closed = False

    async def __aenter__(self) -> RawAmi:
        self._reader, self._writer = await asyncio.open_connection(self.host, self.port, limit=1 << 22)
        await self._reader.readline()  # the greeting
        self._task = asyncio.create_task(self._read())
        events = "on" if self.want_events else "off"
        answer = await self.action("Login", Username=self.user, Secret=self.secret, Events=events)
        assert answer["Response"] == "Success", answer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        self._writer.close()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(OSError):
            await self._writer.wait_closed()

    def send(self, action: str, **headers: str) -> str:
        """Write an action without waiting for its answer; returns its id."""
        id_ = f"t{next(self._ids)}"
        lines = [f"Action: {action}", f"ActionID: {id_}", *(f"{key}: {value}" for key, value in headers.items())]
        self._answers[id_] = []
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        return id_

    async def answer(self, id_: str, deadline_s: float = 20.0) -> Message:
        await self._until(lambda: bool(self._answers[id_]), deadline_s, f"no answer to action {id_}")
        return self._answers[id_][0]

    async def action(self, action: str, **headers: str) -> Message:
        return await self.answer(self.send(action, **headers))

    async def listing(self, action: str, **headers: str) -> list[Message]:
        """The events of a list action, without the closing one."""
        id_ = self.send(action, **headers)

        def complete() -> bool:
            got = self._answers[id_]
            return bool(got) and (got[0].get("Response") == "Error" or got[-1].get("EventList") == "Complete")

        await self._until(complete, 20.0, f"list {action} did not end")
        return [message for message in self._answers[id_][1:] if message.get("EventList") != "Complete"]

    async def command(self, line: str) -> str:
        return (await self.action("Command", Command=line)).get("Output", "")

    async def setvar(self, channel: str, variable: str, value: str) -> Message:
        return await self.action("Setvar", Channel=channel, Variable=variable, Value=value)

    async def set_global(self, variable: str, value: str) -> Message:
        return await self.action("Setvar", Variable=variable, Value=value)

    async def getvar(self, variable: str, channel: str = "") -> str:
        headers = {"Channel": channel} if channel else {}
        return (await self.action("Getvar", Variable=variable, **headers)).get("Value", "")

    async def event(self, name: str, since: int = 0, deadline_s: float = 20.0, **headers: str) -> Message:
        """The first event of this name (or UserEvent of this name) with these headers, from index `since` on."""

        def find() -> Message | None:
            return next(iter(self.find(name, since, **headers)), None)

        await self._until(lambda: find() is not None, deadline_s, f"no {name} {headers} at {self.host}")
        found = find()
        assert found is not None
        return found

    def find(self, name: str, since: int = 0, **headers: str) -> list[Message]:
        return [
            event
            for event in self.events[since:]
            if name in (event.get("UserEvent"), event.get("Event"))
            and all(event.get(key) == value for key, value in headers.items())
        ]

    async def _until(self, true: Callable[[], bool], deadline_s: float, what: str) -> None:
        async with self._changed:
            try:
                await asyncio.wait_for(self._changed.wait_for(lambda: true() or self.closed), deadline_s)
            except TimeoutError:
                seen = "\n".join(str(event) for event in self.events[-12:])
                raise AssertionError(f"{what} within {deadline_s} s; last events:\n{seen}") from None
        assert true(), f"{what}: connection closed"

    async def _read(self) -> None:
        try:
            while True:
                block = await self._reader.readuntil(b"\r\n\r\n")
                await self._take(block.decode("utf-8", "replace"))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed = True
            async with self._changed:
                self._changed.notify_all()

    async def _take(self, block: str) -> None:
        message: Message = {}
        for line in block.split("\r\n"):
            key, colon, value = line.partition(":")
            if colon:
                value = value.removeprefix(" ")
                message[key] = f"{message[key]}\n{value}" if key in message else value
        id_ = message.get("ActionID", "")
        if id_ in self._answers:
            self._answers[id_].append(message)
        elif "Event" in message:
            self.events.append(message)
        async with self._changed:
            self._changed.notify_all()


class HandRouter:
    """Plays the router at one site by the contract: takes an epoch, beats, gives orders. `async with`."""

    def __init__(self, ami: RawAmi, epoch: int) -> None:
        self.ami = ami
        self.epoch = epoch
        self._beat: asyncio.Task[None] | None = None

    async def __aenter__(self) -> HandRouter:
        await self.ami.set_global("CR_EPOCH", str(self.epoch))
        self.start_beat()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop_beat()

    def start_beat(self) -> None:
        self._beat = asyncio.create_task(self._beats())

    async def stop_beat(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
            with suppress(asyncio.CancelledError):
                await self._beat
            self._beat = None

    async def _beats(self) -> None:
        for beat in count(1):
            self.ami.send("Setvar", Variable=f"CR_BEAT_{self.epoch}", Value=str(beat))
            await asyncio.sleep(1.0)

    async def claim(self, call: str) -> None:
        await self.ami.setvar(call, "CR_CLAIM", str(self.epoch))

    async def order(self, call: str, text: str, epoch: int | None = None) -> None:
        """`text` is what follows the epoch: `agent_20_1001_1`, `release_17`, …; then the bell."""
        self.ami.send("Setvar", Channel=call, Variable="CR_CMD", Value=f"{epoch or self.epoch}_{text}")
        await self.bell(call)

    async def offer(self, call: str, targets: str, attempt: int = 1, ring_s: int = 20) -> None:
        await self.order(call, f"agent_{ring_s}_{targets}_{attempt}")

    async def cancel(self, call: str, attempt: int) -> None:
        self.ami.send("Setvar", Channel=call, Variable="CR_CANCEL", Value=str(attempt))
        await self.bell(call, "C")

    async def bell(self, call: str, digit: str = "D") -> Message:
        return await self.ami.action("PlayDTMF", Channel=call, Digit=digit, Duration="40", Receive="true")
