"""The system calls by which the journal writes: one place, so that a test's disk may be full or tear a line."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class Disk:
    """All of these raise OSError."""

    def create(self, path: Path) -> int:
        """A new file, append-only, readable by its owner; its lock says that this process lives, and ends with it."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file

    def write(self, file: int, data: memoryview) -> int:
        """Hand bytes to the kernel; how many it took."""
        return os.write(file, data)

    def cut(self, file: int, size: int) -> None:
        os.ftruncate(file, size)

    def again(self, file: int) -> int:
        """The same file for a thread, whatever becomes of the first number."""
        return os.dup(file)

    def sync(self, file: int) -> None:
        """Blocks until the machine may lose power."""
        os.fdatasync(file)

    def close(self, file: int) -> None:
        os.close(file)
