"""Finished calls out of the journal, read behind the writer and after a crash alike: from a place on, to the last line.

Only lines that hold a finished call or a new plan are parsed; the rest is skipped at the speed of a search. Places are
bytes in a segment; who keeps them is not known here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Any

import structlog

from callrouter.finished import Batch, Finished, Told
from callrouter.journal.codec import Codec, CodecError
from callrouter.journal.segment import segments

log = structlog.get_logger(__name__)

FINISHED, REPLACED = b'"_":"CallFinished"', b'"_":"PlanReplaced"'
CHANGED, RANG = b'"_":"CallbackChanged"', b'"_":"OutboundFinished"'
CHUNK = 4 * 2**20
CALLS_MAX = 500  # in one batch
DEFAULT_TARGET_S, DEFAULT_WINDOW_S = 240.0, 1800.0
Rules = dict[str, tuple[float, float]]  # hotline -> (target_s, redial_window_s)
BROKEN = (CodecError, ValueError, KeyError, TypeError, AttributeError)


class Tail:
    """Reads blocking; may be asked from several threads (one that was given up may still read)."""

    def __init__(self, folder: Path, codec: Codec, chunk: int = CHUNK) -> None:
        self._folder = folder
        self._codec = codec
        self._chunk = chunk
        self._lock = Lock()
        self._segment = ""
        self._run = ""
        self._rules: Rules = {}

    def identity(self) -> str:
        """The name of this journal among others that feed the same database; made once, kept beside its folder."""
        path = self._folder.with_name(f"{self._folder.name}.id")
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = path.with_name(f"{path.name}.{os.getpid()}")
            fresh.touch(mode=0o600)
            fresh.write_text(f"{token_hex(8)}\n", encoding="ascii")
            fresh.rename(path)  # whole or not at all
        return path.read_text(encoding="ascii").strip()

    def behind(self, marks: Mapping[str, int]) -> int:
        """Bytes that have not been read."""
        return sum(max(0, _size(path) - marks.get(path.name, 0)) for path in self._paths())

    def names(self) -> list[str]:
        return [path.name for path in self._paths()]

    def read(self, marks: Mapping[str, int]) -> Batch | None:
        """The next batch of the oldest segment that has one; None: all was read. Raises OSError."""
        with self._lock:
            for path in self._paths():
                start = marks.get(path.name, 0)
                if _size(path) > start:
                    batch = self._read(path, start)
                    if batch is not None:
                        return batch
        return None

    # ---- inside

    def _paths(self) -> list[Path]:
        return segments(self._folder)

    def _read(self, path: Path, start: int) -> Batch | None:
        with path.open("rb") as file:
            if start and self._segment != path.name:
                self._enter(path, file.read(start))
            file.seek(start)
            size = self._chunk
            data = file.read(size)
            while b"\n" not in data and len(data) == size:  # one very long line: a state, a plan
                size *= 2
                file.seek(start)
                data = file.read(size)
        whole = data[: data.rfind(b"\n") + 1]
        if not whole:
            return None  # torn: never whole, or being written
        if not start:
            self._segment = path.name
        calls: list[Finished] = []
        told: list[Told] = []
        at = damaged = 0
        for line in whole.splitlines(keepends=True):
            if start + at == 0:
                damaged += not self._head(path, line)
            elif FINISHED in line or REPLACED in line or CHANGED in line or RANG in line:
                damaged += not self._line(path, line, start + at, calls, told)
            at += len(line)
            if len(calls) + len(told) >= CALLS_MAX:
                break
        more = len(data) == size or at < len(whole)
        return Batch(path.name, start, start + at, tuple(calls), more, damaged, tuple(told))

    def _enter(self, path: Path, before: bytes) -> None:
        """What a segment said of its run and its plan before the place from which it is read."""
        self._segment = path.name
        lines = before.splitlines()
        self._head(path, lines[0])
        for line in lines[1:]:
            if REPLACED in line:
                self._line(path, line, 0, [], [])

    def _head(self, path: Path, line: bytes) -> bool:
        self._run, self._rules = path.stem, {}
        try:
            head = json.loads(line)
            self._run = head.get("run") or path.stem
            self._rules = _rules(head["state"]["plan"])
        except BROKEN as error:
            log.error("the head of a journal segment cannot be read", segment=path.name, error=str(error))
            return False
        return True

    def _line(self, path: Path, line: bytes, at: int, calls: list[Finished], told: list[Told]) -> bool:
        try:
            entry = json.loads(line)
            if entry["event"]["_"] == "PlanReplaced":
                self._rules = _rules(entry["event"]["plan"])
            for command in entry["commands"]:
                if command["_"] == "CallFinished":
                    record = self._codec.decode(command)
                    target_s, window_s = self._rules.get(record.hotline, (DEFAULT_TARGET_S, DEFAULT_WINDOW_S))
                    calls.append(Finished(record, self._run, entry["seq"], target_s, window_s))
                elif command["_"] == "CallbackChanged":
                    told.append(Told(self._codec.decode(command).callback, self._run, entry["seq"]))
                elif command["_"] == "OutboundFinished":
                    told.append(Told(self._codec.decode(command), self._run, entry["seq"]))
        except BROKEN as error:
            log.error("a journal line cannot be read", segment=path.name, byte=at, error=str(error))
            return False
        return True


def _rules(plan: Mapping[str, Any]) -> Rules:
    return {
        one["name"]: (one.get("target_s", DEFAULT_TARGET_S), one.get("redial_window_s", DEFAULT_WINDOW_S))
        for one in plan["hotlines"]
    }


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # deleted meanwhile
        return 0


def unread(path: Path, place: int) -> bool:
    """Does a whole line stand after this place? A torn one at the end of a dead process's segment does not count."""
    with path.open("rb") as file:
        file.seek(place)
        while data := file.read(CHUNK):
            if b"\n" in data:
                return True
    return False
