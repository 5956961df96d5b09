"""`callrouter prompts` and what `callrouter check` says of prompts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from callrouter.cli import main
from callrouter.prompts import voice
from tests.config.folders import folder
from tests.needs import program

TEXTS = """
hotlines:
  h:
    title: H
    site: gera
    numbers: 030 23125 000
    teams: agency-gera
    languages: [de, en]
    announcements: {busy: {de: Besetzt., en: Busy.}}
  k:
    title: K
    site: gotha
    numbers: 030 23125 001
    teams: agency-gotha
    hours: {Mon: 08:00-18:00}
    announcements: {welcome: Guten Tag.}
"""


@pytest.fixture
def needs_voice() -> None:
    program(voice.PROGRAM, "sh tests/espeak.sh")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.usefixtures("needs_voice")
@pytest.mark.slow
def test_build_then_check_then_change(tmp_path: Path) -> None:
    """What is built is good; a changed text is stale until it is built again, and only it is."""
    where = folder(tmp_path, more=TEXTS)
    out = tmp_path / "out"
    result = run("prompts", "check", where, "--out", out)
    assert result.exit_code == 1
    assert result.output.endswith(f"missing: k-welcome-de\n{out}: 3 missing, 0 stale (3 prompts)\n")
    result = run("prompts", "build", where, "--out", out)
    assert (result.exit_code, result.output) == (0, f"{out}: 3 spoken, 0 from recordings, 0 unchanged, 0 removed\n")
    assert run("prompts", "check", where, "--out", out).output == f"{out}: good (3 prompts)\n"
    folder(tmp_path, more=TEXTS.replace("Guten Tag.", "Guten Morgen."))
    result = run("prompts", "check", where, "--out", out, "--json")
    assert result.exit_code == 1
    assert json.loads(result.output)["stale"] == ["k-welcome-de"]
    assert "1 spoken, 0 from recordings, 2 unchanged" in run("prompts", "build", where, "--out", out).output
    assert "3 spoken" in run("prompts", "build", where, "--out", out, "--all").output


@pytest.mark.usefixtures("needs_voice")
def test_a_site_gets_its_own_sounds_only(tmp_path: Path) -> None:
    """Each Asterisk plays what its hotlines say."""
    where = folder(tmp_path, more=TEXTS)
    assert run("prompts", "build", where, "--out", tmp_path / "out", "--site", "gotha").exit_code == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["k-welcome-de.wav", "k-welcome-de.wav16", "manifest.json"]
    assert (
        "site 'goth' does not exist; did you mean 'gotha'?"
        in run("prompts", "check", where, "--out", tmp_path, "--site", "goth").output
    )


@pytest.mark.usefixtures("needs_voice")
def test_check_warns_of_missing_and_stale_prompts_where_the_folder_is_known(tmp_path: Path) -> None:
    """With service.prompts_dir, and only then; warnings do not change the status."""
    where = folder(tmp_path, more=TEXTS)
    assert "0 warnings" in run("check", where).output
    text = (where / "a_network.yaml").read_text()
    (where / "a_network.yaml").write_text(f"{text}  prompts_dir: {tmp_path}/sounds\n")
    result = run("check", where)
    assert result.exit_code == 0
    mend = "run 'callrouter prompts build'"
    assert (
        f"{tmp_path}/sounds: warning: prompts are missing: h-busy-de, h-busy-en, k-welcome-de; {mend}\n"
        in result.output
    )
    assert run("prompts", "build", where).exit_code == 0
    assert "0 warnings" in run("check", where).output
    folder(tmp_path, more=TEXTS.replace("Busy.", "All lines are busy."))
    (where / "a_network.yaml").write_text(f"{text}  prompts_dir: {tmp_path}/sounds\n")
    assert f"{tmp_path}/sounds: warning: prompts are stale: h-busy-en; {mend}\n" in run("check", where).output


def test_a_stray_recording_is_told(tmp_path: Path) -> None:
    """With the name that was probably meant."""
    where = folder(tmp_path, more=TEXTS)
    (where / "recordings").mkdir()
    (where / "recordings" / "k-welcom-de.wav").write_bytes(b"")
    text = "k-welcom-de.wav: warning: no text asks for this recording; did you mean 'k-welcome-de'?"
    assert text in run("prompts", "check", where, "--out", tmp_path / "out").output


def test_errors_name_the_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder for the sounds, a bad configuration, no voice."""
    where = folder(tmp_path, more=TEXTS)
    result = run("prompts", "build", where)
    assert (result.exit_code, result.output) == (
        2,
        "error: where are the sounds? give --out DIR, or set service.prompts_dir\n",
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("prompts", "build", where, "--out", tmp_path / "out")
    mend = "error: espeak-ng is not installed; on Debian: apt-get install espeak-ng\n"
    assert (result.exit_code, result.output) == (1, mend)
    folder(tmp_path, more="team: {}\n")
    result = run("prompts", "check", where, "--out", tmp_path)
    assert result.exit_code == 1
    assert "unknown key 'team'; did you mean 'teams'?" in result.output
