"""The journal on disk: what is flushed is there, a full disk stops nothing, and each segment stands alone."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from callrouter.core.commands import Claim, Command, Ignored
from callrouter.core.events import CallArrived, CallEnded, Event, PlanReplaced
from callrouter.journal.codec import Codec
from callrouter.journal.segment import JournalDamaged, read_segment
from callrouter.journal.writer import RETRY_S, Journal, JournalLimits

START = 1_800_000_000.0


@dataclass(frozen=True, slots=True)
class Count:
    """The whole state of a router that only counts."""

    events: int


CODEC = Codec(Event, Command, Count)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Desk:
    """A journal and the router state that it records."""

    def __init__(self, folder: Path, limits: JournalLimits | None = None) -> None:
        self.count = 0
        self.journal = Journal(folder, CODEC, lambda: Count(self.count), limits)
        self.journal.begin(START)

    def handle(self, event: Event | None = None, now: float = START) -> None:
        self.count += 1
        call = CallArrived(f"gera/{self.count}", "gera", "0365", "0171")
        self.journal.append(self.count, now, event or call, [Claim(call.call, "new")])

    @property
    def path(self) -> Path:
        assert self.journal.path
        return self.journal.path


def test_flushed_lines_are_in_the_file(tmp_path: Path) -> None:
    """After a flush the lines can be read by another process, in order and whole."""
    desk = Desk(tmp_path)
    desk.handle()
    desk.handle()
    assert desk.path.read_bytes().count(b"\n") == 1
    desk.journal.flush(START)
    header, entries = read_segment(desk.path, CODEC)
    assert (header.seq, header.now, header.state) == (1, START, Count(0))
    assert [(entry.seq, entry.event, entry.commands) for entry in entries] == [
        (number, CallArrived(f"gera/{number}", "gera", "0365", "0171"), (Claim(f"gera/{number}", "new"),))
        for number in (1, 2)
    ]
    desk.journal.close(START)


def test_only_the_owner_can_read(tmp_path: Path) -> None:
    """The lines hold callers' numbers: nobody else may open file or folder."""
    folder = tmp_path / "journal"
    desk = Desk(folder)
    assert stat.S_IMODE(desk.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    desk.journal.close(START)


def test_segments_rotate_and_each_stands_alone(tmp_path: Path) -> None:
    """Beyond its size a segment ends; the next begins with the state after all lines of the one before."""
    desk = Desk(tmp_path, JournalLimits(segment_bytes_max=2_000))
    for number in range(60):
        desk.handle(now=START + number)
        desk.journal.flush(START + number)
    desk.journal.close(START + 60)
    paths = sorted(tmp_path.iterdir())
    assert len(paths) > 3
    expected = 1
    for path in paths:
        header, entries = read_segment(path, CODEC)
        assert header.seq == expected
        assert header.state == Count(expected - 1)
        for entry in entries:
            assert entry.seq == expected
            expected += 1
    assert expected == 61


def test_a_clock_that_was_set_back_does_not_turn_the_order_round(tmp_path: Path) -> None:
    """What was begun later comes later, so that the last run is the last."""
    begun = []
    for number, ahead_s in enumerate((7_200.0, 0.0, 60.0)):
        desk = Desk(tmp_path)
        desk.journal.begin(START + ahead_s)
        begun += [name for name in names(tmp_path) if name not in begun]
        assert len(begun) == 2 * (number + 1)
        desk.journal.close(START + ahead_s)
    assert begun == sorted(begun)


@contextmanager
def small_files() -> Iterator[None]:
    """Files cannot grow beyond some 4 kB: the kernel refuses as on a full disk, after writing a part.

    The limit holds for the whole process, so for no longer than needed: pytest itself may be writing to a file.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_full_disk_is_said_and_mended(tmp_path: Path) -> None:
    """When the kernel refuses, nothing raises, the trouble is named and lines are counted; later a new segment begins
    with the state of then, and the old one has no torn line."""
    desk = Desk(tmp_path)
    old = desk.path
    with small_files():
        while not desk.journal.trouble:
            desk.handle()
            desk.journal.flush(START)
    assert "cannot be written" in desk.journal.trouble
    lost_at = desk.count
    desk.handle()
    desk.journal.flush(START + 1)
    assert desk.journal.lines_lost == 2
    assert old.read_bytes().endswith(b"\n")
    assert [entry.seq for entry in read_segment(old, CODEC)[1]] == list(range(1, lost_at))

    desk.journal.flush(START + RETRY_S + 1)
    assert not desk.journal.trouble
    assert desk.path != old
    assert read_segment(desk.path, CODEC)[0].state == Count(lost_at + 1)
    desk.handle()
    desk.journal.flush(START + RETRY_S + 2)
    assert [entry.seq for entry in read_segment(desk.path, CODEC)[1]] == [lost_at + 2]
    desk.journal.close(START + 9)


def test_folder_that_cannot_be_made_is_trouble_not_an_error(tmp_path: Path) -> None:
    """A journal that can never begin leaves the service routing and says why."""
    (tmp_path / "journal").write_text("in the way")
    desk = Desk(tmp_path / "journal")
    desk.handle()
    desk.journal.flush(START)
    assert "can begin no segment" in desk.journal.trouble
    assert desk.journal.lines_lost == 1


def test_entry_that_cannot_be_written_is_counted(tmp_path: Path) -> None:
    """An object that the codec does not know costs that line and ends the segment; it does not raise."""
    desk = Desk(tmp_path)
    desk.handle(PlanReplaced(plan=object()))
    assert desk.journal.lines_lost == 1
    desk.journal.flush(START + RETRY_S + 1)
    assert not desk.journal.trouble
    desk.journal.close(START)


def test_torn_last_line_is_tolerated(tmp_path: Path) -> None:
    """Power loss may leave half a line at the end: reading stops before it."""
    desk = Desk(tmp_path)
    desk.handle()
    desk.journal.close(START)
    with desk.path.open("ab") as file:
        file.write(b'{"seq":2,"now":18')
    assert [entry.seq for entry in read_segment(desk.path, CODEC)[1]] == [1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "empty"),
        (b'{"journal":1', "torn"),
        (b"hello\n", "not the beginning"),
        (b'{"journal":99,"release":"9","seq":1,"now":1}\n', "format 99"),
        (b'{"journal":1,"release":"0","seq":1,"now":1,"state":{"_":"Count","events":0}}\nrubbish\n', ":2: "),
    ],
)
def test_damage_names_the_place(tmp_path: Path, text: bytes, says: str) -> None:
    """What cannot be read is refused with file, line and reason."""
    path = tmp_path / "x.jsonl"
    path.write_bytes(text)
    with pytest.raises(JournalDamaged, match=says):
        list(read_segment(path, CODEC)[1])


async def test_old_segments_are_deleted(tmp_path: Path) -> None:
    """Segments beyond their age or beyond the total size go, the oldest first; the current one stays."""
    for number in range(5):
        path = tmp_path / f"2020010{number}T000000.000000Z-000000000001-1.jsonl"
        path.write_bytes(b"x" * 1_000)
        os.utime(path, (START, START))
    recent = tmp_path / "20200109T000000.000000Z-000000000001-1.jsonl"
    recent.write_bytes(b"y" * 1_000)
    desk = Desk(tmp_path, JournalLimits(total_bytes_max=3_500, keep_s=1e12, sync_s=0.0))
    task = asyncio.create_task(desk.journal.run())
    async with asyncio.timeout(10):
        while len(names(tmp_path)) > 4:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    kept = [name[:8] for name in names(tmp_path)]
    assert kept[-1].startswith("2027")
    assert kept[:-1] == ["20200103", "20200104", "20200109"]
    desk.journal.close(START)


async def test_sync_fault_is_survived(tmp_path: Path) -> None:
    """The syncing task goes on when the file is gone."""
    desk = Desk(tmp_path, JournalLimits(sync_s=0.0, keep_s=0.0))
    task = asyncio.create_task(desk.journal.run())
    desk.journal.append(1, START, CallEnded("gera/1"), [Ignored("CallEnded", "unknown")])
    desk.journal.flush(START)
    desk.journal.close(START)
    for _ in range(20):
        await asyncio.sleep(0.005)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
