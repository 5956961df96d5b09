"""What can happen: the words in which the world outside reaches the router.

Events are frozen plain data. They know nothing of AMI, SIP or the clock; the time of an event is the `now` that goes
with it into `Router.handle`. `ami/translate.py` makes them from a site's messages, `sim/` from virtual time, the API
from what people ask for.

Ids: a call is `site/id` (`gera/1732268042.17`), an agent `site/number` (`magdeburg/1001`), a leg (one SIP channel) is
`site/id` of the site that made it. A phone is the endpoint name at its site. Every id carries its site.
"""

from __future__ import annotations

from enum import StrEnum

from callrouter.core.callbacks import Callback, CallbackKind, CallbackResult, TryResult
from callrouter.core.record import record

CallId = str
AgentId = str
LegId = str


class Result(StrEnum):
    """Why one agent's phone did not take an offered call (RFC 3261 answers, Q.850 causes, in our words)."""

    BUSY = "busy"  # 486: the phone is in use
    REFUSED = "refused"  # 603 or a reject key
    NO_ANSWER = "no_answer"  # rang to the end
    UNREACHABLE = "unreachable"  # not registered, wrong, or silent
    NO_ROUTE = "no_route"  # the trunk to the phone's site, not the phone
    CANCELLED = "cancelled"  # we, the caller, or another phone that was quicker
    FAILED = "failed"  # the order was refused or the switch could not do it


class AgentAct(StrEnum):
    """What an agent (or a supervisor for him) asks for."""

    LOG_IN = "log_in"
    LOG_OUT = "log_out"
    READY = "ready"
    PAUSE = "pause"
    WRAP_UP_DONE = "wrap_up_done"  # in a conversation: it will be as short as usual
    WRAP_UP_MORE = "wrap_up_more"
    WRAP_UP_OPEN = "wrap_up_open"  # it lasts until it is said to be done, within the team's bound: a result is owed


class Stage(StrEnum):
    """Where a live call stands when a site is read back."""

    HELD = "held"  # rings unanswered and listens for orders
    PROMPTED = "prompted"  # hears a menu or an announcement, unanswered
    OFFERED = "offered"  # agents' phones are being rung for it
    TALKING = "talking"
    ELSEWHERE = "elsewhere"  # answered, but no longer with an agent of ours (transferred)
    FAILSAFE = "failsafe"  # the dialplan serves it by itself


class OutStage(StrEnum):
    """Where a live outbound call stands: the agent's phone is rung first, then the caller's."""

    RINGING = "ringing"  # the agent's phone
    DIALLING = "dialling"  # he has answered; the caller's phone
    TALKING = "talking"


class HotlineMode(StrEnum):
    """What a supervisor may switch a hotline to, besides its hours."""

    NORMAL = "normal"
    CLOSED = "closed"  # whatever the hours say
    NOTICE = "notice"  # an extra announcement before anything else


# ---- calls


@record
class CallArrived:
    """A caller dialled `number` (digits as the site's trunk delivers them); rings, unanswered. caller: digits or ''.

    reach: the number at which he can be rung back, E.164; '' = none is known.
    """

    call: CallId
    site: str
    number: str
    caller: str = ""
    reach: str = ""


@record
class CallHeld:
    """The call is (again) in the hold loop, where orders reach it. answered: the caller's leg is up: he pays."""

    call: CallId
    answered: bool = False


@record
class DigitsRead:
    """What the caller pressed while a prompt asked him; '' if nothing. step: the number that the order had.

    reach: the digits as a number that can be rung, E.164; '' = they are none.
    """

    call: CallId
    step: int
    digits: str
    reach: str = ""


@record
class CallTaken:
    """The dialplan took the call into its failsafe because it saw no living router."""

    call: CallId


@record
class CallEnded:
    """The caller's leg ended, whoever ended it. answered: the leg was up. cause: Q.850."""

    call: CallId
    cause: int = 16
    answered: bool = False


# ---- offers: one order to ring one or several phones for a call is one attempt, numbered per call


@record
class LegStarted:
    """A phone is being rung for this attempt.

    (site, phone) is where the phone is; leg is the channel at the call's site.
    """

    call: CallId
    attempt: int
    leg: LegId
    site: str
    phone: str


@record
class LegFailed:
    """One phone of the attempt did not take the call; with several phones the others may still ring."""

    call: CallId
    attempt: int
    leg: LegId
    result: Result


@record
class LegAnswered:
    """The phone answered; the caller is connected (or about to be)."""

    call: CallId
    attempt: int
    leg: LegId


@record
class LegEnded:
    """An agent's leg of this call is gone. The call itself may go on (transfer)."""

    call: CallId
    leg: LegId


@record
class PutOnHold:
    """The phone of the call's agent has put the caller on hold, or (on false) taken him back. Answered: he pays.

    (site, phone) is where the phone is. It has nothing to do with the hold loop in which callers wait unanswered.
    """

    call: CallId
    site: str
    phone: str
    on: bool


@record
class OfferEnded:
    """The attempt is over without a conversation and the call is on its way back into hold.

    ring_s: how long a phone really rang; None: none ever rang.
    """

    call: CallId
    attempt: int
    result: Result
    ring_s: float | None = None


@record
class OrderLost:
    """An order had no answer, or the switch refused it. unknown: it may have taken effect: read back, do not repeat."""

    call: CallId
    attempt: int | None
    unknown: bool
    text: str = ""


# ---- outbound calls: an agent's phone is rung first, then that of a caller who is to be rung back


@record
class OutboundRung:
    """The agent's phone is being rung."""

    call: CallId


@record
class OutboundUp:
    """The agent has answered; the caller's phone is rung now."""

    call: CallId


@record
class OutboundAnswered:
    """The caller has answered: they talk."""

    call: CallId


@record
class OutboundMissed:
    """The caller's phone did not take the call."""

    call: CallId
    result: TryResult


@record
class OutboundEnded:
    """The agent's leg is gone, and with it the call. result: why his phone did not take it; None: it had."""

    call: CallId
    result: Result | None = None


# ---- agents and their phones


@record
class AgentActed:
    """An agent asks for a state by page, API or feature code. by: who asked, for the records."""

    agent: AgentId
    act: AgentAct
    reason: str = ""
    by: str = ""


@record
class PhoneActed:
    """The same by feature code: the phone is known, not the person."""

    site: str
    phone: str
    act: AgentAct


@record
class PhoneState:
    """What the site says of a phone: registered and answering qualify; in any call or ringing."""

    site: str
    phone: str
    reachable: bool
    in_use: bool


@record
class PhoneLeg:
    """A channel of the phone began or ended, ours or not. Seen earlier than `PhoneState` when the agent dials out."""

    site: str
    phone: str
    leg: LegId
    up: bool


# ---- sites


@record
class LiveCall:
    """One call as it stands in its Asterisk.

    age_s: since it arrived. legs: (leg, site, phone, answered) of its agents. claimed: some router has had it.
    ending: it hears its last words and then ends with this Q.850 cause; 0: it does not. left_s: since the agent of
    these legs put the caller through, as the router before us knew; no site tells it.
    """

    call: CallId
    number: str
    caller: str
    stage: Stage
    age_s: float
    attempt: int = 0
    offered: tuple[tuple[str, str], ...] = ()  # (site, phone) that the last order named
    legs: tuple[tuple[LegId, str, str, bool], ...] = ()
    talk_s: float = 0.0
    reach: str = ""
    claimed: bool = True
    ending: int = 0
    left_s: float | None = None


@record
class LiveOutbound:
    """One outbound call as it stands in its Asterisk. (site, phone): the agent's."""

    call: CallId
    callback: str
    kind: CallbackKind
    hotline: str
    site: str
    phone: str
    stage: OutStage
    talk_s: float = 0.0


@record
class SiteRead:
    """The link to a site is up and the site was read back whole. Calls that are not named do not exist any more."""

    site: str
    calls: tuple[LiveCall, ...] = ()
    phones: tuple[PhoneState, ...] = ()
    phone_legs: tuple[tuple[str, LegId], ...] = ()  # (phone, leg) of every channel of a phone
    trunks_down: tuple[str, ...] = ()  # sites that cannot be reached from here
    outbound: tuple[LiveOutbound, ...] = ()


@record
class LinkDown:
    """No order reaches this site; its callers keep ringing and fall to the dialplan's failsafe."""

    site: str


@record
class TrunkState:
    """Can `site` send calls to `peer`?"""

    site: str
    peer: str
    up: bool


# ---- what people switch


@record
class AgreementSwitched:
    """until: UTC seconds after which the configured state returns; None: until switched again.

    borrower: only the direction in which this team borrows; '' both.
    """

    agreement: str
    enabled: bool
    until: float | None = None
    reason: str = ""
    by: str = ""
    borrower: str = ""


@record
class HotlineSwitched:
    """until: UTC seconds after which the hotline is as configured again; None: until switched again."""

    hotline: str
    mode: HotlineMode
    until: float | None = None
    reason: str = ""
    by: str = ""


# ---- callbacks, as people and other routers have it


@record
class CallbackKnown:
    """What is kept of a callback: after a restart, or because another router or somebody by hand changed it."""

    callback: Callback


@record
class CallbackTaken:
    """An agent wants to ring this caller now."""

    callback: str
    agent: AgentId
    by: str = ""


@record
class OutboundAsked:
    """Somebody wants to ring whom the router does not have on its list: a department's caller, or anybody.

    callback: as kept elsewhere, of kind department or outbound; its next call is number `rings` + 1. phone: of somebody
    who is no agent, at the callback's site; agent is '' then.
    """

    agent: AgentId
    callback: Callback
    by: str = ""
    phone: str = ""


@record
class CallbackClosed:
    """Somebody says that a callback is done. reason: for the records."""

    callback: str
    result: CallbackResult
    reason: str = ""
    by: str = ""


@record
class CallbackMissed:
    """An agent says that it was not the caller whom he reached (a mailbox, say): to be tried again."""

    callback: str
    by: str = ""


@record
class PlanReplaced:
    """A new valid plan. `plan` is a `core.plan.Plan` (typed loosely: events lie below plans)."""

    plan: object


@record
class ClockSet:
    """The clock stood wrong and was set: an hour may have passed in an instant. Nobody has waited longer for that."""

    by_s: float


@record
class Tick:
    """`Router.next_deadline()` has come. The driver sends it; the router never looks at a clock."""


Event = (
    CallArrived
    | CallHeld
    | DigitsRead
    | CallTaken
    | CallEnded
    | LegStarted
    | LegFailed
    | LegAnswered
    | LegEnded
    | PutOnHold
    | OfferEnded
    | OutboundRung
    | OutboundUp
    | OutboundAnswered
    | OutboundMissed
    | OutboundEnded
    | OrderLost
    | AgentActed
    | PhoneActed
    | PhoneState
    | PhoneLeg
    | SiteRead
    | LinkDown
    | TrunkState
    | AgreementSwitched
    | HotlineSwitched
    | CallbackKnown
    | CallbackTaken
    | OutboundAsked
    | CallbackClosed
    | CallbackMissed
    | PlanReplaced
    | ClockSet
    | Tick
)
