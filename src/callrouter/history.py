"""The last decisions about each call, in memory, for "explain this call". Bounded; the journal keeps the rest."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import NamedTuple, get_args

from callrouter.core.commands import Command
from callrouter.core.events import CallId, Event

CALLS_MAX = 2_000
STEPS_MAX = 200
OF_A_CALL = frozenset(kind for kind in (*get_args(Event), *get_args(Command)) if "call" in kind.__annotations__)


class Step(NamedTuple):
    """One turn of the router that concerned a call: what came in, and all that was decided in that turn."""

    seq: int
    at: float
    event: Event
    commands: tuple[Command, ...]


class History:
    """The call that was longest without news is forgotten first; of one call, its oldest steps."""

    def __init__(self, calls_max: int = CALLS_MAX, steps_max: int = STEPS_MAX) -> None:
        self._calls_max = calls_max
        self._steps_max = steps_max
        self._calls: OrderedDict[CallId, deque[Step]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._calls)

    def note(self, seq: int, at: float, event: Event, commands: tuple[Command, ...]) -> None:
        concerned: list[CallId] = []
        for one in (event, *commands):
            if type(one) in OF_A_CALL and one.call not in concerned:  # type: ignore[union-attr]
                concerned.append(one.call)  # type: ignore[union-attr]
        if not concerned:
            return
        step = Step(seq, at, event, commands)
        for call in concerned:
            steps = self._calls.get(call)
            if steps is None:
                steps = self._calls[call] = deque(maxlen=self._steps_max)
                if len(self._calls) > self._calls_max:
                    self._calls.popitem(last=False)
            else:
                self._calls.move_to_end(call)
            steps.append(step)

    def of(self, call: CallId) -> list[Step]:
        """Oldest first; empty for an unknown call."""
        return list(self._calls.get(call, ()))
