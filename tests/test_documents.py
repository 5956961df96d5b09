"""What README and docs show is what happens: commands and what they print, YAML, the API, links, make targets."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from callrouter.cli import main
from callrouter.config.load import SECTIONS, load
from callrouter.config.model import Model
from callrouter.config.schema import RetentionDays, Topic
from callrouter.web import api
from callrouter.web.models import SwitchIn
from tests.config.folders import folder

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]  # decisions tell of what was, too
HOTLINE = """
sites:
  magdeburg:
    title: Magdeburg
    land: ST
    zone: Europe/Berlin
    asterisk: {host: 127.0.0.1, user: callrouter, secret: {env: CALLROUTER_MAGDEBURG}}
    trunk: {carrier: carrier, sip: "127.0.0.1:5060"}
hotlines:
  example:
    title: Example
    site: gera
    numbers: 030 23125 000
    hours: {Mon-Fri: 08:00-18:00}
    teams: agency-gera
    topics: {general: {title: General}, benefit: {title: Benefit}}
    default_topic: general
"""  # what the document says is to follow
NAMES = [str(path.relative_to(ROOT)) for path in PAGES]


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def sessions(path: Path) -> Iterator[tuple[str, list[str]]]:
    """(command, the lines that follow it) of each `$ …` of the console blocks."""
    for block in blocks(path, "console"):
        for part in re.split(r"^\$ ", block.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
            command, *output = part.rstrip("\n").split("\n")
            yield command, output


def commands(text: str) -> Iterator[list[str]]:
    """The words of every `callrouter COMMAND …` in it, up to what the shell would take for itself."""
    for found in re.finditer(r"\bcallrouter ([a-z][^`\n]*(?:\\\n[^`\n]*)*)", text):
        said = re.split(r" [|>#]|;|  ", found[1].replace("\\\n", " "))[0]
        try:
            words = shlex.split(said)
        except ValueError:  # an apostrophe: this is prose
            words = said.split()
        if words[0] in main.list_commands(click.Context(main)) and len(words) > 1:
            yield words


def run(line: str) -> str:
    """What a command of the README prints; it must succeed."""
    program, *arguments = shlex.split(line, comments=True)
    assert program == "callrouter"
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def shown(wanted: str) -> tuple[str, list[str]]:
    """The one session of the README whose command begins so."""
    (found,) = [session for session in sessions(README) if session[0].startswith(wanted)]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_option_that_is_named_exists(name: str) -> None:
    """Each `callrouter COMMAND --option` names options that the command has."""
    for words in commands((ROOT / name).read_text(encoding="utf-8")):
        context = click.Context(main)
        command = main.get_command(context, words[0])
        if isinstance(command, click.Group) and not words[1].startswith("-"):
            command = command.get_command(context, words[1])
        assert command is not None, words
        known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
        named = {word.split("=")[0].rstrip(".,:)") for word in words if word.startswith("--")}
        assert named <= known, f"callrouter {' '.join(words)}"


def test_every_make_target_that_is_named_exists() -> None:
    """`make NAME` in README and docs is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in DOCUMENTS:
        named = re.findall(r"(?:`|^)make ([a-z]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= targets, path


def test_every_link_to_a_file_leads_somewhere() -> None:
    """Relative links, pictures included, name files and headings that are there."""
    for path in DOCUMENTS:
        text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            file, _, heading = target.partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            to = path.parent / file if file else path
            assert to.exists(), f"{path.name}: {target}"
            if heading:
                headings = re.findall(r"^#+ (.*)$", to.read_text(encoding="utf-8"), re.MULTILINE)
                slugs = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
                assert heading in slugs, f"{path.name}: {target}"


def test_the_agreement_that_the_readme_shows_is_the_shipped_one() -> None:
    """The README's YAML is word for word part of config/."""
    (block,) = blocks(README, "yaml")
    yaml = YAML(typ="safe")
    shown = yaml.load(block)["agreements"]
    shipped = yaml.load((ROOT / "config" / "agreements.yaml").read_text(encoding="utf-8"))["agreements"]
    assert shown.items() <= {name: {key: shipped[name][key] for key in shown[name]} for name in shown}.items()


def test_the_yaml_in_the_docs_is_good(tmp_path: Path) -> None:
    """The keys of a hotline, the pages and single sign-on can be copied as they stand."""
    (_, hotline) = blocks(ROOT / "docs" / "configuration.md", "yaml")
    (pages,) = blocks(ROOT / "docs" / "pages.md", "yaml")
    lines = "".join(f"    {line}\n" for line in hotline.splitlines())
    loaded = load(folder(tmp_path, hotline=HOTLINE + lines, pages=pages))
    example = next(one for one in loaded.plan.hotlines if one.name == "example")
    assert example.menu is not None
    assert loaded.network.service.pages is not None


def keys(model: type[Model]) -> set[str]:
    """As they are written in YAML."""
    return {info.alias or name for name, info in model.model_fields.items()}


def test_every_key_of_the_configuration_is_in_its_document() -> None:
    """The table of docs/configuration.md names all that may stand in a section; topics and retention are explained."""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+):` \| (.*) \|$", text, re.MULTILINE))
    for section, model in SECTIONS.items():
        assert keys(model) - set(re.findall(r"\w+", rows[section])) == set(), section
    (topics,) = re.findall(r"^\*\*Topics\*\* .*?\n\n", text, re.MULTILINE | re.DOTALL)
    assert keys(Topic) - {"title"} <= set(re.findall(r"\w+", topics))
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (kept,) = re.findall(r"^## Erasing\n(.*?)^## ", operations, re.MULTILINE | re.DOTALL)
    assert {f"`{key}`" for key in keys(RetentionDays)} <= set(re.findall(r"`\w+`", kept))


def test_the_api_call_that_the_readme_shows_is_one() -> None:
    """Its address is an operation of the API, and its body what that takes."""
    text = README.read_text(encoding="utf-8")
    (call,) = [block for block in blocks(README, "sh") if "Authorization" in block]
    found = re.search(r"-d '(.*?)'.*?8080/api/v1(\S+)", call, re.DOTALL)
    assert found is not None
    TypeAdapter(SwitchIn).validate_python(json.loads(found[1]))
    paths = [re.sub(r"{[^}]+}", "[^/]+", operation.path) for operation in api.OPERATIONS if operation.method == "POST"]
    assert any(re.fullmatch(path, found[2]) for path in paths)
    assert all(f"/{path}" in text for path in ("metrics", "healthz", "readyz"))


@pytest.mark.slow
def test_the_readme_s_questions_have_the_answers_that_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """`check`, `explain` and `route-test` on the shipped network print what the README says, to the letter."""
    monkeypatch.chdir(ROOT)
    asked = [session for session in sessions(README) if session[0].split()[1] in ("check", "explain")]
    assert len(asked) == 3
    for command, output in asked:
        printed = run(command)
        assert not output or printed.splitlines() == output, command
    run("callrouter route-test config/route-tests/network.yaml")


@pytest.mark.slow
def test_the_readme_s_forecast_is_what_the_simulator_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """`whatif` names the same hotline, with figures that lie within the interval that the README gives."""
    monkeypatch.chdir(ROOT)
    command, (*_, sentence) = shown("callrouter whatif")
    figures = r"(\d+\.\d) ± (\d+\.\d) points between (\d+) and (\d+)"
    said = re.search(figures, sentence)
    assert said is not None
    begin = sentence[: said.start()]
    (line,) = [line for line in run(command).splitlines() if line.startswith(begin)]
    told = re.search(figures, line)
    assert told is not None
    assert abs(float(told[1]) - float(said[1])) <= float(said[2]), f"the README says {sentence!r}, not {line!r}"
