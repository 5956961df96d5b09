"""Agreements as pages show them: what they are called, how they stand, who switched them, what was lent today. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from callrouter.core.commands import CallFinished
from callrouter.core.plan import Plan
from callrouter.core.snapshot import AgreementView, Snapshot
from callrouter.store.today import Today
from callrouter.web.figures import Switched

SOON_S = 900.0  # before its end a switch is announced
BOTH, ONE = "↔", "→"


@dataclass(frozen=True, slots=True)
class Direction:
    """Calls of the borrower may go to the lender. to, giver: titles of their sites. calls, talk_s: today, ended."""

    borrower: str
    lender: str
    taker: str
    giver: str
    enabled: bool
    configured: bool
    until: float | None
    soon: bool
    in_force: bool
    why_not: str
    borrowed: int
    max_calls: int | None
    reserve: int
    switched: Switched | None
    calls: int
    talk_s: float


@dataclass(frozen=True, slots=True)
class Deal:
    """An agreement with its one or two directions."""

    name: str
    title: str
    sites: tuple[str, ...]
    directions: tuple[Direction, ...]

    @property
    def enabled(self) -> bool:
        return any(one.enabled for one in self.directions)

    @property
    def alike(self) -> bool:
        """Do all directions stand alike, by the same switch?"""
        return len({(one.enabled, one.until, one.switched) for one in self.directions}) == 1

    @property
    def switched(self) -> bool:
        """Does it stand otherwise than configured, or until a time?"""
        return any(one.until is not None or one.enabled != one.configured for one in self.directions)

    @property
    def ending(self) -> list[float]:
        """When switches end that are announced now."""
        return sorted({one.until for one in self.directions if one.soon and one.until is not None})

    @property
    def version(self) -> str:
        """Another one after every switch."""
        state = [(one.borrower, one.enabled, one.until, one.switched) for one in self.directions]
        return sha256(repr(state).encode()).hexdigest()[:16]


def deals(
    plan: Plan,
    seen: Snapshot,
    switched: Mapping[tuple[str, str], Switched],
    day: Today,
    recent: Sequence[CallFinished],
) -> tuple[Deal, ...]:
    """All agreements, in the order of the plan."""
    teams = {team.name: team for team in plan.teams}
    sites = {site.name: site.title for site in plan.sites}
    configured = {(one.name, one.borrower): one.enabled for one in plan.agreements}
    views: dict[str, list[AgreementView]] = {}
    for view in seen.agreements:
        views.setdefault(view.agreement, []).append(view)
    lent: dict[tuple[str, str], tuple[int, float]] = {
        (one.agreement, one.lender): (one.calls, one.talk_s) for one in day.lent
    }
    for record in recent:
        if record.agreement and record.talk_s > 0 and record.arrived_at >= day.since:
            calls, talk_s = lent.get((record.agreement, record.team), (0, 0.0))
            lent[record.agreement, record.team] = calls + 1, talk_s + record.talk_s

    def direction(view: AgreementView) -> Direction:
        calls, talk_s = lent.get((view.agreement, view.lender), (0, 0.0))
        return Direction(
            view.borrower,
            view.lender,
            sites[teams[view.borrower].site],
            sites[teams[view.lender].site],
            view.enabled,
            configured.get((view.agreement, view.borrower), True),
            view.until,
            view.until is not None and view.until - seen.at <= SOON_S,
            view.in_force,
            view.why_not,
            view.borrowed,
            view.max_calls,
            view.reserve,
            switched.get((view.agreement, view.borrower)),
            calls,
            round(talk_s),
        )

    found = []
    for name, own in views.items():
        known = [view for view in own if view.borrower in teams and view.lender in teams]
        if known:
            first = known[0]
            ends = (teams[first.lender].site, teams[first.borrower].site)
            found.append(Deal(name, _title(known, sites, ends), ends, tuple(map(direction, known))))
    titles = [deal.title for deal in found]
    return tuple(
        deal if titles.count(deal.title) == 1 else _longer(deal, {name: team.title for name, team in teams.items()})
        for deal in found
    )


def _title(views: Sequence[AgreementView], sites: Mapping[str, str], ends: tuple[str, str]) -> str:
    lender, borrower = (sites[site] for site in ends)
    return f"{lender} {BOTH} {borrower}" if len(views) > 1 else f"{borrower} {ONE} {lender}"


def _longer(deal: Deal, teams: Mapping[str, str]) -> Deal:
    """Two agreements between the same sites are told apart by their teams."""
    first = deal.directions[0]
    sign = BOTH if len(deal.directions) > 1 else ONE
    ends = (first.lender, first.borrower) if sign == BOTH else (first.borrower, first.lender)
    return Deal(deal.name, f"{teams[ends[0]]} {sign} {teams[ends[1]]}", deal.sites, deal.directions)
