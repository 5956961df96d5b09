"""`callrouter user`: the first admin, and everything that can be done to an account without the pages."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from callrouter.cli import main
from callrouter.store.store import AuditEntry, Store

SERVICE = """
sites: {gera: {title: Gera, land: TH, asterisk: {host: 127.0.0.1, user: x, secret: {env: X}}, trunk: {sip: 127.0.0.1}}}
hotlines: {gera: {title: Gera, site: gera, numbers: 069 90009 200, teams: gera}}
teams: {gera: {title: Gera, site: gera, agents: "2001"}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "all.yaml").write_text(SERVICE + f"service: {{state_dir: {tmp_path / 'var'}}}\n")
    return tmp_path / "config"


def call(folder: Path, *words: str, keys: str = "") -> Result:
    return CliRunner().invoke(main, ["user", *words, "--config", str(folder)], input=keys)


def trail(folder: Path) -> list[AuditEntry]:
    async def read() -> list[AuditEntry]:
        store = Store(f"sqlite+aiosqlite:///{folder.parent / 'var' / 'callrouter.db'}", None, lambda: 0.0)  # type: ignore[arg-type]
        try:
            return await store.audit_trail()
        finally:
            await store.close()

    return asyncio.run(read())


def test_first_admin(folder: Path) -> None:
    """The password is asked for twice and must be good; then the account is there, and the audit trail has it."""
    told = call(folder, "add", "Anna", "--role", "admin", keys="short\nshort\n")
    assert told.exit_code == 1
    assert "at least 12 characters" in told.output
    good = "correct horse battery\n"
    told = call(folder, "add", "Anna", "--role", "admin", "--role", "supervisor:gera", keys=good + good)
    assert told.exit_code == 0, told.output
    assert "correct" not in told.output
    assert "anna" in call(folder, "list").output
    assert "admin, supervisor:gera" in call(folder, "list").output
    (entry,) = trail(folder)
    assert (entry.what, entry.after) == ("account Anna added", "admin, supervisor:gera")
    assert call(folder, "add", "ANNA", "--role", "ops", "--generate").exit_code == 2


def test_whole_life(folder: Path) -> None:
    """Roles, password, sessions and the account itself can be changed; an unknown one is an error."""
    made = call(folder, "add", "otto", "--role", "ops", "--generate", "--title", "Otto")
    assert "password: " in made.output
    assert call(folder, "roles", "otto", "--role", "agent:gera/2001").exit_code == 0
    assert "agent:gera/2001" in call(folder, "list").output
    again = call(folder, "password", "otto", "--generate")
    assert again.output.splitlines()[-1] != made.output.splitlines()[-1]
    for word in ("revoke", "disable"):
        assert call(folder, word, "otto").exit_code == 0
    assert "disabled" in call(folder, "list").output
    assert call(folder, "enable", "otto").exit_code == 0
    assert "disabled" not in call(folder, "list").output
    assert [entry.what for entry in trail(folder)][:3] == [
        "account otto enabled",
        "account otto disabled",
        "account otto sessions revoked",
    ]
    assert "there is no account 'nobody'" in call(folder, "disable", "nobody").output


@pytest.mark.parametrize(
    ("role", "mend"),
    [
        ("boss", "there is no role 'boss'"),
        ("supervisor", "write supervisor:SITE"),
        ("agent:gera", "write agent:SITE/NUMBER"),
        ("ops:gera", "write ops"),
        ("department:Ä", "no name of a site"),
    ],
)
def test_bad_roles(folder: Path, role: str, mend: str) -> None:
    """A role that is none, or lacks its site, is told with the mend."""
    told = call(folder, "add", "anna", "--role", role, "--generate")
    assert told.exit_code == 2
    assert mend in told.output


@pytest.mark.parametrize("words", [("user", "list"), ("callbacks", "list")])
def test_a_database_that_is_none_is_named(folder: Path, words: tuple[str, ...]) -> None:
    """Commands beside the service say which file it is, and what is wrong with it, in one line."""
    path = folder.parent / "var" / "callrouter.db"
    path.parent.mkdir()
    path.write_text("this is no database" * 100)
    result = CliRunner().invoke(main, [*words, "--config", str(folder)])
    assert (result.exit_code, result.stderr) == (2, f"error: the database sqlite:///{path}: file is not a database\n")
