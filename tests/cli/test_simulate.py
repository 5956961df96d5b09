"""`callrouter simulate` from its files to its files."""

from __future__ import annotations

import csv
import json
from datetime import date
from functools import cache, partial
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from callrouter.cli import main
from callrouter.config.load import load
from callrouter.core.plan import Plan
from callrouter.sim.case import make_case
from callrouter.sim.idle import Idle, unused, without_effect
from callrouter.sim.kernel import SECOND_US, from_us, to_us
from callrouter.sim.scenario import read_scenario
from tests.sim.reference import RefAgent, RefAgreement, RefCall, RefHotline, RefWorld

CONFIG = Path(__file__).parents[2] / "config"
SCENARIO = """
title: Ein Vormittag
start: 2026-11-23 08:00
callers:
  agency-gera: &callers
    arrivals: {per_day: 400, profile: {08:00-12:00: 1}}
    talk: {mean_s: 240, cv: 0.8}
    patience: {kind: exponential, mean_s: 100}
    redial: {probability: 0.6, delay: {mean_s: 120, cv: 1}}
  agency-gotha: *callers
roster:
  agency-gera: [{agents: 7, hours: 08:00-12:00}]
  agency-gotha: [{agents: 12, hours: 08:00-12:00, breaks: {10:00-10:30: 4}}]
changes: [agreement magdeburg-gera off at 09:00, agreement magdeburg-gotha off]
"""


def simulate(folder: Path, *more: str, scenario: str = SCENARIO, config: Path = CONFIG) -> Result:
    file = folder / "scenario.yaml"
    file.write_text(scenario, encoding="utf-8")
    return CliRunner().invoke(main, ["simulate", str(config), "--scenario", str(file), *more])


run = simulate


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_on_any_number_of_processes(tmp_path: Path) -> None:
    """Figures, page, calls and trace; another seed gives others."""
    made = []
    for name, seed, processes in (("a", 7, 1), ("b", 7, 2), ("c", 8, 1)):
        folder = tmp_path / name
        folder.mkdir()
        outs = [folder / f"out.{kind}" for kind in ("json", "html", "calls", "trace")]
        options = zip(("--json", "--html", "--calls-out", "--trace-out"), map(str, outs), strict=True)
        words = [word for option in options for word in option]
        result = simulate(folder, "--seed", str(seed), "--runs", "3", "--processes", str(processes), *words)
        assert result.exit_code == 0, result.output
        made.append([out.read_bytes() for out in outs])
    assert made[0] == made[1]
    assert all(one != other for one, other in zip(made[0], made[2], strict=True))


def test_what_was_drawn_can_be_simulated_again_as_a_trace(tmp_path: Path) -> None:
    """The trace of a run, redials and all, gives the same outcome for every call."""
    first, again, trace = (tmp_path / name for name in ("first.csv", "again.csv", "trace.csv"))
    scenario = SCENARIO.replace("redial: {", "topics: {general: 1}\n    redial: {")
    assert simulate(tmp_path, "--calls-out", str(first), "--trace-out", str(trace), scenario=scenario).exit_code == 0
    assert simulate(tmp_path, "--calls-out", str(again), "--trace", str(trace), scenario=scenario).exit_code == 0
    assert first.read_bytes() == again.read_bytes()
    outcomes = {row["outcome"] for row in csv.DictReader(first.read_text(encoding="utf-8").splitlines())}
    assert outcomes == {"answered", "abandoned", "busied"}


def test_the_figures_are_in_the_json_and_on_the_page(tmp_path: Path) -> None:
    """Per hotline, team and agreement, with intervals; the page is well formed, bilingual and needs nothing."""
    data, shown = tmp_path / "out.json", tmp_path / "out.html"
    result = simulate(tmp_path, "--runs", "4", "--processes", "1", "--json", str(data), "--html", str(shown))
    told = json.loads(data.read_text(encoding="utf-8"))
    gera = told["hotlines"]["agency-gera"]
    assert (told["runs"], told["seed"], told["title"]) == (4, 1, "Ein Vormittag")
    shares = ("answered", "busied", "abandoned")
    assert sum(gera[share]["value"] for share in shares) == pytest.approx(1, abs=1e-4)
    assert 0 < gera["within"]["half"] < 0.2
    assert 0.5 < told["teams"]["agency-gera"]["occupancy"]["value"] < 1
    assert told["agreements"]["magdeburg-gera"]["calls"]["value"] > 0
    assert told["agreements"]["magdeburg-gotha"]["calls"]["value"] == 0
    assert set(gera["half_hours"]) >= {"08:00", "09:30", "11:30"}
    page = shown.read_text(encoding="utf-8")
    parser = _Tags()
    parser.feed(page)
    assert not parser.open
    assert "Wartezeit" in page
    assert "at first try" in page
    assert "http" not in page
    assert "agency-gera" in result.output


class _Tags(HTMLParser):
    """Every element that is opened is closed."""

    VOID = ("meta", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_problems_of_configuration_scenario_and_trace_are_told_with_their_place(tmp_path: Path) -> None:
    """And the command ends with status 2."""
    (tmp_path / "network").mkdir()
    (tmp_path / "network" / "all.yaml").write_text(NETWORK, encoding="utf-8")

    def simulate(folder: Path, *more: str, scenario: str = FILES, config: Path = tmp_path / "network") -> Result:
        return run(folder, *more, scenario=scenario, config=config)

    result = simulate(tmp_path, scenario="start: never\n")
    assert (result.exit_code, "scenario.yaml:1:8: 'never' is no day" in result.output) == (2, True)
    assert simulate(tmp_path, config=tmp_path / "nowhere").exit_code == 2
    trace = tmp_path / "trace.csv"
    head = "at_s,hotline,caller,talk_s,wrap_s,patience_s\n"
    for text, message in (
        ("at,hotline\n", "trace.csv:1:1: the first line is 'at,hotline'; write at_s,hotline,caller,talk_s,wrap_s"),
        (head + "1,green,,5,,\n0.5,green,,5,,\n", "trace.csv:3:1: at_s: 0.5 comes before the line above; sort"),
        (head + "1,gren,,5,,\n", "trace.csv:2:1: hotline 'gren' does not exist; did you mean 'green'?"),
        ("", "trace.csv:1:1: the file is empty; begin it with the line at_s,hotline,caller"),
        (
            head.replace(",", ";"),
            "trace.csv:1:1: semicolons part the columns; save the file with commas, and numbers with",
        ),
        (
            head + "08:30,green,,1,,\n",
            "trace.csv:2:1: at_s: '08:30' is no number of seconds; count from the scenario's start",
        ),
        (head + "\n1,green,,1,,\n\n2,green,,x,,\n", "trace.csv:5:1: talk_s: 'x' is no number of seconds"),
        (head + "1,green,,,,\n", "trace.csv:2:1: talk_s: '' is no number of seconds; write it like 30 or 2.5"),
        (head + "1,green,,5,-1,\n", "trace.csv:2:1: wrap_s: -1 is out of bounds; use 0 to 1000000000"),
        (head + "1,green\n", "trace.csv:2:1: 2 columns stand here, not 6; write at_s"),
        (head + '1,"green,,5,,\n', "not CSV: unexpected end of data; check the quotes"),
        (head + "1,green,,1_0,,\n", "trace.csv:2:1: talk_s: '1_0' is no number of seconds"),
        (head + '1,"gr\nen",,5,,\n', "trace.csv:2:1: hotline 'gr en' does not exist"),
    ):
        trace.write_text(text, encoding="utf-8")
        result = simulate(tmp_path, "--trace", str(trace))
        assert result.exit_code == 2
        assert message in result.output
    trace.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in simulate(tmp_path, "--trace", str(trace)).output
    assert "cannot be read: No such file" in simulate(tmp_path, "--trace", str(tmp_path / "none.csv")).output


def test_what_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    """A folder that is not there, a file that is read, two files of one name: nothing is overwritten."""
    trace = tmp_path / "trace.csv"
    trace.write_text("at_s,hotline,caller,talk_s,wrap_s,patience_s\n", encoding="utf-8")
    before = trace.read_bytes()
    for words, message in (
        (["--json", str(tmp_path / "no" / "out.json")], "there is no folder"),
        (["--json", str(tmp_path / "out"), "--html", str(tmp_path / "out")], "is named twice"),
        (["--trace", str(trace), "--calls-out", str(trace)], "is named twice"),
        (["--trace", str(trace), "--runs", "2"], "leave --runs out"),
    ):
        result = simulate(tmp_path, *words)
        assert (result.exit_code, message in result.output.replace("\n", " ")) == (2, True), result.output
    assert trace.read_bytes() == before


def test_what_has_no_effect_is_warned_of(tmp_path: Path) -> None:
    """Nobody who calls; a sentence that is meant for another day."""
    scenario = "start: 2026-11-23 09:00\nchanges: [agreement magdeburg-gera off 2025-01-01]\n"
    result = simulate(tmp_path, scenario=scenario)
    assert "warning: nobody called" in result.output
    assert "warning: 'agreement magdeburg-gera off 2025-01-01' is meant for no time of these days" in result.output


IDLE = [
    ("hotline aachen calls +20%", "is about callers whom the scenario does not have; give the hotline some"),
    ("hotline agency-gotha patience +50%", "changes the patience of callers who never give up; give them some"),
    ("hotline agency-gera line_max=1", "changes a line in which nobody waits, since callers dial desks; say"),
    ("agreement magdeburg-gera off", "is about teams that are called at their desks, and lend and borrow nothing"),
    ("agreement magdeburg-gera off at 12:00", "is about teams that are called at their desks"),
    ("agreement magdeburg-gera reserve=7", "is about teams that are called at their desks"),
    ("agreement magdeburg-gotha on", "changes nothing: it is so anyway, or another sentence decides it"),
    ("agreement magdeburg-gotha reserve=agency-magdeburg:4", "changes nothing: it is so anyway"),
    ("agreement magdeburg-gotha off 10:00-11:00", "is meant for no time of these days"),
    ("agreement magdeburg-gotha on 12:00-12:10", "changes nothing: it is so anyway"),
    ("agreement magdeburg-gotha off for agency-magdeburg", "touches nobody who is called"),
    ("team agency-gotha +0", "changes nothing: it is so anyway"),
    ("team agency-gotha =2", "changes nothing: it is so anyway"),
    ("team aachen +5", "touches nobody who is called"),
    ("hotline agency-gotha calls -0%", "changes nothing: it is so anyway"),
    ("hotline agency-gotha talk +0%", "changes nothing: it is so anyway"),
    ("hotline agency-gotha calls +50% 12:00-12:10", "is meant for no half hour in which somebody calls"),
    ("hotline agency-gotha closed 19:00-20:00", "is meant for a time at which it is closed anyway"),
    ("hotline agency-gotha target_s=240", "changes nothing: it is so anyway"),
    ("hotline aachen closed", "touches nobody who is called"),
    ("hotline aachen target_s=9", "touches nobody who is called"),
    ("site aachen down 12:00-12:30", "touches nobody who is called"),
    ("site gotha up at 13:00", "changes nothing: it is so anyway"),
]


@pytest.mark.parametrize(("sentence", "why"), IDLE, ids=[sentence for sentence, _ in IDLE])
def test_a_sentence_that_can_change_nothing_is_warned_of(sentence: str, why: str, tmp_path: Path) -> None:
    """With the reason, and only where it is so."""
    scenario = f"""
start: 2026-11-23 11:50
callers:
  agency-gera: {{arrivals: {{per_hour: 5}}, desks: {{away: 0.3}}, patience: 60}}
  agency-gotha: {{arrivals: {{per_hour: 5}}}}
roster: {{agency-gera: [{{agents: 2}}], agency-gotha: [{{agents: 2}}]}}
changes: [hotline agency-gera talk +50%, hotline agency-gotha line_max=1, team agency-magdeburg -1, {sentence}]
"""
    ((text, reasons),) = idle(tmp_path, scenario)
    assert text == sentence
    assert why in reasons[1]
    if sentence == IDLE[0][0]:
        assert f"warning: '{sentence}' {why}" in simulate(tmp_path, scenario=scenario).output


@cache
def network() -> Plan:
    return load(CONFIG, date(2026, 11, 23)).plan


def idle(folder: Path, scenario: str) -> list[Idle]:
    file = folder / "scenario.yaml"
    file.write_text(scenario, encoding="utf-8")
    checked = read_scenario(file, network())
    make = partial(make_case, network(), checked.scenario)
    case = make(checked.changes)
    return [*without_effect(checked.changes, case, make), *unused(case)]


def test_of_two_sentences_the_one_that_the_other_overrules_is_warned_of(tmp_path: Path) -> None:
    """And one about an agreement that is off all the time."""
    scenario = """
start: 2026-11-23 11:50
callers: {agency-gotha: {arrivals: {per_hour: 5}}}
changes:
  - agreement magdeburg-gotha reserve=1
  - agreement magdeburg-gotha off
  - team agency-gotha +2
  - team agency-gotha =3
"""
    first, second = idle(tmp_path, scenario)
    assert (first[0], second[0]) == ("agreement magdeburg-gotha reserve=1", "team agency-gotha +2")
    assert "is about an agreement that is off all the time; switch it on, too" in first[1][1]
    assert "another sentence decides it" in second[1][1]


def test_an_entry_that_can_change_nothing_is_warned_of(tmp_path: Path) -> None:
    """Each by its place in the file, with the mend."""
    scenario = """
start: 2026-11-23
profiles:
  day: {08:00: 1}
  night: {22:00: 1}
callers:
  agency-gotha: {arrivals: {per_hour: 5}, redial: {probability: 0.5, delay: 60, tries: 1}}
  agency-gera: {arrivals: {per_day: 50, profile: day, days: {Sat-Sun: 1}}}
  aachen: {talk: 60}
roster:
  agency-gotha: [{agents: 2, days: Tue-Fri, hours: 08:00-18:00}]
  agency-magdeburg: []
  aachen: [{agents: 9, hours: 08:00-12:00}, {agents: 9, hours: 08:00-12:00}]
"""
    assert [(place, why[1].partition(";")[0]) for place, why in idle(tmp_path, scenario)] == [
        ("callers.agency-gotha.redial", "lets nobody call again"),
        ("callers.agency-gera", "brings no calls in these days"),
        ("callers.aachen", "has no arrivals, so nobody calls"),
        ("profiles.night", "is used by nobody"),
        ("roster.agency-gotha", "has nobody on duty in these days"),
        ("roster.aachen", "touches nobody who is called"),
        ("roster.aachen", "names the same duty twice, and duties add up"),
    ]
    assert "warning: 'profiles.night' is used by nobody; name it" in simulate(tmp_path, scenario=scenario).output


@pytest.mark.parametrize("name", sorted(path.name for path in (CONFIG / "scenarios").glob("*.yaml")))
def test_nothing_in_a_shipped_scenario_is_without_effect(name: str, tmp_path: Path) -> None:
    """Nobody is warned of what is right."""
    assert idle(tmp_path, (CONFIG / "scenarios" / name).read_text(encoding="utf-8")) == []


def test_a_day_on_which_nobody_is_reached_has_one_reason(tmp_path: Path) -> None:
    """An empty trace; a Sunday: that is said, and nothing that follows from it."""
    trace = tmp_path / "trace.csv"
    trace.write_text("at_s,hotline,caller,talk_s,wrap_s,patience_s\n", encoding="utf-8")
    sunday = "start: 2026-11-22\ncallers: {agency-gotha: {arrivals: {per_hour: 5}}}\n"
    for words, told in (
        (["--trace", str(trace)], f"warning: nobody called; {trace} holds no calls"),
        ([], "warning: whoever called found it closed; check start, days and the hotlines' hours"),
    ):
        output = simulate(tmp_path, *words, scenario=f"{sunday}roster: {{agency-gotha: {{agents: 2}}}}\n").output
        assert [line for line in output.splitlines() if "warning" in line] == [told]


def test_a_trace_takes_the_place_of_callers(tmp_path: Path) -> None:
    """Sentences about callers are without effect then; whom the trace calls is called."""
    trace = tmp_path / "trace.csv"
    trace.write_text("at_s,hotline,caller,talk_s,wrap_s,patience_s\n1,aachen,,5,,\n", encoding="utf-8")
    changes = "[hotline agency-gotha calls +20%, team aachen +1, hotline agency-gotha target_s=9]"
    scenario = f"""
start: 2026-11-23 09:00
callers: {{agency-gotha: {{arrivals: {{per_hour: 5}}}}}}
changes: {changes}
"""
    printed = simulate(tmp_path, "--trace", str(trace), scenario=scenario).output
    lines = [line for line in printed.splitlines() if "warning: '" in line]
    assert [line.removeprefix("warning: ").partition(";")[0] for line in lines] == [
        "'hotline agency-gotha calls +20%' is about callers, and here they come from the trace",
        "'hotline agency-gotha target_s=9' touches nobody who is called",
    ]


def test_desks_are_called_by_name_in_a_trace(tmp_path: Path) -> None:
    """What was drawn for desks can be simulated again; a hotline that callers do not dial is refused with the mend."""
    scenario = SCENARIO.replace("redial: {", "desks: {away: 0.3}\n    redial: {").replace("changes:", "known: {}\n#")
    first, again, trace = (tmp_path / name for name in ("first.csv", "again.csv", "trace.csv"))
    assert simulate(tmp_path, "--calls-out", str(first), "--trace-out", str(trace), scenario=scenario).exit_code == 0
    assert simulate(tmp_path, "--calls-out", str(again), "--trace", str(trace), scenario=scenario).exit_code == 0
    assert first.read_bytes() == again.read_bytes()
    trace.write_text("at_s,hotline,caller,talk_s,wrap_s,patience_s\n1,agency-gera,,1,,\n", encoding="utf-8")
    result = simulate(tmp_path, "--trace", str(trace), scenario=scenario)
    assert (
        "trace.csv:2:1: callers of 'agency-gera' dial desks in this scenario; name one of agency-gera.0"
        in result.output
    )
    assert result.exit_code == 2


def test_callers_whom_nobody_ever_serves_are_warned_of(tmp_path: Path) -> None:
    """With the mend, and the run ends all the same."""
    scenario = "start: 2026-11-23 09:00\ncallers: {aachen: {ring_max_s: null}}\nroster: {aachen: []}\n"
    trace = tmp_path / "trace.csv"
    trace.write_text("at_s,hotline,caller,talk_s,wrap_s,patience_s\n1,aachen,,5,,\n", encoding="utf-8")
    calls = tmp_path / "calls.csv"
    result = simulate(tmp_path, "--trace", str(trace), "--calls-out", str(calls), scenario=scenario)
    assert "warning: 1 callers were never served and never gave up" in result.output
    assert calls.read_text(encoding="utf-8").splitlines()[1] == "1,aachen,,abandoned,,,,,"


NETWORK = """
sites:
  east: {title: E, land: ST, asterisk: {host: h1, user: u, secret: {env: A}}, trunk: {sip: h1}}
  west: {title: W, land: TH, asterisk: {host: h2, user: u, secret: {env: A}}, trunk: {sip: h2}}
teams:
  one: {title: One, site: east, agents: {from: 1001, count: 3}}
  two: {title: Two, site: west, wrap_up_s: 0, agents: {from: 2001, count: 2}}
  three: {title: Three, site: west, agents: {from: 3001, count: 2}}
hotlines:
  red: {title: Red, site: east, numbers: 030 23125 001, teams: one, ring_max_s: 20}
  green: {title: Green, site: west, numbers: 030 23125 002, teams: two, ring_max_s: 0}
  blue: {title: Blue, site: west, numbers: 030 23125 003, teams: three, hours: {Mon-Fri: 08:00-09:00}}
agreements:
  deal: {borrower: one, lender: two, mutual: true, reserve: {two: 1}, max_calls: {one: 1}}
  more: {borrower: one, lender: three}
  back: {borrower: three, lender: one, reserve: 1}
"""
FILES = """
start: 2026-11-23 08:30
callers:
  red: {ring_max_s: 15.5}
  blue: {ring_max_s: null}
roster:
  one: [{from_s: 0, to_s: 900, agents: 2}, {from_s: 300, to_s: 1200, agents: 1}, {from_s: 1500, to_s: 9000, agents: 3}]
  three: [{hours: 08:00-09:30, agents: 2, breaks: {08:45-09:00: 1}}]
changes: [agreement more off 08:40-08:50]
"""


def test_every_call_of_a_trace_is_as_in_the_plain_reference(tmp_path: Path) -> None:
    """Through all the files: configuration, scenario, trace, and the list of what became of each call."""
    (tmp_path / "network").mkdir()
    (tmp_path / "network" / "all.yaml").write_text(NETWORK, encoding="utf-8")
    second, minute = SECOND_US, 60 * SECOND_US
    lines, calls = ["at_s,hotline,caller,talk_s,wrap_s,patience_s"], []
    for n in range(900):
        at = n * 7 // 2 * second + (500_000 if n % 3 else 0)
        hotline = ("red", "red", "green", "blue", "red")[n**3 % 5]
        talk, wrap, patience = n * 37 % 61 * second, n % 4 * 5 * second, (None, 4_500_000, 15_500_000)[n % 3]
        calls.append(RefCall(n, at, hotline, talk, wrap, patience))
        gives_up = "" if patience is None else from_us(patience)
        lines.append(f"{from_us(at)},{hotline},c{n},{from_us(talk)},{from_us(wrap) if wrap else ''},{gives_up}")
    trace, out = tmp_path / "trace.csv", tmp_path / "calls.csv"
    trace.write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = simulate(
        tmp_path, "--trace", str(trace), "--calls-out", str(out), scenario=FILES, config=tmp_path / "network"
    )
    assert result.exit_code == 0, result.output
    agents = [("east", "one", 1001, 3), ("west", "two", 2001, 2), ("west", "three", 3001, 2)]
    on = [(0, True)]
    reference = RefWorld(
        [RefAgent(f"{site}/{first + k}", team) for site, team, first, size in agents for k in range(size)],
        {
            "one": [(0, 900 * second, 2), (300 * second, 1200 * second, 1), (1500 * second, 9000 * second, 3)],
            "three": [(0, 60 * minute, 2), (15 * minute, 30 * minute, -1)],
        },
        {
            "red": RefHotline("one", 15_500_000),
            "green": RefHotline("two", 0),
            "blue": RefHotline("three", None, opens=[(0, 30 * minute)]),
        },
        [
            RefAgreement("deal", "one", "two", 1, None, on),
            RefAgreement("deal", "two", "one", 0, 1, on),
            RefAgreement("more", "one", "three", 0, None, [(0, True), (10 * minute, False), (20 * minute, True)]),
            RefAgreement("back", "three", "one", 1, None, on),
        ],
        calls,
    )
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    wanted = reference.run()
    assert len(rows) == len(wanted)
    for row, call in zip(rows, wanted, strict=True):
        wait = None if row["wait_s"] == "" else to_us(row["wait_s"])
        found = (to_us(row["at_s"]), row["hotline"], row["outcome"], wait, row["agent"], row["team"], row["agreement"])
        assert found == (call.at, call.hotline, call.outcome, call.wait, call.agent, call.team, call.agreement)
        assert row["talk_s"] == (from_us(call.talk) if call.outcome == "answered" else "")
        assert row["caller"] == f"c{call.number}"
    seen = {(row["outcome"], bool(row["agreement"])) for row in rows}
    assert seen == {(o, False) for o in ("answered", "abandoned", "busied", "closed")} | {("answered", True)}
