"""explain and route-test answer with the production router and say clearly what they cannot answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from callrouter.cli import main

CONFIG = str(Path(__file__).parents[2] / "config")
MONDAY = "2026-11-23 09:14"


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, args)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def explain(*args: str) -> tuple[int, str]:
    return run("explain", CONFIG, "--hotline", "agency-gera", "--at", MONDAY, *args)


def test_explain_names_the_agent_the_agreement_and_the_reason() -> None:
    """With Gera busy, Magdeburg's longest idle agent is rung, and every other candidate has his reason."""
    status, text = explain("--busy", "agency-gera")
    assert status == 0
    assert text.startswith("offered to magdeburg/1001 (agency-magdeburg) under agreement magdeburg-gera: overflow by")
    assert "agency-gera: 20 × on a call of his own" in text
    assert "49 × free, but not his turn" in text


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--busy", "agency-gera", "--agreement", "magdeburg-gera=off"), "agreement off"),
        (("--busy", "agency-gera", "--busy", "agency-magdeburg"), "nobody free in agency-magdeburg"),
        (("--logged-out", "agency-gera", "--site-down", "magdeburg"), "nobody free in agency-magdeburg"),
        (("--topic", "benefit", "--logged-out", "agency-magdeburg"), "rung"),
        (("--agreement", "magdeburg-gera=on"), "agency-gera: 19 × free, but not his turn"),
    ],
)
def test_explain_says_why_not(args: tuple[str, ...], words: str) -> None:
    """Each obstacle has its own words."""
    status, text = explain(*args)
    assert status == 0
    assert words in text


def test_explain_gives_every_agent_as_json() -> None:
    """For tools: outcome, agents and one entry for each candidate."""
    status, text = explain("--json")
    answer = json.loads(text)
    assert (status, answer["outcome"], answer["agents"]) == (0, "offered", ["gera/2001"])
    assert len(answer["candidates"]) == 70


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--busy", "nobody"), "there is no team or agent 'nobody'"),
        (("--agreement", "nothing=off"), "there is no agreement 'nothing'"),
        (("--agreement", "magdeburg-gera"), "is not a switch; write it as magdeburg-gera=off"),
        (("--site-down", "nowhere"), "there is no site 'nowhere'"),
        (("--topic", "weather"), "has no topic 'weather'"),
        (("--at", "tomorrow"), "is not a time; write it as '2026-11-23 09:14'"),
        (("--hotline", "nobody"), "there is no hotline 'nobody'"),
    ],
)
def test_explain_says_what_it_does_not_know(args: tuple[str, ...], words: str) -> None:
    """A wrong name or time is an error with the mend, not an answer."""
    status, text = explain(*args)
    assert status == 1
    assert words in text


def test_a_broken_configuration_is_shown_with_its_place(tmp_path: Path) -> None:
    """explain on a folder with an error prints file:line:col and ends with 1."""
    (tmp_path / "sites.yaml").write_text("sites:\n  gera: {title: Gera\n")
    status, text = run("explain", str(tmp_path), "--hotline", "x", "--at", MONDAY)
    assert status == 1
    assert "sites.yaml:" in text


def test_the_shipped_table_passes() -> None:
    """The example network does what the mission says."""
    status, text = run("route-test", f"{CONFIG}/route-tests/network.yaml", "--config", CONFIG)
    assert (status, text.splitlines()[-1]) == (0, "13 passed, 0 failed")


def test_a_failing_expectation_shows_the_difference_and_its_line(tmp_path: Path) -> None:
    """Expected against got, what the router says, where the case stands, status 1."""
    table = tmp_path / "table.yaml"
    table.write_text(
        "tests:\n"
        "  - {name: wrong, hotline: agency-gera, at: 2026-11-23 09:14, expect: {team: aachen, agent: gera/2002}}\n"
        "  - {name: no such, hotline: nobody, at: 2026-11-23 09:14, expect: {outcome: waits}}\n"
    )
    status, text = run("route-test", str(table), "--config", CONFIG)
    assert status == 1
    assert "table.yaml:2:" in text
    assert "team: expected 'aachen', got 'agency-gera'" in text
    assert "agent: expected 'gera/2002', got gera/2001" in text
    assert "there is no hotline 'nobody'" in text
    assert text.endswith("0 passed, 2 failed\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("tests: [", "bad.yaml:1:"),
        (
            "tests:\n  - {name: x, hotline: h, at: now, expect: {tema: x}}\n",
            "bad.yaml:2:45: unknown key 'tema'; did you",
        ),
        ("tests:\n  - {name: x}\n", "'hotline' is missing; add 'hotline: …'"),
        ("tests:\n  - {name: x, hotline: h, at: now, expect: {}}\n", "nothing is expected, so this could not fail"),
        ("tests: []\n", "name at least one"),
        ("", "'this' is empty"),
        ("tests: Börde", "not UTF-8"),
    ],
)
def test_a_bad_table_is_refused_at_its_place(tmp_path: Path, content: str, words: str) -> None:
    """Syntax errors, unknown and missing keys, a table that could not fail, another encoding."""
    table = tmp_path / "bad.yaml"
    table.write_bytes(content.encode("latin-1"))
    status, text = run("route-test", str(table), "--config", CONFIG)
    assert status == 1
    assert words in text
