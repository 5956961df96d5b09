"""Whether a call may leave its team: the live side of an agreement.

Knows the agreement, its switch, its window and its lender's health. What is free and who waits comes from the router.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import inf

from callrouter.core.lines import Lane
from callrouter.core.plan import Agreement

HEALTH_WINDOW_S = 900.0
HEALTH_CALLS_MAX = 10_000


@dataclass(slots=True)
class Health:
    """Share of a team's own decided calls that were answered within target, over the last quarter of an hour."""

    decided: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=HEALTH_CALLS_MAX))
    good: int = 0
    watched: bool = False  # a deadline is set for its next change

    def add(self, now: float, good: bool) -> None:
        if len(self.decided) == HEALTH_CALLS_MAX:
            self.good -= self.decided[0][1]
        self.decided.append((now, good))
        self.good += good

    def share(self, now: float) -> float:
        """1.0 when nothing was decided: nobody has been let down."""
        while self.next_change() <= now:  # the same sum as the deadline: rounding must not part them
            self.good -= self.decided.popleft()[1]
        return self.good / len(self.decided) if self.decided else 1.0

    def next_change(self) -> float:
        """When the oldest decided call leaves the window; inf if there is none."""
        return self.decided[0][0] + HEALTH_WINDOW_S if self.decided else inf


@dataclass(slots=True)
class Deal:
    """One direction of an agreement, live."""

    agreement: Agreement
    order: int  # as listed
    enabled: bool
    until: float | None = None  # the switch's end; the configured state returns
    switched: bool = False  # somebody set it otherwise than configured, or on purpose
    borrowed: int = 0  # calls offered or talking under it, until the caller hangs up
    window_open: bool = True
    window_until: float = inf

    @property
    def key(self) -> str:
        return f"{self.agreement.name}/{self.agreement.borrower}"

    def covers(self, lane: Lane) -> bool:
        """Is the lane's hotline and topic part of the agreement, and its team the borrower?"""
        return self.joins(lane.teams, lane.hotline.name, lane.topic.name)

    def joins(self, teams: tuple[str, ...], hotline: str, topic: str) -> bool:
        """Does it let calls of this hotline and topic, whose own teams these are, go to the lender?"""
        a = self.agreement
        return (
            a.borrower in teams
            and a.lender not in teams
            and (not a.hotlines or hotline in a.hotlines)
            and (not a.topics or topic in a.topics)
        )

    def why_not(self, free: int, health: float) -> str:
        """What keeps the lender from taking one more call; '' if nothing does."""
        a = self.agreement
        if not self.enabled:
            return "agreement off"
        if not self.window_open:
            return "outside the agreement's hours"
        if a.max_calls is not None and self.borrowed >= a.max_calls:
            return f"cap reached ({self.borrowed} of {a.max_calls} calls)"
        if free <= a.reserve:
            return f"only {free} free in {a.lender}, reserve is {a.reserve}" if free else f"nobody free in {a.lender}"
        if health < a.lender_health:
            return f"{a.lender} itself answers {health:.0%} within target, needs {a.lender_health:.0%}"
        return ""
