"""Everything that can break, as data: a schedule is drawn in advance from the seed, so that it can be shortened.

A fault strikes at a time, or when a call reaches a stage. `KINDS` says how each begins and ends; the world gives it the
means. Knows nothing of what must hold.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING

from callrouter.core.commands import Reread
from tests.chaos import database, scene
from tests.chaos.network import Connection, Route
from tests.chaos.scene import SITES, Scene
from tests.chaos.truth import LIVE

if TYPE_CHECKING:
    from tests.chaos.world import World

MANY = 12  # faults in a world of some kinds only
FIRST_S, LAST_S = 6.0, 100.0  # faults strike between these
DELAYS_S = (0.0, 0.0, 0.0005, 0.002, 0.01, 0.1, 1.0)
UNSYNCED_S = 1.0  # a line that is older is on the disk
WRITTEN_AGAIN_S = 30.0  # after a disk was full: the journal's next try, and a router that stands still just then
READ_AGAIN_S = 0.25  # a site is read back again and again: a little more than a link's pause between two of them
TRIGGERS = (*LIVE, "ordered", "answered", "ended")  # ordered: a switch obeys, and has not said so yet


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that breaks. stage: '' strikes at `at_s`; else when a call reaches it for the `nth` time after `at_s`.

    delay_s: after that. for_s: until it is mended, if it is that kind. amount: 0 ≤ x < 1, what it means is the kind's.
    """

    kind: str
    where: str
    at_s: float
    stage: str = ""
    nth: int = 1
    delay_s: float = 0.0
    for_s: float = 0.0
    amount: float = 0.5


Begin = Callable[["World", Fault], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """scope: site, machine or world. longest_s: how long it lasts at most; 0: it has no length.

    blinds: what the router cannot see or do meanwhile (site: at that site; all: everywhere; '': nothing).
    """

    scope: str
    longest_s: float
    blinds: str
    begin: Begin
    end: Begin | None = None
    lossy: bool = False  # events are lost though the link stays up: only a read-back can make it good


def to_text(faults: Sequence[Fault]) -> str:
    return json.dumps([asdict(fault) for fault in faults])


def from_text(text: str) -> list[Fault]:
    names = {field.name for field in fields(Fault)}
    return [Fault(**{name: value for name, value in one.items() if name in names}) for one in json.loads(text)]


def pairs() -> list[tuple[str, str]]:
    """Every kind at every stage: schedules are steered so that each comes."""
    return [(kind, stage) for kind in KINDS for stage in TRIGGERS]


def draw(rng: random.Random, world: Scene, pair: tuple[str, str] | None) -> list[Fault]:
    """The schedule of a world. Now and then it is empty, or of one kind only."""
    mood = rng.random()
    if mood < 0.06:
        return []
    first = [] if pair is None else [_one(rng, world, *pair)]
    if mood < 0.35:
        kinds = [rng.choice(list(KINDS))] if pair is None else [pair[0]]
    else:
        kinds = rng.sample(list(KINDS), rng.randint(2, 6))
    more = [_one(rng, world, rng.choice(kinds), rng.choice(("", *TRIGGERS))) for _ in range(rng.choice([0, 2, 5, 10]))]
    return sorted([*first, *more], key=lambda fault: fault.at_s)


def of_kinds(rng: random.Random, world: Scene, kinds: Sequence[str]) -> list[Fault]:
    """A schedule of nothing but these; none at all if there are none."""
    return aimed(rng, world, [(rng.choice(kinds), rng.choice(("", *TRIGGERS))) for _ in range(MANY if kinds else 0)])


def aimed(rng: random.Random, world: Scene, wanted: Sequence[tuple[str, str]]) -> list[Fault]:
    """A schedule in which each of these pairs is likely to come."""
    found = []
    for name, stage in wanted:
        fault = replace(_one(rng, world, name, stage), nth=1, at_s=round(rng.uniform(FIRST_S, LAST_S / 2), 3))
        if stage == "failsafe":  # where it strikes no router has been heard for a while
            where = fault.where if fault.where in world.sites else rng.choice(world.sites)
            found.append(Fault("hole", where, fault.at_s, for_s=15.0, amount=0.001))
        found.append(fault)
    return sorted(found, key=lambda fault: fault.at_s)


def _one(rng: random.Random, world: Scene, name: str, stage: str) -> Fault:
    kind = KINDS[name]
    machine = rng.choice(["one", "one", "two"])  # the second one, if it is there just then
    where = {"site": rng.choice(world.sites), "machine": machine, "world": ""}[kind.scope]
    return Fault(
        name,
        where,
        round(rng.uniform(FIRST_S, LAST_S), 3),
        stage,
        rng.choice([1, 1, 1, 1, 2]),
        rng.choice(DELAYS_S) * rng.random(),
        round(kind.longest_s * rng.choice([0.03, 0.2, 1.0]) * rng.random(), 3),
        round(rng.random(), 4),
    )


def lighter(fault: Fault) -> list[Fault]:
    """Simpler faults that might do as well, for shortening."""
    found = []
    if fault.for_s > 0.5:
        found.append(replace(fault, for_s=round(fault.for_s / 3, 3)))
    if fault.nth > 1:
        found.append(replace(fault, nth=1))
    return found


# ---- the router and its machine


def _kill(w: World, f: Fault) -> None:
    process = w.machines[f.where].process
    if process is not None and process.alive:
        process.dies_at_step = process.steps + 1 + int(f.amount * f.amount * 60)


def _tear(w: World, f: Fault) -> None:
    disk = w.machines[f.where].disk
    if disk is not None:
        disk.tear = f.amount


def _power(w: World, f: Fault) -> None:
    machine = w.machines[f.where]
    if machine.disk is not None and machine.alive:
        machine.disk.lose_power(f.amount)
        w.loses_lines(w.loop.time() - UNSYNCED_S, w.loop.time())
        machine.kill()


def _term(w: World, f: Fault) -> None:
    w.machines[f.where].stop()


def _pause(w: World, f: Fault) -> None:
    if w.machines[f.where].process is not None:
        w.machines[f.where].process.stop()


def _resume(w: World, f: Fault) -> None:
    if w.machines[f.where].process is not None:
        w.machines[f.where].process.resume()


def _second(w: World, f: Fault) -> None:
    w.machines["two"].wanted = True
    w.machines["two"].start()


def _no_second(w: World, f: Fault) -> None:
    w.machines["two"].wanted = False
    if f.amount < 0.5:
        w.machines["two"].kill()
    else:
        w.machines["two"].stop()


def _clock(w: World, f: Fault) -> None:
    machine = w.machines[f.where]
    machine.leapt = True
    by_s = [0.5, 3.0, 40.0, 400.0, 7200.0][int(f.amount * 20) % 5]
    machine.offset_s += by_s if f.amount >= 0.5 else -by_s
    w.clocks_set_s += by_s


def _reload(w: World, f: Fault) -> None:
    config = scene.changed(w.scene.config, random.Random(f"{w.seed}/{f.amount}"))
    w.reconfigure(config)


def _reload_bad(w: World, f: Fault) -> None:
    w.reconfigure(["teams: [", "sites:\n  gera: {}\n", ""][int(f.amount * 3)])


def _mend_config(w: World, f: Fault) -> None:
    w.reconfigure(w.scene.config)


def _disk_full(w: World, f: Fault) -> None:
    w.machines[f.where].disk_full = True
    w.loses_lines(w.loop.time(), w.loop.time() + f.for_s + WRITTEN_AGAIN_S)


def _disk_free(w: World, f: Fault) -> None:
    w.machines[f.where].disk_full = False


# ---- the database


def _sql_away(w: World, f: Fault) -> None:
    database.WEATHER.away = True


def _sql_full(w: World, f: Fault) -> None:
    database.WEATHER.full = True


def _sql_slow(w: World, f: Fault) -> None:
    database.WEATHER.slow_s = 2.0 * f.amount


def _sql_unknown(w: World, f: Fault) -> None:
    database.WEATHER.unknown = 1 + int(3 * f.amount)


def _sql_well(w: World, f: Fault) -> None:
    database.WEATHER.away = database.WEATHER.full = False
    database.WEATHER.slow_s = 0.0
    database.WEATHER.unknown = 0


# ---- the link to a site


def _routes(w: World, f: Fault) -> list[Route]:
    """To all routers, or to the first one only: the second, if there is one, sees the site all the same."""
    return w.routes(f.where) if int(f.amount * 1000) % 2 else [w.network.route("one", SITES[f.where])]


def _each(w: World, f: Fault) -> list[Connection]:
    return [connection for route in _routes(w, f) for connection in tuple(route.connections)]


def _cut(w: World, f: Fault) -> None:
    for connection in _each(w, f):
        connection.cut(int(200 * f.amount), int(3000 * f.amount * f.amount))


def _hang(w: World, f: Fault) -> None:
    for connection in _each(w, f):
        connection.hangs = True


def _stall(w: World, f: Fault) -> None:
    for connection in _each(w, f):
        connection.stalls = True


def _go_on(w: World, f: Fault) -> None:
    """What was written meanwhile comes now, to those who wait for it and to those who have given it up."""
    for connection in _each(w, f):
        connection.stalls = False
        connection.wake()


def _hole(w: World, f: Fault) -> None:
    for route in _routes(w, f):
        route.hole = True


def _no_hole(w: World, f: Fault) -> None:
    for route in _routes(w, f):
        route.hole = False
    for connection in _each(w, f):
        connection.wake()


def _mute(w: World, f: Fault) -> None:
    for route in _routes(w, f):
        route.mute = True


def _no_mute(w: World, f: Fault) -> None:
    for route in _routes(w, f):
        route.mute = False
    for connection in _each(w, f):
        if f.amount < 0.7:
            connection.cut(0, 0)  # what was answered meanwhile is never heard
        connection.wake()


def _slow(w: World, f: Fault) -> None:
    for route in _routes(w, f):
        route.late_s = 1.5 * f.amount**2


def _not_slow(w: World, f: Fault) -> None:
    for route in _routes(w, f):
        route.late_s = 0.0


def _crumbs(w: World, f: Fault) -> None:
    for route in _routes(w, f):
        route.crumbs = True


def _no_crumbs(w: World, f: Fault) -> None:
    for route in _routes(w, f):
        route.crumbs = False


def _reread(w: World, f: Fault) -> None:
    """Harmless in itself: what happens just then must not get lost between what is read and what is told."""
    for number in range(1 + int(f.for_s / READ_AGAIN_S)):
        w.loop.call_later(number * READ_AGAIN_S, _reread_once, w, f.where)


def _reread_once(w: World, site: str) -> None:
    for machine in w.machines.values():
        if machine.alive and machine.service is not None and machine.process is not None:
            machine.process.call(machine.service.switchboard.execute, Reread(site, "for the sake of it"))


def _refuse(w: World, f: Fault) -> None:
    for route in w.routes(f.where):
        route.refuses = True
    _cut(w, f)


def _accept(w: World, f: Fault) -> None:
    for route in w.routes(f.where):
        route.refuses = False


def _deaf(w: World, f: Fault) -> None:
    w.sites[f.where].hang_link(True)


def _hears(w: World, f: Fault) -> None:
    w.sites[f.where].hang_link(False)


def _rights(w: World, f: Fault) -> None:
    w.set_user(f.where, rights=False)


def _secret(w: World, f: Fault) -> None:
    w.set_user(f.where, secret=False)
    _cut(w, f)


def _user_well(w: World, f: Fault) -> None:
    w.set_user(f.where)


def _shuffle(w: World, f: Fault) -> None:
    w.manglers[f.where].late, w.manglers[f.where].late_s = 0.5, 0.6 * f.amount


def _twice(w: World, f: Fault) -> None:
    w.manglers[f.where].twice = 0.3


def _never(w: World, f: Fault) -> None:
    w.manglers[f.where].never = 0.02 + 0.3 * f.amount**2


def _garbled(w: World, f: Fault) -> None:
    """What an event said is lost; that it came is not."""
    w.manglers[f.where].garbled = 0.02 + 0.3 * f.amount**2


def _orderly(w: World, f: Fault) -> None:
    mangler = w.manglers[f.where]
    mangler.late = mangler.twice = mangler.never = mangler.garbled = 0.0


# ---- sites and people


def _site_kill(w: World, f: Fault) -> None:
    w.take_down(f.where, f.for_s, kill=True)


def _site_stop(w: World, f: Fault) -> None:
    w.take_down(f.where, f.for_s, kill=False)


def _trunk(w: World, f: Fault) -> None:
    for trunk in w.trunks(f.where):
        trunk.cut()


def _trunk_well(w: World, f: Fault) -> None:
    for trunk in w.trunks(f.where):
        trunk.mend()


def _plug(w: World, f: Fault) -> None:
    w.pull_plug(f.where, f.amount)


def _plug_in(w: World, f: Fault) -> None:
    for agent in w.agents_of(f.where):
        agent.phone.register()


def _switch(w: World, f: Fault) -> None:
    w.switch_agreement(f.amount, f.for_s)


def _mode(w: World, f: Fault) -> None:
    w.switch_hotline(f.amount, f.for_s)


def _burst(w: World, f: Fault) -> None:
    w.burst(f.where, 3 + int(17 * f.amount))


KINDS: dict[str, Kind] = {
    "kill": Kind("machine", 0.0, "all", _kill),
    "tear": Kind("machine", 0.0, "all", _tear),
    "power": Kind("machine", 0.0, "all", _power),
    "term": Kind("machine", 0.0, "all", _term),
    "pause": Kind("machine", 20.0, "all", _pause, _resume),
    "second": Kind("world", 40.0, "all", _second, _no_second),
    "clock": Kind("machine", 0.0, "", _clock),
    "reload": Kind("world", 30.0, "all", _reload, _mend_config),
    "reload_bad": Kind("world", 15.0, "", _reload_bad, _mend_config),
    "disk_full": Kind("machine", 20.0, "", _disk_full, _disk_free),
    "sql_away": Kind("world", 30.0, "", _sql_away, _sql_well),
    "sql_full": Kind("world", 30.0, "", _sql_full, _sql_well),
    "sql_slow": Kind("world", 20.0, "", _sql_slow, _sql_well),
    "sql_unknown": Kind("world", 20.0, "", _sql_unknown, _sql_well),
    "cut": Kind("site", 0.0, "site", _cut),
    "hole": Kind("site", 20.0, "site", _hole, _no_hole),
    "hang": Kind("site", 0.0, "site", _hang),
    "stall": Kind("site", 20.0, "site", _stall, _go_on),
    "reread": Kind("site", 8.0, "", _reread),
    "mute": Kind("site", 8.0, "site", _mute, _no_mute),
    "slow": Kind("site", 20.0, "site", _slow, _not_slow),
    "crumbs": Kind("site", 20.0, "", _crumbs, _no_crumbs),
    "refuse": Kind("site", 20.0, "site", _refuse, _accept),
    "deaf": Kind("site", 10.0, "site", _deaf, _hears, lossy=True),
    "rights": Kind("site", 10.0, "site", _rights, _user_well),
    "secret": Kind("site", 10.0, "site", _secret, _user_well),
    "shuffle": Kind("site", 20.0, "site", _shuffle, _orderly),
    "twice": Kind("site", 20.0, "", _twice, _orderly),
    "never": Kind("site", 10.0, "site", _never, _orderly, lossy=True),
    "garbled": Kind("site", 10.0, "site", _garbled, _orderly),
    "site_kill": Kind("site", 15.0, "site", _site_kill),
    "site_stop": Kind("site", 15.0, "site", _site_stop),
    "trunk": Kind("site", 20.0, "", _trunk, _trunk_well),
    "plug": Kind("site", 20.0, "", _plug, _plug_in),
    "switch": Kind("world", 0.0, "", _switch),
    "mode": Kind("world", 0.0, "", _mode),
    "burst": Kind("site", 0.0, "", _burst),
}
