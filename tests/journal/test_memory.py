"""What a killed router knew of live calls is found in its journal, however its last moments went."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callrouter.core.callbacks import CallbackKind, TryResult
from callrouter.core.commands import AgentChanged, CallAnswered, CallOffered, Command, DialOut, Target
from callrouter.core.events import (
    CallArrived,
    CallEnded,
    Event,
    LegAnswered,
    LegEnded,
    LiveCall,
    LiveOutbound,
    OutboundAnswered,
    OutboundEnded,
    OutboundUp,
    OutStage,
    SiteRead,
    Stage,
    Tick,
)
from callrouter.core.plan import Agent, Plan, Site, Team
from callrouter.core.router import Router
from callrouter.journal.memory import Memory, Remembered, RememberedOut, remembered
from callrouter.journal.records import CODEC
from callrouter.journal.segment import Header, entry_line, header_line, read_segment
from callrouter.journal.writer import Journal, JournalLimits
from tests.journal.test_router_replay import recorded
from tests.store.records import outbound, record

PLAN = Plan(
    "1",
    tuple(Site(name, name, "TH", "Europe/Berlin") for name in ("gera", "gotha")),
    (),
    (Team("gera", "Gera", "gera"),),
    (Agent("gera/2001", "gera", "gera", "2001"),),
    (),
)


class Segment:
    """A segment of a run, line by line."""

    def __init__(self, folder: Path, run: str, part: int = 1) -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / f"{run}-{part:012d}-1.jsonl"
        self.path.write_bytes(header_line(CODEC, Header(1, 0.0, Router(PLAN).checkpoint(), run=run)))

    def line(self, now: float, event: Event, *commands: Command) -> None:
        with self.path.open("ab") as file:
            file.write(entry_line(CODEC, 1, now, event, commands, ""))

    def read(self, *sites: str) -> None:
        for site in sites:
            self.line(1.0, SiteRead(site))

    def arrived(self, call: str, at: float) -> None:
        site = call.partition("/")[0]
        self.line(at, CallArrived(call, site, "0365", "0171"), CallOffered(call, "agency", "general", site, True))


def answered(call: str, wait_s: float) -> CallAnswered:
    return CallAnswered(call, "agency", "gera", "gera/2001", "gera", "", wait_s, True)


def test_calls_as_they_stood(tmp_path: Path) -> None:
    """Who rang, who was talked to and since when; who had ended is not among them."""
    one = Segment(tmp_path, "r1")
    one.line(100.0, SiteRead("gera", (LiveCall("gera/0", "0366", "0172", Stage.HELD, 20.0),)),
             CallOffered("gera/0", "agency", "general", "gera", True))  # fmt: skip
    one.arrived("gera/1", 110.0)
    one.arrived("gera/2", 120.0)
    one.line(125.0, LegAnswered("gera/1", 1, "gera/leg"), answered("gera/1", 15.0))
    one.line(130.0, CallEnded("gera/2"), record("gera/2"))
    assert remembered(tmp_path, ["gera"]).calls == (
        Remembered("gera/0", "gera", "0366", "0172", 80.0),
        Remembered("gera/1", "gera", "0365", "0171", 110.0, 125.0, "gera/2001"),
    )
    one.line(140.0, LegEnded("gera/1", "gera/leg"), AgentChanged("gera/2001", "gera", "talking", "wrap_up", "test"))
    assert remembered(tmp_path, ["gera"]).calls[1].left_at == 140.0
    assert remembered(tmp_path, ["gera"], current=one.path) == Memory()
    assert remembered(tmp_path, ["gotha"]) == Memory()


def test_a_call_of_no_hotline_is_remembered(tmp_path: Path) -> None:
    """It has a record like any other, though nobody was offered it: told of at its arrival, or found at its site."""
    one = Segment(tmp_path, "r1")
    one.line(100.0, CallArrived("gera/1", "gera", "0999", "0171"))
    one.line(101.0, SiteRead("gera", (LiveCall("gera/0", "0998", "0172", Stage.FAILSAFE, 20.0),)))
    one.line(102.0, SiteRead("gera", (LiveCall("gera/1", "0999", "0171", Stage.FAILSAFE, 1.0),)))
    assert remembered(tmp_path, ["gera"]).calls == (
        Remembered("gera/0", "gera", "0998", "0172", 81.0),
        Remembered("gera/1", "gera", "0999", "0171", 100.0),
    )


def test_what_a_router_was_told_of_the_one_before_it_is_remembered(tmp_path: Path) -> None:
    """Who talked, and to whom, though nobody answered while this router ran; and who had been put through."""
    talks, left = (
        LiveCall(call, "0365", "0171", Stage.TALKING, 20.0, legs=(("", "gera", "2001", True),), talk_s=8.0, left_s=left)
        for call, left in (("gera/1", None), ("gera/2", 6.0))
    )
    gone = LiveCall("gera/3", "0365", "0171", Stage.ELSEWHERE, 20.0, talk_s=5.0)
    Segment(tmp_path, "r1").line(100.0, SiteRead("gera", (talks, left, gone)))
    assert remembered(tmp_path, ["gera"]).calls == (
        Remembered("gera/1", "gera", "0365", "0171", 80.0, 92.0, "gera/2001"),
        Remembered("gera/2", "gera", "0365", "0171", 80.0, 92.0, "gera/2001", 94.0),
        Remembered("gera/3", "gera", "0365", "0171", 80.0, 95.0, "", 100.0),
    )


def test_outbound_calls_as_they_stood(tmp_path: Path) -> None:
    """Whose phone rings, and whether the caller was reached, whoever began the call."""
    one = Segment(tmp_path, "r1")
    found = (LiveOutbound("gera/cb0.1", "gera/0", CallbackKind.CAPTURED, "agency", "gera", "2001", OutStage.DIALLING),)
    one.line(90.0, SiteRead("gera", outbound=found))
    for number in (1, 2, 3):
        call = f"gera/cb{number}.1"
        order = DialOut(
            call, f"gera/{number}", CallbackKind.CAPTURED, "agency", Target("gera/2002", "gera", "2002"), 20,
            "+491711234567", 30, "0365", "test",
        )  # fmt: skip
        one.line(100.0, Tick(), order)
        one.line(105.0, OutboundUp(call))
    one.line(110.0, OutboundAnswered("gera/cb0.1"))
    one.line(120.0, OutboundAnswered("gera/cb2.1"))
    one.line(121.0, SiteRead("gera", outbound=(replace(found[0], stage=OutStage.TALKING),)))
    one.line(130.0, OutboundEnded("gera/cb3.1"), outbound("gera/cb3.1", "gera/3", TryResult.BUSY))
    one.line(140.0, OutboundUp("gera/cb9.1"))
    kind, phones = CallbackKind.CAPTURED, (("gera", "2001"), ("gera", "2002"))
    assert remembered(tmp_path, ["gera"]) == Memory(
        (),
        (
            RememberedOut("gera/cb0.1", "gera/0", kind, "agency", phones[0], OutStage.TALKING, 110.0),
            RememberedOut("gera/cb1.1", "gera/1", kind, "agency", phones[1], OutStage.DIALLING),
            RememberedOut("gera/cb2.1", "gera/2", kind, "agency", phones[1], OutStage.TALKING, 120.0),
        ),
    )


def test_looks_behind_runs_that_read_nothing(tmp_path: Path) -> None:
    """A router that died before it had read a site knew nothing of it; the one before did."""
    one = Segment(tmp_path, "r1")
    one.read("gera", "gotha")
    one.arrived("gera/1", 10.0)
    one.arrived("gotha/1", 11.0)
    Segment(tmp_path, "r2").read("gotha")
    Segment(tmp_path, "r3")
    assert [call.call for call in remembered(tmp_path, ["gera", "gotha"]).calls] == ["gera/1"]


def test_later_end_counts(tmp_path: Path) -> None:
    """A call that a later run has ended does not come back from an earlier one."""
    one = Segment(tmp_path, "r1")
    one.read("gera")
    one.arrived("gera/1", 10.0)
    Segment(tmp_path, "r2").line(20.0, CallEnded("gera/1"), record("gera/1"))
    assert remembered(tmp_path, ["gera"]) == Memory()


def test_nothing_of_a_router_that_lives(tmp_path: Path) -> None:
    """A process that still writes its segment ends its calls itself."""
    journal = Journal(tmp_path, CODEC, Router(PLAN).checkpoint, JournalLimits())
    journal.begin(1.0)
    event = CallArrived("gera/1", "gera", "0365", "0171")
    journal.append(1, 1.0, event, [CallOffered("gera/1", "agency", "general", "gera", True)])
    journal.flush(1.0)
    assert remembered(tmp_path, ["gera"]) == Memory()
    journal.close(1.0)
    assert [call.call for call in remembered(tmp_path, ["gera"]).calls] == ["gera/1"]


@pytest.mark.parametrize(
    "damage", [b"", b"rubbish", b'{"_":"CallOffered"\n', b'{"event":{"_":"SiteRead"},"commands":3}\n']
)
def test_damage_costs_no_start(tmp_path: Path, damage: bytes) -> None:
    """Whatever a journal looks like, what can be read of it is used."""
    one = Segment(tmp_path, "r1")
    one.arrived("gera/1", 10.0)
    with one.path.open("ab") as file:
        file.write(damage)
    (tmp_path / "r0-000000000001-1.jsonl").write_bytes(damage)
    assert [call.call for call in remembered(tmp_path, ["gera"]).calls] == ["gera/1"]


def test_agrees_with_the_router(tmp_path: Path) -> None:
    """Of a busy day cut anywhere, the calls found are those that the router itself had."""
    paths = recorded(tmp_path / "all")
    for cut in (2, 40, 80):
        folder = tmp_path / f"cut{cut}"
        folder.mkdir()
        header, entries = read_segment(paths[1], CODEC)
        router = Router.restore(header.state)
        for entry in list(entries)[:cut]:
            router.handle(entry.event, entry.now)
        lines = paths[1].read_bytes().splitlines(keepends=True)[: cut + 1]
        (folder / paths[0].name).write_bytes(paths[0].read_bytes())
        (folder / paths[1].name).write_bytes(b"".join(lines))
        live = list(router.state.calls.values())
        memory = remembered(folder, ["gera", "gotha"])
        found = {call.call: call for call in memory.calls}
        assert sorted(found) == sorted(call.id for call in live)
        assert found
        outs = router.state.outcalls.values()
        rang = {(out.call, out.callback, out.kind, out.stage, out.answered_at) for out in memory.outbound}
        assert rang == {(out.id, out.callback, out.kind, out.state, out.answered_at) for out in outs}
        for call in live:
            seen = found[call.id]
            assert (seen.number, seen.caller) == (call.number, call.caller)
            assert seen.arrived_at == pytest.approx(call.arrived_at)
            assert (seen.answered_at is None) == (call.answered_at is None)
            assert seen.left_at == call.left_at
