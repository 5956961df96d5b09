"""`Router.handle`: events per second of processor time and memory, at 100 and at 10,000 agents."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import process_time

from bench.network import TEAMS, Story, plan, play
from bench.result import Figure
from bench.run import Run
from callrouter.core.router import Router

SMALL, LARGE = 100, 10_000
WAITING = 1_000
GROUP = "Router.handle"


def replay(agents: int, story: Story, begin: int) -> float:
    """Seconds of processor time per event in the steady part."""
    router = Router(plan(agents), story[0][1])
    for event, now in story[:begin]:
        router.handle(event, now)
    steady = story[begin:]
    handle = router.handle
    started = process_time()
    for event, now in steady:
        handle(event, now)
    return (process_time() - started) / len(steady)


def compare(waiting: int, events: int, rounds: Iterable[int]) -> dict[int, float]:
    """Seconds per event at both sizes, measured in turn so that the machine's moods meet both."""
    stories = {agents: play(agents, waiting=waiting, events=events) for agents in (SMALL, LARGE)}
    costs: dict[int, list[float]] = {agents: [] for agents in stories}
    for _ in rounds:
        for agents, (story, begin) in stories.items():
            costs[agents].append(replay(agents, story, begin))
    return {agents: min(found) for agents, found in costs.items()}


def memory_mb() -> float:
    """Resident memory of a fresh process that holds the large network and 2,000 calls."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.router"], capture_output=True, text=True, check=True, timeout=120
    )  # fmt: skip
    return float(done.stdout)


def figures(run: Run) -> Iterator[Figure]:
    events, rounds = (10_000, 3) if run.quick else (60_000, 5)
    for waiting, words in ((WAITING, f"{WAITING:,} waiting"), (0, "half of them free")):
        cost = compare(waiting, events, run.rounds(rounds, words))
        large = f"{LARGE:,} agents, {TEAMS} teams, {words}"
        yield Figure(GROUP, f"{SMALL} agents, {TEAMS} teams, {words}", 1 / cost[SMALL], "events/s")
        yield Figure(GROUP, large, 1 / cost[LARGE], "events/s", least=25_000 if waiting else None)
        ratio = cost[LARGE] / cost[SMALL]
        yield Figure(GROUP, f"cost against {SMALL} agents, {words}", ratio, "×", most=2.0, judged=True)
    yield Figure(GROUP, f"memory, {LARGE:,} agents, 2,000 calls", memory_mb(), "MB", most=300)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def _hold() -> None:
    """Print this process's memory with the large network in it; the story itself is not kept."""
    from bench.network import Life

    life = Life(plan(LARGE))
    life.open()
    while len(life.router.state.calls) < 2_000:
        life.arrive(0.001)
    life.story.clear()
    print(f"{_resident_mb():.1f}")


if __name__ == "__main__":
    _hold()
