"""Call records against what really happened: each call once, with its outcome, its agent and its times.

Where the router could see all of a call, its record must be exact. Where it could not, what it may have believed is
excused, one by one. The journals are read without any code of the product, except for their replay.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callrouter.core.router import Router
from callrouter.journal.records import CODEC
from callrouter.journal.replay import replay
from callrouter.journal.segment import JournalDamaged
from tests.chaos.scene import START, UNKNOWN
from tests.chaos.truth import TrueCall, TrueOut

if TYPE_CHECKING:
    from tests.chaos.judge import Judge
    from tests.chaos.machine import Machine
    from tests.chaos.world import World

RECORDED_S = 40.0  # a router that was away when a call ended says so when it is back
EXACT_S = 0.06  # in clear weather, besides the network's delays
COUNTED = ("answered", "abandoned", "busied", "failsafe", "lost")


@dataclass
class Journals:
    """What stands in the journals of all machines. words: of a call, in the order in which the routers lived.

    What counts is the word of those who saw its end; else the first of those who know more than that it is lost.
    """

    words: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    offered: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)  # when its site was read
    told_end: set[str] = field(default_factory=set)  # a router handled its end
    told_answer: set[str] = field(default_factory=set)
    backs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # callbacks

    def stand(self, call: str) -> list[dict[str, Any]]:
        """More than one: two routers were there at once."""
        words = [one for one in self.words[call] if one["seen"]]
        if words:
            return words
        words = [one for one in self.words[call] if one["outcome"] != "lost"] or self.words[call]
        return [min(words, key=lambda one: one["ended_at"])]


def judge_records(world: World, judge: Judge) -> None:
    journals = _read(world)
    database = sqlite3.connect(world.folder / "records.db")
    database.row_factory = sqlite3.Row
    rows = {row["call"]: row for row in database.execute("SELECT * FROM call_record")}
    demands = database.execute("SELECT * FROM demand").fetchall()
    backs = {row["id"]: row for row in database.execute("SELECT * FROM callback")}
    tries = {row["id"]: row for row in database.execute("SELECT * FROM callback_try")}
    marks = {(row["journal"], row["segment"]): row["place"] for row in database.execute("SELECT * FROM journal_mark")}
    database.close()
    for call in sorted(journals.offered - journals.words.keys()):
        if _lines_lost(world, world.truth.calls.get(call)):
            judge.excuse("the journal lost lines")
        else:
            judge.once(f"{call} is known and has no record, not even as lost")
    for call in sorted(rows.keys() - world.truth.calls.keys()):
        judge.once(f"a record of {call}, which never was")
    for call in journals.words:
        if call not in rows:
            judge.once(f"the record of {call} is in the journal and not in SQL")
        elif not any(_same(rows[call], word) for word in journals.stand(call)):
            if not rows[call]["end_seen"] and _lines_lost(world, world.truth.calls.get(call)):
                judge.excuse("a record that SQL had before power took its line from the journal")
                continue
            said = [word["outcome"] for word in journals.stand(call)]
            judge.once(f"{call} is {rows[call]['outcome']} in SQL; the last word was {' or '.join(said)}")
    for call in world.truth.calls.values():
        _judge(world, judge, call, rows.get(call.id), journals)
        _told(judge, call, rows.get(call.id), journals, _lines_lost(world, call))
    attempts = sum(one["attempts"] for one in demands)
    counted = sum(row["outcome"] in COUNTED and row["hotline"] != "" for row in rows.values())
    if attempts != counted:
        judge.once(f"{counted} calls belong to demands, which count {attempts}")
    _judge_backs(judge, journals, backs)
    for machine in world.machines.values():
        _judge_marks(judge, machine, marks)
    for out in world.truth.outs.values():
        _judge_out(world, judge, out, tries.get(out.id))
    _replay(world, judge)


def _judge_backs(judge: Judge, journals: Journals, backs: dict[str, Any]) -> None:
    """Callbacks in SQL are as the last word about them says."""
    for name, words in journals.backs.items():
        version = max(one["version"] for one in words)
        states = {one["status"] for one in words if one["version"] == version}
        row = backs.get(name)
        if row is None:
            judge.once(f"the callback {name} is in the journal and not in SQL")
        elif row["version"] < version or (row["version"] == version and row["status"] not in states):
            judge.once(f"{name} is {row['status']} ({row['version']}) in SQL; the last word was {states} ({version})")


def _judge_marks(judge: Judge, machine: Machine, marks: dict[tuple[str, str], int]) -> None:
    """All of a journal was read, and SQL knows it: nothing will be read again or is left for ever."""
    if not machine.starts:
        return
    journal = (machine.folder / "journal.id").read_text().strip()
    for path in segments_of(machine):
        place = marks.get((journal, path.name), 0)
        if place < whole(path):
            judge.once(f"{path.name} of {machine.name} is in SQL up to {place} of {whole(path)} bytes")


def _lines_lost(world: World, call: TrueCall | TrueOut | None) -> bool:
    """May lines of the journal about this call be missing? At its end, as well: its record is written then."""
    if call is None or call.ended is None:
        return False
    return world.lost_lines(call.arrived if isinstance(call, TrueCall) else call.began, call.ended + RECORDED_S)


def _judge_out(world: World, judge: Judge, out: TrueOut, row: Any) -> None:
    """Each call to somebody who is rung back is kept, with what came of it; who was reached is not rung again."""
    if out.ended is None:
        judge.once(f"{out.id} never ends")
        return
    if row is None:
        if _lines_lost(world, out):
            judge.excuse("the journal lost lines")
        else:
            judge.once(f"{out.id} is not kept")
        return
    if not world.weather.clear(out.site, out.began - 0.5, out.ended + 0.5):
        judge.excuse("an outbound call that was not seen whole")
        return
    if (row["result"] == "reached") != (out.answered is not None):
        judge.once(f"{out.id} is kept as {row['result']}, it was answered: {out.answered is not None}")
    later = [one.id for one in world.truth.outs.values() if one.callback == out.callback and one.began > out.ended]
    if out.answered is not None and later:
        judge.once(f"{out.callback} was reached by {out.id} and rung again by {later}")


def _same(row: Any, word: dict[str, Any]) -> bool:
    names = ("outcome", "hotline", "arrived_at", "ended_at", "wait_s", "talk_s")
    return all(row[name] == word[name] for name in names)


def segments_of(machine: Machine) -> list[Path]:
    """Of its journal, by name."""
    return sorted((machine.folder / "journal").glob("*.jsonl"))


def whole(path: Path) -> int:
    """Bytes of a segment that are whole lines."""
    return path.read_bytes().rfind(b"\n") + 1


def _segments(world: World) -> list[Path]:
    return [path for machine in world.machines.values() for path in segments_of(machine)]


def _read(world: World) -> Journals:
    journals = Journals()
    began = {path: number for number, path in enumerate(world.segments)}
    for path in sorted(_segments(world), key=lambda one: began[one]):
        for text in path.read_bytes().split(b"\n")[1:-1]:
            if b"Call" in text or b"LegAnswered" in text:
                entry = json.loads(text)
                for command in entry["commands"]:
                    if command["_"] == "CallFinished":
                        journals.words.setdefault(command["call"], []).append(command)
                    elif command["_"] == "CallOffered":
                        journals.offered.add(command["call"])
                        if entry["event"]["_"] == "SiteRead":
                            journals.found.add(command["call"])
                    elif command["_"] == "CallbackChanged":
                        journals.backs.setdefault(command["callback"]["id"], []).append(command["callback"])
                ignored = any(command["_"] == "Ignored" for command in entry["commands"])
                if entry["event"]["_"] == "CallEnded" and not ignored:
                    journals.told_end.add(entry["event"]["call"])
                if entry["event"]["_"] == "LegAnswered" and not ignored:
                    journals.told_answer.add(entry["event"]["call"])
    return journals


def _judge(world: World, judge: Judge, call: TrueCall, row: Any, journals: Journals) -> None:
    if call.ended is None:
        return
    lines_lost = _lines_lost(world, call)
    weather = world.weather
    clear = weather.clear(call.site, call.arrived - 0.5, call.ended + 0.5)
    for leg in call.legs:
        clear = clear and weather.clear(leg.at, leg.began - 0.5, (leg.ended or call.ended) + 0.5)
    judge.strict += clear
    if row is None:
        if (
            call.id not in journals.offered
            and not clear
            and weather.clear_part(call.site, call.arrived, call.ended) < 1.0
        ):
            judge.excuse("nobody saw the call")
        elif lines_lost:
            judge.excuse("the journal lost lines")
        else:
            judge.once(f"{call.id} has no record ({call.stage}, {call.arrived:.2f} to {call.ended:.2f})")
        return
    if lines_lost and not row["end_seen"]:
        judge.excuse("the journal lost lines")
        return
    expected = _outcomes(world, call)
    if row["outcome"] not in expected:
        also = set() if clear else _believed(world, call)
        if row["outcome"] not in also:
            judge.once(f"{call.id} is recorded as {row['outcome']} ({row['because']}), it was {' or '.join(expected)}")
            return
        judge.excuse(f"{expected[0]} recorded as {row['outcome']}")
        return
    if row["outcome"] == "answered" and row["agent"] != call.agent:
        assert call.answered is not None
        seen = weather.clear(call.site, call.answered - 0.5, call.answered + 0.5)
        if row["agent"] is None and (not seen or (call.id in journals.found and _put_through(call))):
            judge.excuse("an answer that nobody saw")  # who answered is never guessed
            return
        judge.once(f"{call.id} is recorded with {row['agent']}, it was {call.agent}")
    _times(world, judge, call, row, clear, found=call.id in journals.found)


def _put_through(call: TrueCall) -> bool:
    """A router that comes later finds him talking to nobody of ours: how long he has done so no site tells."""
    assert call.ended is not None
    return call.by is not None and call.by.left is not None and call.by.left < call.ended


def _told(judge: Judge, call: TrueCall, row: Any, journals: Journals, lines_lost: bool) -> None:
    """What a router was told of is in the record, in any weather."""
    if row is None or (lines_lost and row["outcome"] == "lost"):  # lost: by a router that had known it, and not its end
        if not lines_lost and (call.id in journals.told_end or call.id in journals.told_answer):
            judge.once(f"a router was told of {call.id}, and there is no record")
        return
    if call.id in journals.told_end and (row["outcome"] == "lost" or not row["end_seen"]):
        judge.once(f"a router was told how {call.id} ended, and it is recorded as {row['outcome']}")
    if call.id in journals.told_answer and row["outcome"] != "answered":
        judge.once(f"a router was told that {call.id} was answered, and it is recorded as {row['outcome']}")


def _outcomes(world: World, call: TrueCall) -> tuple[str, ...]:
    """What became of it; the first is most likely. Two when caller and switch ended it in the same instant."""
    if call.answered is not None and not call.failsafe:
        return ("answered",)
    if call.failsafe:
        return ("failsafe",)
    if call.ends == "site":
        return ("lost",) if call.released is None else ("busied", "closed", "unknown_number", "lost")
    if call.released is not None:
        ours = ("busied", "closed", "unknown_number")
        return ours if call.cause == call.released else (*ours, "abandoned")
    if call.number == UNKNOWN:
        return ("unknown_number",)  # whoever ended it
    closed = ("closed",) if world.scene.may_be_closed(call.number) or world.kinds["mode"] else ()
    unknown = ("unknown_number",) if world.kinds["reload"] else ()  # his hotline may have been left out of the plan
    return ("abandoned", *closed, *unknown, *(("busied",) if call.crossed else ()))


def _believed(world: World, call: TrueCall) -> set[str]:
    """What a router may have believed that could not see everything."""
    weather = world.weather
    assert call.ended is not None
    end_seen = weather.clear(call.site, call.ended - 0.5, call.ended + 0.5)
    if call.answered is not None and not call.failsafe:
        talk_seen = weather.clear_part(call.site, call.answered, call.ended) > 1.0
        # a router that begins with a plan without his hotline knows no more of him than his number
        gone = {"unknown_number"} if world.kinds["reload"] else set()
        return set() if talk_seen else {"abandoned"} if end_seen else {"abandoned", "lost", *gone}
    if end_seen:
        return set()
    if call.failsafe:
        return {"lost", "abandoned", "busied", "closed", "unknown_number"}  # he was told to end, and did not hear it
    if call.ends == "site":
        return {"abandoned", "busied", "closed", "unknown_number"}
    return {"lost", "busied"}  # busied: the router's word crossed his hanging up


def _times(world: World, judge: Judge, call: TrueCall, row: Any, clear: bool, *, found: bool) -> None:
    """Times as the world saw them; where it was blind, it may be wrong by so much. found: by reading its site."""
    assert call.ended is not None
    leapt = any(machine.leapt for machine in world.machines.values())
    slack = exact = EXACT_S + 12 * world.network.usual_s  # what comes while its site is read waits for that
    if not clear:
        slack += 1.6 + world.weather.blind_s(call.site, call.arrived - 0.5, call.ended + 60.0)
        slack += _rang_unseen(world, call)
        if call.by is not None and call.by.at != call.site:  # his agent's site may be the one that died
            slack += world.weather.blind_s(call.by.at, call.arrived - 0.5, call.ended + 60.0)
    slack += found  # a site says how old its calls are in whole seconds
    if leapt:
        slack += 0.11 * (call.ended - call.arrived)
        if not clear:
            slack += world.clocks_set_s  # the routers before and after may have had other clocks
    talked = call.answered if row["outcome"] == "answered" and call.answered is not None else None
    reached = talked if talked is not None else call.ended
    pairs = [("wait_s", row["wait_s"], reached - call.arrived)]
    if talked is not None:
        by = call.ended  # or earlier; over a trunk that broke his agent may hear of it later
        if call.by is not None and call.by.left is not None:
            by = min(by, call.by.left)
        pairs.append(("talk_s", row["talk_s"], by - talked))
    if not leapt:
        pairs += [
            ("arrived_at", row["arrived_at"], START + call.arrived),
            ("ended_at", row["ended_at"], START + call.ended),
        ]
    if not row["end_seen"] and not clear:  # it ended at some time before it was found to be gone
        judge.excuse("the end of a call whose end was not seen")
        of_its_end = ("talk_s", "ended_at") if talked is not None else ("wait_s", "ended_at")
        pairs = [pair for pair in pairs if pair[0] not in of_its_end]
    if found and _put_through(call) and talked is not None:
        judge.excuse("an answer that nobody saw")
        return
    for name, said, true in pairs:
        if abs(said - true) > slack:
            judge.once(f"{call.id}: {name} is {said:.3f}, it was {true:.3f} ({row['outcome']}, clear: {clear})")
            return
        if abs(said - true) > exact:
            judge.excuse("times of a call that was not seen whole")
            return


def _rang_unseen(world: World, call: TrueCall) -> float:
    """How long the phone had rung whose answer nobody saw: a leg that is read back may talk since its first ring."""
    if call.by is None or call.answered is None:
        return 0.0
    seen = world.weather.clear(call.site, call.answered - 0.5, call.answered + 0.5)
    return 0.0 if seen else call.answered - call.by.began


def _replay(world: World, judge: Judge) -> None:
    """The journals say all that was decided: driven again, the router decides the same."""
    for path in _segments(world):
        try:
            found = replay(path, CODEC, lambda header: Router.restore(header.state))
        except JournalDamaged as error:
            if path.stat().st_size and b"\n" in path.read_bytes():
                judge.once(f"a segment cannot be read: {error}")
            continue
        if found.difference is not None:
            judge.once(f"replay differs at {path.name}:{found.difference.entry.line}: {found.difference.entry.event}")
