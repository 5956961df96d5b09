"""What the router may ask for, and what it tells. Each says why.

An `Order` goes to a site's Asterisk (`ami/actions.py` makes AMI actions of it). A `Notice` goes nowhere but to those
who look: measures, journal, records, pages. Both are frozen plain data.
"""

from __future__ import annotations

from enum import StrEnum

from callrouter.core.callbacks import Callback, CallbackKind, TryResult
from callrouter.core.events import AgentId, CallId, HotlineMode, LegId, Result
from callrouter.core.record import record


class Outcome(StrEnum):
    """How a call ended: exactly one each."""

    ANSWERED = "answered"  # an agent talked to the caller
    ABANDONED = "abandoned"  # the caller hung up first
    BUSIED = "busied"  # we said busy: ring limit, or nobody there
    CLOSED = "closed"  # outside opening hours
    UNKNOWN_NUMBER = "unknown_number"  # no hotline has that number
    FAILSAFE = "failsafe"  # the dialplan served it without a router
    LOST = "lost"  # the site lost it, or its end was not seen


class Unserved(StrEnum):
    """Why an attempt in opening hours reached nobody; `NONE`: it did, or it was not ours to serve."""

    NONE = ""
    GAVE_UP_IN_MENU = "gave_up_in_menu"  # hung up while he heard a menu or an announcement
    GAVE_UP_WAITING = "gave_up_waiting"  # hung up while nobody was free for him
    GAVE_UP_RINGING = "gave_up_ringing"  # hung up while an agent's phone rang for him
    RING_LIMIT = "ring_limit"  # busied when he had rung as long as the hotline lets him
    NOBODY_THERE = "nobody_there"  # busied at once: nobody was logged in who could have come
    NOBODY_FREE = "nobody_free"  # busied at once: nobody was free, and the hotline lets nobody wait
    LINE_FULL = "line_full"  # busied at once: as many waited as may
    FAILSAFE = "failsafe"  # served by the dialplan, or not: there was no router to see it
    LOST = "lost"  # its end was not seen


# ---- orders


@record
class Claim:
    """Tell the dialplan that a router has this call, so that it keeps waiting."""

    call: CallId
    because: str


@record
class Target:
    """One phone to ring."""

    agent: AgentId
    site: str
    phone: str


@record
class Offer:
    """Ring these phones for the call, at most `ring_s` seconds; the first to answer has it."""

    call: CallId
    attempt: int
    targets: tuple[Target, ...]
    ring_s: int
    because: str


@record
class CancelOffer:
    """Stop ringing. The caller stays, unanswered. legs: the called channels seen so far."""

    call: CallId
    attempt: int
    legs: tuple[LegId, ...]
    because: str


@record
class Release:
    """End the call unanswered with a Q.850 cause (17 = user busy)."""

    call: CallId
    cause: int
    because: str


@record
class Ask:
    """Play sounds as early media and read digits, up to `digits_max`, until `wait_s` after the last sound or digit.

    The call hears and cannot be offered until it is back in hold; what was pressed comes as `DigitsRead`.
    """

    call: CallId
    step: int
    sounds: tuple[str, ...]
    digits_max: int
    wait_s: int
    because: str


@record
class Say:
    """Play sounds as early media. cause 0: back into hold; else the call ends with it, unanswered."""

    call: CallId
    sounds: tuple[str, ...]
    cause: int
    because: str


@record
class DialOut:
    """Ring the agent's phone, at most `ring_s` seconds; when he answers ring `number` (E.164), at most `dial_s`.

    shows: the number that the caller sees. call: a new id, which the switch takes once and never again.
    """

    call: CallId
    callback: str
    kind: CallbackKind
    hotline: str
    target: Target
    ring_s: int
    number: str
    dial_s: int
    shows: str
    because: str


@record
class HangUp:
    """End an outbound call, wherever it stands."""

    call: CallId
    because: str


@record
class Reread:
    """What happened at this site is unknown: read it back whole and submit a `SiteRead`."""

    site: str
    because: str


CallOrder = Claim | Offer | CancelOffer | Release | Ask | Say | DialOut | HangUp
Order = CallOrder | Reread


# ---- notices


@record
class CallOffered:
    """A call entered the books. open: within opening hours (closed ones are counted apart)."""

    call: CallId
    hotline: str
    topic: str
    site: str
    open: bool


@record
class CallAnswered:
    call: CallId
    hotline: str
    site: str
    agent: AgentId
    team: str
    agreement: str  # '' when the team is the call's own
    wait_s: float
    within_target: bool


@record
class CallFinished:
    """The call record, complete. Times are UTC seconds; wait_s counts to the answer or to the end.

    on_hold_s: part of talk_s in which the agent had put the caller on hold. seen: its end was told; else it was found
    to be gone, and `ended_at` is when.
    """

    call: CallId
    hotline: str
    topic: str
    site: str
    number: str
    caller: str
    outcome: Outcome
    arrived_at: float
    ended_at: float
    wait_s: float
    talk_s: float
    agent: AgentId
    team: str
    agreement: str
    within_target: bool
    attempts: int
    cause: int
    because: str
    on_hold_s: float = 0.0
    unserved: Unserved = Unserved.NONE
    seen: bool = True


@record
class OfferFinished:
    """One agent's part of one attempt is over. result None: he answered. delay_s: from the order to its end."""

    call: CallId
    attempt: int
    agent: AgentId
    team: str
    result: Result | None
    delay_s: float


@record
class AgentChanged:
    agent: AgentId
    team: str
    before: str
    after: str
    because: str


@record
class AgreementChanged:
    """One direction of an agreement was switched, or its switch is over."""

    agreement: str
    enabled: bool
    before: bool
    until: float | None
    reason: str
    by: str
    borrower: str = ""


@record
class HotlineChanged:
    hotline: str
    mode: HotlineMode
    before: HotlineMode
    until: float | None
    reason: str
    by: str


@record
class TopicChosen:
    """How a call came to its topic: digits '' = nothing usable was pressed, the default."""

    call: CallId
    hotline: str
    topic: str
    digits: str


@record
class CallbackChanged:
    """A caller is to be rung back, or what is known of that has changed: all of it, as it is now."""

    callback: Callback


@record
class OutboundFinished:
    """The record of an outbound call, complete. Times are UTC seconds. rung: was the caller's phone rung?"""

    call: CallId
    callback: str
    kind: CallbackKind
    hotline: str
    agent: AgentId
    team: str
    began_at: float
    ended_at: float
    talk_s: float
    rung: bool
    result: TryResult
    because: str


@record
class AnsweredWithoutAgent:
    """The promise is broken: a caller's leg was up though no agent had answered."""

    call: CallId
    hotline: str
    because: str


@record
class Ignored:
    """An event that meant nothing here (a late echo, an unknown id). Counted, never an error."""

    event: str
    because: str


Notice = (
    CallOffered
    | CallAnswered
    | CallFinished
    | OfferFinished
    | AgentChanged
    | AgreementChanged
    | HotlineChanged
    | TopicChosen
    | CallbackChanged
    | OutboundFinished
    | AnsweredWithoutAgent
    | Ignored
)
Command = Order | Notice
