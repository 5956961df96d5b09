"""One connection to one Asterisk's manager, from connect to its end. It is never used again.

panoramisk's `Manager` with its faults mended through its own extension points: since nothing outlives a connection,
nothing can be sent a second time; every request has a deadline and always gets a result; a refused login is an error
of its own; there is no reconnecting in here, so `close()` is final. It does not know what events mean: blocks of the
names in `watched` are parsed, checked for their required headers and handed on.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from secrets import token_hex

from panoramisk import Manager

from callrouter.ami.layouts import Reader
from callrouter.ami.protocol import AmiProtocol, BadValue, Fields, Headers, encode, parse

log = logging.getLogger(__name__)

ROWS_MAX = 50_000
UNSENT_MAX = 1 << 20  # Asterisk does not read: the connection is as good as dead
PENDING_MAX = 20_000

Rows = list[Fields]


class Lost(Exception):
    """No answer: the connection ended or the deadline passed. What was asked may have happened."""


class Refused(Exception):
    """Asterisk answered with an error."""


class Pending:
    """A request that waits for its answer, and always gets one: rows, or None, which means unknown.

    panoramisk's own never ends if a list is refused, takes an event of a list for an answer, and is sent again after a
    reconnect if nobody looks. A future each would cost more than all the rest of an order.
    """

    __slots__ = ("_then", "as_list", "fields", "ident", "over", "responses", "result")

    def __init__(self, fields: Mapping[str, str], ident: str, as_list: bool) -> None:
        self.fields = {**fields, "ActionID": ident}
        self.ident, self.as_list = ident, as_list
        self.responses: Rows = []
        self.over = False
        self.result: Rows | None = None
        self._then: list[Callable[[Rows | None], object]] = []

    @property
    def name(self) -> str:
        return self.fields["Action"]

    def then(self, tell: Callable[[Rows | None], object]) -> None:
        """Tell the result when it is there, from within the turn in which it comes. `tell` must not raise."""
        if self.over:
            tell(self.result)
        else:
            self._then.append(tell)

    def future(self) -> asyncio.Future[Rows | None]:
        """For who wants to wait."""
        future: asyncio.Future[Rows | None] = asyncio.get_running_loop().create_future()

        def tell(result: Rows | None) -> None:
            if not future.done():  # who waited may have gone
                future.set_result(result)

        self.then(tell)
        return future

    def add_message(self, message: Fields) -> bool:
        """True when this was the last message of the answer."""
        self.responses.append(message)
        if not self.as_list or message.get("Response") == "Error" or len(self.responses) > ROWS_MAX:
            self.finish(self.responses)
            return True
        if message.get("EventList") == "Complete":
            self.finish(self.responses)
            return True
        return False

    def finish(self, result: Rows | None) -> None:
        if not self.over:
            self.over, self.result = True, result
            for tell in self._then:
                tell(result)


class Session(Manager):  # type: ignore[misc]
    """Make one, `await open()`, use it until `ended` is done; its result says why.

    on_event(name, message) is called for each sound event that is watched, on_reject(text) for each block that cannot
    be what Asterisk meant to send (somebody may be forging events).
    """

    def __init__(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        watched: Mapping[str, Sequence[str]],
        repeatable: frozenset[str],
        on_event: Callable[[str, Headers], None],
        on_reject: Callable[[str], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(host=host, port=port, ssl=tls or False, loop=loop, log=log)
        self.config["protocol_factory"] = self._make_protocol
        self.ended: asyncio.Future[str] = loop.create_future()
        self.messages = self.ignored = self.rejected = self.failed = 0
        self.heard_at = loop.time()
        self._watched, self._repeatable = watched, repeatable
        self._reader = Reader(watched, repeatable)
        self._on_event, self._on_reject = on_event, on_reject
        self._waiting: dict[str, Pending] = {}
        self._unsent: list[bytes] = []  # what is to be written before the loop turns once more
        self._deadlines: dict[float, deque[tuple[float, Pending]]] = {}  # by their length: each in its order
        self._timers: dict[float, asyncio.TimerHandle] = {}  # the same
        self._lists = 0
        self._nonce, self._number = token_hex(4), 0  # so that nobody can forge an answer

    # ---- life

    async def open(self) -> None:
        """Connect (with the certificate verified, if TLS). Raises OSError, ssl.SSLError."""
        await self.connect()

    def connect(self, *_: object, **__: object) -> asyncio.Task[object]:
        """panoramisk's, without its callback that logs in and tries again for ever."""
        config = self.config
        return asyncio.ensure_future(
            self.loop.create_connection(
                config["protocol_factory"], config["host"], config["port"], ssl=config["ssl"] or None
            )
        )

    def close(self, why: str = "closed by us") -> None:
        if self.protocol is not None:
            self.protocol.end(why)
        self.disconnected(why)

    def _make_protocol(self) -> AmiProtocol:
        return AmiProtocol(self)

    # ---- what the protocol tells

    def connected(self, protocol: AmiProtocol) -> None:
        if self.ended.done():
            protocol.end("closed by us")
        self.protocol = protocol

    def disconnected(self, why: str) -> None:
        """The one end: whatever waits is unknown now, nothing is kept to be sent again."""
        if not self.ended.done():
            self.ended.set_result(why)
        waiting, self._waiting = self._waiting, {}
        self._lists = 0
        for timer in self._timers.values():
            timer.cancel()
        for pending in waiting.values():
            pending.finish(None)

    def blocks(self, blocks: list[str]) -> None:
        self.heard_at = self.loop.time()
        self.messages += len(blocks)
        for block in blocks:
            try:
                self._block(block)
            except Exception:
                self.failed += 1
                log.exception("a message could not be handled")

    def _block(self, block: str) -> None:
        if block.startswith("Event: "):
            end = block.find("\r\n")
            name = block[7:] if end < 0 else block[7:end]
            required = self._watched.get(name)
            if required is None and not self._lists:
                self.ignored += 1
                return
            if "\r\nActionID: " in block:  # a row of a list: other headers than the event of that name
                self._told(block)
            elif required is None:
                self.ignored += 1
            else:
                fields = self._reader.read(name, block)
                if fields is None:
                    self._reject(block)
                else:
                    self._on_event(name, fields)
        elif block.startswith("Response: "):
            self._told(block)
        elif block.strip():
            self._reject(block)

    def _reject(self, block: str) -> None:
        self.rejected += 1
        self._on_reject(block[:200])

    def _told(self, block: str) -> None:
        """An answer, or a row of one."""
        fields = parse(block, self._repeatable)
        if fields is None:
            self._reject(block)
            return
        action_id = fields.get("ActionID")
        pending = self._waiting.get(action_id) if isinstance(action_id, str) else None
        if pending is None:
            self.ignored += 1  # its deadline has passed
        elif pending.add_message(fields):
            self._forget(pending)

    # ---- asking

    @property
    def pending(self) -> int:
        return len(self._waiting)

    def fire(self, actions: Iterable[Mapping[str, str]], deadline_s: float, as_list: bool = False) -> list[Pending]:
        """Write actions in one go; each result is the messages of the answer, or None: unknown.

        Raises BadValue before anything is written.
        """
        made = [self._make(fields, as_list) for fields in actions]
        data = b"".join([encode(pending.fields) for pending in made])
        gone = self.ended.done() or self.protocol is None
        if not gone and (self.protocol.unsent > UNSENT_MAX or len(self._waiting) > PENDING_MAX):
            self.close("Asterisk takes no more")
            gone = True
        if gone:
            for pending in made:
                pending.finish(None)
            return made
        for pending in made:
            self._waiting[pending.ident] = pending
            self._lists += as_list
        self._give_time(made, deadline_s)
        if not self._unsent:
            self.loop.call_soon(self._flush)
        self._unsent.append(data)
        return made

    def _flush(self) -> None:
        """All that was fired in one turn of the loop, in one write."""
        data = b"".join(self._unsent)
        self._unsent.clear()
        if not self.ended.done():
            self.protocol.write(data)

    def _give_time(self, made: list[Pending], deadline_s: float) -> None:
        """One timer for all requests of one length, not one each: nearly all are answered long before."""
        queue = self._deadlines.setdefault(deadline_s, deque())
        if not queue:
            self._timers[deadline_s] = self.loop.call_later(deadline_s, self._expire, deadline_s)
        due = self.loop.time() + deadline_s
        queue.extend([(due, pending) for pending in made])

    def _expire(self, deadline_s: float) -> None:
        queue, now = self._deadlines[deadline_s], self.loop.time()
        while queue and (queue[0][1].over or queue[0][0] <= now):
            pending = queue.popleft()[1]
            self._forget(pending)
            pending.finish(None)
        if queue and not self.ended.done():
            self._timers[deadline_s] = self.loop.call_at(queue[0][0], self._expire, deadline_s)
        else:
            del self._deadlines[deadline_s], self._timers[deadline_s]

    async def ask(self, fields: Mapping[str, str], deadline_s: float) -> Fields:
        """One action, one answer. Raises Lost, Refused."""
        return (await self._rows(self.fire((fields,), deadline_s)[0]))[0]

    async def ask_all(self, actions: Sequence[Mapping[str, str]], deadline_s: float) -> list[Fields | None]:
        """Several at once; None for one that was refused. Raises Lost."""
        found: list[Fields | None] = []
        for pending in self.fire(actions, deadline_s):
            try:
                found.append((await self._rows(pending))[0])
            except Refused:
                found.append(None)
        return found

    async def lists(self, actions: Sequence[Mapping[str, str]], deadline_s: float) -> list[Rows]:
        """Several lists at once: the rows of each. Raises Lost, Refused."""
        made = self.fire(actions, deadline_s, as_list=True)
        return [(await self._rows(pending))[1:-1] for pending in made]

    async def settled(self) -> None:
        """Until all that is outstanding now has its answer or is given up."""
        if self._waiting:
            await asyncio.wait([pending.future() for pending in self._waiting.values()])

    async def _rows(self, pending: Pending) -> Rows:
        rows = await pending.future()
        if rows is None:
            why = self.ended.result() if self.ended.done() else "no answer in time"
            raise Lost(f"{pending.name}: {why}")
        error = refusal(rows)
        if error is not None:
            raise Refused(f"{pending.name}: {error}")
        return rows

    def _make(self, fields: Mapping[str, str], as_list: bool) -> Pending:
        self._number += 1
        return Pending(fields, f"{self._nonce}-{self._number}", as_list)

    def _forget(self, pending: Pending) -> None:
        if self._waiting.pop(pending.ident, None) is not None:
            self._lists -= bool(pending.as_list)


def refusal(rows: Sequence[Headers] | None) -> str | None:
    """What Asterisk said against it; None if it did not."""
    if rows and rows[0].get("Response") == "Error":
        return str(rows[0].get("Message", "refused"))
    return None


__all__ = ["BadValue", "Lost", "Pending", "Refused", "Session", "refusal"]
