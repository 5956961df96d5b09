"""Each mistake has a fixture named after it that begins with the exact message it must give."""

from __future__ import annotations

from pathlib import Path

import pytest

from callrouter.config.load import load
from callrouter.config.source import ConfigError
from tests.config.folders import HERE, folder

EXPECT = "# expect: "
BAD = sorted(HERE.glob("bad_*.yaml"))
ODD = sorted(HERE.glob("odd_*.yaml"))


def _expected(fixture: Path) -> list[str]:
    lines = fixture.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(EXPECT) for line in lines if line.startswith(EXPECT)]


def _named(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("fixture", BAD, ids=_named)
def test_a_mistake_is_refused_with_its_place_and_mend(fixture: Path, tmp_path: Path) -> None:
    """A bad file gives exactly the errors that it announces, each with file:line:col and the mend."""
    where = folder(tmp_path, **{fixture.stem: fixture.read_text(encoding="utf-8")})
    with pytest.raises(ConfigError) as caught:
        load(where)
    assert [str(problem).replace(f"{where}/", "") for problem in caught.value.problems] == _expected(fixture)


@pytest.mark.parametrize("fixture", ODD, ids=_named)
def test_an_oddity_is_warned_of_and_taken(fixture: Path, tmp_path: Path) -> None:
    """An odd but legal file loads, with exactly the warnings that it announces."""
    where = folder(tmp_path, **{fixture.stem: fixture.read_text(encoding="utf-8")})
    assert [str(problem).replace(f"{where}/", "") for problem in load(where).warnings] == _expected(fixture)


def test_every_fixture_announces_something() -> None:
    """No fixture passes because it expects nothing."""
    assert len(BAD) > 70
    assert len(ODD) > 10
    assert all(_expected(fixture) for fixture in [*BAD, *ODD])


def test_all_errors_come_at_once(tmp_path: Path) -> None:
    """Errors of different kinds, entries and files are reported together, in the order of their places."""
    where = folder(
        tmp_path,
        one="teams:\n  night:\n    title: Nacht\n    site: gear\n    ring_s: x\n    wrap_up_s: -1\n",
        two="hotlines: {\n",
        zoo="hotlines:\n  h:\n    title: H\n    site: gear\n    numbers: 030 23125 000\n    teams: nigth\n",
    )
    with pytest.raises(ConfigError) as caught:
        load(where)
    assert [str(problem).replace(f"{where}/", "") for problem in caught.value.problems] == [
        "one.yaml:5:13: ring_s: 'x' is no whole number; write digits only",
        "one.yaml:6:16: wrap_up_s: '-1' is out of bounds; use at least 0",
        "two.yaml:2:1: not YAML: expected the node content, but found '<stream end>'; "
        "check indentation, colons and brackets",
        "zoo.yaml:4:11: site 'gear' does not exist; did you mean 'gera'?",
        "zoo.yaml:6:12: team 'nigth' does not exist; did you mean 'night'?",
    ]


@pytest.mark.parametrize("name", ["bad_secret_literal", "bad_database_password"])
def test_a_secret_is_never_shown(name: str, tmp_path: Path) -> None:
    """A secret written by mistake appears in no message."""
    text = (HERE / f"{name}.yaml").read_text(encoding="utf-8")
    assert "hunter2" in text
    with pytest.raises(ConfigError) as caught:
        load(folder(tmp_path, secret=text))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "service:\n  tokens: [hunter2-hunter2-hunter2]\n",
        "service:\n  tokens: hunter2-hunter2-hunter2\n",
        "service:\n  mail: hunter2-hunter2-hunter2\n",
        "service:\n  caller_key: hunter2-hunter2-hunter2\n",
        "sites:\n  jena: {title: J, land: TH, trunk: {sip: a}, asterisk: hunter2-hunter2-hunter2}\n",
    ],
)
def test_a_secret_at_the_wrong_place_is_not_shown_either(text: str, tmp_path: Path) -> None:
    """Where an entry stands that names a secret, the secret itself may be written by mistake."""
    (tmp_path / "one.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_not_utf8_is_named_with_the_byte(tmp_path: Path) -> None:
    """A file in another encoding is refused at the first byte that is wrong."""
    where = folder(tmp_path)
    (where / "latin.yaml").write_bytes("teams:\n  night: {title: Börde}\n".encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        load(where)
    assert str(caught.value) == f"{where}/latin.yaml:2:19: not UTF-8; save the file in UTF-8"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """What looks like a YAML file but is none is told beside the other errors."""
    where = folder(tmp_path, more="team: {}\n")
    (where / "folder.yaml").mkdir()
    with pytest.raises(ConfigError) as caught:
        load(where)
    assert [str(problem).replace(f"{where}/", "") for problem in caught.value.problems] == [
        "folder.yaml: cannot be read: Is a directory; check its name",
        "more.yaml:1:1: unknown key 'team'; did you mean 'teams'?",
    ]


@pytest.mark.parametrize("broken", [b"teams:\n\tnight: {}\n", b"teams:\n  night: {title: B\xf6rde}\n"])
def test_a_file_that_cannot_be_read_hides_no_mistake_behind_false_ones(broken: bytes, tmp_path: Path) -> None:
    """Names that may be in it are not called unknown: one slip is one error, not one for each use of a name."""
    where = folder(tmp_path, more="hotlines:\n  h: {title: H, site: gera, numbers: 030 23125 000, teams: night}\n")
    (where / "teams.yaml").write_bytes(broken)
    with pytest.raises(ConfigError) as caught:
        load(where)
    assert [Path(problem.place.file).name for problem in caught.value.problems] == ["teams.yaml"]


@pytest.mark.slow
def test_brackets_without_end_are_an_error(tmp_path: Path) -> None:
    """Nesting deeper than any reader follows is refused, not a crash."""
    with pytest.raises(ConfigError, match=r"deep\.yaml"):
        load(folder(tmp_path, deep="teams: " + "[" * 5000 + "]" * 5000))


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A missing folder and a folder without YAML files are errors, not an empty network."""
    with pytest.raises(ConfigError, match=r"no such folder .*; name the folder that holds the YAML files"):
        load(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"no \*.yaml file here"):
        load(tmp_path)


@pytest.mark.slow
def test_aliases_that_multiply_are_stopped(tmp_path: Path) -> None:
    """A file of aliases of aliases, which would grow to a billion values, is an error."""
    levels = "\n".join(f"  l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 9))
    with pytest.raises(ConfigError, match="an alias repeats itself without end"):
        load(folder(tmp_path, bomb=f"teams:\n  l0: &l0 [x]\n{levels}\n"))


def test_a_configuration_without_a_site_is_refused(tmp_path: Path) -> None:
    """A folder that is the wrong one, or a file that an editor has just emptied, is no network to begin with."""
    (tmp_path / "service.yaml").write_text("service: {listen: 127.0.0.1:8080}\n")
    with pytest.raises(ConfigError, match="names no site, so nothing could be routed; add 'sites:' with one"):
        load(tmp_path)


def test_two_tokens_of_one_name_are_refused(tmp_path: Path) -> None:
    """The name of an API token says who acted: it stands for one only."""
    (tmp_path / "service.yaml").write_text(
        "service:\n  tokens:\n    - {name: ops, secret: {env: A}}\n    - {name: ops, secret: {env: B}}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert str(caught.value) == f"{tmp_path}/service.yaml:4:14: token 'ops' stands twice; rename one"
