"""One call out of the journal: every turn of the router that concerned it, and where the journal has gaps.

Lines are searched for the call's id, so a day takes well under a second. With a router given, the segments are driven
again from their beginning: what was decided then is compared with what is decided now, and who could have had the call
is asked just before each decision. Blocks; for a process of its own, since a day's journal is seconds of work.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Protocol

from callrouter.core.commands import Claim, Command, Offer, Release
from callrouter.core.events import CallId, Event, SiteRead
from callrouter.core.explain import Candidate
from callrouter.journal.codec import Codec, CodecError
from callrouter.journal.segment import Entry, Header, JournalDamaged, began_at, header_of, read_segment, segments
from callrouter.journal.tail import BROKEN, REPLACED

TURNS_MAX = 1_000
SEGMENTS_MAX = 20
MARGIN_S = 5.0  # around the call: what led to it stands before it
DECISIONS = (Offer, Release, Claim)
_PLAN = re.compile(rb'"plan":\{(?:"_":"Plan",)?"version":("(?:[^"\\]|\\.)*")')


class Asked(Protocol):
    """A router that is driven again."""

    def handle(self, event: Event, now: float) -> Sequence[Command]: ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn. place: segment and line. candidates: who could have had the call just before; empty unless replayed.

    differs: the decision is another one when it is made again. plan: version of the configuration that was in force.
    """

    seq: int
    at: float
    event: Event
    commands: tuple[Command, ...]
    place: str
    candidates: tuple[Candidate, ...] = ()
    differs: bool = False
    plan: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Nothing is known from one instant to the other. why: restart, lost, deleted."""

    start: float
    end: float
    why: str


@dataclass(frozen=True, slots=True)
class Story:
    """turns and gaps in the order of time. replayed: how many turns of the whole router were made again."""

    items: tuple[Turn | Gap, ...]
    replayed: int = 0


@dataclass(frozen=True, slots=True)
class _Segment:
    path: Path
    begins: float
    run: str
    seq: int


def story(folder: Path, codec: Codec, call: CallId, since: float, until: float) -> Story:
    """What the journal holds of this call between two instants. Raises OSError and JournalDamaged."""
    chosen = _between(folder, since - MARGIN_S, until + MARGIN_S)
    items: list[Turn | Gap] = []
    if not chosen or chosen[0].begins > since:
        items.append(Gap(since, chosen[0].begins if chosen else until, "deleted"))
    before: tuple[_Segment, int, float] | None = None
    for segment in chosen:
        if before is not None:
            items += _gap(before, segment)
        found, last_seq, last_at = _search(segment, codec, call)
        items += found
        before = (segment, last_seq, last_at)
    return Story(tuple(items[:TURNS_MAX]))


def replayed(
    folder: Path,
    codec: Codec,
    call: CallId,
    since: float,
    until: float,
    restore: Callable[[Header], Asked],
    candidates: Callable[[Asked, CallId, Event], Sequence[Candidate]],
) -> Story:
    """The same, with each segment driven again up to the last turn of the call."""
    told = story(folder, codec, call, since, until)
    wanted = {item.place: item for item in told.items if isinstance(item, Turn)}
    again: dict[str, Turn] = {}
    count = 0
    for segment in _between(folder, since - MARGIN_S, until + MARGIN_S):
        mine = [turn for place, turn in wanted.items() if place.startswith(segment.path.name)]
        if not mine:
            continue
        last = max(turn.seq for turn in mine)
        header, entries = read_segment(segment.path, codec)
        router = restore(header)
        for entry in entries:
            place = f"{segment.path.name}:{entry.line}"
            turn = wanted.get(place)
            who = tuple(candidates(router, call, entry.event)) if turn is not None else ()
            got, failed = _again(router, entry)
            count += 1
            if turn is not None:
                differs = got != entry.commands or failed != entry.failed
                decides = any(isinstance(one, DECISIONS) and one.call == call for one in entry.commands)
                again[place] = replace(turn, differs=differs, candidates=who if decides else ())
            if entry.seq >= last:
                break
    items = tuple(again.get(item.place, item) if isinstance(item, Turn) else item for item in told.items)
    return Story(items, count)


def _again(router: Asked, entry: Entry) -> tuple[tuple[Command, ...], str]:
    try:
        return tuple(router.handle(entry.event, entry.now)), ""
    except Exception as error:  # a handler that broke in service must break again
        return (), type(error).__name__


# ---- segments


def _between(folder: Path, since: float, until: float) -> list[_Segment]:
    """Segments that may hold something of this time, oldest first.

    A segment lasts until the next one begins, or nobody knows how long if the clock was set back before that.
    """
    every = [(path, began_at(path)) for path in segments(folder)]
    ends = [begins if begins >= began else inf for (_, began), (_, begins) in pairwise(every)] + [inf]
    chosen = [one for one, end in zip(every, ends, strict=False) if one[1] <= until and end > since]
    found = []
    for path, began in chosen[:SEGMENTS_MAX]:
        head = header_of(path)
        found.append(_Segment(path, began, head.run, head.seq))
    return found


def _gap(before: tuple[_Segment, int, float], after: _Segment) -> Iterator[Gap]:
    segment, last_seq, last_at = before
    if segment.run != after.run:
        yield Gap(last_at, after.begins, "restart")
    elif after.seq != last_seq + 1:
        yield Gap(last_at, after.begins, "lost")


def _search(segment: _Segment, codec: Codec, call: CallId) -> tuple[list[Turn], int, float]:
    """(turns of this call, number and time of the segment's last turn)."""
    needle = json.dumps(call, ensure_ascii=False).encode()
    turns: list[Turn] = []
    last, plan = b"", ""
    with segment.path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                break  # torn: it was never whole
            last = line
            if number == 1 or REPLACED in line:
                plan = _version(line) or plan
            if number > 1 and needle in line and len(turns) < TURNS_MAX:
                turn = replace(_turn(segment.path, number, line, codec), plan=plan)
                turns += [turn] if _concerns(turn, call) else []
    seq, at = segment.seq - 1, segment.begins
    if last:
        try:
            data = json.loads(last)
            seq, at = (data["seq"], data["now"]) if "event" in data else (seq, at)
        except BROKEN:
            pass
    return turns, seq, at


def _version(line: bytes) -> str:
    """Of the plan in this line; '': it holds none. Not decoded, since a plan is large and this is all that is asked."""
    found = _PLAN.search(line)
    return str(json.loads(found[1])) if found else ""


def _concerns(turn: Turn, call: CallId) -> bool:
    """An id may also stand in a line as that of a channel."""
    about = (turn.event, *turn.commands)
    return isinstance(turn.event, SiteRead) or any(getattr(one, "call", None) == call for one in about)


def _turn(path: Path, number: int, line: bytes, codec: Codec) -> Turn:
    try:
        data = json.loads(line)
        event = codec.decode(data["event"])
        commands = tuple(codec.decode(one) for one in data["commands"])
        return Turn(data["seq"], data["now"], event, commands, f"{path.name}:{number}")
    except (CodecError, *BROKEN) as error:
        raise JournalDamaged(f"{path}:{number}: {error}") from error
