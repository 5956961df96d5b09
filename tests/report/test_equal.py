"""The report and the metrics say the same of the same calls: a virtual network, its service, and both accounts."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callrouter.cli.demo import _Demo
from callrouter.config.load import load
from callrouter.core.commands import Outcome, Unserved
from callrouter.report import period as periods
from callrouter.report import records
from callrouter.report.book import Book, Targets
from callrouter.report.export import as_json

CONFIG = Path(__file__).parents[2] / "config"
ENDED, UNSERVED = 300, 3  # calls that must have ended, and ended without an answer, before the two are compared


class Network(_Demo):
    """The demo's people, until so many calls have ended; then everybody hangs up and all demands close."""

    metrics: dict[str, float]
    report: dict[str, Any]

    async def _show(self, scene: object, end: float | None) -> None:
        service = self.stage.service
        ended = self.tally.all.outcomes
        await until(
            lambda: sum(ended.values()) >= ENDED and ended[Outcome.ABANDONED] + ended[Outcome.BUSIED] >= UNSERVED
        )
        await self.world.close()
        for person in tuple(self.world._callers):
            person.hang_up()
        engine, feed = service.engine, service.feed
        await until(lambda: not engine.snapshot().calls)
        await until(lambda: feed.stored == sum(self.tally.all.outcomes.values()))
        await until_async(self._closed)
        plan = self.loaded.plan
        today = datetime.fromtimestamp(self.pace(), UTC).astimezone(ZoneInfo(self.zone)).date()
        names = [one.name for one in plan.hotlines]
        book = Book(plan, periods.day("today", today), names, Targets(0.8, 0.93), self.pace())
        await records.fill(book, service.store.engine.url.render_as_string())
        self.report = json.loads(as_json(book))
        self.metrics = await asyncio.to_thread(scraped, service.server.url)

    async def _closed(self) -> bool:
        async with self.stage.service.store.engine.connect() as connection:
            opened = await connection.exec_driver_sql("SELECT count(*) FROM demand WHERE closed_at IS NULL")
            return opened.scalar_one() == 0


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(120.0):
        while not true():
            await asyncio.sleep(0.05)


async def until_async(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(120.0):
        while not await true():
            await asyncio.sleep(0.2)


def scraped(url: str) -> dict[str, float]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    samples = (line.rpartition(" ") for line in lines if line and line[0] != "#")
    return {name: float(value) for name, _, value in samples}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """Half an hour of a morning in some twenty seconds; callers redial within five minutes or not at all."""
    loaded = load(CONFIG)
    hotlines = tuple(replace(one, redial_window_s=300.0, ring_max_s=45.0) for one in loaded.plan.hotlines)
    service = loaded.network.service.model_copy(
        update={"forecast": None}
    )  # no hours before: metrics know nothing of them
    network = loaded.network.model_copy(update={"service": service})
    loaded = replace(loaded, plan=replace(loaded.plan, hotlines=hotlines), network=network)
    made = Network(loaded, tmp_path_factory.mktemp("network"), pace=100.0, port=0, seed=3)
    asyncio.run(made.run(None, lambda: 0))
    return made


pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("network")]


def test_calls(network: Network) -> None:
    """Offered, closed, answered, in time, on hold and every reason, hotline by hotline."""
    found = network.metrics
    for name, one in network.report["hotlines"].items():
        calls, of = one["calls"], f'{{hotline="{name}"}}'
        assert calls["offered"] == found[f"callrouter_calls_offered_total{of}"]
        assert calls["closed"] == found[f"callrouter_calls_closed_total{of}"]
        assert calls["within_target"] == found[f"callrouter_calls_answered_within_target_total{of}"]
        answered = f'callrouter_calls_finished_total{{hotline="{name}",outcome="answered"}}'
        assert calls["answered"] == found[answered]
        assert calls["put_on_hold"] == found[f"callrouter_calls_put_on_hold_total{of}"]
        assert calls["on_hold_s"] == pytest.approx(found[f"callrouter_call_on_hold_seconds_total{of}"])
        assert calls["talk_s"] == pytest.approx(found[f"callrouter_call_talk_seconds_total{of}"])
        for reason in Unserved:
            if reason:
                counted = found[f'callrouter_calls_unserved_total{{hotline="{name}",reason="{reason.value}"}}']
                assert calls["unserved"][reason.value] == counted, (name, reason)
    total = network.report["total"]["calls"]
    assert total["offered"] >= ENDED
    assert total["answered"] < total["offered"]
    assert total["put_on_hold"] > 0


def test_demands(network: Network) -> None:
    """What callers see, those who show their number and those who withhold it apart."""
    names = {
        "ended": "demands_total",
        "reached": "demands_reached_total",
        "within_target": "demands_reached_within_target_total",
        "at_first_attempt": "demands_reached_at_first_attempt_total",
        "unreached": "demands_unreached_total",
    }
    for hotline, one in network.report["hotlines"].items():
        for number in ("shown", "withheld"):
            demands = one[f"demands_{number}"]
            assert demands["open"] == 0
            for key, metric in names.items():
                series = f'callrouter_{metric}{{hotline="{hotline}",number="{number}"}}'
                assert demands[key] == network.metrics[series], (hotline, number, key)
        of = f'{{hotline="{hotline}",reached='
        tries = sum(network.metrics[f'callrouter_demand_attempts_sum{of}"{reached}"}}'] for reached in ("yes", "no"))
        assert one["demands_shown"]["attempts"] == tries
    assert network.report["total"]["demands"]["unreached"] > 0


def test_ledger(network: Network) -> None:
    """Calls and minutes of each agreement, in each direction."""
    found = network.metrics
    for one in network.report["overflow"]:
        of = f'{{agreement="{one["agreement"]}",borrower="{one["borrower"]}",lender="{one["lender"]}"}}'
        assert one["calls"] == found[f"callrouter_overflow_calls_total{of}"]
        assert one["talk_s"] == pytest.approx(found[f"callrouter_overflow_talk_seconds_total{of}"])
    assert sum(one["calls"] for one in network.report["overflow"]) > 0
