"""The whole service on the demo's virtual sites, for long and fast: does anything grow that ought not to?

`python -m tests.soak --minutes 30 --pace 20` (ten hours of calls) samples memory, file descriptors, tasks, live calls
and orders without an answer, and judges the last third of the run against the third before it. Then everybody hangs
up: what is left of calls, offers, orders and tasks is a leak. Service, sites and callers share the process, so a leak
of any of them shows.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from time import time

from callrouter.cli.stage import Stage
from callrouter.config.load import load
from callrouter.core.commands import CallFinished, Command
from callrouter.core.events import Event
from callrouter.sim.pace import Pace
from callrouter.sim.world import World
from tests.waiting import until

CONFIG = Path(__file__).resolve().parents[1] / "config"
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
# what the last third may have more than the one before it; memory also holds pages that the allocator keeps
GROWTH = {"memory_mb": 1.03, "files": 1.0, "tasks": 1.1, "pending": 1.5, "calls": 1.5}
SLACK = {"memory_mb": 2.0, "files": 2, "tasks": 15, "pending": 5, "calls": 20}


@dataclass(frozen=True, slots=True)
class Sample:
    """At `at_s` since the beginning. pending: orders whose answer has not come."""

    at_s: float
    memory_mb: float
    files: int
    tasks: int
    calls: int
    pending: int
    finished: int


@dataclass
class Soaked:
    """left: what was still there after everybody had hung up, by name; all of it ought to be 0."""

    samples: list[Sample] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)

    def thirds(self, name: str) -> tuple[float, float]:
        """Medians of the middle and of the last third."""
        values: list[float] = [getattr(sample, name) for sample in self.samples]
        third = len(values) // 3
        return median(values[third : 2 * third]), median(values[-third:])

    def problems(self) -> list[str]:
        grown = [
            f"{name} grew from {before:.1f} to {after:.1f}"
            for name, factor in GROWTH.items()
            for before, after in [self.thirds(name)]
            if after > before * factor + SLACK[name]
        ]
        return grown + [f"{count} {name} left" for name, count in self.left.items() if count]


class _Soak:
    def __init__(self, folder: Path, pace: float, seed: int) -> None:
        loaded = load(CONFIG)
        hotlines = tuple(replace(hotline, hours=None) for hotline in loaded.plan.hotlines)  # the day does not end
        loaded = replace(loaded, plan=replace(loaded.plan, hotlines=hotlines))
        self.pace = Pace(pace, start=time())
        self.stage = Stage(loaded, folder, self.pace)
        self.world = World(loaded.plan, self.stage.sites, self.pace, random.Random(seed))
        self.finished = 0
        self.soaked = Soaked()

    def observe(self, event: Event, commands: Sequence[Command], now: float) -> None:
        for command in commands:
            if isinstance(command, CallFinished):
                self.finished += 1

    @property
    def calls(self) -> int:
        return len(self.stage.service.engine.snapshot().calls)

    @property
    def pending(self) -> int:
        return sum(link.state.pending for link in self.stage.service.switchboard.links.values())

    async def run(self, seconds: float, every_s: float, say: Callable[[str], None]) -> Soaked:
        loop = asyncio.get_running_loop()
        service = await self.stage.start()
        service.engine.observe(self.observe)
        idle = len(asyncio.all_tasks())
        crew = sum(len(crew.phones) for crew in self.world.crews)
        counts = service.engine.counts
        await self.world.open(
            lambda: sum(count for (_, state), count in counts().agents.items() if state == "ready") >= crew,
            lambda: self.calls >= self.world.begun_with,
        )
        self.world.start()
        began = loop.time()
        while loop.time() < began + seconds:
            await asyncio.sleep(every_s)
            self.soaked.samples.append(self._sample(loop.time() - began))
            say(json.dumps(asdict(self.soaked.samples[-1])))
        await self.world.close()
        for site in self.stage.sites.values():
            for channel in site.channels():
                channel.hang_up(16)
        with suppress(TimeoutError):  # what is left is told
            await until(lambda: not (self.calls or self.pending or len(asyncio.all_tasks()) > idle), deadline_s=30)
        talking = {state: n for (_, state), n in counts().agents.items() if state in ("offered", "talking")}
        self.soaked.left = {
            "calls": self.calls,
            "channels": sum(len(site.channels()) for site in self.stage.sites.values()),
            "orders without an answer": self.pending,
            "tasks": max(0, len(asyncio.all_tasks()) - idle),
            **{f"agents {state}": count for state, count in talking.items()},
        }
        await self.stage.stop()
        return self.soaked

    def _sample(self, at_s: float) -> Sample:
        resident = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_MB
        files = len(os.listdir("/proc/self/fd"))
        tasks = len(asyncio.all_tasks())
        return Sample(round(at_s, 1), round(resident, 1), files, tasks, self.calls, self.pending, self.finished)


async def soak(
    folder: Path,
    seconds: float,
    pace: float,
    every_s: float,
    seed: int = 1,
    say: Callable[[str], None] = lambda _: None,
) -> Soaked:
    return await _Soak(folder, pace, seed).run(seconds, every_s, say)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--pace", type=float, default=20.0, help="times real pace")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two samples")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="callrouter-soak-") as folder:
        print_now = lambda line: print(line, flush=True)  # noqa: E731
        run = soak(Path(folder), 60 * chosen.minutes, chosen.pace, chosen.every, chosen.seed, print_now)
        soaked = asyncio.run(run)
    for name in GROWTH:
        before, after = soaked.thirds(name)
        print(f"{name}: {before:.1f} in the middle third, {after:.1f} in the last")
    print(f"{soaked.samples[-1].finished} calls ended")
    problems = soaked.problems()
    print("\n".join(problems) or "nothing grew, nothing is left")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
