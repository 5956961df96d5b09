"""`callrouter callbacks` beside a service's database."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from callrouter.callers import Callers, kept_secret
from callrouter.cli import main
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, finish
from callrouter.store.callbacks import Callbacks
from callrouter.store.schema import AUDIT
from callrouter.store.store import open_engine
from tests.cli.test_records import folder  # noqa: F401
from tests.store.records import rows

SOON = 4_000_000_000.0
ASKED = Callback("gera/1.1", CallbackKind.CAPTURED, "agency", "", "gera", "+491711234567", SOON - 60.0, SOON)
LATE = replace(ASKED, id="gera/2.1", kind=CallbackKind.UNREACHED, number="+491719876543", due_at=1_790_000_000.0)


def run(*arguments: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, ["callbacks", *arguments])
    assert result.exit_code == status, result.output
    return result.output


def kept(tmp_path: Path, *callbacks: Callback) -> None:
    async def fill() -> None:
        engine = await open_engine(f"sqlite+aiosqlite:///{tmp_path / 'var' / 'callrouter.db'}")
        store = Callbacks(engine, Callers(kept_secret(tmp_path / "var" / "caller.key")))
        assert [await store.add(one) for one in callbacks] == [True] * len(callbacks)
        await engine.dispose()

    asyncio.run(fill())


def audit(tmp_path: Path) -> str:
    async def read() -> list[Any]:
        engine = await open_engine(f"sqlite+aiosqlite:///{tmp_path / 'var' / 'callrouter.db'}")
        try:
            return await rows(engine, AUDIT)
        finally:
            await engine.dispose()

    return str(asyncio.run(read()))


def test_lists_those_that_are_open_by_due_time(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    """With state and kind, masked numbers; those that are done only when they are asked for."""
    done = finish(replace(ASKED, id="gera/3.1", number="+491715550000"), CallbackResult.REACHED, "gera/2001", SOON)
    kept(tmp_path, ASKED, LATE, done)
    where = ("--config", str(folder))
    lines = run("list", *where).splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["gera/2.1", "gera/1.1"]
    assert "captured agency •••567  open" in lines[1]
    assert "12345" not in "".join(lines)
    assert [one["id"] for one in json.loads(run("list", "--json", "--overdue", *where))] == ["gera/2.1"]
    assert [one["id"] for one in json.loads(run("list", "--json", "--kind", "captured", *where))] == ["gera/1.1"]
    (found,) = json.loads(run("list", "--json", "--done", "--hotline", "agency", *where))
    assert (found["result"], found["done_by"], found["caller"]) == ("reached", "gera/2001", "•••000")


def test_cancels_one_with_a_reason(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    """It is done, with the reason, and in the audit trail; twice is refused, as is one that does not exist."""
    kept(tmp_path, ASKED)
    where = ("--config", str(folder))
    run("cancel", ASKED.id, "--reason", "he has come to us himself", *where)
    assert run("list", *where) == "0 callbacks\n"
    (found,) = json.loads(run("list", "--json", "--done", *where))
    assert (found["result"], found["because"]) == ("cancelled", "he has come to us himself")
    assert "he has come to us himself" in audit(tmp_path)
    assert "the callback is done" in run("cancel", ASKED.id, "--reason", "again", *where, status=2)
    assert "there is no callback" in run("cancel", "gera/9.9", "--reason", "again", *where, status=2)
