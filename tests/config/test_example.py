"""The example that is shipped: the network of Magdeburg, Gera and Gotha, and Aachen."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
from click.testing import CliRunner
from ruamel.yaml import YAML

from callrouter.cli import main
from callrouter.config.json_schema import json_schema, json_schema_text
from callrouter.config.load import load
from callrouter.core.plan import Span
from tests.config.folders import EXAMPLE

FICTION = ("03023125", "06990009", "04066969", "02214710", "08999998")  # Bundesnetzagentur, Mitteilung 148/2021


def test_the_example_is_good_and_has_no_oddity() -> None:
    """What people copy must not teach them to ignore warnings."""
    assert load(EXAMPLE).warnings == ()


def test_the_example_is_the_network_of_the_mission() -> None:
    """Teams of 50, 32, 20, 18; two mutual agreements; the ARGE team lends and borrows nothing."""
    plan = load(EXAMPLE).plan
    sizes = {team.name: sum(agent.team == team.name for agent in plan.agents) for team in plan.teams}
    assert {
        "agency-magdeburg": 50,
        "arge-magdeburg": 32,
        "agency-gera": 20,
        "agency-gotha": 18,
    }.items() <= sizes.items()
    assert [(one.name, one.borrower, one.lender) for one in plan.agreements] == [
        ("magdeburg-gera", "agency-gera", "agency-magdeburg"),
        ("magdeburg-gera", "agency-magdeburg", "agency-gera"),
        ("magdeburg-gotha", "agency-gotha", "agency-magdeburg"),
        ("magdeburg-gotha", "agency-magdeburg", "agency-gotha"),
    ]
    arge = [hotline for hotline in plan.hotlines if hotline.name.startswith("arge-")]
    assert [hotline.teams for hotline in arge] == [("arge-magdeburg",)] * 5
    assert len({agent.phone for agent in plan.agents}) == len(plan.agents)
    assert all(len(agent.phone) == 4 for agent in plan.agents)


def test_aachen_is_as_announced() -> None:
    """0241-886810, Monday to Friday from 8 to 18, answered within 240 seconds."""
    aachen = next(one for one in load(EXAMPLE).plan.hotlines if one.name == "aachen")
    assert aachen.hours is not None
    assert aachen.numbers[0].digits == "0241886810"
    assert aachen.hours.weekly == (*((Span(28_800, 64_800),),) * 5, (), ())
    assert aachen.target_s == 240


def test_invented_numbers_are_free_for_fiction() -> None:
    """No number of the example can belong to somebody, but Aachen's own."""
    numbers = [number.digits for one in load(EXAMPLE).plan.hotlines for number in one.numbers]
    assert all(number.startswith(FICTION) and len(number) == 11 for number in numbers if number != "0241886810")


def test_the_committed_schema_is_current() -> None:
    """`callrouter schema > config/schema.json` was run after the last change of the models."""
    assert (EXAMPLE / "schema.json").read_text(encoding="utf-8") == json_schema_text()


def test_editors_accept_the_example_and_refuse_a_misspelt_key() -> None:
    """The files fit their schema as an editor reads them (numbers as numbers), and each names it."""
    jsonschema_rs.meta.validate(json_schema())
    validator = jsonschema_rs.validator_for(json_schema())
    files = sorted(EXAMPLE.glob("*.yaml"))
    assert len(files) == 7
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert text.startswith("# yaml-language-server: $schema=schema.json\n")
        value = json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))  # keys are text to an editor
        assert [error.message for error in validator.iter_errors(value)] == []
    assert not validator.is_valid({"teams": {"t": {"title": "T", "site": "s", "ring": 3}}})
    assert not validator.is_valid({"sites": {"s": {"asterisk": {"secret": "literal"}}}})


def test_check_says_good_with_a_summary() -> None:
    """`callrouter check` on the example ends with status 0 and counts what it found."""
    result = CliRunner().invoke(main, ["check", str(EXAMPLE)])
    assert result.exit_code == 0
    counts = "4 sites, 11 hotlines, 5 teams, 144 agents, 2 agreements, 6 departments, 7 places; 0 warnings"
    assert f"good ({counts}); version " in result.output


def test_check_as_json_names_every_place(tmp_path: Path) -> None:
    """With --json each problem has file, line, col, severity, what and mend; status 1."""
    (tmp_path / "x.yaml").write_text("team: {}\n")
    result = CliRunner().invoke(main, ["check", "--json", str(tmp_path)])
    answer = json.loads(result.output)
    assert result.exit_code == 1
    assert (answer["ok"], answer["version"]) == (False, None)
    assert answer["problems"] == [
        {
            "file": f"{tmp_path}/x.yaml",
            "line": 1,
            "col": 1,
            "severity": "error",
            "what": "unknown key 'team'",
            "mend": "did you mean 'teams'?",
        }
    ]


def test_check_looks_up_secrets_when_asked() -> None:
    """--secrets fails while any secret is missing that the service needs to start, and passes when all are there."""
    names = [f"CALLROUTER_AMI_{name}" for name in ("MAGDEBURG", "GERA", "GOTHA", "AACHEN")]
    names += [f"CALLROUTER_PHONES_{name}" for name in ("MAGDEBURG", "GERA", "GOTHA")]
    there: dict[str, str | None] = {**dict.fromkeys(names, "s"), "CALLROUTER_API_TOKEN": "t" * 32}

    def check(**other: str | None) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["check", "--secrets", str(EXAMPLE)], env={**there, **other})
        return result.exit_code, result.output

    assert check()[0] == 0
    for name, owner in (
        ("CALLROUTER_API_TOKEN", "service.tokens.ops.secret"),
        ("CALLROUTER_AMI_GERA", "sites.gera.asterisk.secret"),
        ("CALLROUTER_PHONES_GERA", "sites.gera.asterisk.phone_control.secret"),
    ):
        status, said = check(**{name: None})
        assert status == 1
        assert f"{owner}: environment variable {name} is not set" in said
    status, said = check(CALLROUTER_API_TOKEN="short")
    assert status == 1
    assert "the API token 'ops' must have at least 20" in said


def test_schema_prints_the_schema() -> None:
    """`callrouter schema` is the text that is committed."""
    assert CliRunner().invoke(main, ["schema"]).output == json_schema_text()
