"""`make sim` and `make soak`: break everything on purpose, by seed.

python -m tests.chaos 17                 one world; says what is wrong, and how to see it again
python -m tests.chaos 17 --shrink        and the shortest schedule of faults that still fails
python -m tests.chaos 17 --faults JSON   with these faults instead of those that the seed draws
python -m tests.chaos --seeds 0-399      many
python -m tests.chaos --soak             fresh ones until it is stopped
python -m tests.chaos --seeds 0-9 --kinds 'kill cut'    a dozen faults of these kinds in each of them
python -m tests.chaos --pairs            until each kind of fault has struck a call at each stage
python -m tests.chaos --seeds 0-9 --soak --for 150    these, then fresh ones until 150 s are over
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tests.chaos import faults, scene
from tests.chaos.report import Report
from tests.chaos.run import Job, Result, apart, fails, many, shorten, warm_up

PAIRS_AT_ONCE = 6


def fresh() -> int:
    """Where to begin: a number that nobody has tried, small enough to be typed."""
    return int.from_bytes(os.urandom(4), "big")


def one(seed: str, text: str, shrink: bool, trace: Path | None) -> int:
    schedule = faults.from_text(text) if text else None
    result = apart(seed, schedule, trace)
    if not text:
        for fault in result.schedule:
            print(fault)
    print(f"{result.virtual_s:.0f} virtual s in {result.seconds:.1f} s, {result.calls} calls, trace {result.digest}")
    tell(result)
    if result.problems and shrink:
        kept = shorten(result.schedule, fails(seed))
        print(f"shortest: {len(kept)} of {len(result.schedule)} faults")
        for problem in apart(seed, kept).problems[:3]:
            print("   ", problem)
        print(f"make sim SEED={seed} FAULTS='{faults.to_text(kept)}'")
    return bool(result.problems)


def planned(asked: str, soak: bool, until: float) -> Iterator[int]:
    """Seeds: those that are asked for, then fresh ones as long as there is time."""
    for some in filter(None, asked.split(",")):
        begin, _, end = some.partition("-")
        yield from range(int(begin), int(end or begin) + 1)
    for seed in itertools.count(fresh()) if soak else ():
        if time.monotonic() > until:
            return
        yield seed


def until_all_pairs(report: Report, seeds: Iterable[int]) -> Iterator[Job]:
    """Worlds in which some of the pairs that have not come yet are likely to."""
    for seed in map(str, seeds):
        missing = [pair for pair in faults.pairs() if not report.fired[pair]]
        if not missing:
            return
        rng = random.Random(f"{seed}/pairs")
        drawn = scene.draw(random.Random(f"{seed}/scene"), "")
        yield seed, faults.aimed(rng, drawn, rng.sample(missing, min(PAIRS_AT_ONCE, len(missing))))


def of_kinds(seeds: Iterable[int], kinds: Sequence[str]) -> Iterator[Job]:
    for seed in map(str, seeds):
        drawn = scene.draw(random.Random(f"{seed}/scene"), "")
        yield seed, faults.of_kinds(random.Random(f"{seed}/kinds"), drawn, kinds)


def tell(result: Result) -> None:
    if not result.problems:
        return
    print(f"seed {result.seed} FAILS")
    for problem in result.problems[:12]:
        print("   ", problem[:1500])
    print(f"    replay it with: {result.command}     (SHRINK=1 finds the shortest schedule, TRACE=FILE writes it down)")


def several(jobs: Iterable[Job], report: Report, at_once: int, every_s: float, most: int) -> int:
    warm_up()
    said = time.monotonic()
    failed = 0
    try:
        for result in many(jobs, at_once):
            report.add(result)
            tell(result)
            failed += bool(result.problems)
            if failed >= most:
                break
            if every_s and time.monotonic() - said > every_s:
                said = time.monotonic()
                print(report.rates(), flush=True)
    except KeyboardInterrupt:
        pass
    print(report.rates())
    print(report.table())
    return bool(failed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed", nargs="?", default="")
    parser.add_argument("--faults", default="")
    parser.add_argument("--shrink", action="store_true")
    parser.add_argument("--trace", type=Path)
    parser.add_argument("--seeds", default="", metavar="FIRST-LAST,…")
    parser.add_argument("--soak", action="store_true")
    parser.add_argument("--kinds", help="a dozen faults of these kinds in each world; '': none")
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--for", type=float, default=float("inf"), dest="for_s", metavar="S")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--failures", type=int, default=1_000, help="stop after so many seeds that fail")
    arguments = parser.parse_args()
    if arguments.seeds or arguments.soak or arguments.pairs:
        more = arguments.soak or (arguments.pairs and not arguments.seeds)
        seeds, report = planned(arguments.seeds, more, time.monotonic() + arguments.for_s), Report()
        jobs: Iterator[Job] = ((str(seed), None) for seed in seeds)
        if arguments.pairs:
            jobs = until_all_pairs(report, seeds)
        elif arguments.kinds is not None:
            jobs = of_kinds(seeds, arguments.kinds.split())
        return several(jobs, report, arguments.jobs, 60.0, arguments.failures)
    return one(arguments.seed or str(fresh()), arguments.faults, arguments.shrink, arguments.trace)


if __name__ == "__main__":
    sys.exit(main())
