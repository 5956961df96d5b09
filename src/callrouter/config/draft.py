"""The entries that are valid by themselves, on their way to a network: what the cross checks look at."""

from __future__ import annotations

from dataclasses import dataclass, field

from callrouter.config import schema
from callrouter.config.offices import Department
from callrouter.config.places import Place
from callrouter.config.source import Problem, Source, Where


@dataclass(slots=True)
class Draft:
    """years: for which days that return each year are looked at.

    names: every name that stands in the files, so that a name whose entry has an error is not called unknown.
    """

    source: Source
    years: range
    sites: dict[str, schema.Site] = field(default_factory=dict)
    hotlines: dict[str, schema.Hotline] = field(default_factory=dict)
    teams: dict[str, schema.Team] = field(default_factory=dict)
    agreements: dict[str, schema.Agreement] = field(default_factory=dict)
    departments: dict[str, Department] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    service: schema.Service = field(default_factory=schema.Service)
    names: dict[str, frozenset[str]] = field(default_factory=dict)
    warnings: list[Problem] = field(default_factory=list)

    def error(self, where: Where, what: str, mend: str, *, key: bool = False) -> None:
        self.source.error(self.source.place(where, key=key), what, mend)

    def warn(self, where: Where, what: str, mend: str, *, key: bool = False) -> None:
        self.warnings.append(Problem(self.source.place(where, key=key), what, mend, warning=True))

    def whole(self, section: str) -> bool:
        """Are all entries of the section there and valid? A check that needs them all is pointless otherwise."""
        return self.source.whole(section) and len(getattr(self, section)) == len(self.names[section])
