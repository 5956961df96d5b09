"""A simulated day as the live service would see it: states of it at some hours, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from callrouter.core.agents import AgentState
from callrouter.core.checkpoint import Checkpoint
from callrouter.core.commands import Command
from callrouter.core.events import CallArrived, Event
from callrouter.core.plan import Plan
from callrouter.core.router import Router
from callrouter.sim.call import Call
from callrouter.sim.case import make_case
from callrouter.sim.changes import Change, understood
from callrouter.sim.kernel import SECOND_US
from callrouter.sim.live import Live
from callrouter.sim.runs import day_of
from callrouter.sim.scenario import Checked
from callrouter.sim.today import Recent, told


class _Told(Router):
    """Tells of its turns, as the engine does."""

    recent: Recent

    def handle_all(self, events: Sequence[Event], now: float) -> list[Command]:
        commands = super().handle_all(events, now)
        if events:
            first = next((event for event in events if isinstance(event, CallArrived)), events[0])
            self.recent.observe(first, commands, now)
        return commands


def states(
    plan: Plan,
    ordinary: Checked,
    changes: Sequence[Change | str],
    hours: Sequence[float],
    run: int = 0,
    whole: bool = False,
) -> tuple[list[Live], list[Call]]:
    """hours: in order. changes: how this day differs from the ordinary one. whole: to its end."""
    meant = [understood(one, plan) if isinstance(one, str) else one for one in changes]
    day, callers = day_of(make_case(plan, ordinary.scenario, meant), 5, run)
    start = day.setting.start_us / SECOND_US
    recent = Recent(start)
    day.router.__class__ = _Told
    assert isinstance(day.router, _Told)
    day.router.recent = recent
    found: list[Live] = []

    def calls() -> Iterator[Call]:
        for call in callers.arrivals():
            if len(found) < len(hours) and call.at_us > hours[len(found)] * 3600 * SECOND_US:
                saved = _timed(day.router.checkpoint(), plan)
                today = told(recent.attempts(), start, saved.now)
                found.append(
                    Live(saved, ordinary.scenario, today.came, start, today.missed, today.withheld, today.attempts)
                )
            if len(found) == len(hours) and not whole:
                return
            yield call

    return found, day.run(calls())


def _timed(saved: Checkpoint, plan: Plan) -> Checkpoint:
    """As configured, with the ends of wrap-ups that the live router sets."""
    most_s = {team.name: team.wrap_up_s for team in plan.teams}
    ends = {
        seat.id: max(saved.now + 1, seat.since + most_s[seat.team])
        for seat in saved.seats
        if seat.state is AgentState.WRAP_UP
    }
    seats = tuple(replace(seat, resume_at=ends.get(seat.id)) for seat in saved.seats)
    timers = tuple(replace(timer, due=ends.get(timer.ref, timer.due)) for timer in saved.timers)
    return replace(saved, plan=plan, seats=seats, timers=timers)
