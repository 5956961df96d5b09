"""The bytes of AMI: cut a stream into blocks, read a block, write an action. It knows nothing of what a header means.

It mends panoramisk's own protocol, whose extension points it uses: UTF-8 split over two segments or invalid, a header
that comes twice, a last header without a value, blocks that begin with neither `Event` nor `Response`, and line breaks
in values on their way out. Blocks that nobody waits for are counted by name and not even parsed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol as Shape

from panoramisk.ami_protocol import AMIProtocol

BANNER = b"Asterisk Call Manager/"
BLOCK_MAX = 256 * 1024  # the largest answer (ListCommands, a Status row with long variables) is far below

Fields = dict[str, str | list[str]]
Headers = Mapping[str, str | list[str]]  # of a message that came: to be read


class BadValue(ValueError):
    """A value with control characters was about to be written."""


class Garbage(Exception):
    """What came is not AMI, or a block without an end. The connection is of no use."""


class Splitter:
    """Bytes in, blocks of text out. A character cut in two waits for its rest; an invalid one becomes U+FFFD."""

    def __init__(self) -> None:
        self.version = ""
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The blocks that are complete now. Raises Garbage."""
        data = self._rest + data
        if not self.version:
            line, found, rest = data.partition(b"\r\n")
            if not line.startswith(BANNER[: len(line)]) or (found and not line.startswith(BANNER)) or len(line) > 200:
                raise Garbage(f"not Asterisk's manager: it began with {line[:60]!r}")
            if not found:
                self._rest = data
                return []
            self.version = line[len(BANNER) :].decode("ascii", "replace") or "?"
            data = rest
        end = data.rfind(b"\r\n\r\n")
        if end < 0:
            self._rest = data
            blocks = []
        else:
            self._rest = data[end + 4 :]
            blocks = data[:end].decode("utf-8", "replace").split("\r\n\r\n")
        if len(self._rest) > BLOCK_MAX:
            raise Garbage(f"a block longer than {BLOCK_MAX} bytes")
        return blocks


def parse(block: str, repeatable: frozenset[str]) -> Fields | None:
    """Headers of a block, or None if it is not sound: a line without a header, or a header twice that comes only once.

    A header of `repeatable` that comes more than once has the list of its values; none of those may set the same
    variable twice (`NAME=value`).
    """
    try:
        pairs = [line.split(": ", 1) for line in block.split("\r\n")]
        fields: Fields = dict(pairs)  # type: ignore[assignment]  # a pair each: split once
    except ValueError:
        return None
    extra = len(pairs) - len(fields)
    if not extra:
        return fields
    for key in repeatable:
        if key in fields:
            values = [pair[1] for pair in pairs if pair[0] == key]
            if len(values) > 1:
                if len({value.partition("=")[0] for value in values}) < len(values) and key != "Output":
                    return None
                fields[key] = values
                extra -= len(values) - 1
    return fields if not extra else None


def encode(fields: Mapping[str, str]) -> bytes:
    """One action as it is written. Raises BadValue if something is not printable: it could hold a second action."""
    lines = []
    for name, value in fields.items():
        line = f"{name}: {value}"
        if not line.isprintable() or ":" in name:
            raise BadValue(f"{name}: a value that cannot be sent")
        lines.append(line)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Sink(Shape):
    """Who is told what the protocol sees. None of these may block; one that raises costs its own message only."""

    def connected(self, protocol: AmiProtocol) -> None: ...
    def blocks(self, blocks: list[str]) -> None: ...
    def disconnected(self, why: str) -> None: ...


class AmiProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk is untyped
    """panoramisk's protocol with its reading and its end replaced. It never blocks and never stops reading."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._splitter = Splitter()
        self._why = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._sink.connected(self)

    def data_received(self, data: bytes) -> None:
        if self.closed:
            return
        try:
            blocks = self._splitter.feed(data)
        except Garbage as error:
            self.end(str(error))
            return
        self.version = self._splitter.version
        if blocks:
            self._sink.blocks(blocks)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop. Unlike panoramisk's it puts no action aside to send it again later."""
        self.closed = True
        self._sink.disconnected(self._why or (f"{type(exc).__name__}: {exc}" if exc else "closed by Asterisk"))

    def write(self, data: bytes) -> None:
        if not self.closed:
            self.transport.write(data)

    @property
    def unsent(self) -> int:
        """Bytes that Asterisk has not taken yet."""
        return 0 if self.closed else int(self.transport.get_write_buffer_size())

    def end(self, why: str) -> None:
        """Cut the connection now; what is not yet written is dropped, for an order must not arrive late."""
        if not self.closed:
            self._why = self._why or why
            self.closed = True
            self.transport.abort()

    def close(self) -> None:
        self.end("closed by us")
