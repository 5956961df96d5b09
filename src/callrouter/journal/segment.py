"""One segment of the journal as text: a header line, then one line per handled event. And reading it back.

A segment can be replayed without its predecessors: the header holds the router's whole state at its beginning.
Knows the layout of lines, not when segments begin or end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from callrouter import __version__
from callrouter.core.commands import Command
from callrouter.core.events import Event
from callrouter.journal.codec import Codec, CodecError, to_json

FORMAT = 1
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_NAME = re.compile(r"(\d{8}T\d{6}\.\d{6}Z)-\d+-\d+\.jsonl")
_NOW = re.compile(rb'"now":([\d.e+]+)')
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_HEAD_BYTES = 1_000  # within which a header says when its segment began


class JournalDamaged(Exception):
    """A segment cannot be read: not a journal, another format, or a line that is neither whole nor the last."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a segment begins with. seq: of its first entry. state: the router's checkpoint before that entry.

    run: the same for all segments of one process, and greater for a later one.
    """

    seq: int
    now: float
    state: Any
    release: str = __version__
    run: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One handled event and what the router decided. failed: the name of the exception if the handler broke."""

    seq: int
    now: float
    event: Event
    commands: tuple[Command, ...]
    failed: str = ""
    line: int = 0  # in the file, from 1


def segments(folder: Path) -> list[Path]:
    """All segments of a journal, in the order in which they were begun. Raises OSError."""
    return sorted(folder.glob("*.jsonl"))


def next_stamp(folder: Path, now: float) -> str:
    """What a segment's name begins with: the time, or if the clock was set back more than all before it."""
    last = max(map(_named, folder.glob("*.jsonl")), default=_NEVER)
    return max(datetime.fromtimestamp(now, UTC), last + timedelta(microseconds=1)).strftime(_STAMP)


def began_at(path: Path) -> float:
    """UTC seconds by the clock of its writer. Raises OSError."""
    with path.open("rb") as file:
        found = _NOW.search(file.read(_HEAD_BYTES))
    return float(found[1]) if found else _named(path).timestamp()


def _named(path: Path) -> datetime:
    """What its name says of when it began."""
    found = _NAME.fullmatch(path.name)
    try:
        return datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC) if found else _NEVER
    except ValueError:
        return _NEVER


def header_line(codec: Codec, header: Header) -> bytes:
    state = codec.encode(header.state)
    about = {"journal": FORMAT, "release": header.release, "run": header.run}
    return _line({**about, "seq": header.seq, "now": header.now, "state": state})


def entry_line(codec: Codec, seq: int, now: float, event: Event, commands: Sequence[Command], failed: str) -> bytes:
    dumps = codec.dumps
    told = ",".join([dumps(command) for command in commands])
    end = f',"failed":{to_json(failed)}' if failed else ""
    return f'{{"seq":{seq},"now":{now!r},"event":{dumps(event)},"commands":[{told}]{end}}}\n'.encode()


def _line(data: dict[str, Any]) -> bytes:
    return f"{to_json(data)}\n".encode()


def read_segment(path: Path, codec: Codec) -> tuple[Header, Iterator[Entry]]:
    """The header and, lazily, the entries. A torn last line (the machine lost power) ends the segment quietly.

    Raises JournalDamaged, and OSError if the file cannot be read.
    """
    lines = _whole_lines(path)
    try:
        _, first = next(lines)
        data = json.loads(first)
        if data["journal"] != FORMAT:
            raise JournalDamaged(f"{path}:1: written in format {data['journal']}; this release reads {FORMAT}")
        header = Header(data["seq"], data["now"], codec.decode(data["state"]), data["release"], data.get("run", ""))
    except StopIteration:
        raise JournalDamaged(f"{path}: empty, or its only line is torn") from None
    except (CodecError, ValueError, KeyError, TypeError) as error:
        raise JournalDamaged(f"{path}:1: not the beginning of a journal segment: {error}") from error
    return header, _entries(path, codec, lines)


def header_of(path: Path) -> Header:
    """The header without the router's state, which may be large. Raises as `read_segment`."""
    try:
        _, first = next(_whole_lines(path))
        data = json.loads(first)
        return Header(data["seq"], data["now"], None, data["release"], data.get("run") or path.stem)
    except (StopIteration, ValueError, KeyError, TypeError) as error:
        raise JournalDamaged(f"{path}:1: not the beginning of a journal segment: {error!r}") from error


def _entries(path: Path, codec: Codec, lines: Iterator[tuple[int, bytes]]) -> Iterator[Entry]:
    for number, text in lines:
        try:
            data = json.loads(text)
            yield Entry(
                seq=data["seq"],
                now=data["now"],
                event=codec.decode(data["event"]),
                commands=tuple(codec.decode(one) for one in data["commands"]),
                failed=data.get("failed", ""),
                line=number,
            )
        except (CodecError, ValueError, KeyError, TypeError) as error:
            raise JournalDamaged(f"{path}:{number}: {error}") from error


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return  # torn: it was never whole, so no order of it has left
            yield number, line
