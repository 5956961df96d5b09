"""The demo's people are rung back: asked, promised, rung by the service's agents, and not all of them are at home."""

from __future__ import annotations

import random
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from callrouter.cli.demo_view import Tally, callbacks
from callrouter.cli.stage import Stage
from callrouter.config.load import load
from callrouter.core.events import AgentAct, AgentActed
from callrouter.sim.pace import Pace
from callrouter.sim.world import World
from tests.waiting import until

CONFIG = Path(__file__).resolve().parents[2] / "config"
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.slow
async def test_callers_of_the_demo_are_rung_back(tmp_path: Path) -> None:
    """Nobody sits at Gera, so its callers are asked; who wants it is on the list, and two agents work it off."""
    loaded = load(CONFIG, date(2026, 11, 23))
    plan = loaded.plan
    pace = Pace(20.0, MONDAY.timestamp())
    stage = Stage(loaded, tmp_path, pace)
    tally = Tally(plan)
    service = await stage.start()
    service.engine.observe(tally.observe)
    world = World(plan, stage.sites, pace, random.Random(1))
    world._opening = False
    (number,) = next(one for one in plan.hotlines if one.name == "agency-gera").numbers
    try:
        for k in range(12):
            world._call("gera", number.digits, f"0171000000{k}" if k % 4 else "", 60.0)
        await until(lambda: len(tally.promised) >= 4, lambda: f"{tally.promised}", 60.0)
        assert world.asked_for_callback >= 4
        crew = next(one for one in world.crews if one.team.name == "agency-gera")
        for phone in crew.phones[:2]:
            await service.engine.ask(AgentActed(f"gera/{phone.name}", AgentAct.READY, by="test"))
        await until(lambda: tally.rung_back["reached"] > 0, lambda: f"{tally.rung_back}", 60.0)
        assert "promised; agents rang" in callbacks(tally)
        assert tally.broken_promises == 0
    finally:
        await world.close()
        await stage.stop()
