"""The router: `handle(event, now)` returns the commands that follow, each with its reason.

Pure and deterministic: the same plan and the same events give the same commands. Time is an argument and never runs
backwards. The driver (engine or simulator) asks `next_deadline()` and sends a `Tick` when it has come.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from callrouter.core import outbound, ringback
from callrouter.core.callbacks import Callback
from callrouter.core.calls import HEARING, Attempt, Call, CallState
from callrouter.core.checkpoint import Checkpoint, freeze, set_clock, thaw
from callrouter.core.commands import CancelOffer, Command
from callrouter.core.duty import agent_acted, phone_acted, phone_leg, phone_state, resume
from callrouter.core.events import (
    AgentActed,
    AgentId,
    AgreementSwitched,
    CallArrived,
    CallbackClosed,
    CallbackKnown,
    CallbackMissed,
    CallbackTaken,
    CallEnded,
    CallHeld,
    CallId,
    CallTaken,
    ClockSet,
    DigitsRead,
    Event,
    HotlineSwitched,
    LegAnswered,
    LegEnded,
    LegFailed,
    LegStarted,
    LinkDown,
    LiveCall,
    OfferEnded,
    OrderLost,
    OutboundAnswered,
    OutboundAsked,
    OutboundEnded,
    OutboundMissed,
    OutboundRung,
    OutboundUp,
    PhoneActed,
    PhoneLeg,
    PhoneState,
    PlanReplaced,
    PutOnHold,
    Result,
    SiteRead,
    Stage,
    Tick,
    TrunkState,
)
from callrouter.core.matching import cancel, limit_reached, settle, team_gone
from callrouter.core.outbound import free_for
from callrouter.core.plan import Plan
from callrouter.core.reception import digits_read
from callrouter.core.reconcile import book, ended, hold, lose_link, read_back, taken
from callrouter.core.snapshot import AgentView, CallbackView, CallView, Counts, Snapshot
from callrouter.core.state import FRESH_S, HOLD_GRACE_S, State
from callrouter.core.timers import Rank, instant
from callrouter.core.views import agent_view, call_view, callback_view, counts, snapshot

WATCH_AGAIN_S = 10.0


class Router:
    """One network's routing. Not thread-safe: one driver owns it."""

    def __init__(self, plan: Plan, now: float = 0.0) -> None:
        self.state = State(plan, instant(now))

    @classmethod
    def restore(cls, checkpoint: Checkpoint) -> Router:
        """A router that behaves from here on exactly as the one that made the checkpoint."""
        router = cls.__new__(cls)
        router.state = thaw(checkpoint)
        return router

    def checkpoint(self) -> Checkpoint:
        """All that decides the future, as plain frozen data."""
        return freeze(self.state)

    @property
    def plan(self) -> Plan:
        return self.state.plan

    def handle(self, event: Event, now: float) -> list[Command]:
        """What follows from this event at `now` (UTC seconds, never less than before; counted in microseconds)."""
        return self.handle_all((event,), now)

    def handle_all(self, events: Sequence[Event], now: float) -> list[Command]:
        """Several events of one instant: free agents are handed out when all of them are in.

        So is what falls due at it (pauses, windows, waits for an agreement), the ring limits excepted.
        """
        s = self.state
        now = instant(now)
        assert now >= s.now, f"time runs backwards: {now} after {s.now}"
        s.now = now
        out: list[Command] = []
        s.out = out
        for event in events:
            _HANDLERS[type(event)](s, event)
        while (due := s.timers.pop_due(now, Rank.LIMIT)) is not None:
            _due(s, *due)
        settle(s)
        s.out = []
        return out

    def next_deadline(self) -> float | None:
        """The instant at which a `Tick` is due; None: nothing is pending."""
        return self.state.timers.next_due()

    def snapshot(self, now: float) -> Snapshot:
        """The whole picture, for people. Costs O(calls + agents)."""
        return snapshot(self.state, now)

    def agent(self, agent: AgentId) -> AgentView | None:
        """One agent of the plan, at the cost of one."""
        found = self.state.agents.get(agent)
        return None if found is None else agent_view(self.state, found)

    def call(self, call: CallId, now: float) -> CallView | None:
        """One live call, at the cost of one."""
        found = self.state.calls.get(call)
        return None if found is None else call_view(found, now)

    def callbacks(self) -> tuple[Callback, ...]:
        """Callers who are to be rung back. Costs O(callbacks)."""
        return tuple(back.record for back in self.state.backs.values())

    def callback(self, callback: str) -> CallbackView | None:
        """One of them, with his call and why nobody rings him now."""
        back = self.state.backs.get(callback)
        return None if back is None else callback_view(self.state, back)

    def counts(self) -> Counts:
        """The gauges, kept as it goes."""
        return counts(self.state)


# ---- calls


def _call_arrived(s: State, e: CallArrived) -> None:
    if e.call in s.calls:
        s.ignore(e, "the call is known")
        return
    call = book(s, LiveCall(e.call, e.number, e.caller, Stage.HELD, 0.0, reach=e.reach), e.site)
    s.watch(call, HOLD_GRACE_S)


def _call_held(s: State, e: CallHeld) -> None:
    call = s.calls.get(e.call)
    if call is None:
        s.ignore(e, "unknown call")
        # It may have arrived while its site was being read back.
        s.reread(e.call.partition("/")[0], f"{e.call} waits and is not known")
        return
    s.check_promise(call, e.answered, "up in hold")
    if call.stale_hold and call.state in HEARING and s.now - call.prompted_at < FRESH_S:
        call.stale_hold = False
        s.watch(call, FRESH_S)
        s.ignore(e, "it is the hold before the prompt")
        return
    call.stale_hold = False
    hold(s, call)


def _call_taken(s: State, e: CallTaken) -> None:
    call = s.calls.get(e.call)
    if call is None:
        s.ignore(e, "unknown call")
    else:
        taken(s, call)


def _call_ended(s: State, e: CallEnded) -> None:
    call = s.calls.get(e.call)
    if call is None:
        s.ignore(e, "unknown call")
        return
    if e.answered and not call.talked and not s.links.get(call.site, False):
        call.somebody_at = s.now  # told while its site is read back: who answered him before that was not seen
    s.check_promise(call, e.answered, "up at its end")
    ended(s, call, e.cause, seen=True)


# ---- offers


def _current(s: State, e: LegStarted | LegFailed | LegAnswered | OfferEnded) -> tuple[Call, Attempt] | None:
    """The call and its offer, if the event is about the attempt that is going on."""
    call = s.calls.get(e.call)
    if call is None:
        s.ignore(e, "unknown call")
    elif call.offer is None or call.offer.number != e.attempt:
        s.ignore(e, "another attempt")
    else:
        return call, call.offer
    return None


def _leg_started(s: State, e: LegStarted) -> None:
    current = _current(s, e)
    if current is None:
        return
    call, offer = current
    agent = next((t.agent for t in offer.targets if (t.site, t.phone) == (e.site, e.phone)), None)
    if agent is None:  # an order of another router, of the same number: nobody of ours answers by this leg
        call.offer = replace(offer, legs=(*offer.legs, (e.leg, "")))
        s.ignore(e, "the attempt does not ring this phone")
        return
    call.offer = replace(offer, legs=(*offer.legs, (e.leg, agent)))
    if offer.cancelled:  # the leg began after the offer was cancelled: end this one too
        s.tell(CancelOffer(call.id, offer.number, (e.leg,), "the offer was cancelled"))


def _agent_of_leg(offer: Attempt, leg: str) -> str:
    """Whose leg: as its beginning said, or the only one who was rung."""
    known = dict(offer.legs).get(leg)
    if known is None and len(offer.targets) == 1:
        known = offer.targets[0].agent
    return known or ""


def _leg_failed(s: State, e: LegFailed) -> None:
    current = _current(s, e)
    if current is None:
        return
    call, offer = current
    agent = _agent_of_leg(offer, e.leg)
    if agent and agent not in dict(offer.failed):
        call.offer = replace(offer, failed=(*offer.failed, (agent, e.result)))


def _leg_answered(s: State, e: LegAnswered) -> None:
    current = _current(s, e)
    if current is None:
        known = s.calls.get(e.call)
        if known is not None and known.state is not CallState.TALKING:
            known.somebody_at = s.now
            s.reread(known.site, f"{e.call} was answered though the books have no such attempt")
        return
    call, offer = current
    seat = s.seats.get(_agent_of_leg(offer, e.leg))
    if seat is None:
        s.ignore(e, "no agent has this leg")
        call.somebody_at = s.now
        s.reread(call.site, f"{call.id} was answered by somebody unknown")
    else:
        free_for(s, seat, call.id)
        s.answered(call, seat, e.leg)


def _leg_ended(s: State, e: LegEnded) -> None:
    call = s.calls.get(e.call)
    if call is None or call.state is not CallState.TALKING:
        s.ignore(e, "not the leg of a conversation")
    elif call.leg in (e.leg, ""):
        s.agent_left(call, "his leg ended")
    elif _lent_leg(s, call, e.leg):
        s.agent_left(call, "his leg ended at his own site")
    else:
        s.ignore(e, "not the leg of a conversation")


def _lent_leg(s: State, call: Call, leg: str) -> bool:
    """His phone's own leg, where the call reached his site over a trunk: that goes on if he puts the caller through."""
    seat = s.seats.get(call.agent)
    return seat is not None and leg in seat.legs and not seat.id.startswith(call.site + "/")


def _put_on_hold(s: State, e: PutOnHold) -> None:
    call = s.calls.get(e.call)
    if call is None or call.state is not CallState.TALKING or s.by_phone.get((e.site, e.phone)) != call.agent:
        s.ignore(e, "not the phone of a conversation")
    elif not (s.put_on_hold(call) if e.on else s.taken_off_hold(call)):
        s.ignore(e, "told twice")


def _offer_ended(s: State, e: OfferEnded) -> None:
    current = _current(s, e)
    if current is None:
        return
    call, offer = current
    result = Result.CANCELLED if offer.cancelled else e.result
    if offer.cancelled or len(offer.targets) == 1:
        # The dialplan's word about the attempt is more exact than the leg's (it knows whether the phone ever rang).
        call.offer = replace(offer, failed=())
    s.fail_offer(call, result, f"attempt {e.attempt}: {result}")


def _order_lost(s: State, e: OrderLost) -> None:
    if e.call in s.outcalls:
        outbound.out_lost(s, s.outcalls[e.call], e)
        return
    call = s.calls.get(e.call)
    if call is None:
        s.ignore(e, "unknown call")
        return
    because = f"order {'unknown' if e.unknown else 'refused'}: {e.text}"
    if not e.unknown and call.offer is not None and call.offer.number == e.attempt and not call.offer.cancelled:
        s.fail_offer(call, Result.CANCELLED, because)
    elif not e.unknown and e.attempt is None and call.state is CallState.RELEASING:
        s.put_call(call, CallState.RETURNING)  # nobody has told him: he is told when he listens
    s.reread(call.site, because)


# ---- sites, switches, time


def _link_down(s: State, e: LinkDown) -> None:
    lose_link(s, e.site)


def _trunk_state(s: State, e: TrunkState) -> None:
    if e.up:
        s.trunk_up(e.site, e.peer)
        return
    s.trunks_down[e.site, e.peer] = float("inf")
    for call in list(s.calls.values()):
        if call.site == e.site and call.offer is not None and any(t.site == e.peer for t in call.offer.targets):
            cancel(s, call, call.offer, f"trunk from {e.site} to {e.peer} down")


def _agreement_switched(s: State, e: AgreementSwitched) -> None:
    if not s.switch(e.agreement, e.borrower, e.enabled, _until(e.until), e.reason, e.by):
        s.ignore(e, "unknown agreement")


def _hotline_switched(s: State, e: HotlineSwitched) -> None:
    if not s.switch_hotline(e.hotline, e.mode, _until(e.until), e.reason, e.by):
        s.ignore(e, "unknown hotline")


def _until(asked: float | None) -> float | None:
    """People ask for any fraction of a second."""
    return None if asked is None else instant(asked)


def _plan_replaced(s: State, e: PlanReplaced) -> None:
    assert isinstance(e.plan, Plan)
    s.load(e.plan)
    for site in e.plan.sites:
        s.reread(site.name, "a new plan may name phones that were not read")


def _clock_set(s: State, e: ClockSet) -> None:
    set_clock(s, e.by_s)


def _tick(s: State, _: Tick) -> None:
    while (due := s.timers.pop_due(s.now)) is not None:
        _due(s, *due)


def _due(s: State, rank: Rank, ref: str) -> None:
    match rank:
        case Rank.AGENT:
            resume(s, s.seats[ref])
        case Rank.AGREEMENT:
            _agreement_due(s, ref)
        case Rank.TEAM:
            del s.team_timers[ref]
            team_gone(s, ref)
        case Rank.CALLBACK:
            _callback_due(s, *ref.split("/", 1))
        case Rank.TRUNK:
            at, peer = ref.split(">")
            if s.trunks_down.get((at, peer), 0.0) <= s.now:
                s.trunk_up(at, peer)
        case _:
            assert ref in s.calls, f"a timer of the ended call {ref} is alive"
            _call_due(s, s.calls[ref], rank)


def _callback_due(s: State, kind: str, key: str) -> None:
    if kind == "back":
        s.back_due(s.backs[key])
    elif kind == "out":
        outbound.out_due(s, s.outcalls[key])
    else:
        del s.hour_timers[key]
        s.look_at_backlogs(key)


def _agreement_due(s: State, ref: str) -> None:
    kind, _, key = ref.partition("/")
    if kind == "deal":
        s.deal_due(key)
        return
    if kind == "mode":
        s.mode_due(key)
        return
    health = s.health[key]
    health.share(s.now)
    health.watched = False
    s.watch_health(key)
    s.dirty_teams[key] = None


def _call_due(s: State, call: Call, rank: Rank) -> None:
    if rank is Rank.LIMIT:
        call.limit_timer = None
        settle(s)  # who became free at this very instant serves him still
        limit_reached(s, call)
    elif rank is Rank.WIDEN:
        call.widen_timer = None
        s.leave_line(call)
        s.enter_line(call)
    else:
        s.reread(call.site, f"{call.id} is {call.state} for too long")
        s.watch(call, WATCH_AGAIN_S)


_HANDLERS: dict[type[Any], Callable[[State, Any], None]] = {
    CallArrived: _call_arrived,
    CallHeld: _call_held,
    DigitsRead: digits_read,
    CallTaken: _call_taken,
    CallEnded: _call_ended,
    LegStarted: _leg_started,
    LegFailed: _leg_failed,
    LegAnswered: _leg_answered,
    LegEnded: _leg_ended,
    PutOnHold: _put_on_hold,
    OfferEnded: _offer_ended,
    OutboundRung: outbound.rung,
    OutboundUp: outbound.up,
    OutboundAnswered: outbound.answered,
    OutboundMissed: outbound.not_taken,
    OutboundEnded: outbound.ended,
    OrderLost: _order_lost,
    AgentActed: agent_acted,
    PhoneActed: phone_acted,
    PhoneState: phone_state,
    PhoneLeg: phone_leg,
    SiteRead: read_back,
    LinkDown: _link_down,
    TrunkState: _trunk_state,
    AgreementSwitched: _agreement_switched,
    HotlineSwitched: _hotline_switched,
    CallbackKnown: ringback.learned,
    CallbackTaken: ringback.taken,
    OutboundAsked: ringback.asked,
    CallbackClosed: ringback.closed,
    CallbackMissed: ringback.was_missed,
    PlanReplaced: _plan_replaced,
    ClockSet: _clock_set,
    Tick: _tick,
}
