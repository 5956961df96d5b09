"""Read-only views of the router's state for measures, API, pages and explain. Plain data, made on demand.

`Router.snapshot(now)` fills these; nobody outside the core touches its live state.
"""

from __future__ import annotations

from dataclasses import dataclass

from callrouter.core.callbacks import Callback
from callrouter.core.events import AgentId, CallId


@dataclass(frozen=True, slots=True)
class CallView:
    """state: waiting, offered, talking, transferred, releasing. wait_s: to the answer, or so far."""

    call: CallId
    hotline: str
    topic: str
    site: str
    caller: str
    state: str
    arrived_at: float
    wait_s: float
    agents: tuple[AgentId, ...]
    team: str
    agreement: str
    attempts: int


@dataclass(frozen=True, slots=True)
class AgentView:
    """state: logged_out, ready, offered, talking, wrap_up, paused, unreachable, busy (on a call not ours).

    intent: what he wants when his work ends: logged_out, ready, paused. until: when wrap-up or a timed pause ends.
    """

    agent: AgentId
    team: str
    site: str
    phone: str
    state: str
    reason: str
    since: float
    call: CallId
    intent: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class LineView:
    hotline: str
    site: str
    open: bool
    waiting: int
    offered: int
    talking: int
    longest_wait_s: float
    mode: str = "normal"  # or closed, notice: switched by hand
    mode_until: float | None = None


@dataclass(frozen=True, slots=True)
class AgreementView:
    """in_force: enabled, inside its window and healthy. `why_not` says what keeps it from lending ('' if nothing)."""

    agreement: str
    borrower: str
    lender: str
    enabled: bool
    until: float | None
    in_force: bool
    why_not: str
    borrowed: int
    reserve: int
    max_calls: int | None


@dataclass(frozen=True, slots=True)
class SiteView:
    site: str
    link_up: bool
    trunks_down: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallbackView:
    """A callback that is not done. agent, stage: of its live call, '' if none. why_not: why nobody rings him now."""

    callback: Callback
    agent: AgentId
    stage: str
    why_not: str


@dataclass(frozen=True, slots=True)
class OutboundView:
    """An outbound call. stage: ringing (the agent's phone), dialling (the caller's), talking."""

    call: CallId
    callback: str
    kind: str
    hotline: str
    agent: AgentId
    team: str
    stage: str
    began_at: float
    by_hand: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    at: float
    plan_version: str
    calls: tuple[CallView, ...]
    agents: tuple[AgentView, ...]
    lines: tuple[LineView, ...]
    agreements: tuple[AgreementView, ...]
    sites: tuple[SiteView, ...]
    outbound: tuple[OutboundView, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """Cheap gauges, kept as the router goes. Keys are bounded by the plan."""

    waiting: dict[str, int]  # hotline -> callers waiting or being offered
    agents: dict[tuple[str, str], int]  # (team, state) -> agents
    borrowed: dict[tuple[str, str], int]  # (agreement, borrower) -> calls
