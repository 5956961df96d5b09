"""A floor with the small network's router behind it, driven by events as in real life; pages are windows by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from callrouter.callers import Callers
from callrouter.core import commands as c
from callrouter.core import events as e
from callrouter.desk.plan import Desk
from callrouter.office.mailer import Server
from callrouter.office.office import Office, Outside
from callrouter.sim.post import HOST, PostOffice
from tests.core.story import Story, network
from tests.desk.test_promise import BENEFITS
from tests.waiting import until

CALLERS = Callers("a secret of tests that is long enough")


Opener = Callable[..., "House"]


class Watched(Story):
    """A story whose router is observed; what the observer asks for is done at once."""

    watch: Callable[..., None] | None = None
    asked: list[e.Event]

    def send(self, *events: e.Event) -> list[c.Command]:
        commands = super().send(*events)
        if self.watch is not None:
            for event in events[:-1]:
                self.watch(event, [], self.now)
            self.watch(events[-1], commands, self.now)
            while self.asked:
                self.send(self.asked.pop(0))
        return commands

    def ask(self, event: e.Event) -> bool:
        self.asked.append(event)
        return True


class House:
    """steady_s: real seconds, by which pages are missed."""

    def __init__(
        self, engine: AsyncEngine, desk: Desk | None = None, post: PostOffice | None = None, **plan: Any
    ) -> None:
        self.story = Watched(network(**{"agreement": {"enabled": False}, **plan}), ready="gera/2001")
        self.story.asked = []
        self.registry = CollectorRegistry()
        self.desk = desk or Desk((BENEFITS,))
        self.active = True
        self.changed: list[str] = []
        server = Server(HOST, post.port, "never", "service@x.example") if post else None
        self.office = Office(
            Outside(
                self.story.router, self.story.ask, lambda: self.story.now, lambda: self.desk, lambda: self.active,
                engine, CALLERS, self.registry, server, "https://x.example", lambda: self.steady_s,
            )
        )  # fmt: skip
        self.steady_s = 0.0
        self.floor = self.office.floor
        self.floor.changed = self.changed.append
        self.story.watch = self.office.observe

    def act(self, agent: str, act: e.AgentAct, reason: str = "") -> None:
        self.story.act(agent, act, reason)

    def page(self, agent: str = "gera/2001", window: str = "w1") -> None:
        """The agent opens his page."""
        self.floor.take(agent, window)
        self.obey()

    def obey(self) -> None:
        """What the office asked for outside of an event."""
        while self.story.asked:
            self.story.send(self.story.asked.pop(0))
        self.story.obey_all()

    def look(self) -> None:
        self.floor.look()
        self.obey()

    async def looked_up(self, call: str) -> None:
        await until(lambda: self.floor.known(call).looked)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"callrouter_{name}", labels)
