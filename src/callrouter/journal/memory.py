"""What a router that was killed knew of live calls, out of its journal, so that the next one can end their records.

A call that ends while no router runs is seen by nobody: it is gone when its site is read back. Only the journal knows
that it was there, since when, and who talked to it; and of an outbound call whether its caller was reached. Lines are
searched, not replayed: a start must not take long.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from callrouter.core.agents import AgentState
from callrouter.core.callbacks import CallbackKind
from callrouter.core.events import OutStage, Stage
from callrouter.journal.segment import segments
from callrouter.journal.tail import BROKEN

log = structlog.get_logger(__name__)

TELLING = (
    b'"event":{"_":"CallArrived"', b'"_":"CallAnswered"', b'"_":"CallFinished"', b'"event":{"_":"SiteRead"',
    b'"before":"talking"', b'"_":"DialOut"', b'"_":"OutboundUp"', b'"_":"OutboundAnswered"', b'"_":"OutboundFinished"',
)  # fmt: skip
RUNS_MAX = 20  # to look back over: routers may have died before they had read a site


@dataclass(frozen=True, slots=True)
class Remembered:
    """One call that lived when the journal ends. answered_at, agent: None and '' while it rang. left_at: the agent had
    put the caller through by then."""

    call: str
    site: str
    number: str
    caller: str
    arrived_at: float
    answered_at: float | None = None
    agent: str = ""
    left_at: float | None = None


@dataclass(frozen=True, slots=True)
class RememberedOut:
    """One outbound call that lived when the journal ends. phone: of its agent, as (site, endpoint)."""

    call: str
    callback: str
    kind: CallbackKind
    hotline: str
    phone: tuple[str, str]
    stage: OutStage = OutStage.RINGING
    answered_at: float | None = None

    @property
    def site(self) -> str:
        return self.call.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Memory:
    """calls: the first to come first."""

    calls: tuple[Remembered, ...] = ()
    outbound: tuple[RememberedOut, ...] = ()


@dataclass(slots=True)
class _Run:
    """What one process wrote. read: sites that it had seen whole, so that its books were complete for them.
    talks: agent -> the call that he answered last. agents: (site, phone) -> agent.
    """

    calls: dict[str, Remembered] = field(default_factory=dict)
    outbound: dict[str, RememberedOut] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    talks: dict[str, str] = field(default_factory=dict)
    agents: dict[tuple[str, str], str] = field(default_factory=dict)


def remembered(folder: Path, sites: Iterable[str], current: Path | None = None) -> Memory:
    """Calls that lived at the end of the last run that had read their site. Blocks; raises OSError.

    Empty while that process still lives: it ends its calls itself. current: the segment that this process writes.
    """
    wanted = set(sites)
    found, outbound = dict[str, Remembered](), dict[str, RememberedOut]()
    finished: set[str] = set()
    for paths in _runs(folder, current):
        if _alive(paths[-1]):
            return Memory()
        run = _scan(paths, finished)
        for call in run.calls.values():
            if call.site in wanted and call.call not in finished:
                found.setdefault(call.call, call)
        for out in run.outbound.values():
            if out.site in wanted and out.call not in finished:
                outbound.setdefault(out.call, out)
        wanted -= run.read
        if not wanted:
            break
    calls = sorted(found.values(), key=lambda one: (one.arrived_at, one.call))
    return Memory(tuple(calls), tuple(outbound.values()))


def _runs(folder: Path, current: Path | None) -> list[list[Path]]:
    """Segments by the process that wrote them, the newest first."""
    runs: dict[str, list[Path]] = {}
    for path in segments(folder):
        if path != current:
            runs.setdefault(_run_of(path), []).append(path)
    return list(runs.values())[::-1][:RUNS_MAX]


def _run_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return json.loads(file.readline()).get("run") or path.stem
    except BROKEN:
        return path.stem


def _alive(path: Path) -> bool:
    """Does its writer still hold it?"""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # a file system without locks
            return False
    return False


def _scan(paths: list[Path], finished: set[str]) -> _Run:
    """The last segment says what lived at its beginning; who wrote more than one had read every site."""
    run = _Run()
    lines = _whole(paths[-1])
    try:
        state = json.loads(next(lines))["state"]
        for call in state["calls"]:
            run.calls[call["id"]] = Remembered(
                call["id"], call["site"], call["number"], call["caller"], call["arrived_at"],
                call.get("answered_at"), call.get("agent") or "", call.get("left_at"),
            )  # fmt: skip
            if call.get("agent") and call.get("left_at") is None:
                run.talks[call["agent"]] = call["id"]
        phones = {agent["id"]: (agent["site"], agent["phone"]) for agent in state["plan"]["agents"]}
        run.agents = {phone: agent for agent, phone in phones.items()}
        for out in state["outcalls"]:
            kind, phone = CallbackKind(out["kind"]), phones.get(out["agent"], ("", ""))
            run.outbound[out["id"]] = RememberedOut(
                out["id"], out["callback"], kind, out["hotline"], phone, OutStage(out["state"]), out["answered_at"]
            )
        if len(paths) > 1:
            run.read.update(site["name"] for site in state["plan"]["sites"])
    except (StopIteration, *BROKEN) as error:
        log.error("the head of a journal segment cannot be read", segment=paths[-1].name, error=str(error))
        return run
    for line in lines:
        if any(word in line for word in TELLING):
            try:
                _tell(run, json.loads(line), finished)
            except BROKEN as error:
                log.error("a journal line cannot be read", segment=paths[-1].name, error=str(error))
    return run


def _tell(run: _Run, entry: dict[str, Any], finished: set[str]) -> None:
    _happened(run, entry["event"], entry["now"])
    for command in entry["commands"]:
        _followed(run, command, finished, entry["now"])


def _happened(run: _Run, event: dict[str, Any], now: float) -> None:
    known = run.outbound.get(event.get("call", ""))
    match event["_"]:
        case "CallArrived":
            _came(run, event["site"], event, now)
        case "SiteRead":
            run.read.add(event["site"])
            for one in event["calls"]:
                _came(run, event["site"], one, now)
            for one in event.get("outbound", ()):
                out = RememberedOut(
                    one["call"], one["callback"], CallbackKind(one["kind"]), one["hotline"], (one["site"], one["phone"])
                )
                run.outbound[out.call] = _further(run.outbound.get(out.call, out), OutStage(one["stage"]), now)
        case "OutboundUp" if known is not None:
            run.outbound[known.call] = _further(known, OutStage.DIALLING, now)
        case "OutboundAnswered" if known is not None:
            run.outbound[known.call] = _further(known, OutStage.TALKING, now)
        case _:
            pass


def _followed(run: _Run, command: dict[str, Any], finished: set[str], now: float) -> None:
    match command["_"]:
        case "CallAnswered" if command["call"] in run.calls:
            rang = run.calls[command["call"]]
            answered_at = rang.arrived_at + command["wait_s"]
            run.calls[rang.call] = replace(rang, answered_at=answered_at, agent=command["agent"])
            run.talks[command["agent"]] = rang.call
        case "AgentChanged" if command["before"] == AgentState.TALKING:
            left = run.calls.get(run.talks.pop(command["agent"], ""))
            if left is not None:
                run.calls[left.call] = replace(left, left_at=now)
        case "CallFinished":
            run.calls.pop(command["call"], None)
            finished.add(command["call"])
        case "DialOut":
            call, target = command["call"], command["target"]
            phone = (target["site"], target["phone"])
            kind = CallbackKind(command["kind"])
            run.outbound[call] = RememberedOut(call, command["callback"], kind, command["hotline"], phone)
        case "OutboundFinished":
            run.outbound.pop(command["call"], None)
            finished.add(command["call"])
        case _:
            pass


def _further(out: RememberedOut, stage: OutStage, now: float) -> RememberedOut:
    """Who talks does so since the first word of it."""
    if out.stage is OutStage.TALKING:
        return out
    return replace(out, stage=stage, answered_at=now if stage is OutStage.TALKING else None)


def _came(run: _Run, site: str, one: dict[str, Any], now: float) -> None:
    """One that is told of for the first time, whatever number it dialled."""
    call = one["call"]
    if call not in run.calls:
        arrived_at = now - one.get("age_s", 0.0)
        run.calls[call] = Remembered(call, site, one["number"], one.get("caller", ""), arrived_at)
    if one.get("stage") in (Stage.TALKING, Stage.ELSEWHERE) and run.calls[call].answered_at is None:
        run.calls[call] = _found_talking(run, run.calls[call], one, now)


def _found_talking(run: _Run, call: Remembered, one: dict[str, Any], now: float) -> Remembered:
    """As the router has it in its books then: by whom he was answered, and whether that agent has left him."""
    phones = [(site, phone) for _, site, phone, answered in one["legs"] if answered] or map(tuple, one["offered"])
    agents = [run.agents[phone] for phone in phones if phone in run.agents]
    agent = agents[0] if len(agents) == 1 else ""
    answered_at = max(call.arrived_at, now - one["talk_s"])
    left_s = one.get("left_s")
    if agent and left_s is None and one["stage"] == Stage.TALKING:
        run.talks[agent] = call.call
        return replace(call, answered_at=answered_at, agent=agent)
    return replace(call, answered_at=answered_at, agent=agent, left_at=max(answered_at, now - (left_s or 0.0)))


def _whole(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line
