"""`callrouter report` at the command line: what it reads, what it writes, and what it says when there is nothing."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from callrouter.cli.report import report
from callrouter.core.commands import CallFinished
from callrouter.desk.results import Disposition
from callrouter.desk.results import Result as Outcome
from callrouter.store.books import Books
from callrouter.store.results import Results
from callrouter.store.store import open_engine
from tests.store.records import batch, record

CONFIG = str(Path(__file__).parents[2] / "config")
DAY = "2027-01-15"  # of tests.store.records.START, 09:00 in Berlin


def kept(url: str, *records: CallFinished) -> None:
    """Records as the service keeps them."""

    async def keep() -> None:
        engine = await open_engine(url)
        try:
            if records:
                assert await Books(engine, key_of=lambda caller: caller).take("j", batch(*records)) is not None
        finally:
            await engine.dispose()

    asyncio.run(keep())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(report, [CONFIG, *arguments])


def test_reads_what_is_kept(url: str) -> None:
    """SQLite or PostgreSQL: the attempts of the day, none of the day before."""
    kept(
        url,
        record("gera/1", hotline="agency-gera", talk_s=60.0),
        record("gera/2", hotline="agency-gera", caller="2"),
        record("gera/3", hotline="agency-gera", at=-86_400.0, talk_s=60.0),
    )
    done = run("--day", DAY, "--database", url, "--format", "json")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    calls = data["hotlines"]["agency-gera"]["calls"]
    assert (calls["offered"], calls["answered"], calls["talk_s"]) == (2, 1, 60.0)
    assert (
        data["hotlines"]["agency-gera"]["demands_shown"] | {"open": 1, "ended": 1}
        == (data["hotlines"]["agency-gera"]["demands_shown"])
    )
    assert [slot["offered"] for slot in data["half_hours"] if slot["from"].startswith(f"{DAY}T09:00")] == [2]


def test_what_was_settled_in_the_first_talk(url: str, tmp_path: Path) -> None:
    """Resolved ÷ calls with a result, of the calls that arrived that day; those without one are counted apart."""
    today = (record(f"gera/{n}", hotline="agency-gera", talk_s=60.0) for n in range(4))
    kept(url, *today, record("gera/9", hotline="agency-gera", at=-86_400.0, talk_s=60.0))

    async def give() -> None:
        engine = await open_engine(url)
        async with engine.begin() as connection:
            for call, result in (("0", "resolved"), ("1", "callback"), ("2", "resolved"), ("9", "resolved")):
                given = Outcome(f"gera/{call}", "agency-gera", "general", Disposition(result), 1.0)
                assert await Results(engine).give(connection, given)
        await engine.dispose()

    asyncio.run(give())
    done = run("--day", DAY, "--database", url, "--format", "json")
    found = json.loads(done.stdout)["hotlines"]["agency-gera"]["results"]
    assert (found["given"], found["resolved"], found["missing"]) == (3, 2, 1)
    assert found["share_resolved"]["value"] == pytest.approx(2 / 3)
    out = tmp_path / "day.html"
    assert run("--day", DAY, "--database", url, "--out", str(out)).exit_code == 0
    assert "Erstlösung" in out.read_text(encoding="utf-8")


def test_reads_beside_a_writer_and_changes_nothing(tmp_path: Path) -> None:
    """While somebody holds the write lock it reads the state before; and the file is as it was."""
    path = tmp_path / "callrouter.db"
    url = f"sqlite+aiosqlite:///{path}"
    kept(url, record("gera/1", hotline="agency-gera", talk_s=60.0))
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM call_record")
    before = path.read_bytes()
    done = run("--day", DAY, "--database", url, "--format", "csv", "--lang", "en")
    writer.execute("ROLLBACK")
    writer.close()
    assert done.exit_code == 0, done.output
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert (row["hotline"], row["offered"], row["answered"]) == ("agency-gera", "1", "1")
    assert path.read_bytes() == before


def test_page_goes_to_a_file(tmp_path: Path) -> None:
    """--out writes it and says so; the week of that day holds it too."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'callrouter.db'}"
    kept(url, record("gera/1", hotline="agency-gera", talk_s=60.0))
    out = tmp_path / "week.html"
    done = run("--week", "2027-W02", "--lang", "en", "--database", url, "--out", str(out))
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"{out}: ")
    assert "Week 2 of 2027, 11/01/2027 to 17/01/2027" in out.read_text(encoding="utf-8")
    beyond = run("--day", DAY, "--database", url, "--out", str(tmp_path / "none" / "x.html"))
    assert (beyond.exit_code, "No such file" in beyond.output) == (2, True)


def test_only_some_hotlines(tmp_path: Path) -> None:
    """--hotline leaves the others out; one that does not exist is named, with what may be meant."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'callrouter.db'}"
    kept(url, record("gera/1", hotline="agency-gera"), record("gotha/1", hotline="agency-gotha", caller="2"))
    done = run("--day", DAY, "--database", url, "--format", "json", "--hotline", "agency-gotha")
    assert list(json.loads(done.stdout)["hotlines"]) == ["agency-gotha"]
    wrong = run("--hotline", "agency-gear")
    assert wrong.exit_code == 2
    assert "did you mean 'agency-gera'" in wrong.output


def test_no_database(tmp_path: Path) -> None:
    """It says where it looked and what to do, and makes none."""
    path = tmp_path / "none.db"
    done = run("--database", f"sqlite+aiosqlite:///{path}")
    assert done.exit_code == 2
    assert f"there is no database {path}" in done.output
    assert not path.exists()


def test_database_of_another_kind(tmp_path: Path) -> None:
    """A file that is no database, and one of an older release, are refused in words."""
    path = tmp_path / "other.db"
    path.write_text("this is no database at all, but text of some length")
    done = run("--database", f"sqlite+aiosqlite:///{path}")
    assert (done.exit_code, "cannot be read" in done.output) == (2, True)
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(old)) as connection:
        connection.execute("CREATE TABLE call_record (call TEXT)")
    done = run("--database", f"sqlite+aiosqlite:///{old}")
    assert (done.exit_code, "start the service once" in done.output) == (2, True)


def test_server_that_is_away() -> None:
    """PostgreSQL that does not answer is named, without its password."""
    done = run("--database", "postgresql+asyncpg://me:secret@127.0.0.1:1/none")
    assert done.exit_code == 2
    assert "127.0.0.1:1" in done.output
    assert "secret" not in done.output


def test_no_calls(tmp_path: Path) -> None:
    """A day without any says which days are kept; an empty database says that."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'callrouter.db'}"
    kept(url)
    done = run("--day", DAY, "--database", url)
    assert (done.exit_code, "holds no calls at all" in done.output) == (1, True)
    kept(url, record("gera/1", hotline="agency-gera"))
    done = run("--month", "2026-12", "--database", url)
    assert done.exit_code == 1
    assert "no calls from 2026-12-01 to 2026-12-31 for these hotlines" in done.output
    assert f"what is kept goes from {DAY} to {DAY}" in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--day", "x"], "'x' is no day; write it like 2026-11-23"),
        (["--week", "2026-11-23"], "'2026-11-23' is no week; write it like 2026-W48"),
        (["--day", "today", "--month", "this"], "exclude each other"),
    ],
)
def test_wrong_periods(arguments: list[str], words: str) -> None:
    """Usage errors, with status 2, before anything is read."""
    done = run(*arguments)
    assert (done.exit_code, words in done.output) == (2, True), done.output


def test_configuration_that_is_wrong(tmp_path: Path) -> None:
    """Its mistakes are printed with their places, as everywhere."""
    (tmp_path / "bad.yaml").write_text("hotlines: 3\n")
    done = CliRunner().invoke(report, [str(tmp_path)])
    assert done.exit_code == 2
    assert "bad.yaml:1" in done.output
