"""What the API says and accepts, as pydantic models; the OpenAPI document is made from them.

Figures about agents stop at their present state: there are no per-agent statistics. Callers' numbers leave this
service masked to their last three digits.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    WithJsonSchema,
)

from callrouter.core.agents import AgentState
from callrouter.core.callbacks import CallbackKind, CallbackResult, CallbackStatus, TryResult
from callrouter.core.calls import CallState
from callrouter.core.events import AgentAct, HotlineMode

LIMIT_DEFAULT = 100
LIMIT_MAX = 1000
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
# no control characters; no \s, which JSON Schema and pydantic do not read alike (U+0085)
_PLAIN = r"^[^\x00-\x1F\x7F-\x9F]*$"
_WORDS = r"^[^\x00-\x20\x7F-\xA0][^\x00-\x1F\x7F-\x9F]*[^\x00-\x20\x7F-\xA0]$"

Name = Annotated[str, Field(max_length=80)]


def _rfc3339(value: object) -> object:
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("not an RFC 3339 date-time with an offset, such as 2026-11-23T12:00:00+01:00")
    return value


def _count(value: object) -> object:
    # pydantic would take '1_0' and ' 5.0' as well; the published schema does not
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,9}", value):
        raise ValueError("not a whole number")
    return int(value) if isinstance(value, str) else value


DateTime = Annotated[
    AwareDatetime,
    Strict(False),  # what a validator returns no longer counts as JSON, and strictness would refuse any text
    BeforeValidator(_rfc3339),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Limit = Annotated[int, Field(ge=1, le=LIMIT_MAX), BeforeValidator(_count)]


def instant(at: float) -> datetime:
    """UTC seconds to the date-time that the API shows (whole milliseconds)."""
    return datetime.fromtimestamp(round(at, 3), UTC)


def masked(caller: str) -> str:
    """The caller's last three digits; '' stays '' (withheld)."""
    return "" if not caller else "•••" + (caller[-3:] if len(caller) > 3 else "")


class Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SiteOut(Out):
    """A place with its own Asterisk."""

    site: str
    title: str
    link_up: bool = Field(description="Whether orders reach its Asterisk and its events reach the router.")
    trunks_down: list[str] = Field(description="Sites to which it cannot send calls now.")
    waiting: int = Field(ge=0, description="Callers who ring unanswered, also while a phone is being rung for them.")
    talking: int = Field(ge=0)
    asterisk: str | None = Field(description="Version of its Asterisk; null: it did not say.")
    dialplan: str | None = Field(description="Version of its dialplan; empty: it has none; null: it did not say.")


class TeamOut(Out):
    """Agents of one site who serve the same hotlines; only counts, no figures per agent."""

    team: str
    site: str
    title: str
    strategy: str
    agents: int = Field(ge=0)
    states: dict[AgentState, int] = Field(
        description="State to number of agents; states that nobody is in are left out."
    )


class AgentOut(Out):
    """An agent's present state."""

    agent: str = Field(examples=["magdeburg/1001"])
    team: str
    site: str
    phone: str
    state: AgentState = Field(description="Why somebody pauses is told to nobody else.")
    since: datetime
    call: str = Field(description="The call that he is offered or talks to; empty if none.")


class LineOut(Out):
    """The waiting callers of one hotline."""

    hotline: str
    site: str
    open: bool
    waiting: int = Field(ge=0)
    offered: int = Field(ge=0)
    talking: int = Field(ge=0)
    longest_wait_s: float = Field(ge=0)
    mode: HotlineMode = Field(description="What it is switched to by hand, besides its hours.")
    mode_until: datetime | None = Field(description="When it is as configured again; null: when switched again.")


class ShareOut(Out):
    """Calls answered within the target, of all that come in opening hours: 0 to 1; null where none come."""

    value: float | None
    low: float | None = Field(description="The smallest of the runs.")
    median: float | None
    high: float | None = Field(description="The largest of the runs.")


class OutlookOut(Out):
    """One site or hotline over one horizon, as things are and with the change."""

    name: str
    calls: float = Field(ge=0, description="That come, on average.")
    as_is: ShareOut
    changed: ShareOut
    points: float | None = Field(description="Percentage points that the change brings (negative: costs).")
    points_half: float | None = Field(description="Half the 95 % interval of that difference.")
    extra_calls_per_h: float = Field(
        description="Calls of other sites that this site's agents take more per hour (negative: fewer); 0 for hotlines."
    )
    extra_closed: float = Field(description="Calls that find it closed by the change.")


class SaysOut(Out):
    """One sentence in German and English."""

    de: str
    en: str


class HorizonOut(Out):
    """hour: the calls of the next 60 minutes; rest: those of today, or as many as can be simulated in time."""

    name: Literal["hour", "rest"]
    seconds: int = Field(ge=0)
    until: str = Field(description="The clock at its end.", examples=["13:00"])
    whole: bool = Field(description="No call of today comes after it.")
    runs: int = Field(ge=1, description="Simulated days behind these figures.")
    says: list[SaysOut] = Field(description="What surely changes; empty if nothing does.")
    sites: list[OutlookOut] = Field(description="Only those that the change can reach.")
    hotlines: list[OutlookOut]


class WhatIfOut(Out):
    """What a change would do from now on, simulated from the live state. Nothing is switched."""

    at: datetime
    change: str
    notes: list[SaysOut] = Field(description="What cannot be told, and why: unknown callers, closed for today.")
    horizons: list[HorizonOut] = Field(description="Empty if nothing can be told; see `notes`.")


class CallOut(Out):
    """A call that is alive now."""

    call: str = Field(examples=["gera/1732268042.17"])
    site: str
    hotline: str
    topic: str
    caller: str = Field(description="Masked to the last three digits; empty if withheld.", examples=["•••417"])
    state: CallState
    arrived_at: datetime
    wait_s: float = Field(ge=0, description="Until it was answered, or so far.")
    agents: list[str]
    team: str
    agreement: str = Field(description="The overflow agreement it was lent under; empty if none.")
    attempts: int = Field(ge=0)


class CallbackOut(Out):
    """A caller who is to be rung back by agents of his hotline, or who gave up and may be. Those that are done are not
    shown."""

    callback: str = Field(examples=["gera/1732268042.17"])
    kind: CallbackKind = Field(
        description="captured: he asked for it, and agents ring him by themselves; unreached: he gave up, and is rung "
        "only when somebody takes him."
    )
    hotline: str
    topic: str
    site: str = Field(description="Whose line rings him.")
    caller: str = Field(description="Masked to the last three digits.", examples=["•••417"])
    asked_at: datetime
    due_at: datetime
    overdue: bool
    status: CallbackStatus
    agent: str = Field(description="Who rings him now; empty if nobody.")
    stage: str = Field(
        description="Of that call: ringing (the agent's phone), dialling (the caller's), talking; empty if none."
    )
    tries: int = Field(ge=0, description="How often his phone was rung in vain.")
    last_try_at: datetime | None
    last_result: TryResult | None
    not_before: datetime | None = Field(description="He is not rung by himself before then; null: any time.")
    why_not: str = Field(description="Why nobody rings him by himself now; empty if somebody is about to.")


class CallbackStateOut(Out):
    """Where a callback stands now."""

    callback: str
    status: CallbackStatus
    result: CallbackResult | None = Field(description="What came of it; null while it is not done.")


class DirectionOut(Out):
    """One direction of an agreement: calls of the borrower may go to the lender."""

    borrower: str
    lender: str
    enabled: bool
    until: datetime | None = Field(description="When the configured state returns; null: when switched again.")
    in_force: bool
    why_not: str = Field(description="What keeps it from lending now; empty if nothing.")
    borrowed: int = Field(ge=0, description="Calls of the borrower that the lender has now.")
    reserve: int = Field(ge=0, description="Free agents that the lender keeps.")
    max_calls: int | None


class AgreementOut(Out):
    """An overflow agreement; a mutual one has two directions."""

    agreement: str
    enabled: bool = Field(description="In at least one direction.")
    until: datetime | None = Field(description="The first time at which a direction is as configured again.")
    directions: list[DirectionOut]


class Page(Out):
    """Part of a list in the order of its ids, unless it says otherwise."""

    at: datetime = Field(description="The instant that this shows.")
    total: int = Field(ge=0, description="Items that match, on all pages.")
    next: str | None = Field(description="Give this as `after` for the next page; null: this was the last.")


class SitePage(Page):
    items: list[SiteOut]


class TeamPage(Page):
    items: list[TeamOut]


class AgentPage(Page):
    items: list[AgentOut]


class LinePage(Page):
    items: list[LineOut]


class CallPage(Page):
    items: list[CallOut]


class AgreementPage(Page):
    items: list[AgreementOut]


class CallbackPage(Page):
    """By due time, the earliest first."""

    items: list[CallbackOut]


Fact = str | int | float | bool | list[str] | None


class CommandOut(Out):
    """What the router ordered or recorded, and why."""

    kind: str = Field(examples=["offer"])
    because: str
    facts: dict[str, Fact]


class StepOut(Out):
    """One turn of the router: what came in and what it decided."""

    at: datetime
    event: str = Field(examples=["call_arrived"])
    facts: dict[str, Fact]
    commands: list[CommandOut]


class CandidateOut(Out):
    """An agent who might take the call now. why_not: what keeps him from it; empty if nothing."""

    agent: str
    team: str
    agreement: str
    why_not: str


class ExplainOut(Out):
    """Why a call went where it went, and where it might go now."""

    call: str
    now: CallOut | None = Field(description="The call as it stands; null when it has ended.")
    steps: list[StepOut]
    candidates: list[CandidateOut] = Field(description="Only while the call waits; at most 1000.")


class Ready(Out):
    status: Literal["ok"] = "ok"


# ---- what people ask for


class In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SwitchIn(In):
    """Switch an agreement."""

    enabled: bool
    borrower: Name = Field(
        default="", description="Only the direction in which this team borrows; empty: both.", examples=["agency-gera"]
    )
    reason: Annotated[str, StringConstraints(pattern=_WORDS)] = Field(
        min_length=10, max_length=200, description="Kept in the audit trail.", examples=["Krankstand in Gera am Montag"]
    )
    until: DateTime | None = Field(
        default=None, description="RFC 3339; then the configured state returns. Null: until switched again."
    )
    expected_enabled: bool | None = Field(
        default=None, description="What you saw; if it is different by now, nothing is done and the answer is 409."
    )


class HotlineIn(In):
    """Close a hotline by hand, play its extra announcement, or set it back."""

    mode: HotlineMode = Field(strict=False)
    reason: Annotated[str, StringConstraints(pattern=_WORDS)] = Field(
        min_length=10, max_length=200, description="Kept in the audit trail.", examples=["Räumung wegen Feueralarms"]
    )
    until: DateTime | None = Field(
        default=None, description="RFC 3339; then the hotline is as configured. Null: until switched again."
    )
    expected_mode: HotlineMode | None = Field(
        default=None,
        strict=False,
        description="What you saw; if it is different by now, nothing is done and the answer is 409.",
    )


class AgentStateIn(In):
    """Ask for an agent's state. log_in and pause also serve a supervisor for an agent."""

    state: AgentAct = Field(strict=False)
    reason: Annotated[str, StringConstraints(pattern=_PLAIN)] = Field(default="", max_length=80)


class CallbackTakeIn(In):
    """Have this agent's phone rung now, and then the caller's. The hours for callbacks hold for this too."""

    agent: Name = Field(examples=["gera/2001"])


class CallbackCloseIn(In):
    """Nobody need ring him any more; a call for it that does not talk yet ends."""

    result: Literal["reached", "wrong_number", "cancelled"] = Field(
        description="reached: otherwise, say from another telephone; cancelled: say why."
    )
    reason: Annotated[str, StringConstraints(pattern=_WORDS)] = Field(
        min_length=10,
        max_length=200,
        description="Kept with it and in the audit trail.",
        examples=["Er war schon hier"],
    )


class ListQuery(BaseModel):
    """What every list takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Limit = Field(default=LIMIT_DEFAULT, description="Items on a page.")
    after: Name = Field(default="", description="The `next` of the page before; empty: from the start.")


class TeamQuery(ListQuery):
    site: Name = ""


class LineQuery(ListQuery):
    site: Name = ""


class AgentQuery(ListQuery):
    site: Name = ""
    team: Name = ""
    state: AgentState | None = None


class CallQuery(ListQuery):
    site: Name = ""
    hotline: Name = ""
    state: CallState | None = None


class CallbackQuery(ListQuery):
    site: Name = ""
    hotline: Name = ""
    kind: CallbackKind | None = None
    status: CallbackStatus | None = None


class WhatIfQuery(BaseModel):
    """change: sentences such as `agreement magdeburg-gera off`, parted by `;` (docs/simulation.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    change: Annotated[str, Field(min_length=1, max_length=500, pattern=_PLAIN)] = Field(
        description="Sentences of change, parted by ';'.",
        examples=["agreement magdeburg-gera off", "team agency-gera -3; hotline agency-gera calls +20%"],
    )


class NoQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
