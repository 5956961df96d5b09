"""One call out of the journal: every turn that concerned it, the gaps, and the same decisions again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from callrouter.cli import main
from callrouter.cli.story import _candidates as candidates
from callrouter.core.commands import Offer
from callrouter.core.events import (
    AgentAct,
    AgentActed,
    CallArrived,
    CallEnded,
    CallHeld,
    Event,
    LegAnswered,
    LegStarted,
    PhoneState,
    PlanReplaced,
    SiteRead,
)
from callrouter.core.plan import Agent, Agreement, Hotline, Number, Plan, Site, Team, Topic
from callrouter.core.router import Router
from callrouter.journal.records import CODEC
from callrouter.journal.segment import Header
from callrouter.journal.story import Gap, Story, Turn, replayed, story
from callrouter.journal.writer import Journal

START = 1_795_425_240.0
CALL = "gera/1795425241.7"
CALLER = "017612345678"
PLAN = Plan(
    "1",
    (Site("gera", "Gera", "TH", "Europe/Berlin", early_media=False), Site("gotha", "Gotha", "TH", "Europe/Berlin")),
    (Hotline("gera", "Gera", "gera", (Number("0365"),), None, ("gera",), (Topic("general", "General"),), "general"),),
    (Team("gera", "Gera", "gera"), Team("gotha", "Gotha", "gotha")),
    (Agent("gera/1", "gera", "gera", "1"), Agent("gotha/2", "gotha", "gotha", "2")),
    (Agreement("both", "gera", "gotha"),),
)


class Recorded:
    """A router whose turns are written down, as the engine does it."""

    def __init__(self, folder: Path) -> None:
        self.router = Router(PLAN, START)
        self.now, self.seq = START, 0
        self.journal = Journal(folder, CODEC, self.router.checkpoint)
        self.journal.begin(self.now)

    def send(self, *events: Event, after_s: float = 0.1) -> None:
        for event in events:
            self.now, self.seq = self.now + after_s, self.seq + 1
            commands: Sequence[object] = self.router.handle(event, self.now)
            self.journal.append(self.seq, self.now, event, tuple(commands))  # type: ignore[arg-type]
            self.journal.flush(self.now)

    def call(self) -> None:
        """Gera's agent is logged out, so Gotha's gets it; other calls come meanwhile."""
        phones = {site: PhoneState(site, number, True, False) for site, number in (("gera", "1"), ("gotha", "2"))}
        self.send(*(SiteRead(site, (), (phone,)) for site, phone in phones.items()))
        self.send(AgentActed("gotha/2", AgentAct.READY))
        self.send(CallArrived(CALL, "gera", "0365", CALLER), CallHeld(CALL))
        self.send(CallArrived("gera/1795425241.8", "gera", "0365", "0365999"), CallHeld("gera/1795425241.8"))
        self.send(LegStarted(CALL, 1, "gotha/5.5", "gotha", "2"), LegAnswered(CALL, 1, "gotha/5.5"))

    def end(self) -> None:
        self.send(CallEnded(CALL), after_s=60.0)
        self.journal.close(self.now)


def told(folder: Path, until: float = START + 120) -> Story:
    return story(folder, CODEC, CALL, START + 1, until)


def again(folder: Path, plan: Plan = PLAN) -> Story:
    def restore(header: Header) -> Router:
        router = Router.restore(header.state)
        if plan is not PLAN:
            router.state.load(plan)
        return router

    return replayed(folder, CODEC, CALL, START + 1, START + 120, restore, candidates)


def turns(found: Story) -> list[Turn]:
    return [item for item in found.items if isinstance(item, Turn)]


def test_every_turn_of_the_call_and_no_other(tmp_path: Path) -> None:
    """The turns come in their order, with what was decided and where it stands; those of other calls do not."""
    recorded = Recorded(tmp_path)
    recorded.call()
    recorded.end()
    found = told(tmp_path)
    assert [type(turn.event).__name__ for turn in turns(found)] == [
        "CallArrived",
        "CallHeld",
        "LegStarted",
        "LegAnswered",
        "CallEnded",
    ]
    assert len(found.items) == 5
    offer = next(one for one in turns(found)[1].commands if isinstance(one, Offer))
    assert "overflow by both" in offer.because
    path, _, line = turns(found)[0].place.rpartition(":")
    assert CALL in (tmp_path / path).read_text().splitlines()[int(line) - 1]


def test_configuration_of_each_turn(tmp_path: Path) -> None:
    """Each turn knows under which configuration it was decided, also when that is exchanged while the call is alive."""
    recorded = Recorded(tmp_path)
    recorded.call()
    recorded.send(PlanReplaced(replace(PLAN, version='v"2')))
    recorded.end()
    assert [turn.plan for turn in turns(told(tmp_path))] == ["1", "1", "1", "1", 'v"2']
    assert [turn.plan for turn in turns(again(tmp_path))] == ["1", "1", "1", "1", 'v"2']


def test_replay_repeats_each_decision_and_names_the_candidates(tmp_path: Path) -> None:
    """The same release decides the same; who could have had the call stands at the decision alone."""
    recorded = Recorded(tmp_path)
    recorded.call()
    recorded.end()
    found = again(tmp_path)
    assert not any(turn.differs for turn in turns(found))
    assert found.replayed == recorded.seq
    assert [(one.agent, one.agreement, one.why_not) for one in turns(found)[1].candidates] == [
        ("gera/1", "", "logged out"),
        ("gotha/2", "both", ""),
    ]
    assert [bool(turn.candidates) for turn in turns(found)] == [False, True, False, False, False]


def test_another_decision_is_marked(tmp_path: Path) -> None:
    """With another plan the call would have gone elsewhere, and the place is named."""
    recorded = Recorded(tmp_path)
    recorded.call()
    recorded.end()
    off = Plan(PLAN.version, PLAN.sites, PLAN.hotlines, PLAN.teams, PLAN.agents, ())
    found = again(tmp_path, off)
    assert next(type(turn.event).__name__ for turn in turns(found) if turn.differs) == "CallHeld"


def test_gaps_are_told(tmp_path: Path) -> None:
    """A restart, lost lines and deleted segments are gaps with their times; nothing is made up for them."""
    recorded = Recorded(tmp_path)
    recorded.call()
    recorded.journal.close(recorded.now)
    recorded.seq += 3  # lines that could not be written
    recorded.journal._next_seq = recorded.seq + 1
    recorded.now += 1
    recorded.journal.begin(recorded.now)
    recorded.end()
    assert [item.why for item in told(tmp_path).items if isinstance(item, Gap)] == ["lost"]
    next_run = Recorded(tmp_path)
    next_run.now = recorded.now + 5
    next_run.journal.run_id = ""
    next_run.journal.begin(next_run.now)
    next_run.send(SiteRead("gera"))
    next_run.journal.close(next_run.now)
    (tmp_path / sorted(tmp_path.glob("*.jsonl"))[1].name).touch()
    whys = [item.why for item in told(tmp_path, START + 200).items if isinstance(item, Gap)]
    assert "restart" in whys
    for path in sorted(tmp_path.glob("*.jsonl"))[:-1]:
        path.unlink()
    first = told(tmp_path, START + 200).items[0]
    assert isinstance(first, Gap)
    assert (first.why, first.start) == ("deleted", START + 1)


def test_a_clock_that_was_set_back_hides_no_call(tmp_path: Path) -> None:
    """A segment that began later by the clock lies before the one that has the call."""
    for ahead_s in (3_600.0, 0.0):
        recorded = Recorded(tmp_path)
        recorded.journal.begin(START + ahead_s)
        if not ahead_s:
            recorded.call()
        recorded.end()
    events = [type(turn.event) for turn in turns(told(tmp_path))]
    assert (events[0], events[-1]) == (CallArrived, CallEnded)


def test_empty_folder(tmp_path: Path) -> None:
    """Where there is no journal all of the time is a gap."""
    assert told(tmp_path).items == (Gap(START + 1, START + 120, "deleted"),)


def test_torn_line_and_damage(tmp_path: Path) -> None:
    """A torn last line is not there; a broken one within is an error that names it."""
    recorded = Recorded(tmp_path)
    recorded.call()
    recorded.end()
    (path,) = tmp_path.glob("*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert [type(turn.event).__name__ for turn in turns(told(tmp_path))][-1] == "LegAnswered"
    path.write_bytes(whole.replace(b'"CallHeld","call":"' + CALL.encode(), b'"Nonsense","call":"' + CALL.encode()))
    result = CliRunner().invoke(main, ["story", CALL, "--journal", str(tmp_path)])
    assert result.exit_code == 2
    assert f"{path}:" in result.output


@pytest.mark.parametrize("words", [[], ["--replay"]])
def test_command(tmp_path: Path, words: list[str]) -> None:
    """People read what happened and why; programs get the same as JSON."""
    recorded = Recorded(tmp_path)
    recorded.call()
    recorded.end()
    result = CliRunner().invoke(main, ["story", CALL, "--journal", str(tmp_path), *words])
    assert result.exit_code == 0, result.output
    assert "Offer gotha/2: overflow by both" in result.output
    assert "CallAnswered gotha/2" in result.output
    assert CALLER not in result.output
    assert ("1 × gera: logged out" in result.output) == bool(words)
    data = json.loads(CliRunner().invoke(main, ["story", CALL, "--journal", str(tmp_path), "--json", *words]).output)
    assert len(data["items"]) == 5
    assert "--since" in CliRunner().invoke(main, ["story", "gera/x", "--journal", str(tmp_path)]).output
