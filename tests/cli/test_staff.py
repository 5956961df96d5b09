"""`callrouter staff`: the smallest roster that reaches the target."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from callrouter.cli import main
from callrouter.config.load import load
from callrouter.sim.scenario import read_scenario
from callrouter.sim.staff import Search

CONFIG = Path(__file__).parents[2] / "config"
MORNING = """
start: 2026-11-23 08:00
callers:
  aachen:
    arrivals: {per_day: 120, profile: {08:00: 4, 08:30: 3, 09:30: 1}}
    talk: {mean_s: 200, cv: 0.8}
    patience: {kind: exponential, mean_s: 90}
"""


def staff(folder: Path, *words: str) -> Result:
    file = folder / "scenario.yaml"
    file.write_text(MORNING, encoding="utf-8")
    line = ["staff", str(CONFIG), "--scenario", str(file), "--processes", "1", "--runs", "3", *words]
    return CliRunner().invoke(main, line)


@pytest.mark.slow
def test_no_half_hour_can_spare_another_agent(tmp_path: Path) -> None:
    """Every half hour with calls reaches the target; with one agent less in any of them not all do."""
    data = tmp_path / "out.json"
    result = staff(tmp_path, "--reach", "0.85", "--json", str(data))
    assert result.exit_code == 0, result.output
    (told,) = json.loads(data.read_text(encoding="utf-8"))
    assert told["met"]
    roster = {int(one["from"][:2]) * 2 + int(one["from"][3:]) // 30: one["agents"] for one in told["half_hours"]}
    assert set(roster) == {16, 17, 19}
    assert roster[16] > roster[19] > 0
    assert all(one["within"]["value"] >= 0.85 for one in told["half_hours"])
    network = load(CONFIG).plan
    scenario = read_scenario(tmp_path / "scenario.yaml", network).scenario
    search = Search(network, scenario, (), "aachen", 0.85, 1, 3, 1)
    assert search.meets(roster)
    for slot, agents in roster.items():
        assert not search.meets({**roster, slot: agents - 1}), slot
    assert "- {agents: " in result.output


def test_a_team_without_callers_is_refused(tmp_path: Path) -> None:
    """With the teams that have some."""
    result = staff(tmp_path, "--team", "agency-gera")
    assert result.exit_code == 2
    assert "team 'agency-gera' has no callers; known: aachen" in result.output
