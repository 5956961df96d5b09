"""The people of the demo: volumes of the real centres, drawn from a seed, and nothing left over."""

from __future__ import annotations

import random
from pathlib import Path
from statistics import mean

from callrouter.config.load import load
from callrouter.sim import world
from callrouter.sim.pace import Pace
from callrouter.sim.pbx import VirtualPbx
from callrouter.sim.world import World

CONFIG = Path(__file__).resolve().parents[2] / "config"


def made(seed: int) -> World:
    plan = load(CONFIG).plan
    sites = {site.name: VirtualPbx(site.name) for site in plan.sites}
    return World(plan, sites, Pace(), random.Random(seed))


def test_volumes_are_those_of_the_centres() -> None:
    """Magdeburg's teams together get 2,650 calls in a day of ten hours."""
    crews = made(1).crews
    rate = sum(crew.calls_per_s for crew in crews if crew.team.site == "magdeburg")
    assert round(rate / world.MORNING * 36_000) == 2650


def test_a_seed_draws_the_same_people() -> None:
    """The same seed puts the same agents on shift; another one puts others."""
    shift = [[phone.name for phone in crew.phones] for crew in made(7).crews]
    assert shift == [[phone.name for phone in crew.phones] for crew in made(7).crews]
    assert shift != [[phone.name for phone in crew.phones] for crew in made(8).crews]


def test_conversations_last_four_to_five_minutes() -> None:
    """The mean of the lognormal is the mean that was asked for."""
    rng = random.Random(1)
    drawn = [world.lognormal(rng, world.TALK_S, world.TALK_SPREAD) for _ in range(50_000)]
    assert 240 < mean(drawn) < 300


def test_some_agents_are_free_and_some_talk_at_the_start() -> None:
    """Each crew begins with conversations and with somebody free."""
    for crew in made(3).crews:
        assert 0 < crew.begins_with < len(crew.phones)
