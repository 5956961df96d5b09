"""Between the browser and the service, to be cut: what a bad network does to pages."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Relay:
    """`await start(host, port)`; browsers use `url`. hang: nothing passes. cut: connections break, new ones too."""

    def __init__(self) -> None:
        self.url = ""
        self._passing = asyncio.Event()
        self._refusing = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._to = ("", 0)

    async def start(self, host: str, port: int) -> None:
        self._to = (host, port)
        self._passing.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def hang(self) -> None:
        self._passing.clear()

    def cut(self) -> None:
        self._refusing = True
        for writer in self._writers:
            writer.close()

    def mend(self) -> None:
        self._refusing = False
        self._passing.set()

    async def stop(self) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._to)
        self._writers |= {writer, far_writer}
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65_536):
                await self._passing.wait()
                sink.write(data)
                await sink.drain()
        self._writers.discard(sink)
        sink.close()
