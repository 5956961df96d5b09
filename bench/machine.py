"""The machine under the bench: what it is, who else is at work on it, and which processors belong to whom."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

HZ = os.sysconf("SC_CLK_TCK")
REPO = Path(__file__).resolve().parents[1]


def about() -> dict[str, str | int | float]:
    """What the absolute figures depend on."""
    from tests.asterisk.network import version  # here: it would be in the memory that is measured

    model = ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = (line.partition(":") for line in cpuinfo.read_text().splitlines())
        model = next((value.strip() for name, _, value in lines if name.strip() == "model name"), "")
    return {
        "processor": model or platform.processor() or platform.machine(),
        "processors": os.cpu_count() or 0,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "callrouter": _says("git", "-C", str(REPO), "describe", "--always", "--dirty"),
        "asterisk": version(),
        "sipp": next((line for line in _says("sipp", "-v").splitlines() if "SIPp v" in line), "").strip(),
    }


def _says(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


# ---- processors


def shares() -> tuple[set[int], set[int]]:
    """(for Asterisk, for all others): half of the processors each. One processor belongs to both."""
    mine = sorted(os.sched_getaffinity(0))
    return (set(mine[: len(mine) // 2]), set(mine[len(mine) // 2 :])) if len(mine) > 1 else (set(mine), set(mine))


def confine(pid: int, processors: set[int]) -> None:
    """A running process with all its threads, and whatever it starts from now on."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), processors)


# ---- processor time


def spent_ms(pid: int) -> float:
    """Of one process so far, its threads included, its children not."""
    fields = _fields(pid)
    return (int(fields[11]) + int(fields[12])) * 1000 / HZ


def _fields(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


class Busy:
    """Shares of two sets of processors that were used since the last look."""

    def __init__(self, *sets: set[int]) -> None:
        self._sets = sets
        self._seen = _by_processor()

    def look(self) -> tuple[float, ...]:
        before, self._seen = self._seen, _by_processor()
        shares = []
        for some in self._sets:
            used, whole = (sum(self._seen[one][k] - before[one][k] for one in some) for k in (0, 1))
            shares.append(used / whole if whole else 0.0)
        return tuple(shares)


def _by_processor() -> dict[int, tuple[int, int]]:
    """(ticks used, ticks in all) of each."""
    found = {}
    for line in Path("/proc/stat").read_text().splitlines()[1:]:
        name, *ticks = line.split()
        if not name.startswith("cpu"):
            break
        user, nice, system, idle, iowait, irq, softirq, steal = map(int, ticks[:8])
        used = user + nice + system + irq + softirq + steal
        found[int(name[3:])] = (used, used + idle + iowait)
    return found


class Neighbours:
    """How many processors others kept busy since the last look: their work makes ours slower, and our figures rough."""

    def __init__(self) -> None:
        self._whole, self._own = _whole_s(), _own_s()
        self._at = os.times().elapsed

    def look(self) -> float:
        whole, own, at = _whole_s(), _own_s(), os.times().elapsed
        passed = max(at - self._at, 1e-3)
        foreign = ((whole - self._whole) - (own - self._own)) / passed
        self._whole, self._own, self._at = whole, own, at
        return max(0.0, foreign)


def _whole_s() -> float:
    """Processor seconds that anybody used, the hypervisor's stolen ones included."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / HZ


def _own_s() -> float:
    """Of this process and all that descend from it, those that have ended included."""
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = _fields(int(entry))
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(entry)] = int(fields[1])
            used[int(entry)] = sum(int(field) for field in fields[11:15]) / HZ
    total, me = 0.0, os.getpid()
    for pid, seconds in used.items():
        one = pid
        while one not in (me, 0):
            one = parents.get(one, 0)
        total += seconds if one == me else 0.0
    return total
