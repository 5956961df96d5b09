"""callrouter beside bare `Dial` and `Queue()` on one real Asterisk: set-up delay, processor time, highest rate.

A rate holds if at most 1 % of the calls fail and the 95th percentile of the set-up (INVITE to 200 OK, less the second
that some calls are meant to wait) is at most 100 ms. The ways are measured in turn, over and over, so that the moods of
the machine meet all of them; what is told is the median of the rounds, with their spread. Asterisk has processors of
its own: what a rate costs elsewhere (callers, phones, callrouter) does not bound it, and is told apart.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import exp, inf, log
from pathlib import Path
from statistics import median

from tests.asterisk.network import why_not

from bench.result import Figure
from bench.rig import AFTER_1_S, AT_ONCE, QUEUE, Rig, always, phones, rig
from bench.run import Run
from bench.sipp import Load

GROUP = "Asterisk"
SETUP_MS_MAX = 100.0
FAILED_MAX = 0.01
QUIET_RATE = 20.0
RATE_FIRST, RATE_MOST = 100.0, 600.0
DISTURBED = 0.15  # processors that others keep busy: then a try that failed is made once more


@dataclass(frozen=True, slots=True)
class Way:
    """One way to reach an agent. wait_ms: meant to pass before an agent is rung."""

    name: str
    numbers: Callable[[], Iterator[str]]
    wait_ms: float = 0.0
    routed: bool = False

    def setup_ms(self, load: Load, share: float) -> float:
        return load.quantile(share) - self.wait_ms

    def held(self, load: Load) -> bool:
        return load.failed <= FAILED_MAX * load.calls and self.setup_ms(load, 0.95) <= SETUP_MS_MAX


DIAL = Way("bare Dial", lambda: phones("8"))
QUEUED = Way("Queue(), 200 members", lambda: always(QUEUE))
WAIT_DIAL = Way("Ringing, Wait(1), Dial", lambda: phones("7"), wait_ms=1000.0)
ROUTED = Way("callrouter, 200 agents", lambda: always(AT_ONCE), routed=True)
ROUTED_LATE = Way("callrouter, each call waits 1 s", lambda: always(AFTER_1_S), wait_ms=1000.0, routed=True)
WAYS = (DIAL, QUEUED, WAIT_DIAL, ROUTED, ROUTED_LATE)


@dataclass(frozen=True, slots=True)
class Effort:
    quiet_rounds: int
    quiet_s: float
    tries: int
    try_s: float


FULL = Effort(quiet_rounds=3, quiet_s=5.0, tries=10, try_s=3.5)
QUICK = Effort(quiet_rounds=1, quiet_s=3.0, tries=5, try_s=2.5)


@contextmanager
def turns(made: Rig) -> Iterator[Iterable[Way]]:
    """All ways once, callrouter running for those that are its own."""

    def each() -> Iterator[Way]:
        yield from (way for way in WAYS if not way.routed)
        with made.callrouter():
            yield from (way for way in WAYS if way.routed)

    yield each()


def spread(values: Sequence[float]) -> str:
    return f"{min(values):.1f} to {max(values):.1f} in {len(values)} rounds"


# ---- at a quiet rate


async def quiet(made: Rig, effort: Effort, run: Run) -> dict[Way, list[Load]]:
    """Set-up and processor time, timed on the wire: SIPp's own clock ticks in 4 ms."""
    found: dict[Way, list[Load]] = {way: [] for way in WAYS}
    for _ in run.rounds(effort.quiet_rounds, f"{QUIET_RATE:.0f} calls/s"):
        with turns(made) as ways:
            for way in ways:
                await asyncio.to_thread(made.load, way.numbers(), QUIET_RATE, 0.5)  # warm
                await made.settle()
                with made.captured() as wire:
                    load = await asyncio.to_thread(made.load, way.numbers(), QUIET_RATE, effort.quiet_s)
                await made.settle()
                load.delays_ms[:] = wire.setups_ms()
                found[way].append(load)
    return found


def quiet_figures(found: dict[Way, list[Load]]) -> Iterator[Figure]:
    for way, loads in found.items():
        p50, p99 = ([way.setup_ms(load, share) for load in loads] for share in (0.5, 0.99))
        failed, calls = sum(load.failed for load in loads), sum(load.calls for load in loads)
        note = f"p50, {spread(p50)}; p99 {median(p99):.1f} ms; {failed} of {calls} calls failed"
        yield Figure(GROUP, f"set-up at {QUIET_RATE:.0f} calls/s: {way.name}", median(p50), "ms", note=note)
    for share, most in ((0.5, 5.0), (0.99, 25.0)):
        # round by round: both were measured within seconds of each other
        pairs = zip(found[ROUTED], found[DIAL], strict=True)
        added = [routed.quantile(share) - dial.quantile(share) for routed, dial in pairs]
        name = f"added by routing to bare Dial, p{share * 100:.0f}"
        yield Figure(GROUP, name, median(added), "ms", most=most, note=spread(added))
    for way, loads in found.items():
        asterisk, router, sipp = (
            median([getattr(load, name) for load in loads]) for name in ("asterisk_ms", "router_ms", "sipp_ms")
        )
        router_said = f", callrouter {router:.1f}" if way.routed else ""
        note = f"Asterisk, {spread([load.asterisk_ms for load in loads])}{router_said}; callers and phones {sipp:.1f}"
        yield Figure(GROUP, f"processor time per call: {way.name}", asterisk, "ms", note=note)


# ---- the highest rate


@dataclass
class Staircase:
    """One step up after a try that held, one down after one that did not, ever smaller: it ends around the highest
    rate that holds, and one moment's bad luck costs a step, not the search."""

    rate: float = RATE_FIRST
    factor: float = 1.5
    finest: float = 1.06
    tried: list[tuple[float, bool, Load]] = field(default_factory=list)

    def note(self, held: bool, load: Load) -> None:
        if self.tried and self.tried[-1][1] != held:
            self.factor = max(self.finest, self.factor**0.5)
        self.tried.append((self.rate, held, load))
        self.rate = min(RATE_MOST, max(5.0, self.rate * self.factor if held else self.rate / self.factor))

    @property
    def last(self) -> list[tuple[float, bool, Load]]:
        """The tries around its end: those since it first turned, at most six."""
        held = [one for _, one, _ in self.tried]
        turned = held.index(not held[0]) - 1 if not all(held) and any(held) else len(held) - 1
        return self.tried[max(turned, len(held) - 6) :]

    @property
    def highest(self) -> float:
        """In the middle of them (geometrically: its steps are factors)."""
        return exp(median([log(rate) for rate, _, _ in self.last]))


async def climb(made: Rig, effort: Effort, run: Run) -> dict[Way, Staircase]:
    stairs = {way: Staircase() for way in WAYS}
    for _ in run.rounds(effort.tries, "highest rate"):
        with turns(made) as ways:
            for way in ways:
                stair = stairs[way]
                if run.over and stair.tried:
                    continue
                load = await one_try(made, way, stair.rate, effort.try_s)
                if not way.held(load) and load.foreign > DISTURBED and not run.over:
                    load = await one_try(made, way, stair.rate, effort.try_s)
                setup = way.setup_ms(load, 0.95)
                said = "holds" if way.held(load) else "does not hold"
                run.say(f"{way.name} at {stair.rate:.0f}/s {said}: p95 {setup:.0f} ms, {load.failed} failed")
                stair.note(way.held(load), load)
    return stairs


async def one_try(made: Rig, way: Way, rate: float, seconds: float) -> Load:
    load = await asyncio.to_thread(made.load, way.numbers(), rate, seconds)
    await made.settle()
    return load


def rate_figures(stairs: dict[Way, Staircase], judged: bool) -> Iterator[Figure]:
    for way, stair in stairs.items():
        rates = [rate for rate, _, _ in stair.last]
        loads = [load for _, _, load in stair.last]
        asterisk, router, asterisk_busy, others_busy, foreign = (
            median([getattr(load, name) for load in loads])
            for name in ("asterisk_ms", "router_ms", "asterisk_busy", "others_busy", "foreign")
        )
        said = f", callrouter {router:.1f} ms" if way.routed else ""
        note = (
            f"{min(rates):.0f} to {max(rates):.0f}; Asterisk {asterisk:.1f} ms{said} a call; its processors "
            f"{asterisk_busy:.0%} busy, the others {others_busy:.0%}; foreign work {foreign:.1f}"
        )
        yield Figure(GROUP, f"highest rate: {way.name}", stair.highest, "calls/s", note=note)
    for way, other, least in ((ROUTED, DIAL, 0.9), (ROUTED_LATE, WAIT_DIAL, 0.8), (ROUTED, QUEUED, 2.0)):
        ratio = stairs[way].highest / stairs[other].highest if stairs[other].highest else inf
        name = f"rate of {way.name}, against {other.name}"
        yield Figure(GROUP, name, ratio, "×", least=least, judged=judged)


async def _measure(folder: Path, run: Run, found: list[Figure]) -> None:
    effort = QUICK if run.quick else FULL
    async with rig(folder) as made:
        found += quiet_figures(await quiet(made, effort, run))
        found += rate_figures(await climb(made, effort, run), judged=not run.quick)


def figures(run: Run) -> Iterator[Figure]:
    if reason := why_not():
        run.say(f"no real Asterisk here, so nothing is compared with it: {reason}")
        return
    with tempfile.TemporaryDirectory(prefix="callrouter-bench-") as folder:
        found: list[Figure] = []
        try:
            asyncio.run(_measure(Path(folder), run, found))
        finally:
            yield from found  # what was measured before it was stopped, too
