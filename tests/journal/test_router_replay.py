"""The real router, recorded by the real engine: every segment replays on its own, through the command as well."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from callrouter.cli import main
from callrouter.core.callbacks import TryResult
from callrouter.core.commands import Ask, CancelOffer, DialOut, HangUp, Offer, Order, Release, Say
from callrouter.core.events import (
    AgentAct,
    AgentActed,
    AgreementSwitched,
    CallArrived,
    CallEnded,
    CallHeld,
    DigitsRead,
    Event,
    LegAnswered,
    LegStarted,
    OfferEnded,
    OutboundAnswered,
    OutboundEnded,
    OutboundMissed,
    OutboundRung,
    OutboundUp,
    PhoneState,
    PlanReplaced,
    Result,
    SiteRead,
)
from callrouter.core.plan import (
    Agent,
    Agreement,
    CallbackRules,
    Hotline,
    Hours,
    Nobody,
    Number,
    Plan,
    Site,
    Span,
    Team,
    Topic,
)
from callrouter.core.router import Router
from callrouter.engine import Engine
from callrouter.journal.records import CODEC
from callrouter.journal.replay import replay
from callrouter.journal.segment import read_segment
from callrouter.journal.writer import Journal, JournalLimits
from tests.virtual import run_virtual

START = 1_800_000_000.0
SITES = ("gera", "gotha")
TOPICS = (Topic("general", "General"),)
BACK = CallbackRules(None, Hours("Europe/Berlin", ((Span(0, 86_400),),) * 7), "0365", "offer", reserve=0, pause_s=20.0)
PLAN = Plan(
    "1",
    tuple(Site(name, name, "TH", "Europe/Berlin") for name in SITES),
    tuple(
        Hotline(
            f"agency-{name}",
            name,
            name,
            (Number(f"036{index}"),),
            None,
            (name,),
            TOPICS,
            "general",
            ring_max_s=25.0,
            nobody=Nobody.CALLBACK,
            callback=BACK,
        )
        for index, name in enumerate(SITES)
    ),
    tuple(Team(name, name, name) for name in SITES),
    tuple(Agent(f"{name}/{number}", name, name, str(number)) for name in SITES for number in (1001, 1002, 1003)),
    (
        Agreement("both", "gera", "gotha", lender_health=0.2),
        Agreement("both", "gotha", "gera", after_s=3.0, reserve=1),
    ),
)


class Switch:
    """Stands for both sites' Asterisks: obeys orders at once or a little later, drawn from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.loop = asyncio.get_running_loop()
        self.legs = 0

    def later(self, most_s: float, *events: Event) -> None:
        self.loop.call_later(self.random.uniform(0, most_s), lambda: [self.engine.submit(event) for event in events])

    def execute(self, order: Order) -> None:
        if isinstance(order, Offer):
            self.legs += 1
            leg = f"{order.call.partition('/')[0]}/leg{self.legs}"
            target = order.targets[0]
            ring = LegStarted(order.call, order.attempt, leg, target.site, target.phone)
            result = self.random.choice([None, None, Result.BUSY, Result.NO_ANSWER, Result.REFUSED])
            if result is None:
                self.later(5.0, ring, LegAnswered(order.call, order.attempt, leg))
                self.loop.call_later(30.0, self.engine.submit, CallEnded(order.call, answered=True))
            else:
                ended = OfferEnded(order.call, order.attempt, result, 1.0)
                self.later(5.0, ring, ended, CallHeld(order.call))
        elif isinstance(order, CancelOffer):
            ended = OfferEnded(order.call, order.attempt, Result.CANCELLED, None)
            self.later(0.1, ended, CallHeld(order.call))
        elif isinstance(order, Release):
            self.later(0.1, CallEnded(order.call, order.cause))
        elif isinstance(order, Ask):
            self.later(2.0, DigitsRead(order.call, order.step, "1"), CallHeld(order.call))
        elif isinstance(order, Say):
            self.later(2.0, CallEnded(order.call, order.cause) if order.cause else CallHeld(order.call))
        elif isinstance(order, DialOut):
            self.dial_out(order.call)
        elif isinstance(order, HangUp):
            self.later(0.1, OutboundEnded(order.call, Result.CANCELLED))

    def dial_out(self, call: str) -> None:
        agent = self.random.choice([None, None, Result.BUSY, Result.NO_ANSWER])
        caller = self.random.choice([OutboundAnswered(call), OutboundMissed(call, TryResult.BUSY)])
        if agent is None:
            self.later(1.0, OutboundRung(call), OutboundUp(call), caller)
            self.loop.call_later(10.0, self.engine.submit, OutboundEnded(call))
        else:
            self.later(1.0, OutboundRung(call), OutboundEnded(call, agent))


def recorded(folder: Path, *, seed: int = 1, calls: int = 120) -> list[Path]:
    """Some minutes of two busy sites, written as small segments."""
    run_virtual(_record(folder, seed, calls))
    return sorted(folder.iterdir())


async def _record(folder: Path, seed: int, calls: int) -> None:
    loop = asyncio.get_running_loop()
    router = Router(PLAN, START)
    limits = JournalLimits(segment_bytes_max=100_000)
    journal = Journal(folder, CODEC, router.checkpoint, limits)
    journal.begin(START)
    switch = Switch(seed)
    switch.engine = engine = Engine(router, lambda: START + loop.time(), switch.execute, journal=journal)
    task = asyncio.create_task(engine.run())
    for site in SITES:
        phones = tuple(PhoneState(site, agent.phone, True, False) for agent in PLAN.agents if agent.site == site)
        await engine.ask(SiteRead(site, phones=phones))
    for agent in PLAN.agents:
        await engine.ask(AgentActed(agent.id, AgentAct.READY))
    for number in range(calls):
        site, digits = switch.random.choice((("gera", "0360"), ("gotha", "0361")))
        call = f"{site}/{number}"
        caller = f"0171{number % 20}"
        engine.submit(CallArrived(call, site, digits, caller, f"+49{caller[1:]}"))
        engine.submit(CallHeld(call))
        if number % 10 == 0:
            engine.submit(AgreementSwitched("both", number % 20 == 0, until=START + loop.time() + 20, by="meier"))
        if number % 7 == 0:
            engine.submit(CallEnded(call))
            engine.submit(AgentActed(switch.random.choice(PLAN.agents).id, AgentAct.READY))
        if number == calls // 2:
            engine.submit(PlanReplaced(PLAN))
        await asyncio.sleep(
            switch.random.uniform(0, 6 if number < calls // 2 else 60)
        )  # then there is time to ring back
    engine.stop()
    await task
    assert engine.failed_count == 0
    journal.close(engine.now())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_segment_repeats_every_decision(tmp_path: Path, seed: int) -> None:
    """From its own header on, each segment is decided again exactly as it was."""
    paths = recorded(tmp_path, seed=seed)
    assert len(paths) >= 3
    decisions = 0
    for path in paths:
        result = replay(path, CODEC, lambda header: Router.restore(header.state))
        assert result.difference is None, result.difference
        decisions += result.decisions
    assert decisions > 500


def test_states_meet_at_the_seams(tmp_path: Path) -> None:
    """Replaying a segment to its end leads to the very state with which the next one begins."""
    paths = recorded(tmp_path)
    for before, after in pairwise(paths):
        header, entries = read_segment(before, CODEC)
        router = Router.restore(header.state)
        for entry in entries:
            router.handle(entry.event, entry.now)
        assert CODEC.dumps(router.checkpoint()) == CODEC.dumps(read_segment(after, CODEC)[0].state)


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["replay", *map(str, arguments)])
    return result.exit_code, result.output


def test_command_passes_a_folder(tmp_path: Path) -> None:
    """`callrouter replay FOLDER` names each segment and ends with 0 when all is repeated."""
    recorded(tmp_path, calls=20)
    status, output = run(tmp_path)
    assert status == 0
    assert "decisions, all repeated" in output


def altered(path: Path, find: str) -> int:
    """Change the first decision that says `find`; returns its line."""
    lines = path.read_text().splitlines(keepends=True)
    index = next(i for i, line in enumerate(lines[1:], 1) if find in line)
    lines[index] = lines[index].replace(find, find + " (altered)")
    path.write_text("".join(lines))
    return index + 1


def test_command_shows_the_first_difference(tmp_path: Path) -> None:
    """A decision that is not repeated is shown with its line, what was expected and what came; status 1."""
    path = recorded(tmp_path, calls=20)[0]
    entries: Sequence[str] = path.read_text().splitlines()
    because = next(
        command["because"]
        for line in entries[1:]
        for command in json.loads(line)["commands"]
        if command["_"] == "Offer"
    )
    line = altered(path, because)
    status, output = run(path)
    assert status == 1
    assert f"{path}:{line}: event" in output
    assert "(altered)" in output.split("got")[0]
    assert "(altered)" not in output.split("got", 1)[1]


def test_command_refuses_what_is_no_journal(tmp_path: Path) -> None:
    """A file that cannot be read ends with 2 and says where; an empty folder is a wrong use."""
    path = tmp_path / "x.jsonl"
    path.write_text("rubbish\n")
    status, output = run(path)
    assert status == 2
    assert f"{path}:1: " in output
    path.unlink()
    assert run(tmp_path)[0] == 2
