"""Scenario files and sentences of change: what is wrong is told with its place and the mend."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callrouter.config.load import load
from callrouter.config.source import ConfigError
from callrouter.core.events import AgreementSwitched, HotlineMode, HotlineSwitched
from callrouter.core.plan import Plan
from callrouter.sim.call import Kind
from callrouter.sim.case import Case, make_case
from callrouter.sim.changes import ChangeError, understood
from callrouter.sim.day import Switch
from callrouter.sim.kernel import SECOND_US
from callrouter.sim.scenario import read_scenario

CONFIG = Path(__file__).parents[2] / "config"
HOUR_US = 3600 * SECOND_US


@pytest.fixture(scope="module")
def network() -> Plan:
    return load(CONFIG).plan


def case(network: Plan, folder: Path, text: str) -> Case:
    file = folder / "scenario.yaml"
    file.write_text(text, encoding="utf-8")
    checked = read_scenario(file, network)
    return make_case(network, checked.scenario, checked.changes)


WRONG = [
    ("days: 1", "1:1: 'start' is missing; add 'start: …'"),
    ("start: 2026-02-30", "1:8: '2026-02-30' is no day; write 2026-11-23, or 2026-11-23 08:00 by the local clock"),
    ("start: 2026-11-23\nrosters: {}", "2:1: unknown key 'rosters'; did you mean 'roster'?"),
    ("start: 2026-11-23\ncallers: {aachn: {}}", "2:11: hotline 'aachn' does not exist; did you mean 'aachen'?"),
    (
        "start: 2026-11-23\ncallers: {aachen: {arrivals: {per_day: 5}}}",
        "2:30: calls a day need a profile, calls an hour have none; write per_day and profile, or per_hour",
    ),
    (
        "start: 2026-11-23\ncallers: {aachen: {arrivals: {per_day: 5, profile: ofice}}}\n"
        "profiles: {office: {08:00: 1}}",
        "2:52: profile 'ofice' does not exist; did you mean 'office'?",
    ),
    (
        "start: 2026-11-23\nprofiles: {office: {08:10: 1}}",
        "2:20: '08:10' begins or ends within a half hour; write it like 08:30 or 08:00-10:00",
    ),
    (
        "start: 2026-11-23\nprofiles: {office: {08:10-09:00: 1}}",
        "2:20: '08:10-09:00' begins or ends within a half hour; write it like 08:30 or 08:00-10:00",
    ),
    (
        "start: 2026-11-23\nprofiles: {office: {08:00-09:00: 1, 08:30: 1}}",
        "2:20: '08:30' names a half hour again; name each once",
    ),
    (
        "start: 2026-11-23\ncallers: {aachen: {talk: {kind: lognormal, mean_s: 5}}}",
        "2:26: lognormal needs 'cv'; write {kind: lognormal, mean_s: …, cv: …}",
    ),
    (
        "start: 2026-11-23\ncallers: {aachen: {topics: {benefits: 1}}}",
        "2:29: topic 'benefits' does not exist; known: general",
    ),
    ("start: 2026-11-23\nroster: {achen: []}", "2:10: team 'achen' does not exist; did you mean 'aachen'?"),
    (
        "start: 2026-11-23\nroster: {aachen: [{agents: 2, breaks: {12:00-13:00: 3}}]}",
        "2:19: 3 of 2 agents are away in the break 12:00-13:00; lower the break",
    ),
    (
        "start: 2026-11-23\nroster: {aachen: [{agents: 3, breaks: {12:00-12:30: 2, 12:15-12:45: 2}}]}",
        "2:19: 4 of 3 agents are away when the break 12:15-12:45 begins; move a break, or lower it",
    ),
    (
        "start: 2026-11-23\ncallers: {aachen: {arrivals: {per_day: 9, profile: {08:15-09:00: 1}}}}",
        "2:52: '08:15-09:00' begins or ends within a half hour; write it like 08:30 or 08:00-10:00",
    ),
    (
        "start: 2026-11-23\ncallers: {aachen: {arrivals: {per_hour: 9,5}}}",
        "2:43: unknown key '5'; write decimal numbers with a point, like 9.5, and a blank after a comma that parts",
    ),
    (
        "start: 2026-11-23\ncallers: {aachen: {topics: {general: 0}}}",
        "2:20: no topic has a share; give one of them a share above 0",
    ),
    (
        "start: 2026-11-23\nroster: {aachen: [{agents: 2, hours: 08:00-12:00, breaks: {12:00-13:00: 1}}]}",
        "2:19: the break 12:00-13:00 lies outside the duty; move the break, or the hours",
    ),
    (
        "start: 2026-11-23\nroster: {aachen: [{agents: 2, from_s: 5, hours: 08:00-12:00}]}",
        "2:19: a duty has days and hours, or from_s and to_s; write hours: 08:00-18:00, or both seconds",
    ),
    (
        "start: 2026-11-23\nchanges:\n  - agreement magdeburg-gera of",
        "3:5: 'of' cannot be said of the agreement; did you mean 'off'?",
    ),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_a_mistake_is_refused_with_its_place_and_mend(text: str, message: str, network: Plan, tmp_path: Path) -> None:
    """Exactly this error, with file:line:col."""
    with pytest.raises(ConfigError) as caught:
        case(network, tmp_path, text)
    assert [str(problem).replace(f"{tmp_path}/scenario.yaml:", "") for problem in caught.value.problems] == [message]


def test_several_mistakes_come_at_once(network: Plan, tmp_path: Path) -> None:
    """In the order of their places."""
    text = "start: x\ndays: 0\ncallers: {aachen: {withheld: 2}}\n"
    with pytest.raises(ConfigError) as caught:
        case(network, tmp_path, text)
    assert [problem.place.line for problem in caught.value.problems] == [1, 2, 3]


SENTENCES = [
    ("agrement x off", "'agrement x off' is no change; did you mean 'agreement'?"),
    ("agreement magdeburg-gera", "'agreement magdeburg-gera' says too little; write 'agreement NAME WHAT', WHAT being"),
    ("agreement gera off", "agreement 'gera' does not exist; "),
    ("agreement magdeburg-gera reserve=many", "'reserve=many' sets nothing; write reserve=2"),
    (
        "agreement magdeburg-gera reserve=none",
        "reserve cannot be none; write reserve=N, N being a whole number from 0 to",
    ),
    (
        "agreement magdeburg-gera reserve=2.5",
        "reserve cannot be 2.5; write reserve=N, N being a whole number from 0 to",
    ),
    ("agreement magdeburg-gera max_calls=1000001", "max_calls cannot be 1000001; write max_calls=N, N being a whole"),
    (
        "agreement magdeburg-gera lender_health=150",
        "lender_health cannot be 150; write lender_health=N, N being a number",
    ),
    ("agreement magdeburg-gera reserve=1.2.3", "'1.2.3' is no number; write reserve=2"),
    ("agreement magdeburg-gera reserve=aachen:3", "team 'aachen' does not lend under 'magdeburg-gera'; known: "),
    ("agreement magdeburg-gera reserve=3 at 10:00", "reserve cannot change within a run; leave the time out"),
    ("agreement magdeburg-gera off at 25:00", "'25:00' is no time of day; write it like 09:30"),
    ("agreement magdeburg-gera off 12:00-11:00", "'12:00-11:00' ends before it begins; write it like 10:00-12:00"),
    ("agreement magdeburg-gera off at noon", "'noon' is no time of day; write it like 09:30"),
    ("agreement magdeburg-gera off tomorrow", "'tomorrow' is no time; write at 10:00, until 12:00 or 10:00-12:00"),
    ("agreement magdeburg-gera off Mon-Fry", "'Fry' is no weekday; use Mon, Tue"),
    ("team aachen +1, team aachen -1", "a comma stands in 'team aachen +1, team aachen -1'; part sentences by ';'"),
    (
        "hotline aachen calls +12,5%",
        "a comma stands in 'hotline aachen calls +12,5%'; part sentences by ';', write numbers",
    ),
    ("team aachen five", "'five' is no number of agents; write +5, -5 or =12"),
    ("hotline aachen calls 20%", "'20%' is no change of calls; write 'calls +20%' or 'calls -20%'"),
    ("hotline aachen talk +5% at 10:00", "talk cannot change within a run; leave the time out"),
    ("hotline agency-magdeburg pooled at 10:00", "desks cannot be pooled within a run; leave the time out"),
    ("hotline aachen pooled", "nobody dials desks of 'aachen' here; leave 'pooled' out, or give its callers desks"),
    (
        "hotline aachen priority=0.5",
        "priority cannot be 0.5; write priority=N, N being a whole number from -100 to 100",
    ),
    ("hotline aachen target_s=0", "target_s cannot be 0; write target_s=N, N being a number from 0.001 to 86400"),
    ("hotline aachen line_max=0", "line_max cannot be 0; write line_max=N, N being a whole number from 1 to 1000000"),
    ("hotline aachen calls +100000%", "'+100000%' is no change of calls; write 'calls +20%' or 'calls -20%', up to"),
    ("hotline aachen ring_max_s=aachen:3", "'ring_max_s=aachen:3' sets nothing; write ring_max_s=2 or none"),
    ("site gera down", "'down' says not when the site is lost; write down 11:00-11:20, or up"),
    ("site gera up 11:00-12:00", "'11:00-12:00' says when the site is lost again; write up at 11:00"),
]


@pytest.mark.parametrize(("text", "message"), SENTENCES)
def test_a_sentence_that_is_not_understood_says_what_would_be(text: str, message: str, network: Plan) -> None:
    """What is wrong and the mend, with 'did you mean'."""
    with pytest.raises(ChangeError) as caught:
        understood(text, network, desks=["agency-magdeburg"])
    assert str(caught.value).startswith(message)


def test_rosters_add_up_by_day_with_breaks_and_changes(network: Plan, tmp_path: Path) -> None:
    """Two duties, a break, five fewer whenever somebody is there, and two more for an hour."""
    text = """
start: 2026-11-20        # a Friday
days: 2
roster:
  aachen:
    - {days: Mon-Fri, hours: [08:00-12:00, 13:00-18:00], agents: 10, breaks: {10:00-10:30: 3}}
    - {days: Sat, hours: 09:00-12:00, agents: 6}
    - {from_s: 39600, to_s: 41400, agents: 1}
changes: [team aachen -5, team aachen +2 Fri 16:00-17:00, team aachen =1 Sat 11:00-24:00]
"""
    steps = case(network, tmp_path, text).setting.crews["aachen"]
    assert [(us / HOUR_US, number) for us, number in steps if us < 48 * HOUR_US] == [
        (0, 0), (8, 5), (10, 2), (10.5, 5), (11, 6), (11.5, 5), (12, 0), (13, 5), (16, 7), (17, 5), (18, 0), (24 + 9, 1)
    ]  # fmt: skip


def test_a_team_that_no_roster_names_is_always_there(network: Plan, tmp_path: Path) -> None:
    """All its agents, all the time; more are made where somebody asks for them, with the skills of those there are."""
    made = case(network, tmp_path, "start: 2026-11-23\nchanges: [team agency-gera +2]")
    assert made.setting.crews["agency-gera"] == ((0, 22),)
    more = [agent for agent in made.plan.agents if agent.id.startswith("gera/more")]
    assert [agent.skills for agent in more] == [network.agents[82].skills] * 2


def test_switches_happen_when_the_sentences_say(network: Plan, tmp_path: Path) -> None:
    """Spans return to what is configured; days may be named; a site is lost and comes back."""
    text = """
start: 2026-11-23 09:00
days: 2
changes:
  - agreement magdeburg-gera off at 10:00
  - agreement magdeburg-gotha off Tue 10:00-11:00
  - hotline aachen closed 08:00-09:30
  - site gera down 2026-11-24 11:00-11:20
"""
    made = case(network, tmp_path, text).setting.switches
    day_us = 24 * HOUR_US
    off, gotha_off, gotha_on = (
        AgreementSwitched(name, enabled)
        for name, enabled in (("magdeburg-gera", False), ("magdeburg-gotha", False), ("magdeburg-gotha", True))
    )
    closed, normal = (HotlineSwitched("aachen", mode) for mode in (HotlineMode.CLOSED, HotlineMode.NORMAL))
    assert [switch for switch in made if switch.at_us < 2 * day_us - 9 * HOUR_US] == [
        Switch(0, Kind.SWITCH, closed),
        Switch(HOUR_US // 2, Kind.SWITCH, normal),
        Switch(HOUR_US, Kind.SWITCH, off),
        Switch(day_us - HOUR_US, Kind.SWITCH, closed),
        Switch(day_us + HOUR_US // 2, Kind.SWITCH, normal),
        Switch(day_us + HOUR_US, Kind.SWITCH, gotha_off),
        Switch(day_us + 2 * HOUR_US, Kind.SWITCH, gotha_on),
        Switch(day_us + 2 * HOUR_US, Kind.SITE_DOWN, "gera"),
        Switch(day_us + 2 * HOUR_US + HOUR_US // 3, Kind.SITE_UP, "gera"),
    ]


def test_settings_hold_for_the_whole_run(network: Plan, tmp_path: Path) -> None:
    """A scenario's ring limit, an agreement's reserve by lender, caps, switches without a time."""
    text = """
start: 2026-11-23
callers: {aachen: {ring_max_s: null}}
changes:
  - agreement magdeburg-gera reserve=agency-gera:7
  - agreement magdeburg-gera max_calls=none
  - agreement magdeburg-gotha off
  - hotline agency-gera ring_max_s=30
  - hotline agency-gera priority=1
"""
    made = case(network, tmp_path, text).plan
    hotlines = {one.name: one for one in made.hotlines}
    assert (hotlines["aachen"].ring_max_s, hotlines["agency-gera"].ring_max_s) == (None, 30)
    assert hotlines["agency-gera"].priority == 1
    assert [(one.lender, one.reserve, one.max_calls, one.enabled) for one in made.agreements] == [
        ("agency-magdeburg", 4, None, True),
        ("agency-gera", 7, None, True),
        ("agency-magdeburg", 4, 12, False),
        ("agency-gotha", 2, 6, False),
    ]


def test_a_line_is_bounded_only_where_the_files_say_so(network: Plan, tmp_path: Path) -> None:
    """The default bound is a guard against floods, which a simulation needs not."""
    network = replace(network, hotlines=tuple(replace(one, line_max=3) for one in network.hotlines))
    file = tmp_path / "scenario.yaml"
    file.write_text("start: 2026-11-23", encoding="utf-8")
    checked = read_scenario(file, network)
    made = make_case(network, checked.scenario, (), bounded={"aachen"}).plan
    assert {one.name for one in made.hotlines if one.line_max == 3} == {"aachen"}


def test_word_processors_and_lists_of_days_are_understood(network: Plan) -> None:
    """A dash where a hyphen is meant; days parted by commas."""
    dashed, plain = (understood(f"team aachen +1 Mon{sign}Tue,Thu 10:00{sign}12:00", network) for sign in "–-")
    assert dashed.when == plain.when
    assert plain.when.days == ("Mon", "Tue", "Thu")
