"""A router whose invariants are looked at after every event, by the test world's own books."""

from __future__ import annotations

from collections.abc import Sequence

from callrouter.core.commands import Command
from callrouter.core.events import Event
from callrouter.core.plan import Plan
from callrouter.core.router import Router
from tests.core.world import Books


class CheckedRouter(Router):
    """Fails at the first event after which something that must always hold does not."""

    def __init__(self, plan: Plan, now: float = 0.0) -> None:
        super().__init__(plan, now)
        self.keep_books()

    def keep_books(self) -> None:
        """From the state as it is."""
        self.books = Books(self)
        self.books.state |= {seat.id: str(seat.state) for seat in self.state.seats.values()}
        self.events = 0

    def handle_all(self, events: Sequence[Event], now: float) -> list[Command]:
        commands = super().handle_all(events, now)
        self.books.take(commands)
        self.books.check()
        self.books.in_turn(commands)
        self.events += len(events)
        return commands
