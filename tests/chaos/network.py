"""A network in memory: connections whose bytes come late, in pieces, or not at all, and ends that are told or not.

Bytes keep their order, as TCP keeps it. What is lost is lost because a connection was cut or hangs. Faults belong to a
route (one client program, one port); its connections suffer them. It knows nothing of AMI or HTTP, but a `filter`
may be put on what servers of a port send.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Callable
from typing import Any

from tests.chaos.loop import PROCESS, VirtualLoop

WINDOW = 256 * 1024  # bytes that are with the kernels; what is beyond is still the program's, and dies with it
CHUNK_MAX = 256 * 1024  # that asyncio reads at once
FOR_EVER_S = 1e9

Filter = Callable[[str, "Wire", bytes], None]


class Route:
    """Between one program and one port: how the weather is there now."""

    def __init__(self, client: str, port: int) -> None:
        self.client = client
        self.port = port
        self.refuses = False  # nobody listens there, seen from here
        self.hole = False  # nothing passes, nobody is told; what was sent passes later
        self.mute = False  # nothing comes back
        self.late_s = 0.0
        self.crumbs = False  # everything comes in pieces of a few bytes
        self.connections: list[Connection] = []


class Wire:
    """One direction of a connection."""

    def __init__(self, connection: Connection, back: bool) -> None:
        self.connection = connection
        self.back = back  # from the server to the client
        self.receiver: asyncio.Protocol | None = None
        self.context: contextvars.Context | None = None
        self.unread = False  # the receiver has paused reading
        self.closed = False  # the receiver is gone
        self._bytes = bytearray()
        self._end: Exception | bool | None = False  # False: open; then the receiver's connection_lost argument
        self._on_its_way = False

    @property
    def blocked(self) -> bool:
        route = self.connection.route
        connection = self.connection
        return route.hole or (self.back and route.mute) or connection.hangs or connection.stalls or self.unread

    @property
    def beyond_window(self) -> int:
        return max(0, len(self._bytes) - WINDOW)

    def send(self, data: bytes) -> None:
        if self._end is False and not self.closed and not self.connection.hangs:
            self._bytes += data
            self.wake()

    def end(self, error: Exception | None = None, keep: int = WINDOW) -> None:
        """No more comes; of what is on its way `keep` bytes still arrive."""
        if self._end is False:
            del self._bytes[keep:]
            self._end = error
            self.wake()

    def wake(self, again: bool = False) -> None:
        """Something may pass. again: it is the rest of what came in pieces."""
        if self._on_its_way or self.closed or self.blocked or (not self._bytes and self._end is False):
            return
        self._on_its_way = True
        network = self.connection.network
        delay = network.delay_s() + self.connection.route.late_s if not again else 1e-4
        network.loop.call_later(delay, self._arrive, context=self.context)

    def _arrive(self) -> None:
        self._on_its_way = False
        if self.closed or self.blocked or self.receiver is None:
            return
        if self._bytes:
            size = self.connection.network.piece(len(self._bytes), self.connection.route.crumbs)
            data = bytes(self._bytes[:size])
            del self._bytes[:size]
            self.receiver.data_received(data)
        elif self._end is not False:
            self.closed = True
            self.connection.lost(self, self._end)  # type: ignore[arg-type]
            return
        self.wake(again=True)


class Transport(asyncio.Transport):
    """One end of a connection, as a program sees it."""

    def __init__(self, connection: Connection, out: Wire, into: Wire, peer: tuple[str, int]) -> None:
        here = "127.0.0.1", connection.route.port
        super().__init__({"peername": peer, "sockname": here, "process": (peer[0], connection.process)})
        self._connection, self._out, self._into = connection, out, into
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closing and data:
            self._connection.network.passes(self._connection, self._out, bytes(data))

    def is_closing(self) -> bool:
        return self._closing

    def get_write_buffer_size(self) -> int:
        return self._out.beyond_window

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nobody is asked to pause."""

    def pause_reading(self) -> None:
        self._into.unread = True

    def resume_reading(self) -> None:
        self._into.unread = False
        self._into.wake()

    def is_reading(self) -> bool:
        return not self._into.unread

    def close(self) -> None:
        self._shut(FOR_EVER)

    def abort(self) -> None:
        """What the kernel has already is sent all the same, as after close(2)."""
        self._shut(WINDOW)

    def _shut(self, keep: int) -> None:
        if self._closing:
            return
        self._closing = True
        self._out.end(None, keep)
        self._into.closed = True
        self._connection.network.loop.call_soon(self._tell, None)

    def lost(self, error: Exception | None) -> None:
        """The other end is gone, or the network says so."""
        if self._closing:
            return
        self._closing = True
        self._out.end(None, 0)
        self._tell(error)

    def die(self) -> None:
        """The program was killed: the kernel closes."""
        self._closing = True
        self._into.closed = True
        self._out.end(ConnectionResetError("the program at the other end died") if self._out.back else None)

    def _tell(self, error: Exception | None) -> None:
        receiver, self._into.receiver = self._into.receiver, None
        if receiver is not None:
            receiver.connection_lost(error)
        self._connection.over()


FOR_EVER = 1 << 60


class Connection:
    def __init__(self, network: Network, route: Route, process: int) -> None:
        """process: the number of the client's program, which may have died since."""
        self.network = network
        self.route = route
        self.process = process
        self.hangs = False  # half-open for ever: both ends believe in it, nothing passes
        self.stalls = False  # nothing passes for now
        self.there = Wire(self, back=False)
        self.back = Wire(self, back=True)
        self.client = Transport(self, self.there, self.back, ("127.0.0.1", route.port))
        self.server = Transport(self, self.back, self.there, (route.client, network.number()))
        route.connections.append(self)

    def lost(self, wire: Wire, error: Exception | None) -> None:
        (self.client if wire.back else self.server).lost(error)

    def wake(self) -> None:
        self.there.wake()
        self.back.wake()

    def cut(self, there: int, back: int) -> None:
        """Both ends are told after so many more bytes of what is on its way."""
        self.there.end(ConnectionResetError("cut"), there)
        self.back.end(ConnectionResetError("cut"), back)

    def over(self) -> None:
        if self.there.receiver is None and self.back.receiver is None and self in self.route.connections:
            self.route.connections.remove(self)


class _Socket:
    def __init__(self, port: int) -> None:
        self._port = port

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", self._port


class _Listener(asyncio.AbstractServer):
    """What `create_server` gives."""

    def __init__(self, network: Network, factory: Callable[[], asyncio.Protocol], port: int) -> None:
        self.factory = factory
        self.port = port
        self.context = contextvars.copy_context()
        self.sockets = (_Socket(port),)
        self._network = network

    def close(self) -> None:
        self._network.listeners.pop(self.port, None)

    async def wait_closed(self) -> None:
        """There is nothing to wait for."""

    def is_serving(self) -> bool:
        return self._network.listeners.get(self.port) is self


class Network:
    """rng: of its own, for delays and pieces."""

    def __init__(self, loop: VirtualLoop, rng: random.Random, split: float, usual_s: float) -> None:
        """split: share of deliveries that come in two pieces, cut at any byte. usual_s: the longest usual delay."""
        self.loop = loop
        self.listeners: dict[int, _Listener] = {}
        self.filters: dict[int, Filter] = {}  # port -> what its server's bytes go through; it passes them on
        self._rng = rng
        self._split = split
        self.usual_s = usual_s
        self._routes: dict[tuple[str, int], Route] = {}
        self._number = 0
        self._port = 50_000
        loop.network = self

    def number(self) -> int:
        self._number += 1
        return self._number

    def delay_s(self) -> float:
        return self.usual_s * (0.2 + 0.8 * self._rng.random())

    def piece(self, size: int, crumbs: bool) -> int:
        size = min(size, CHUNK_MAX)
        if crumbs:
            return min(size, self._rng.randint(1, 40))
        return self._rng.randint(1, size) if self._rng.random() < self._split else size

    def route(self, client: str, port: int) -> Route:
        if (client, port) not in self._routes:
            self._routes[client, port] = Route(client, port)
        return self._routes[client, port]

    def routes_to(self, port: int) -> list[Route]:
        return [route for route in self._routes.values() if route.port == port]

    # ---- for the loop

    def listen(self, factory: Callable[[], asyncio.Protocol], _host: Any, port: int) -> _Listener:
        if not port:
            self._port += 1
            port = self._port
        if port in self.listeners:
            raise OSError(98, f"port {port} is taken")
        listener = self.listeners[port] = _Listener(self, factory, port)
        process = PROCESS.get()
        if process is not None:
            process.on_death.append(listener.close)
        return listener

    async def connect(self, factory: Callable[[], asyncio.Protocol], _host: Any, port: int) -> Any:
        process = PROCESS.get()
        route = self.route(process.name if process is not None else "", port)
        await asyncio.sleep(2 * self.usual_s + route.late_s)
        while route.hole or route.mute:
            await asyncio.sleep(0.1)  # SYNs are lost; who asks gives up or waits
        listener = self.listeners.get(port)
        if listener is None or route.refuses:
            raise ConnectionRefusedError(111, f"nobody listens on port {port}")
        connection = Connection(self, route, process.number if process is not None else 0)
        ours, theirs = factory(), listener.context.run(listener.factory)
        connection.back.receiver, connection.back.context = ours, contextvars.copy_context()
        connection.there.receiver, connection.there.context = theirs, listener.context
        if process is not None:
            process.on_death.append(connection.client.die)
        server = listener.context.get(PROCESS)
        if server is not None:
            server.on_death.append(connection.server.die)
        self.loop.call_soon(theirs.connection_made, connection.server, context=listener.context)
        ours.connection_made(connection.client)
        return connection.client, ours

    def passes(self, connection: Connection, wire: Wire, data: bytes) -> None:
        """A program wrote: through the filter of its port, if it is a server's."""
        through = self.filters.get(connection.route.port) if wire.back else None
        if through is None:
            wire.send(data)
        else:
            through(connection.route.client, wire, data)
