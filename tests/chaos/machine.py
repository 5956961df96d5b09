"""A machine on which the service runs: its disk, its clock, and a supervisor that starts it again when it has died."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import random
import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from callrouter.app import Options, Service
from callrouter.clock import Clock
from callrouter.config.load import Loaded, load
from callrouter.config.source import ConfigError
from callrouter.journal.disk import Disk
from tests.chaos.loop import Killed, Process, VirtualLoop
from tests.chaos.scene import START, TODAY

_OFFER = re.compile(r'"_":"Offer","call":"([^"]+)","attempt":(\d+)')
_loaded: dict[str, Loaded | ConfigError] = {}


def load_once(folder: Path) -> Loaded | ConfigError:
    """The same text need not be read twice in one world."""
    text = (folder / "network.yaml").read_text()
    if text not in _loaded:
        try:
            _loaded[text] = _virtual(load(folder, TODAY))
        except ConfigError as error:
            _loaded[text] = error
    return _loaded[text]


def _virtual(loaded: Loaded) -> Loaded:
    """With the driver that needs no threads, which no configuration may name."""
    service = loaded.network.service
    database = service.database.replace("+aiosqlite:", "+virtual:")
    network = loaded.network.model_copy(update={"service": service.model_copy(update={"database": database})})
    return replace(loaded, network=network)


class FaultyDisk(Disk):
    """Of one process: full, torn in the midst of a line, or out of power."""

    def __init__(self, machine: Machine, process: Process) -> None:
        self.tear: float | None = None  # the next write is cut at this share of its bytes, and the process dies in it
        self._machine = machine
        self._process = process
        self._paths: dict[int, Path] = {}
        self._synced: dict[Path, int] = {}
        process.on_death.append(self._closed_by_the_kernel)

    def create(self, path: Path) -> int:
        self._live()
        if self._machine.disk_full:
            raise OSError(28, "No space left on device")
        file = super().create(path)
        self._paths[file] = path
        self._synced[path] = 0
        self._machine.world.segments.append(path)
        return file

    def write(self, file: int, data: memoryview) -> int:
        self._live()
        if self.tear is not None:
            os.write(file, data[: int(self.tear * len(data))])
            self._machine.world.note(f"{self._machine.name} dies in the midst of a line")
            self._process.kill()
            raise Killed
        if self._machine.disk_full:
            room = self._machine.rng.randrange(len(data))  # a part still fits
            if room:
                os.write(file, data[:room])
            raise OSError(28, "No space left on device")
        self._machine.world.wrote(self._machine, bytes(data))
        self._machine.offers.update(_OFFER.findall(str(data, "utf-8", "replace")))
        return super().write(file, data)

    def again(self, file: int) -> int:
        copy = super().again(file)
        self._paths[copy] = self._paths[file]
        return copy

    def sync(self, file: int) -> None:
        self._synced[self._paths[file]] = os.fstat(file).st_size
        self._live()

    def close(self, file: int) -> None:
        if self._paths.pop(file, None) is not None:
            super().close(file)

    def lose_power(self, share: float) -> None:
        """What was not synced is there up to any byte."""
        for path in {*self._paths.values()}:
            size, safe = path.stat().st_size, self._synced[path]
            os.truncate(path, safe + int(share * (size - safe)))

    def _live(self) -> None:
        if not self._process.alive:
            raise Killed

    def _closed_by_the_kernel(self) -> None:
        for file in tuple(self._paths):
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_UN)
            self.close(file)


class Host(Protocol):
    """What a machine needs of its world."""

    loop: VirtualLoop
    seed: str
    segments: list[Path]

    def note(self, text: str) -> None: ...
    def wrote(self, machine: Machine, data: bytes) -> None: ...
    def began(self, machine: Machine) -> None: ...
    def broke(self, text: str) -> None: ...


class Machine:
    def __init__(self, world: Host, name: str, folder: Path, config: Path) -> None:
        self.world = world
        self.name = name
        self.folder = folder
        self.config = config
        self.rng = random.Random(f"{world.seed}/machine/{name}")
        self.disk_full = False
        self.offset_s = 0.0  # of the wall clock against the world
        self.leapt = False  # it was set, so that two times of it may not be compared
        self.wanted = False
        self.starts = 0
        self.offers: set[tuple[str, str]] = set()  # (call, attempt) that stand in its journal
        self.process: Process | None = None
        self.service: Service | None = None
        self.disk: FaultyDisk | None = None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.alive

    def wall(self) -> float:
        return START + self.world.loop.time() + self.offset_s

    def start(self) -> None:
        """The program begins, if it is wanted and does not run."""
        if self.alive or not self.wanted:
            return
        self.starts += 1
        loop = self.world.loop
        self.process = process = Process(loop, self.name, self.starts)
        self.service = None
        self.disk = FaultyDisk(self, process)
        process.on_death.append(self._died)
        self.world.note(f"{self.name} starts, number {self.starts}")
        process.spawn(self._program(process, self.disk))

    def stop(self) -> None:
        """SIGTERM."""
        if self.alive and self.process is not None and self.service is not None:
            self.process.call(self.service.request_stop)

    def reload(self) -> None:
        """SIGHUP."""
        if self.alive and self.process is not None and self.service is not None:
            self.process.call(self.service.request_reload)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    async def _program(self, process: Process, disk: FaultyDisk) -> None:
        try:
            loaded = await asyncio.to_thread(load_once, self.config)
            if isinstance(loaded, ConfigError):
                raise loaded
            loop = self.world.loop
            options = Options(
                folder=self.config,
                state_dir=self.folder,
                host="127.0.0.1",
                port=0,
                clock=Clock(wall=self.wall, steady=loop.time),
                steady=loop.time,
                rng=random.Random(f"{self.world.seed}/{self.name}/{self.starts}").random,
                nonce=f"{self.starts:04}{self.name}",
                watch=_watch,
                disk=disk,
            )
            service = self.service = Service(loaded, options)
            self.world.began(self)
            try:
                await service.start()
                await service.ended()
            finally:
                await service.stop()
        except ConfigError as error:
            self.world.note(f"{self.name} cannot start: {error.problems[0]}")
        except Exception as error:
            self.world.broke(f"{self.name} ends with {type(error).__name__}: {error}")
        ours = ("_program", "Wire._arrive", "run_in_executor")  # what was on the wire, or in a thread, when it ended
        left = [one for one in process.left() if not any(name in one for name in ours)]
        for one in left:
            self.world.broke(f"{self.name} has ended and leaves {one}")
        self.world.note(f"{self.name} has ended")
        process.kill()

    def _died(self) -> None:
        self.world.note(f"{self.name} is gone")
        if self.wanted:
            self.world.loop.call_later(self.rng.choice([0.1, 0.5, 1.0, 4.0, 9.0]), self.start)


async def _watch(folder: Path, nudge: asyncio.Event) -> AsyncGenerator[Loaded | ConfigError]:
    """As `config.watch`, by SIGHUP only."""
    while True:
        await nudge.wait()
        nudge.clear()
        yield await asyncio.to_thread(load_once, folder)
