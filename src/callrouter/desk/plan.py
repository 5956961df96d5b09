"""Departments, guides and places as frozen plain data, as `core/plan.py` has the network. `config/` made it valid."""

from __future__ import annotations

from dataclasses import dataclass, field

from callrouter.core.plan import Hours
from callrouter.desk.articles import Articles
from callrouter.desk.places import Place


@dataclass(frozen=True, slots=True)
class Stage:
    """Whom to write to, and so many working days after a callback was due."""

    to: str
    after_days: int


@dataclass(frozen=True, slots=True)
class Department:
    """hours: a day without any is no working day. due_at_s: into the local day. phones: endpoints at its site."""

    name: str
    title: str
    site: str
    hours: Hours
    email: str
    language: str = "de"
    phones: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    due_days: int = 2
    due_at_s: int = 64_800
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """Order matters: the first department that names a topic gets its callbacks."""

    departments: tuple[Department, ...] = ()
    guides: Articles = field(default_factory=Articles)
    places: tuple[Place, ...] = ()
    texts: Articles = field(default_factory=Articles)

    def place(self, name: str) -> Place | None:
        return next((one for one in self.places if one.name == name), None)

    def department(self, name: str) -> Department | None:
        return next((one for one in self.departments if one.name == name), None)

    def for_topic(self, topic: str) -> Department | None:
        """Where callbacks about this topic go unless somebody chooses otherwise."""
        return next((one for one in self.departments if topic in one.topics), None)
