"""Reading finished calls behind the writer: from any place on, each once, and damage stops nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callrouter.core.commands import CallFinished
from callrouter.core.events import CallEnded, PlanReplaced, Tick
from callrouter.core.plan import Hotline, Plan
from callrouter.core.router import Router
from callrouter.journal.records import CODEC
from callrouter.journal.segment import Header, entry_line, header_line, read_segment
from callrouter.journal.tail import Tail, unread
from tests.journal.test_router_replay import recorded
from tests.store.records import record

HOTLINE = Hotline("agency", "Agency", "gera", (), None, (), (), "", target_s=100.0, redial_window_s=600.0)
PLAN = Plan("1", (), (HOTLINE,), (), (), ())
SEGMENT = "20270115T080000.000000Z-000000000001-7.jsonl"


def head(run: str = "r1") -> bytes:
    return header_line(CODEC, Header(1, 1.0, Router(PLAN).checkpoint(), run=run))


def line(seq: int, *records: CallFinished) -> bytes:
    return entry_line(CODEC, seq, 1.0, CallEnded("gera/0"), records, "")


def everything(tail: Tail, marks: dict[str, int] | None = None) -> list[tuple[str, str, int]]:
    """(call, run, seq) of all that is to be read, place by place."""
    marks = marks if marks is not None else {}
    found = []
    while (batch := tail.read(marks)) is not None:
        assert batch.start == marks.get(batch.segment, 0)
        assert batch.end > batch.start
        marks[batch.segment] = batch.end
        found += [(one.record.call, one.run, one.seq) for one in batch.calls]
    return found


def test_finds_what_replay_finds(tmp_path: Path) -> None:
    """Over segments of a busy day, in chunks that cut lines anywhere, the finished calls are those of the journal."""
    paths = recorded(tmp_path / "journal")
    truth = []
    for path in paths:
        header, entries = read_segment(path, CODEC)
        assert header.run
        truth += [
            (command.call, header.run, entry.seq)
            for entry in entries
            for command in entry.commands
            if isinstance(command, CallFinished)
        ]
    assert len(truth) > 50
    for chunk in (1, 1_000, 2**20):
        assert everything(Tail(tmp_path / "journal", CODEC, chunk)) == truth


def test_goes_on_where_it_was_told(tmp_path: Path) -> None:
    """A new reader with the old marks reads the rest only, under the run and the plan that hold there."""
    other = replace(HOTLINE, target_s=50.0)
    path = tmp_path / SEGMENT
    replaced = entry_line(CODEC, 2, 1.0, PlanReplaced(replace(PLAN, hotlines=(other,))), (), "")
    path.write_bytes(head() + line(1, record("gera/1")) + replaced)
    marks: dict[str, int] = {}
    assert everything(Tail(tmp_path, CODEC), marks) == [("gera/1", "r1", 1)]
    with path.open("ab") as file:
        file.write(line(3, record("gera/2")))
    batch = Tail(tmp_path, CODEC).read(marks)
    assert batch is not None
    (one,) = batch.calls
    assert (one.record, one.run, one.seq) == (record("gera/2"), "r1", 3)
    assert (one.target_s, one.window_s) == (50.0, 600.0)
    assert Tail(tmp_path, CODEC).behind(marks) == batch.end - batch.start


def test_torn_line_waits(tmp_path: Path) -> None:
    """A line that is being written is left alone until it is whole."""
    path = tmp_path / SEGMENT
    last = line(2, record("gera/2"))
    path.write_bytes(head() + line(1, record("gera/1")) + last[:-20])
    marks: dict[str, int] = {}
    tail = Tail(tmp_path, CODEC)
    assert [call for call, _, _ in everything(tail, marks)] == ["gera/1"]
    assert not unread(path, marks[path.name])
    with path.open("ab") as file:
        file.write(last[-20:])
    assert unread(path, marks[path.name])
    assert [call for call, _, _ in everything(tail, marks)] == ["gera/2"]


@pytest.mark.parametrize("bad", [b'{"_":"CallFinished"\n', b'{"event":{"_":"X"},"commands":[{"_":"CallFinished"}]}\n'])
def test_damage_is_counted_and_passed(tmp_path: Path, bad: bytes) -> None:
    """A line that says nothing intelligible is counted; the calls after it are found."""
    (tmp_path / SEGMENT).write_bytes(head() + bad + line(2, record("gera/2")))
    batch = Tail(tmp_path, CODEC).read({})
    assert batch is not None
    assert ([one.record.call for one in batch.calls], batch.damaged) == (["gera/2"], 1)


def test_head_of_another_release_still_gives_its_calls(tmp_path: Path) -> None:
    """Without a readable head the segment's name is its run, and hotlines have the usual rules."""
    (tmp_path / SEGMENT).write_bytes(b'{"journal":1,"state":{}}\n' + line(1, record("gera/1")))
    batch = Tail(tmp_path, CODEC).read({})
    assert batch is not None
    (one,) = batch.calls
    assert (one.run, one.window_s) == (SEGMENT.removesuffix(".jsonl"), 1800.0)


def test_callers_cannot_imitate_a_line(tmp_path: Path) -> None:
    """Text from outside that looks like a finished call is text."""
    evil = entry_line(CODEC, 1, 1.0, Tick(), (replace(record("gera/1"), because='","_":"CallFinished","call":"x'),), "")
    (tmp_path / SEGMENT).write_bytes(head() + evil)
    assert everything(Tail(tmp_path, CODEC)) == [("gera/1", "r1", 1)]


def test_identity_is_kept(tmp_path: Path) -> None:
    """A journal has the same name at every start, and two journals have two; only their owner can read them."""
    names = {Tail(tmp_path / one / "journal", CODEC).identity() for one in ("a", "a", "b")}
    assert len(names) == 2
    assert (tmp_path / "a" / "journal.id").stat().st_mode & 0o777 == 0o600
