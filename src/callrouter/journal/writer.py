"""The journal on disk: appended before an order leaves, rotated by size, kept for a limited time.

`flush` hands the lines to the kernel (write(2)), so kill -9 loses nothing that was acted on; power loss can cost what
came after the last fdatasync, which a thread does every `sync_s`. A full disk never stops routing: lines are counted
as lost, and the next segment begins with a fresh checkpoint as soon as there is room.

The lines hold callers' numbers: files are readable by their owner only and are deleted after `keep_s`, unless
`may_delete` says that somebody still needs them (call records go to SQL from here). A segment ends after a day even
when it is small, so that none outlives its time by more than that.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import structlog

from callrouter.core.commands import Command
from callrouter.core.events import Event
from callrouter.journal.codec import Codec
from callrouter.journal.disk import Disk
from callrouter.journal.segment import Header, entry_line, header_line, next_stamp, segments

log = structlog.get_logger(__name__)
WRITES_KEPT = 1_000  # of which the slowest are looked for
RETRY_S = 5.0  # between two attempts to begin a segment after a failure


@dataclass(frozen=True, slots=True)
class JournalLimits:
    segment_bytes_max: int = 64 * 2**20
    segment_s: float = 86_400.0
    total_bytes_max: int = 4 * 2**30
    keep_s: float = 14 * 86_400.0
    sync_s: float = 0.1


class Journal:
    """Append-only; used from one task. `checkpoint` gives the router's whole state for the head of a segment."""

    def __init__(
        self,
        folder: Path,
        codec: Codec,
        checkpoint: Callable[[], Any],
        limits: JournalLimits | None = None,
        may_delete: Callable[[Path], bool] = lambda _: True,
        disk: Disk | None = None,
    ) -> None:
        """may_delete: asked in a thread for segments whose time has come."""
        self._folder = folder
        self._codec = codec
        self._checkpoint = checkpoint
        self._limits = limits or JournalLimits()
        self._may_delete = may_delete
        self._disk = disk or Disk()
        self._began_at = 0.0
        self.run_id = ""
        self._fd: int | None = None
        self._path: Path | None = None
        self._size = 0
        self._buffer: list[bytes] = []
        self._next_seq = 1
        self._retry_at = 0.0
        self._dirty = asyncio.Event()
        self._rotated = True
        self._write_s: deque[float] = deque(maxlen=WRITES_KEPT)
        self.written_at = 0.0  # when a line was last handed to the kernel
        self.trouble = ""  # why lines are being lost; '' while all is well
        self.lines_lost = 0
        self.lines_written = 0
        self.bytes_written = 0
        self.segments_begun = 0

    @property
    def path(self) -> Path | None:
        """The segment being written."""
        return self._path

    def write_p99_s(self) -> float:
        """How long all but one in a hundred of the last writes took at most; 0.0 before the first."""
        return sorted(self._write_s)[int(len(self._write_s) * 0.99)] if self._write_s else 0.0

    def append(self, seq: int, now: float, event: Event, commands: Sequence[Command], failed: str = "") -> None:
        """Take one line; it is on its way to the disk only after `flush`."""
        self._next_seq = seq + 1
        if self._fd is None:
            self.lines_lost += 1
            return
        try:
            self._buffer.append(entry_line(self._codec, seq, now, event, commands, failed))
        except Exception as error:  # a class that the codec cannot carry: ours to mend, and no reason to stop routing
            self.lines_lost += 1
            self._give_up(f"an entry cannot be written: {error}", now)

    def flush(self, now: float) -> None:
        """Hand all lines to the kernel; begin a new segment if it is time. Never raises for the disk's sake."""
        if self._buffer:
            data = b"".join(self._buffer)
            count = len(self._buffer)
            self._buffer.clear()
            if self._write(data, now):
                self.lines_written += count
            else:
                self.lines_lost += count
        if self._fd is None:
            if now >= self._retry_at:
                self.begin(now)
        elif self._size >= self._limits.segment_bytes_max or now - self._began_at >= self._limits.segment_s:
            self.begin(now)

    def begin(self, now: float) -> None:
        """Start a segment with the router's state as it is now."""
        assert not self._buffer, "flush first: the state in the header is after these lines"
        self._close()
        try:
            stamp = next_stamp(self._folder, now)
            path = self._folder / f"{stamp}-{self._next_seq:012d}-{os.getpid()}.jsonl"
            self.run_id = self.run_id or f"{stamp}-{os.getpid()}"
            head = header_line(self._codec, Header(self._next_seq, now, self._checkpoint(), run=self.run_id))
            self._fd = self._disk.create(path)
        except Exception as error:  # the disk's fault or, in the checkpoint, ours; routing goes on
            self._give_up(f"can begin no segment: {error}", now)
            return
        self._path, self._size, self._began_at = path, 0, now
        if self._write(head, now):
            self.segments_begun += 1
            self._rotated = True
            if self.trouble:
                log.warning("journal is written again", path=str(path), lines_lost=self.lines_lost)
            self.trouble = ""
        else:
            with contextlib.suppress(OSError):
                path.unlink()

    async def run(self) -> None:
        """Sync and clean up in a thread until cancelled."""
        while True:
            await self._dirty.wait()
            await asyncio.sleep(self._limits.sync_s)
            self._dirty.clear()
            await self._sync()

    def close(self, now: float) -> None:
        """Write and sync the rest. Blocks; for the end of the process."""
        self.flush(now)
        if self._fd is not None:
            with contextlib.suppress(OSError):
                self._disk.sync(self._fd)
        self._close()

    # ---- inside

    def _write(self, data: bytes, now: float) -> bool:
        assert self._fd is not None
        rest = memoryview(data)
        began = perf_counter()
        try:
            while rest:
                rest = rest[self._disk.write(self._fd, rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):  # leave no half line behind: the segment stays readable
                self._disk.cut(self._fd, self._size)
            self._give_up(f"cannot be written: {error}", now)
            return False
        self._write_s.append(perf_counter() - began)
        self.written_at = now
        self._size += len(data)
        self.bytes_written += len(data)
        self._dirty.set()
        return True

    def _give_up(self, trouble: str, now: float) -> None:
        """The segment ends here; try another one later, since a gap cannot be replayed."""
        if not self.trouble:
            log.error("journal is not written; routing goes on", trouble=trouble)
        self.trouble = trouble
        self.lines_lost += len(self._buffer)
        self._buffer.clear()
        self._retry_at = now + RETRY_S
        self._close()

    def _close(self) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                self._disk.close(self._fd)
            self._fd = None

    async def _sync(self) -> None:
        prune, self._rotated = self._rotated, False
        fd = None if self._fd is None else self._disk.again(self._fd)  # a rotation may close the other one meanwhile
        try:
            await asyncio.to_thread(self._sync_in_thread, fd, prune)
        except OSError as error:
            log.error("journal could not be synced", error=str(error))

    def _sync_in_thread(self, fd: int | None, prune: bool) -> None:
        if fd is not None:
            try:
                self._disk.sync(fd)
            finally:
                self._disk.close(fd)
        if prune:
            self._prune()

    def _prune(self) -> None:
        """Delete segments that are too old, and the oldest ones beyond the total size. Never the current one."""
        total = 0
        for path in reversed(segments(self._folder)):
            try:
                stat = path.stat()
                total += stat.st_size
                old = stat.st_mtime < datetime.now(UTC).timestamp() - self._limits.keep_s
                if path != self._path and (old or total > self._limits.total_bytes_max) and self._may_delete(path):
                    path.unlink()
            except FileNotFoundError:  # another router cleans the same folder
                continue
