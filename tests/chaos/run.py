"""Live through worlds, each in a process of its own, several at a time; and shorten the schedule of one that fails."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import resource
import selectors
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import database, faults
from tests.chaos.faults import Fault
from tests.chaos.listener import Listener
from tests.chaos.world import World

HANGS_S = 1_800.0  # of real time
CPU_S = 120  # of a processor's; the process is ended by the system
STRIDE = 7919  # a prime, so that neighbours differ in kind and stage
SHM = Path("/dev/shm")


@dataclass
class Result:
    """What came of one world. problems: what must not be; empty if all is well."""

    seed: str
    schedule: list[Fault] = field(default_factory=list)
    drawn: bool = True  # the schedule, from the seed
    problems: list[str] = field(default_factory=list)
    digest: str = ""
    virtual_s: float = 0.0
    clear_s: float = 0.0  # of all its sites, without trouble
    site_s: float = 0.0
    seconds: float = 0.0
    calls: int = 0
    strict: int = 0  # calls whose record had to be exact
    looks: int = 0
    unheard: int = 0  # offers that took effect, and their answers were lost
    starts: int = 0  # of routers
    kinds: Counter[str] = field(default_factory=Counter)
    struck: Counter[tuple[str, str]] = field(default_factory=Counter)
    fired: Counter[tuple[str, str]] = field(default_factory=Counter)
    mangled: Counter[str] = field(default_factory=Counter)
    excuses: Counter[str] = field(default_factory=Counter)

    @property
    def command(self) -> str:
        return f"make sim SEED={self.seed}" + ("" if self.drawn else f" FAULTS='{faults.to_text(self.schedule)}'")


def pair_of(seed: str) -> tuple[str, str] | None:
    """Which kind of fault at which stage this seed is meant for: any run of consecutive seeds goes through all."""
    every = faults.pairs()
    return every[int(seed) * STRIDE % len(every)] if seed.isdecimal() else None


def live(seed: str, schedule: Sequence[Fault] | None = None, trace: Path | None = None) -> Result:
    """One world, in this process."""
    database.register()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="callrouter-sim-", dir=SHM if SHM.is_dir() else None) as folder:
        world = World(seed, pair_of(seed), Path(folder), schedule)
        listener = Listener(world)
        result = Result(seed, list(world.schedule), schedule is None)
        try:
            with listener:
                world.run()
        except Exception as error:
            world.broke(f"the world ends: {error!r} {''.join(traceback.format_tb(error.__traceback__)[-3:])}")
        result.problems = world.problems
        result.digest = world.digest.hexdigest()
        result.virtual_s = world.loop.time()
        result.clear_s = world.weather.clear_s(world.loop.time())
        result.site_s = world.loop.time() * len(world.scene.sites)
        result.calls, result.strict, result.looks = len(world.truth.calls), world.judge.strict, world.judge.looks
        result.starts = sum(machine.starts for machine in world.machines.values())
        result.kinds, result.struck, result.excuses = world.kinds, world.struck, world.judge.excuses
        result.fired, result.unheard = world.fired, world.judge.unheard
        for mangler in world.manglers.values():
            result.mangled.update(mangler.count)
        if trace is not None:
            trace.write_text("\n".join(world.trace) + "\n", encoding="utf-8")
    result.seconds = time.monotonic() - began
    return result


def warm_up() -> None:
    """What every world would have to read and compile for itself is inherited; of the world that it takes, nothing.

    What was left of it would die in its heirs, whose judge would hear of it.
    """
    live("0", [])
    asyncio.set_event_loop(None)
    gc.collect()
    assert not any(isinstance(one, World) for one in gc.get_objects()), "a world outlives itself"
    gc.freeze()


def fails(seed: str) -> Callable[[Sequence[Fault]], bool]:
    """Does this world, with such a schedule?"""
    return lambda schedule: bool(apart(seed, schedule).problems)


def apart(seed: str, schedule: Sequence[Fault] | None = None, trace: Path | None = None) -> Result:
    """One world, in a process of its own."""
    return next(many([(seed, schedule)], 1, trace))


Job = tuple[str, Sequence[Fault] | None]


def many(jobs: Iterable[Job], at_once: int, trace: Path | None = None) -> Iterator[Result]:
    """The results as they come. Closing the iterator ends the processes."""
    waiting = iter(jobs)
    children: dict[int, tuple[int, str, float, bytearray]] = {}  # pipe -> process, seed, deadline, what it said
    with selectors.DefaultSelector() as selector:
        try:
            more = True
            while more or children:
                while more and len(children) < at_once:
                    job = next(waiting, None)
                    more = job is not None
                    if job is not None:
                        pipe, process = _fork(*job, trace)
                        children[pipe] = process, job[0], time.monotonic() + HANGS_S, bytearray()
                        selector.register(pipe, selectors.EVENT_READ)
                ready = [int(key.fd) for key, _ in selector.select(1.0)] if children else []
                for pipe in ready:
                    data = os.read(pipe, 1 << 20)
                    children[pipe][3].extend(data)
                    if not data:
                        yield _ended(selector, pipe, *children.pop(pipe))
                for pipe, (process, seed, deadline, _) in tuple(children.items()):
                    if time.monotonic() > deadline:
                        os.kill(process, signal.SIGKILL)
                        del children[pipe]
                        _ended(selector, pipe, process, seed, deadline, bytearray())
                        yield Result(seed, problems=[f"it does not end within {HANGS_S:g} s"])
        finally:
            for process, *_ in children.values():
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)


def _fork(seed: str, schedule: Sequence[Fault] | None, trace: Path | None) -> tuple[int, int]:
    read, write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process:
        os.close(write)
        return read, process
    status = 1
    try:
        os.close(read)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        result = live(seed, schedule, trace)
        with os.fdopen(write, "wb") as out:
            out.write(pickle.dumps(result))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)  # what the dead left behind is not tidied up


def _ended(
    selector: selectors.BaseSelector, pipe: int, process: int, seed: str, _deadline: float, said: bytearray
) -> Result:
    selector.unregister(pipe)
    os.close(pipe)
    _, status = os.waitpid(process, 0)
    if not said:
        return Result(seed, problems=[f"its process ended with {os.waitstatus_to_exitcode(status)}"])
    result = pickle.loads(said)
    assert isinstance(result, Result)
    return result


def shorten(schedule: Sequence[Fault], fails: Callable[[Sequence[Fault]], bool]) -> list[Fault]:
    """The shortest schedule that still fails: parts are left out as long as something fails (ddmin), then lightened."""
    if fails([]):
        return []
    kept, parts = list(schedule), 2
    while len(kept) > 1:
        size = -(-len(kept) // parts)
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            if fails(rest):
                kept, parts = rest, max(2, parts - 1)
                break
        else:
            if parts >= len(kept):
                break
            parts = min(len(kept), parts * 2)
    for place in range(len(kept)):
        for lighter in faults.lighter(kept[place]):
            if fails([*kept[:place], lighter, *kept[place + 1 :]]):
                kept[place] = lighter
    return kept
