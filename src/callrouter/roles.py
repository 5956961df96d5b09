"""Roles, and what they reach. Which page is open to which role stands in `web/access.py`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    AGENT = "agent"  # of one seat
    SUPERVISOR = "supervisor"  # of one site
    DEPARTMENT = "department"  # works on the callbacks of one department
    DISPLAY = "display"  # a screen on the wall of one site: looks, never acts, and is not logged out for idleness
    OPS = "ops"
    ADMIN = "admin"


EVERY = "*"  # as a scope: all sites, all departments
SCOPED = frozenset({Role.AGENT, Role.SUPERVISOR, Role.DEPARTMENT, Role.DISPLAY})
_SCOPE = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}(/[0-9]{1,12})?|\*")


class BadGrant(ValueError):
    """No role, or one without what it needs. The text says how to write it."""


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A role and its scope: a supervisor's or display's site, an agent's id, a department; '' for ops and admin."""

    role: Role
    scope: str = ""

    def __str__(self) -> str:
        return f"{self.role}:{self.scope}" if self.scope else self.role.value

    @classmethod
    def read(cls, text: str) -> Grant:
        """From `supervisor:magdeburg`, `agent:magdeburg/1001`, `department:benefits`, `ops`. Raises BadGrant."""
        name, _, scope = text.strip().partition(":")
        try:
            role = Role(name)
        except ValueError:
            raise BadGrant(f"there is no role '{name}'; roles are {', '.join(Role)}") from None
        if (role in SCOPED) != bool(scope):
            mend = {
                Role.AGENT: "agent:SITE/NUMBER",
                Role.DEPARTMENT: "department:NAME",
            }.get(role, f"{role}:SITE" if role in SCOPED else role.value)
            raise BadGrant(f"'{text}' is no grant; write {mend}")
        if scope and not _SCOPE.fullmatch(scope):
            raise BadGrant(f"'{scope}' is no name of a site, an agent or a department")
        if role is Role.AGENT and "/" not in scope:
            raise BadGrant(f"'{scope}' is no agent; write agent:SITE/NUMBER")
        return cls(role, scope)

    def covers(self, scope: str) -> bool:
        return self.scope in (scope, EVERY)


@dataclass(frozen=True, slots=True)
class User:
    """Who is logged in. title: as shown to others."""

    id: int
    name: str
    title: str
    grants: tuple[Grant, ...]
    must_change: bool = False  # the password was made by somebody else

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(grant.role for grant in self.grants)

    def may(self, role: Role, scope: str | None = None) -> bool:
        """Has he the role, and for this scope (None: for any)?"""
        return any(grant.role is role and (scope is None or grant.covers(scope)) for grant in self.grants)

    def scopes(self, role: Role) -> tuple[str, ...]:
        """The scopes of one role, sorted."""
        return tuple(sorted(grant.scope for grant in self.grants if grant.role is role))
