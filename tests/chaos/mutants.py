"""Bugs planted in a copy of the tree, one at a time, to see whether the world finds them and how soon.

    python -m tests.chaos.mutants                  all of them; prints the table of docs/decisions
    python -m tests.chaos.mutants lost-resync      one

Each is a replacement of text that stands exactly once in its file, so that a change of the code is noticed here.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.chaos import faults
from tests.chaos.run import apart

ROOT = Path(__file__).parents[2]
SEEDS_MAX = 60
FIRST = 40_000  # seeds of their own: the fixed ones of the suite are known to be green


@dataclass(frozen=True)
class Mutant:
    """name; what it is in words; where; what stands there, and what is put in its place.

    under: kinds of fault that may bring it to light; it is hunted in worlds of nothing else. None: in any.
    """

    name: str
    what: str
    path: str
    old: str
    new: str
    under: str | None = None


MUTANTS = (
    # ---- core
    Mutant(
        "reserve", "the lender's reserve is not looked at", "core/overflow.py",
        "        if free <= a.reserve:\n", "        if free <= 0:\n",
        under="",
    ),
    Mutant(
        "cap", "one call more than the agreement's cap", "core/overflow.py",
        "self.borrowed >= a.max_calls:", "self.borrowed > a.max_calls:",
        under="",
    ),
    Mutant(
        "double-offer", "a fresh offer that does not show in a read-back is taken for lost", "core/reconcile.py",
        "        if s.now - offer.at < FRESH_S:\n            s.watch(call, FRESH_S)\n            return\n"
        "        result",
        "        result",
        under="reread slow",
    ),
    Mutant(
        "repeated-order", "an offer whose answer is unknown is taken for refused and given again", "core/router.py",
        "if not e.unknown and call.offer is not None", "if call.offer is not None",
        under="mute stall",
    ),
    Mutant(
        "ringing-not-adopted", "who is found ringing after a restart is not put into the books as rung",
        "core/reconcile.py",
        '        seat.call = call.id\n        s.move_seat(seat, AgentMove.OFFER, "found ringing")\n',
        "        pass\n",
        under="kill term",
    ),
    Mutant(
        "suspect-for-ever", "who could not be rung is not tried again after a while", "core/state.py",
        '"unreachable"\n            self.resume_later(seat, SUSPECT_S)\n', '"unreachable"\n',
        under="",
    ),
    Mutant(
        "agent-kept", "the agents of an offer are not freed when the caller hangs up", "core/state.py",
        "                self.seat_not_taken(call, call.offer, target.agent, told)\n        else:\n",
        "                pass\n        else:\n",
        under="",
    ),
    Mutant(
        "ghosts", "calls that are gone when their site is read back stay in the books", "core/reconcile.py",
        "            ended(s, call, 0, seen=False)\n        else:  # it came",
        "            pass\n        else:  # it came",
        under="cut hole",
    ),
    Mutant(
        "lines-without-link", "callers of a site that cannot be reached stay in line", "core/reconcile.py",
        "        if call.site == site:\n            s.leave_line(call)\n        if site in", "        if site in",
        under="hole hang",
    ),
    Mutant(
        "agents-without-link", "agents of a site that cannot be reached stay free", "core/reconcile.py",
        '            s.move_seat(s.seats[agent.id], AgentMove.CHANGED, "no link to the site")\n', "            pass\n",
        under="hole hang",
    ),
    Mutant(
        "failsafe-offered", "a call that the dialplan has taken is offered all the same", "core/reconcile.py",
        "    s.leave_line(call)\n    s.watch_not(call)\n    s.timers.cancel(call.limit_timer)\n"
        "    s.move_call(call, CallMove.FAILSAFE)",
        "    s.watch_not(call)\n    s.timers.cancel(call.limit_timer)\n    s.move_call(call, CallMove.FAILSAFE)",
        under="hole pause",
    ),
    Mutant(
        "clock-leap", "a clock that is set ahead lets everybody have waited so long", "core/router.py",
        "    set_clock(s, e.by_s)\n", "    return\n",
        under="clock",
    ),
    # ---- link and session
    Mutant(
        "lost-resync", "a gap in the events is not followed by a read-back", "ami/link.py",
        "        self._trusted = False\n        self._reread()\n", "        return\n",
        under="garbled",
    ),
    Mutant(
        "no-audit", "no site is read back without a cause", "ami/link.py",
        "        if self._ours and self._clock() >= self._next_audit:\n            self._want_read = True\n", "",
        under="never deaf",
    ),
    Mutant(
        "link-down-untold", "nobody tells the engine that a link is down", "ami/link.py",
        "            while self._told_up and not self._submit(LinkDown(self.site)):", "            while False:",
        under="hang hole",
    ),
    Mutant(
        "held-dropped", "what is told while a site is read back is dropped", "ami/link.py",
        "        for event in after:\n            self._pass_on(event)\n", "",
        under="reread",
    ),
    Mutant(
        "not-held", "what is told while a site is read back is told before it", "ami/link.py",
        "        elif self._held is not None:\n", "        elif self._held is not None and False:\n",
        under="reread",
    ),
    Mutant(
        "order-after-silence", "a router that was not heard of for long gives orders", "ami/link.py",
        "        elif self._clock() - self._beat_at > self._timing.silence_s:", "        elif False:",
        under="pause hole",
    ),
    Mutant(
        "resent", "an order without an answer is given once more", "ami/link.py",
        "        if error is not None:\n            bad.append(error)\n",
        "        if rows is None and self._session is not None:\n"
        "            bad.append('again')\n            self._give(self._session, order)\n"
        "        elif error is not None:\n            bad.append(error)\n",
        under="mute stall",
    ),
    Mutant(
        "leaked-future", "a request whose deadline has passed is never told so", "ami/session.py",
        "            self._forget(pending)\n            pending.finish(None)\n        if queue",
        "            self._forget(pending)\n        if queue",
        under="mute deaf",
    ),
    Mutant(
        "rival-ignored", "a router takes over though the other one's beat moves", "ami/epoch.py",
        "        elif now - self._seen_at >= DEAD_S:", "        if now >= 0.0:",
        under="second",
    ),
    Mutant(
        "fence", "the dialplan does not compare the epoch of an order", "sim/dialplan.py",
        'if part(order, 1) == x.globals.get("CR_EPOCH", "") and part(order, 2) in (',
        "if part(order, 2) in (",
        under="second pause",
    ),
    # ---- engine
    Mutant(
        "shed-untold", "events are shed and the site is not read back", "engine.py",
        '                self._reread(site, "events of this site were shed: the inbox was full")\n'
        "            return False",
        "                pass\n            return True",
        under="pause burst",
    ),
    Mutant(
        "orders-first", "orders leave before their lines are with the kernel", "engine.py",
        "        if self._journal:\n            self._journal.flush(now)\n        for order in orders:\n"
        "            self._leave(order)\n",
        "        for order in orders:\n            self._leave(order)\n        if self._journal and len(seen) > 1:\n"
        "            self._journal.flush(now)\n",
        under="kill",
    ),
    Mutant(
        "timer-not-armed", "a deadline that comes earlier than the one before is not waited for", "engine.py",
        "        if due == self._timer_due and self._timer is not None:", "        if self._timer is not None:",
        under="",
    ),
    # ---- journal
    Mutant(
        "torn-line", "half a line stays where the disk was full", "journal/writer.py",
        "                self._disk.cut(self._fd, self._size)\n", "                pass\n",
        under="disk_full",
    ),
    Mutant(
        "stale-checkpoint", "a segment begins with the state before the last lines", "journal/writer.py",
        "            if self._write(data, now):\n                self.lines_written += count\n",
        "            if self._size > 20_000:\n                self._close()\n                self.begin(now)\n"
        "            if self._write(data, now):\n                self.lines_written += count\n",
        under="kill",
    ),
    Mutant(
        "no-recall", "calls that a dead router knew are not recalled", "recovery.py",
        "            for site in sorted(found):", "            for site in ():",
        under="kill power",
    ),
    # ---- store
    Mutant(
        "record-twice", "the place in the journal is not kept with its records", "store/books.py",
        "        .values(place=batch.end)\n    )\n    return moved.rowcount == 1",
        "        .values(place=batch.start)\n    )\n    return moved.rowcount == 1",
        under="sql_unknown kill",
    ),
    Mutant(
        "later-word", "the later word about a call stands, whatever it knows", "finished.py",
        "    return seen, outcome != Outcome.LOST, 0.0 if seen else -ended_at, run, seq",
        "    return True, True, 0.0, run, seq",
        under="second kill",
    ),
    Mutant(
        "agents-forgotten", "what agents asked for is not kept", "store/store.py",
        "            self._note(AGENT_STATE, agent, row)\n", "            pass\n",
        under="kill term",
    ),
    Mutant(
        "switch-unkept", "a switch is confirmed before it is kept", "store/store.py",
        "        await self._write(AuditEntry(self._clock(), who, what, why, before, after))\n",
        "        await write_audit(self.engine, AuditEntry(self._clock(), who, what, why, before, after))\n",
        under="switch",
    ),
    # ---- what this world has found itself
    Mutant(
        "put-through", "who puts a borrowed caller through has him until the trunk ends", "core/router.py",
        "    elif _lent_leg(s, call, e.leg):\n", "    elif False:\n",
        under="",
    ),
    Mutant(
        "phone-unsaid", "what says nothing of a phone says that it is free", "core/reconcile.py",
        "seat.phone_up and not seat.phone_in_use", "not seat.phone_in_use",
        under="kill tear",
    ),
    Mutant(
        "elder-router", "of two routers the one that began later is right about a callback", "store/callbacks.py",
        "(row.version, row.run, row.seq) < (one.what.version, one.run, one.seq)",
        "(row.run, row.seq) < (one.run, one.seq)",
        under="second",
    ),
)  # fmt: skip


def planted(mutant: Mutant, root: Path = ROOT) -> str:
    """The file's text with the bug in it. Raises ValueError if the code has changed."""
    text = (root / "src/callrouter" / mutant.path).read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise ValueError(f"{mutant.name}: what it replaces stands {text.count(mutant.old)} times in {mutant.path}")
    return text.replace(mutant.old, mutant.new)


def hunt(mutant: Mutant, seeds_max: int, jobs: int) -> tuple[int, str]:
    """(seeds until it was found, what was seen); (0, '') if none found it."""
    with tempfile.TemporaryDirectory(prefix=f"callrouter-{mutant.name}-") as folder:
        tree = Path(folder)
        for part in ("src", "tests", "dialplans", "config"):
            shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
        (tree / "src/callrouter" / mutant.path).write_text(planted(mutant), encoding="utf-8")
        command = [
            "-m",
            "tests.chaos",
            "--seeds",
            f"{FIRST}-{FIRST + seeds_max - 1}",
            "--jobs",
            str(jobs),
            "--failures",
            "1",
        ]
        if mutant.under is not None:
            command += ["--kinds", mutant.under]
        environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [sys.executable, *command], cwd=tree, env=environment, capture_output=True, text=True, check=False
        )
    number = re.search(r"^(\d+) seeds \([^)]*\), 1 failed", done.stdout, re.MULTILINE)
    problem = re.search(r"^seed (\d+) FAILS\n +(.*)$", done.stdout, re.MULTILINE)
    schedule = re.search(r"FAULTS='(.*)'", done.stdout)
    if number is None or problem is None:
        if " 0 failed" not in done.stdout:
            raise RuntimeError(f"{mutant.name}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
        return 0, ""
    if apart(problem[1], faults.from_text(schedule[1]) if schedule is not None else None).problems:
        raise RuntimeError(f"seed {problem[1]} fails without {mutant.name}, too")
    return int(number[1]), re.sub(r"^[\d.]+ ", "", problem[2])[:110]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, default=SEEDS_MAX)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    missed = 0
    print("| planted bug | seeds | the world says |\n| --- | --- | --- |", flush=True)
    for mutant in MUTANTS:
        if not arguments.names or mutant.name in arguments.names:
            try:
                seeds, problem = hunt(mutant, arguments.seeds, arguments.jobs)
            except RuntimeError as error:
                seeds, problem = 0, str(error)
            missed += not seeds
            print(f"| {mutant.what} (`{mutant.name}`) | {seeds or f'> {arguments.seeds}'} | {problem} |", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
