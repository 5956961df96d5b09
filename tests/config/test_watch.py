"""A changed folder is loaded again; a bad change is an answer, not an end."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator
from datetime import date
from pathlib import Path

import pytest

from callrouter.config.load import Loaded
from callrouter.config.source import ConfigError
from callrouter.config.watch import watch
from tests.config.folders import folder

DEADLINE_S = 20.0
Results = AsyncGenerator[Loaded | ConfigError]


async def _next(results: Results) -> Loaded | ConfigError:
    return await asyncio.wait_for(anext(results), DEADLINE_S)


async def _until(results: Results, kind: type, wanted: str = "") -> Loaded | ConfigError:
    """The first result of that kind that has the wanted text: one write may be seen as two changes."""
    async with asyncio.timeout(DEADLINE_S):
        async for result in results:
            if isinstance(result, kind) and wanted in repr(result):
                return result
    raise AssertionError("the watch ended")


async def _change_until(results: Results, where: Path, text: str, kind: type, wanted: str) -> None:
    """Rename a file over more.yaml, each second anew until the watch tells: it may still be starting."""

    async def change() -> None:
        while True:
            (where.parent / "written").write_text(text)
            (where.parent / "written").rename(where / "more.yaml")
            await asyncio.sleep(1)

    changing = asyncio.create_task(change())
    await _until(results, kind, wanted)
    changing.cancel()


async def test_a_nudge_loads_at_once(tmp_path: Path) -> None:
    """SIGHUP's event gives a result though no file changed, and is cleared."""
    nudge = asyncio.Event()
    results = watch(folder(tmp_path), nudge)
    nudge.set()
    assert isinstance(await _next(results), Loaded)
    assert not nudge.is_set()
    await results.aclose()


async def test_changes_good_and_bad_are_seen(tmp_path: Path) -> None:
    """A bad file gives an error and its mend the new plan; files are renamed over, as editors do."""
    where = tmp_path / "config"
    where.mkdir()
    folder(where)
    nudge = asyncio.Event()
    results = watch(where, nudge)
    nudge.set()
    assert isinstance(await _next(results), Loaded)  # from here on the watcher is at work, or will find the change

    await _change_until(results, where, "team: {}\n", ConfigError, "unknown key")
    good = "teams: {night: {title: Nacht, site: gera, agents: [2101]}}\n"
    await _change_until(results, where, good, Loaded, "Nacht")
    await results.aclose()


@pytest.mark.slow
async def test_another_folder_of_the_same_name_is_seen(tmp_path: Path) -> None:
    """A deployment that removes the folder and makes it anew is a change, and so is each later change in it."""
    where = tmp_path / "config"
    where.mkdir()
    folder(where)
    nudge = asyncio.Event()
    results = watch(where, nudge)
    nudge.set()
    await _next(results)
    shutil.rmtree(where)
    await _until(results, ConfigError, "no such folder")
    new = tmp_path / "new"
    new.mkdir()
    folder(new).rename(where)
    await _until(results, Loaded)
    await _change_until(results, where, "team: {}\n", ConfigError, "unknown key")
    await results.aclose()


async def test_a_new_day_loads_again(tmp_path: Path) -> None:
    """A service that runs over New Year gets the holidays of the next years though no file changed."""
    day = date(2026, 12, 31)
    nudge = asyncio.Event()
    results = watch(folder(tmp_path), nudge, today=lambda: day, day_look_s=0.001)
    nudge.set()
    before = await _next(results)
    day = date(2027, 1, 1)
    after = await _next(results)
    await results.aclose()
    assert isinstance(before, Loaded)
    assert isinstance(after, Loaded)
    assert before.plan.version != after.plan.version
    for loaded, last in ((before, "2028-12-26"), (after, "2029-12-26")):
        hours = loaded.plan.hotlines[0].hours
        assert hours is not None
        assert hours.days[-1][0] == last


async def test_closing_ends_the_watch(tmp_path: Path) -> None:
    """After aclose no task is left behind."""
    before = asyncio.all_tasks()
    nudge = asyncio.Event()
    nudge.set()
    results = watch(folder(tmp_path), nudge)
    await _next(results)
    await results.aclose()
    assert asyncio.all_tasks() == before
