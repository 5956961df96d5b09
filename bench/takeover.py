"""A router killed with 200 calls in progress, and started again: how long until every waiting caller is served.

140 callers talk and 60 wait, unanswered; then the router is killed (kill -9), 60 of the conversations end while there
is none, and a new one is started at once. It must find all calls, give the 60 agents who have become free to the 60 who
wait, and leave the other 80 conversations alone. The time runs from the kill to the last waiting caller's 200 OK as
captured at the carrier; the start of the process (Python, imports, database, configuration) is in it.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.asterisk.network import why_not

from bench.result import Figure
from bench.rig import AT_ONCE, PHONES, Rig, always, rig
from bench.run import Run

GROUP = "Takeover"
CALLS, TALKING, WAITING = 200, 140, 60
RATE = 40.0
TALK_MS = 120_000
ROUNDS = 3


async def one_round(made: Rig) -> tuple[float, float, int]:
    """(seconds to readiness, seconds to the last waiting caller's answer, calls lost)."""
    with made.captured() as wire, made.callrouter(PHONES[:TALKING]) as router:
        callers, _ = made.callers(always(AT_ONCE), CALLS, RATE, TALK_MS, most_s=2 * TALK_MS / 1000)
        await made.reached(talking=TALKING, waiting=WAITING)
        agents = [name for name in await made.channels() if not name.startswith("PJSIP/carrier-")]
        killed_at = time.time()
        router.process.kill()
        router.process.wait(10)
        await made.hang_up(agents[:WAITING])
        new = made.start_router()
        await asyncio.to_thread(new.wait_ready)
        ready_s = time.time() - killed_at
        await made.reached(talking=TALKING, waiting=0)
        callers.kill()
        callers.wait(10)
        await made.hang_up(await made.channels())
        await made.settle()
    served = [at for at in wire.answers() if at > killed_at]
    return ready_s, max(served) - killed_at, WAITING - len(served)


async def _measure(folder: Path, run: Run) -> list[tuple[float, float, int]]:
    async with rig(folder) as made:
        return [await one_round(made) for _ in run.rounds(1 if run.quick else ROUNDS, f"{CALLS} calls in progress")]


def figures(run: Run) -> Iterator[Figure]:
    if reason := why_not():
        run.say(f"no real Asterisk here: {reason}")
        return
    with tempfile.TemporaryDirectory(prefix="callrouter-bench-") as folder:
        rounds = asyncio.run(_measure(Path(folder), run))
    for place, name in ((0, "ready again"), (1, f"all {WAITING} waiting callers served")):
        values = [one[place] for one in rounds]
        note = f"after kill -9 with {CALLS} calls; {min(values):.2f} to {max(values):.2f} s in {len(values)} rounds"
        yield Figure(GROUP, name, median(values), "s", most=3.0 if place else None, note=note)
    yield Figure(GROUP, "calls lost", sum(one[2] for one in rounds), "", most=0, judged=True)
