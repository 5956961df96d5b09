"""The configuration through the life of the service: which was read when, what it changed, why one was refused."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from callrouter.config.difference import Difference

KEPT = 50
PROBLEMS_MAX = 100


@dataclass(frozen=True, slots=True)
class Reload:
    """One reading. at: UTC seconds. version: of the plan then in force. problems: why it was refused, file:line:col."""

    at: float
    version: str
    problems: tuple[str, ...] = ()
    changes: tuple[Difference, ...] = ()


class Reloads:
    """The last ones, newest first; `since` is when the plan in force was taken."""

    def __init__(self) -> None:
        self._kept: deque[Reload] = deque(maxlen=KEPT)
        self.since = 0.0

    def taken(self, at: float, version: str, changes: Sequence[Difference] = ()) -> None:
        """It is in force."""
        if not self._kept or changes or version != self._kept[0].version:
            self.since = at
        self._kept.appendleft(Reload(at, version, changes=tuple(changes)))

    def refused(self, at: float, version: str, problems: Sequence[str]) -> None:
        """version: of the plan that stays."""
        self._kept.appendleft(Reload(at, version, problems=tuple(problems[:PROBLEMS_MAX])))

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def all(self) -> tuple[Reload, ...]:
        return tuple(self._kept)
