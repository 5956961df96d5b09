"""The last decisions about each call, in memory, for "explain this call". Bounded; the journal keeps the rest."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from callrouter.core.commands import Command
from callrouter.core.events import CallId, Event

CALLS_MAX = 2_000
STEPS_MAX = 200


@dataclass(frozen=True, slots=True)
class Step:
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
        step: Step | None = None
        last = ""
        own = getattr(event, "call", "")
        for call in (own, *[getattr(command, "call", "") for command in commands]):
            if not call or call == last:
                continue
            last = call
            step = step or Step(seq, at, event, commands)
            steps = self._calls.get(call)
            if steps is None:
                steps = self._calls[call] = deque(maxlen=self._steps_max)
                if len(self._calls) > self._calls_max:
                    self._calls.popitem(last=False)
            else:
                self._calls.move_to_end(call)
            if not steps or steps[-1] is not step:
                steps.append(step)

    def of(self, call: CallId) -> list[Step]:
        """Oldest first; empty for an unknown call."""
        return list(self._calls.get(call, ()))
