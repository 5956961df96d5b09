"""A day that the simulator plays, kept as the service would keep it: call records, demands and callbacks in SQL."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from callrouter.cli.demo_morning import keep as keep_calls
from callrouter.cli.simulate import bounded, loaded_or_exit
from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, CallbackStatus
from callrouter.core.commands import CallFinished, Outcome
from callrouter.core.plan import Plan
from callrouter.sim.recorded import play as played
from callrouter.store.books import Books
from callrouter.store.schema import CALLBACK
from callrouter.store.store import open_engine

SCENARIO = Path(__file__).with_name("monday.yaml")


def play(config: Path, seed: int = 7) -> tuple[Plan, list[CallFinished]]:
    """The records of one day."""
    loaded, checked = loaded_or_exit(config, SCENARIO)
    return loaded.plan, played(loaded.plan, checked, bounded(loaded), seed)


async def keep(url: str, plan: Plan, records: Sequence[CallFinished], seed: int = 7) -> None:
    """Write them as the feed of a running service does; every demand is closed in the end."""
    engine = await open_engine(url)
    try:
        await keep_calls(engine, plan, records, lambda caller: caller)
        await Books(engine, lambda caller: caller).close(
            max(record.ended_at for record in records) + 86_400.0, lambda _: False
        )
        async with engine.begin() as connection:
            await connection.execute(CALLBACK.insert(), [_row(one) for one in _callbacks(records, seed)])
    finally:
        await engine.dispose()


def _callbacks(records: Sequence[CallFinished], seed: int) -> list[Callback]:
    """Promises of two days before that are due now: most are kept."""
    rng = random.Random(seed)
    some = [record for record in records if record.outcome is Outcome.ANSWERED][::60]
    found = []
    for record in some:
        late = 3_600.0 if rng.random() < 0.08 else -7_200.0
        found.append(
            Callback(
                record.call, CallbackKind.DEPARTMENT, record.hotline, record.topic, record.site, "",
                record.arrived_at - 172_800.0, record.arrived_at, CallbackStatus.DONE, "benefits",
                done_at=record.arrived_at + late, result=CallbackResult.REACHED,
            )
        )  # fmt: skip
    return found


def _row(one: Callback) -> dict[str, Any]:
    values = {column.name: getattr(one, column.name, None) for column in CALLBACK.columns}
    return values | {
        "kind": one.kind.value, "status": one.status.value, "result": one.result.value if one.result else None,
        "last_result": "", "number": None, "caller": None, "run": "", "seq": 0,
    }  # fmt: skip
