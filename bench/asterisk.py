"""callrouter beside bare `Dial` and `Queue()` on one real Asterisk: set-up delay and the highest rate that holds.

A rate holds if at most 1 % of the calls fail and the 95th percentile of the set-up (INVITE to 200 OK, less the second
that some calls are meant to wait) is at most 100 ms. Everything runs on one machine, callers and phones included, so
only the ratios mean something elsewhere.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.asterisk.network import why_not

from bench.result import Figure
from bench.rig import AFTER_1_S, AT_ONCE, QUEUE, Load, Rig, always, phones, rig

GROUP = "Asterisk"
SETUP_MS_MAX = 100.0
FAILED_MAX = 0.01
RATE_FIRST, RATE_LAST = 40.0, 400.0
DELAY_RATE = 20.0


@dataclass(frozen=True, slots=True)
class Way:
    """One way to reach an agent. wait_ms: meant to pass before an agent is rung."""

    name: str
    numbers: Callable[[], Iterator[str]]
    wait_ms: float = 0.0
    routed: bool = False

    def running(self, made: Rig) -> AbstractContextManager[None]:
        return made.callrouter() if self.routed else nullcontext()


DIAL = Way("bare Dial", lambda: phones("8"))
QUEUED = Way("Queue(), 200 members", lambda: always(QUEUE))
ROUTED = Way("callrouter, 200 agents", lambda: always(AT_ONCE), routed=True)
WAIT_DIAL = Way("Ringing, Wait(1), Dial", lambda: phones("7"), wait_ms=1000.0)
ROUTED_LATE = Way("callrouter, each call waits 1 s", lambda: always(AFTER_1_S), wait_ms=1000.0, routed=True)


@dataclass(frozen=True, slots=True)
class Effort:
    delay_s: float
    delay_rounds: int
    step_s: float
    growth: float
    halvings: int
    ways: tuple[Way, ...]


FULL = Effort(12.0, 2, 4.0, 1.3, 2, (DIAL, QUEUED, ROUTED, WAIT_DIAL, ROUTED_LATE))
QUICK = Effort(5.0, 1, 2.0, 1.5, 1, (DIAL, QUEUED, ROUTED))


def holds(load: Load, way: Way) -> bool:
    return load.failed <= FAILED_MAX * load.calls and load.quantile(0.95) - way.wait_ms <= SETUP_MS_MAX


async def try_rate(made: Rig, way: Way, rate: float, seconds: float) -> bool:
    load = await asyncio.to_thread(made.load, way.numbers(), rate, seconds)
    await made.settle()
    return holds(load, way)


async def highest_rate(made: Rig, way: Way, effort: Effort) -> float:
    """Calls per second that hold: rising steps until two in turn fail, then halving the gap above the best.

    One failure alone proves nothing: the machine has other things to do, too.
    """
    good, failures, rate = 0.0, 0, RATE_FIRST
    with way.running(made):
        while rate <= RATE_LAST and failures < 2:
            if await try_rate(made, way, rate, effort.step_s):
                good, failures = rate, 0
            else:
                failures += 1
            rate *= effort.growth
        bad = good * effort.growth
        for _ in range(effort.halvings if good else 0):
            rate = (good + bad) / 2
            held = await try_rate(made, way, rate, effort.step_s) or await try_rate(made, way, rate, effort.step_s)
            good, bad = (rate, bad) if held else (good, rate)
    return good


async def delays(made: Rig, way: Way, effort: Effort) -> Load:
    """Set-up at a quiet rate, timed on the wire: SIPp's own clock ticks in 4 ms."""
    with way.running(made):
        await asyncio.to_thread(made.load, way.numbers(), DELAY_RATE, 1.0)  # warm
        await made.settle()
        with made.captured() as wire:
            load = await asyncio.to_thread(made.load, way.numbers(), DELAY_RATE, effort.delay_s)
        await made.settle()
    return Load(load.calls, wire.setups_ms(), load.asterisk_ms, load.router_ms)


def merged(loads: list[Load]) -> Load:
    return Load(
        sum(load.calls for load in loads),
        sorted(delay for load in loads for delay in load.delays_ms),
        sum(load.asterisk_ms for load in loads) / len(loads),
        sum(load.router_ms for load in loads) / len(loads),
    )


async def _delay_figures(made: Rig, effort: Effort) -> list[Figure]:
    found: dict[str, list[Load]] = {way.name: [] for way in (DIAL, QUEUED, ROUTED)}
    for _ in range(effort.delay_rounds):
        for way in (DIAL, QUEUED, ROUTED):
            found[way.name].append(await delays(made, way, effort))
    whole = {name: merged(loads) for name, loads in found.items()}
    figures = []
    for name, load in whole.items():
        spread = f"p50; p99 {load.quantile(0.99):.1f} ms; {load.failed} of {load.calls} calls failed"
        figures.append(Figure(GROUP, f"set-up at 20 calls/s: {name}", load.quantile(0.5), "ms", note=spread))
    dial, routed = whole[DIAL.name], whole[ROUTED.name]
    for share, most in ((0.5, 5.0), (0.99, 25.0)):
        added = routed.quantile(share) - dial.quantile(share)
        figures.append(Figure(GROUP, f"added by routing to bare Dial, p{share * 100:.0f}", added, "ms", most=most))
    for name, load in whole.items():
        parts = f"Asterisk {load.asterisk_ms:.1f}, callrouter {load.router_ms:.1f}" if load.router_ms else ""
        spent = load.asterisk_ms + load.router_ms
        figures.append(Figure(GROUP, f"processor time per call: {name}", spent, "ms", note=parts))
    return figures


async def _measure(folder: Path, effort: Effort, quick: bool) -> list[Figure]:
    async with rig(folder) as made:
        figures = await _delay_figures(made, effort)
        rates = {way.name: await highest_rate(made, way, effort) for way in effort.ways}
    figures += [Figure(GROUP, f"highest rate: {name}", rate, "calls/s") for name, rate in rates.items()]
    for way, other, least in ((ROUTED, DIAL, 0.9), (ROUTED_LATE, WAIT_DIAL, 0.8), (ROUTED, QUEUED, 2.0)):
        if rates.get(other.name) and way.name in rates:
            name = f"rate of {way.name}, against {other.name}"
            ratio = rates[way.name] / rates[other.name]
            figures.append(Figure(GROUP, name, ratio, "×", least=least, judged=not quick))
    return figures


def figures(*, quick: bool) -> list[Figure]:
    if reason := why_not():
        print(f"no real Asterisk here, so nothing is compared with it: {reason}")
        return []
    with tempfile.TemporaryDirectory(prefix="callrouter-bench-") as folder:
        return asyncio.run(_measure(Path(folder), QUICK if quick else FULL, quick))
