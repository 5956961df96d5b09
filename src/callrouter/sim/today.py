"""What today's calls tell of the day: how many want something, and who was not reached and may try again.

Counts calls in opening hours as they come and end, from what the router says of each event. A call of somebody who was
not reached shortly before is no new wish: it comes because the first one failed, and a forecast makes such calls by
itself. Knows no clock.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from callrouter.core.commands import CallFinished, CallOffered, Command, Outcome
from callrouter.core.events import CallArrived, CallId, Event, SiteRead
from callrouter.sim.live import Missed

WINDOW_S = 7200.0  # who calls later wants something else
MISSED_MAX = 20_000  # who was not reached lately; beyond that the longest ago is forgotten
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class _Caller:
    """Of a live call. number: '' = withheld."""

    hotline: str
    number: str
    attempt: int


class Today:
    """`observe` every turn of the router; the rest is what `Live` wants to know."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._day = now // DAY_S
        self._came: Counter[str] = Counter()
        self._again = 0  # calls of theirs that are not their first
        self._withheld: Counter[str] = Counter()
        self._withheld_missed: Counter[str] = Counter()  # all that are not in `_missed` any more
        self._live: dict[CallId, _Caller] = {}
        self._missed: OrderedDict[tuple[str, str], Missed] = OrderedDict()  # (hotline, number or, withheld, the call)

    def observe(self, event: Event, commands: Sequence[Command], now: float) -> None:
        """A day is one of UTC: offices are closed at its change."""
        for command in commands:
            kind = type(command)
            if kind is CallOffered:
                if command.open:  # type: ignore[union-attr]
                    self._begins(event, command, now)  # type: ignore[arg-type]
            elif kind is CallFinished:
                self._ends(command, now)  # type: ignore[arg-type]

    def came(self) -> dict[str, int]:
        """First calls of callers with a number, per hotline."""
        return dict(self._came)

    def since(self, midnight: float) -> float:
        """From when on they were counted; midnight: of the day that is meant."""
        return max(midnight, self._since)

    def withheld(self) -> dict[str, tuple[int, int]]:
        """As `Live.withheld`."""
        return {name: (number, self._withheld_missed[name]) for name, number in self._withheld.items()}

    def missed(self, now: float) -> tuple[Missed, ...]:
        """Of the window, the longest ago first."""
        self._forget(now)
        return tuple(self._missed.values())

    def attempts(self) -> dict[CallId, int]:
        """Of the calls in progress that are not their callers' first."""
        return {call: one.attempt for call, one in self._live.items() if one.attempt > 1}

    def tries(self) -> float:
        """Calls for each first one, of all hotlines."""
        return 1.0 + self._again / max(1, self._came.total())

    def _begins(self, event: Event, told: CallOffered, now: float) -> None:
        if now // DAY_S != self._day:
            self._day, self._since = now // DAY_S, max(self._since, now - now % DAY_S)
            for counted in (self._came, self._withheld, self._withheld_missed):
                counted.clear()
            self._missed.clear()
            self._again = 0
        number = _number_of(event, told.call)
        attempt = 1
        if number:
            self._forget(now)
            before = self._missed.pop((told.hotline, number), None)
            if before is None:
                self._came[told.hotline] += 1
            else:
                attempt = before.attempt + 1
                self._again += 1
        else:
            self._withheld[told.hotline] += 1
        self._live[told.call] = _Caller(told.hotline, number, attempt)

    def _ends(self, record: CallFinished, now: float) -> None:
        caller = self._live.pop(record.call, None)
        if caller is None or record.outcome not in (Outcome.ABANDONED, Outcome.BUSIED):
            return
        key = (caller.hotline, caller.number or record.call)
        self._missed[key] = Missed(caller.hotline, record.ended_at, caller.attempt, bool(caller.number))
        self._missed.move_to_end(key)
        self._forget(now)

    def _forget(self, now: float) -> None:
        while self._missed:
            key, first = next(iter(self._missed.items()))
            if first.ended_at >= now - WINDOW_S and len(self._missed) <= MISSED_MAX:
                return
            del self._missed[key]
            if not first.known:
                self._withheld_missed[first.hotline] += 1


def _number_of(event: Event, call: CallId) -> str:
    """Who makes a call that has just entered the books: it arrived, or it was found when its site was read."""
    if isinstance(event, CallArrived):
        return event.caller
    if isinstance(event, SiteRead):
        return next((one.caller for one in event.calls if one.call == call), "")
    return ""
