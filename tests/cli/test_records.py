"""`callrouter forget` beside a service's database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from callrouter.callers import Callers, kept_secret
from callrouter.cli import main
from callrouter.store.books import Books
from callrouter.store.retention import known
from callrouter.store.schema import AUDIT
from callrouter.store.store import open_engine
from tests.config.folders import folder as network_folder
from tests.store.records import batch, record, rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration whose service keeps its files in tmp_path/var."""
    (tmp_path / "config").mkdir()
    return network_folder(tmp_path / "config", service=f"service: {{state_dir: {tmp_path / 'var'}}}\n")


def forget(folder: Path, caller: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["forget", str(folder), "--caller", caller])
    return result.exit_code, result.output


def test_forgets_a_caller_in_any_spelling(folder: Path, tmp_path: Path) -> None:
    """His calls are nobody's afterwards, the audit trail says that somebody was forgotten and not who."""
    callers = Callers(kept_secret(tmp_path / "var" / "caller.key"))
    url = f"sqlite+aiosqlite:///{tmp_path / 'var' / 'callrouter.db'}"

    async def fill() -> None:
        engine = await open_engine(url)
        await Books(engine, callers.key_of).take("j", batch(record("gera/1"), record("gera/2", caller="0365123456")))
        await engine.dispose()

    async def left() -> tuple[int, int, str]:
        engine = await open_engine(url)
        try:
            counts = [await known(engine, callers.key_of(number)) for number in ("01711234567", "0365123456")]
            return counts[0], counts[1], str(await rows(engine, AUDIT))
        finally:
            await engine.dispose()

    asyncio.run(fill())
    status, output = forget(folder, "+49 (171) 1234567")
    assert (status, "calls that are nobody's now: 1; callbacks: 0" in output) == (0, True), output
    assert "30 days" in output
    his, others, audit = asyncio.run(left())
    assert (his, others) == (0, 1)
    assert "a caller was forgotten" in audit
    assert "1234567" not in audit
    assert "nothing was known" in forget(folder, "01711234567")[1]


def test_says_what_is_wrong(folder: Path, tmp_path: Path) -> None:
    """No number, no configuration and no database each end with 2 and a reason."""
    assert forget(folder, "anonymous")[0] == 2
    assert forget(tmp_path / "nowhere", "0171")[0] == 2
    (tmp_path / "var").write_text("a file where the folder should be")
    status, output = forget(folder, "01711234567")
    assert status == 2
    assert output.startswith("error: ")
