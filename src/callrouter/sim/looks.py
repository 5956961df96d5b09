"""What a search looks at: how many calls of each half hour of each day are answered in time, over some runs.

Every day is looked at by itself, and no further back than its roster is another one than before: at each half hour the
day is kept as it is then, and a day whose roster is the same until then goes on from there. It comes out as if it had
been simulated from its beginning.
"""

from __future__ import annotations

import io
import os
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from copy import copy
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from callrouter.core.calendar import is_open
from callrouter.sim.call import ANSWERED, CLOSED
from callrouter.sim.callers import SLOT_S, Callers
from callrouter.sim.case import Case, at
from callrouter.sim.clock import DAY_S
from callrouter.sim.day import Day, Setting
from callrouter.sim.desks import whole
from callrouter.sim.kernel import NEVER_US, SECOND_US
from callrouter.sim.runs import day_of, with_desks

Place = tuple[str, int, int]  # hotline, day, half hour of the day
Tally = dict[Place, tuple[int, int, int]]  # calls in opening hours, those answered in time, their work in microseconds
Piece = tuple[int, int]  # run, day

COURSES_MAX = 3  # of one piece: that which is looked at, and those that were tried
BYTES_MAX = 256 * 2**20  # that one process keeps, about
CALL_BYTES = 400


def load(case: Case, seed: int, run: int) -> dict[Place, float]:
    """How many agents the first calls keep busy on average, if each is answered at once (the offered load)."""
    clock = case.clock
    hotlines = {one.name: one for one in case.plan.hotlines}
    found: dict[Place, float] = {}
    for call in Callers(case, seed, run).arrivals():
        if not is_open(hotlines[call.hotline].hours, (case.setting.start_us + call.at_us) / SECOND_US):
            continue
        number, second = clock.second_of_day(call.at_us)
        until_s = min(DAY_S, second + (call.talk_us + call.wrap_us) / SECOND_US)
        at_s = float(second)
        while at_s < until_s:
            slot = int(at_s // SLOT_S)
            end_s = min(until_s, (slot + 1) * SLOT_S)
            place = (whole(call.hotline), number, slot)
            found[place] = found.get(place, 0.0) + (end_s - at_s) / SLOT_S
            at_s = end_s
    return found


class _Tallied(Day):
    """A day that counts its calls, and is kept now and then. keep: gets the instant and the day."""

    tally: Tally
    case: Case
    keep: Callable[[int, _Tallied], int]

    def marked(self, at_us: int) -> None:
        self.count()
        self.mark_us = self.keep(at_us, self)

    def count(self) -> None:
        """Takes the calls whose outcome is known."""
        clock = self.case.clock
        still = []
        for call in self.calls:
            if not call.outcome:
                still.append(call)
            elif call.outcome != CLOSED:
                number, second = clock.second_of_day(call.at_us)
                limit_us = round(self.hotlines[call.hotline].target_s * SECOND_US)
                within = call.outcome == ANSWERED and call.wait_us is not None and call.wait_us <= limit_us
                place = (whole(call.hotline), number, second // SLOT_S)
                calls, before, work_us = self.tally.get(place, (0, 0, 0))
                self.tally[place] = (calls + 1, before + within, work_us + call.talk_us + call.wrap_us)
        self.calls = still


def tally(case: Case, seed: int, run: int) -> Tally:
    """What became of the calls of all days of the scenario, in one go."""
    day, callers = day_of(case, seed, run, kind=_Tallied)
    assert isinstance(day, _Tallied)
    day.tally, day.case = {}, case
    day.run(callers.arrivals())
    day.count()
    return day.tally


@dataclass(slots=True, eq=False)
class _Course:
    """How one piece went with one roster. marks: (instant, all that was before it)."""

    setting: Setting
    marks: list[tuple[int, bytes]] = field(default_factory=list)


class Memory:
    """The pieces of one process: what a look has in common with those before it is not simulated again."""

    def __init__(self) -> None:
        self._pieces: OrderedDict[tuple[int, Piece, int], _Piece] = OrderedDict()

    def tally(self, case: Case, seed: int, piece: Piece, until_s: int | None) -> Tally:
        """until_s: the second of the day after which nobody new calls; None: all do."""
        key = seed, piece, len(case.plan.agents)
        known = self._pieces.pop(key, None)
        if known is None or not known.fits(case):
            known = _Piece(case, seed, piece)
        found = known.tally(case, until_s)
        self._pieces[key] = known
        while sum(one.size for one in self._pieces.values()) > BYTES_MAX:
            self._pieces.popitem(last=False)  # which is simulated from its beginning again
        return found


class _Piece:
    """One day of one run. Its first case gives its callers, and the objects that all its courses share."""

    def __init__(self, case: Case, seed: int, piece: Piece) -> None:
        self._case, self._seed = case, seed
        self._run, self._number = piece
        self._callers = Callers(case, seed, self._run)
        self._calls = tuple(self._callers.of_day(self._number))
        self._courses: list[_Course] = []
        plan = case.plan
        shared = [plan, case, self._callers, *plan.sites, *plan.hotlines, *plan.teams, *plan.agents, *plan.agreements]
        shared += [topic for one in plan.hotlines for topic in one.topics]
        shared += [hours for one in plan.hotlines if (hours := one.hours)]
        shared += [window for one in plan.agreements if (window := one.window)]
        self._shared = {id(one): one for one in shared}

    @property
    def size(self) -> int:
        """About how many bytes it keeps."""
        marks = {id(frozen): len(frozen) for course in self._courses for _, frozen in course.marks}
        return sum(marks.values()) + CALL_BYTES * len(self._calls)

    def fits(self, case: Case) -> bool:
        """Does nothing but the rosters differ?"""
        mine = self._case
        return (case.plan, case.setting.switches, case.changes) == (mine.plan, mine.setting.switches, mine.changes)

    def tally(self, case: Case, until_s: int | None) -> Tally:
        clock = self._case.clock
        setting = _of_day(with_desks(case, self._seed, self._run), clock.us(self._number, 0))
        end_us = NEVER_US if until_s is None else clock.us(self._number, until_s)
        course = _Course(setting)
        day, from_us = self._resumed(course)
        self._courses = [*self._courses[1 - COURSES_MAX :], course]
        day.keep = partial(self._kept, course, until_s is None)
        if (mark_us := self._next(from_us)) <= end_us:  # later there would be calls missing before it
            day.mark_us = mark_us
        day.run(copy(call) for call in self._calls if from_us <= call.at_us < end_us)
        day.count()
        return day.tally

    def _resumed(self, course: _Course) -> tuple[_Tallied, int]:
        """As far as some course has the same roster, with what it has kept; and from when on it is to go on."""
        best, longest = None, (-1, -1)
        for other in self._courses:
            same_us = _same_until(other.setting.crews, course.setting.crews)
            kept = sum(at_us <= same_us for at_us, _ in other.marks)
            if kept and (other.marks[kept - 1][0], same_us) > longest:
                best, longest = (other, kept), (other.marks[kept - 1][0], same_us)
        if best is None:
            fresh = _Tallied(replace(course.setting, plan=self._case.plan), self._callers.again)
            fresh.tally, fresh.case = {}, self._case
            return fresh, -1
        other, kept = best
        self._courses.remove(other)
        self._courses.append(other)  # the last to be forgotten
        course.marks, from_us = other.marks[:kept], longest[0]
        day: _Tallied = _Thaw(io.BytesIO(course.marks[-1][1]), self._shared).load()
        day.mark_us = NEVER_US
        day.recrewed(replace(course.setting, plan=self._case.plan), from_us)
        return day, from_us

    def _kept(self, course: _Course, whole_day: bool, at_us: int, day: _Tallied) -> int:
        """When it is kept next: who looks at a few half hours only goes on with the next one, if at all."""
        setting, keep = day.setting, day.keep
        del day.keep
        day.setting = Setting(setting.plan, setting.start_us, setting.until_us)
        frozen = io.BytesIO()
        _Freeze(frozen, self._shared).dump(day)
        day.setting, day.keep = setting, keep
        course.marks.append((day.mark_us, frozen.getvalue()))
        return self._next(at_us) if whole_day else NEVER_US

    def _next(self, at_us: int) -> int:
        """The half hour that begins after this instant and after the first call."""
        clock, first_us = self._case.clock, self._calls[0].at_us if self._calls else NEVER_US
        edges = (clock.us(self._number, second) for second in range(0, DAY_S, SLOT_S))
        return next((edge for edge in edges if edge > max(at_us, first_us)), NEVER_US)


class _Freeze(pickle.Pickler):
    def __init__(self, file: io.BytesIO, shared: Mapping[int, object]) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._shared = shared

    def persistent_id(self, obj: object) -> int | None:
        return id(obj) if id(obj) in self._shared else None


class _Thaw(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, shared: Mapping[int, object]) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, pid: Any) -> object:
        return self._shared[pid]


def _of_day(setting: Setting, start_us: int) -> Setting:
    """Whoever is there when the day begins has been there since the beginning."""
    crews = {
        team: ((0, at(steps, max(0, start_us))), *(step for step in steps if step[0] > max(0, start_us)))
        for team, steps in setting.crews.items()
    }
    return replace(setting, crews=crews)


def _same_until(one: Mapping[str, Sequence[tuple[int, int]]], other: Mapping[str, Sequence[tuple[int, int]]]) -> int:
    """The first instant at which the rosters differ."""
    found = NEVER_US
    for team, steps in one.items():
        odd = set(steps) ^ set(other[team])
        found = min(found, *(at_us for at_us, _ in odd)) if odd else found
    return found


_MEMORY = Memory()  # a worker's, which has one search only


def _tallies(case: Case, seed: int, pieces: Sequence[Piece], until: Mapping[int, int]) -> list[Tally]:
    """In a worker."""
    return [_MEMORY.tally(case, seed, piece, until.get(piece[1])) for piece in pieces]


class Lookout:
    """Runs looks over the processors; processes are started once, and end with `close`.

    told: hears of every run that is done.
    """

    def __init__(
        self, seed: int, runs: int, days: int, processes: int | None, told: Callable[[], None] = lambda: None
    ) -> None:
        self.seed, self.runs, self.days = seed, runs, days
        self._told = told
        processes = min(runs * days, processes or os.cpu_count() or 1)
        # one process each, so that a piece meets its memory again
        self._pools = [ProcessPoolExecutor(1) for _ in range(processes if processes > 1 else 0)]
        self._memory = Memory()

    def close(self) -> None:
        for pool in self._pools:
            pool.shutdown(cancel_futures=True)

    def tallies(self, case: Case, until: Mapping[int, int] | None = None) -> list[Tally]:
        """One for each run. until: per day, the second after which nobody new calls; 0: the day is left out."""
        ends = until or {}
        pieces = [(run, day) for run in range(self.runs) for day in range(self.days) if ends.get(day) != 0]
        found: list[Tally] = [{} for _ in range(self.runs)]
        for piece, one in self._each(case, pieces, ends):
            _add(found[piece[0]], one)
        return found

    def _each(self, case: Case, pieces: Sequence[Piece], until: Mapping[int, int]) -> Iterator[tuple[Piece, Tally]]:
        if not self._pools:
            for piece in pieces:
                yield piece, self._memory.tally(case, self.seed, piece, until.get(piece[1]))
                self._told()
            return
        many = len(self._pools)
        shares = [[one for one in pieces if (one[0] * self.days + one[1]) % many == n] for n in range(many)]
        futures = [
            pool.submit(_tallies, case, self.seed, share, until)
            for pool, share in zip(self._pools, shares, strict=True)
        ]
        for share, future in zip(shares, futures, strict=True):
            yield from zip(share, future.result(), strict=True)
            self._told()

    def in_one_go(self, case: Case) -> list[Tally]:
        """One for each run, whose days follow each other."""
        if not self._pools:
            return [tally(case, self.seed, run) for run in range(self.runs)]
        futures = [self._pools[run % len(self._pools)].submit(tally, case, self.seed, run) for run in range(self.runs)]
        return [future.result() for future in futures]

    def loads(self, case: Case) -> list[dict[Place, float]]:
        """One for each run."""
        return [load(case, self.seed, run) for run in range(self.runs)]


def _add(found: Tally, more: Tally) -> None:
    for place, counts in more.items():
        one = found.get(place, (0, 0, 0))
        found[place] = (one[0] + counts[0], one[1] + counts[1], one[2] + counts[2])
