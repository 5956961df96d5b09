"""The shipped rules: sound, firing when they must, asking for metrics that exist, explained to whoever is called."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.deploy.prometheus import promtool
from tests.test_measures import full, values

REPO = Path(__file__).parents[2]
SHIPPED = REPO / "deploy/prometheus"
STORY = Path(__file__).with_name("alerts.yml")


def rules(name: str) -> list[dict[str, Any]]:
    groups = YAML(typ="safe").load(SHIPPED / f"{name}.rules.yml")["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = rules("alerts")


def test_configuration_is_sound() -> None:
    """Prometheus takes the shipped configuration with its rules as it is."""
    status, said = promtool("check", "config", "--lint-fatal", str(SHIPPED / "prometheus.yml"))
    assert status == 0, said


@pytest.mark.slow
def test_alerts_fire_when_they_must() -> None:
    """The rules do what alerts.yml says, and are silent where it says nothing."""
    status, said = promtool("test", "rules", str(STORY))
    assert status == 0, said


def test_each_alert_is_seen_to_fire() -> None:
    """None is shipped that no story has brought to fire."""
    told = STORY.read_text()
    assert [rule["alert"] for rule in ALERTS if rule["alert"] not in told] == []


def test_rules_ask_for_metrics_that_exist() -> None:
    """A renamed metric would silence its alert for ever."""
    text = "".join(path.read_text() for path in SHIPPED.glob("*.rules.yml"))
    asked = set(re.findall(r"(?<![:\w])callrouter_\w+", text))
    told = {name.partition("{")[0].removesuffix("_bucket") for name in values(full())}
    assert asked <= told, asked - told
    recorded = {rule["record"] for rule in rules("recording")}
    used = set(re.findall(r"hotline:callrouter\w+:\w+", text))
    assert used == recorded


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_whoever_is_called_knows_what_to_do(rule: dict[str, Any]) -> None:
    """Each alert says in a sentence what is the matter, what it means, what to do, and where more is written."""
    assert set(rule["annotations"]) == {"summary", "description", "mend", "runbook"}
    assert rule["labels"]["severity"] in ("critical", "warning")
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor == rule["alert"].lower()
    sections = re.findall(r"^### (\w+)$", (REPO / page).read_text(), re.MULTILINE)
    assert rule["alert"] in sections
