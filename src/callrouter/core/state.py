"""What calls and agents do: the transitions, each by its table, each told as a notice, each keeping the indexes true.

`router.py`, `duty.py`, `matching.py` and `reconcile.py` change the network only through the methods here.
"""

from __future__ import annotations

from callrouter.core.agents import MOVES as SEAT_MOVES
from callrouter.core.agents import RESTING, AgentMove, AgentSeat, AgentState, Intent
from callrouter.core.calls import MOVES as CALL_MOVES
from callrouter.core.calls import RINGING, Attempt, Call, CallMove, CallState, unserved
from callrouter.core.commands import (
    AgentChanged,
    AgreementChanged,
    AnsweredWithoutAgent,
    CallAnswered,
    CallFinished,
    HotlineChanged,
    OfferFinished,
    Outcome,
)
from callrouter.core.events import HotlineMode, Result
from callrouter.core.network import SUSPECT_S
from callrouter.core.promises import Promises
from callrouter.core.timers import Rank, after

AFFINITY_MAX = 10_000
FRESH_S = 2.0  # an order younger than this may not show in what was read
HOLD_GRACE_S = 3.0  # between two steps that follow each other within milliseconds
RING_GRACE_S = 5.0  # after the end of ringing


class State(Promises):
    """The live network and its transitions."""

    # ---- agents

    def site_of(self, seat: AgentSeat) -> str:
        return seat.id.partition("/")[0]

    def move_seat(self, seat: AgentSeat, move: AgentMove, because: str) -> bool:
        """Make the move if the table has it, and keep pool, counts and idle time true."""
        before = seat.state
        after = SEAT_MOVES.get((before, move), before)
        if after is None:
            after = seat.resting(self.links.get(self.site_of(seat), False))
        elif after is before:  # no state moves into itself: the table has no such move
            return False
        if after is before:
            return True
        if before is AgentState.READY:
            self.pools[seat.team].remove(seat, self.skills(seat))
        seat.state, seat.since = after, self.now
        self.recount_seat(seat, before)
        if after is AgentState.READY:
            if before is not AgentState.OFFERED:  # an offer that came to nothing does not cost him his turn
                seat.idle_since = self.now
            self.pools[seat.team].add(seat, self.skills(seat))
            self.dirty_teams[seat.team] = None
        self.tell(AgentChanged(seat.id, seat.team, before, after, because))
        if seat.leaving and after in RESTING:
            self.count_seat(seat, -1)
            self.drop_seat(seat)
        return True

    def resume_later(self, seat: AgentSeat, delay_s: float) -> None:
        """Wrap-up, a timed pause or a suspicion ends after `delay_s`."""
        self.timers.cancel(seat.timer)
        seat.resume_at = after(self.now, delay_s)
        seat.timer = self.timers.set(seat.resume_at, Rank.AGENT, seat.id)

    def resume_not(self, seat: AgentSeat) -> None:
        self.timers.cancel(seat.timer)
        seat.timer = seat.resume_at = None

    def seat_left(self, seat: AgentSeat, because: str, *, talked: bool = True) -> None:
        """His conversation is over: wrap-up, or rest where the team has none, or where there was nobody to talk to."""
        seat.call = ""
        moved = self.move_seat(seat, AgentMove.LEFT, because)
        assert moved, f"{seat.id} leaves a conversation but is {seat.state}"
        wrap_up_s = 0.0 if seat.leaving or not talked else self.wrap_up_s(seat)
        if wrap_up_s > 0:
            self.resume_later(seat, wrap_up_s)
        else:
            self.move_seat(seat, AgentMove.WRAPPED, "no wrap-up")

    def wrap_up_s(self, seat: AgentSeat) -> float:
        team = self.teams[seat.team]
        return team.wrap_up_max_s if seat.wrap_up_open else team.wrap_up_s

    def seat_not_taken(self, call: Call, offer: Attempt, agent_id: str, result: Result) -> None:
        """One agent's part in a failed offer ends; the result decides whether he is asked again soon."""
        seat = self.seats.get(agent_id)
        if seat is None or seat.call != call.id:
            return
        self.tell(OfferFinished(call.id, offer.number, seat.id, seat.team, result, self.now - offer.at))
        self.seat_refused(seat, result, blame=len(offer.targets) == 1 and offer.full_ring)

    def seat_refused(self, seat: AgentSeat, result: Result, *, blame: bool) -> None:
        """His phone was rung in vain. blame: it rang as long as it should, and it alone."""
        seat.call = ""
        because = f"offer ended: {result}"
        if result is Result.NO_ANSWER and blame:
            if seat.intent is Intent.READY:
                seat.intent, seat.reason = Intent.PAUSED, "no_answer"
        elif result is Result.REFUSED:
            if seat.intent is Intent.READY:
                seat.intent, seat.reason = Intent.PAUSED, "refused"
                self.resume_later(seat, self.teams[seat.team].refusal_pause_s)
        elif result in (Result.BUSY, Result.UNREACHABLE, Result.FAILED):
            seat.suspect = "busy" if result is Result.BUSY else "unreachable"
            self.resume_later(seat, SUSPECT_S)
        self.move_seat(seat, AgentMove.NOT_TAKEN, because)

    # ---- calls

    def move_call(self, call: Call, move: CallMove) -> bool:
        """Make the move if the table has it."""
        after = CALL_MOVES.get((call.state, move))
        if after is None:
            return False
        self.put_call(call, after)
        return True

    def put_call(self, call: Call, state: CallState) -> None:
        """Set a state because the site says so, whatever the table; keep the counts true."""
        if call.hotline:
            self.waiting[call.hotline] += (state in RINGING) - (call.state in RINGING)
        call.state = state

    def give_back(self, call: Call) -> None:
        """The call no longer counts under its agreement."""
        if call.agreement:
            deal = self.deals.get(f"{call.agreement}/{call.borrower}")
            if deal is not None:
                assert deal.borrowed > 0, f"agreement {deal.key} gives back more than it borrowed"
                deal.borrowed -= 1
                self.dirty_teams[deal.agreement.lender] = None
            call.agreement = call.borrower = ""

    def answered(self, call: Call, seat: AgentSeat, leg: str, ago_s: float = 0.0) -> None:
        """The agent and the caller talk, since `ago_s` seconds."""
        moved = self.move_call(call, CallMove.ANSWER)
        assert moved, f"call {call.id} is answered but is {call.state}"
        assert seat.call in ("", call.id), f"{seat.id} answers {call.id} but talks in {seat.call}"
        self.watch_not(call)
        self.timers.cancel(call.limit_timer)
        offer, call.offer = call.offer, None
        call.agent, call.team, call.leg, call.left_at = seat.id, seat.team, leg, None
        first = call.answered_at is None
        if call.answered_at is None:
            call.answered_at = call.somebody_at or max(call.arrived_at, self.now - ago_s)
        call.somebody_at = None
        seat.call, seat.suspect, seat.wrap_up_open = call.id, "", False
        seat.calls += 1
        if seat.intent is Intent.PAUSED and seat.reason == "refused":  # found talking: he has thought better of it
            seat.intent, seat.reason = Intent.READY, ""
        self.resume_not(seat)
        self.move_seat(seat, AgentMove.ANSWER, "answered")
        if offer is not None:
            self.tell(OfferFinished(call.id, offer.number, seat.id, seat.team, None, self.now - offer.at))
            for target in offer.targets:
                if target.agent != seat.id:
                    self.seat_not_taken(call, offer, target.agent, Result.CANCELLED)
        hotline = self.hotlines.get(call.hotline)
        if hotline is not None and hotline.affinity_s > 0 and call.caller:
            self.affinity[call.caller] = (seat.id, self.now)
            self.affinity.move_to_end(call.caller)
            if len(self.affinity) > AFFINITY_MAX:
                self.affinity.popitem(last=False)
        self.served(call, seat.id)
        if first and hotline is not None:
            wait_s = call.answered_at - call.arrived_at
            good = wait_s <= hotline.target_s
            self._decided(call, good)
            self.tell(CallAnswered(call.id, call.hotline, call.site, seat.id, seat.team, call.agreement, wait_s, good))

    def _decided(self, call: Call, good: bool) -> None:
        """Its home teams' own callers: each of them answers for it."""
        for team in self.topic(call).teams or self.hotlines[call.hotline].teams:
            health = self.health.get(team)
            if health is not None:
                health.add(self.now, good)
                self.watch_health(team)
                self.dirty_teams[team] = None

    def agent_left(self, call: Call, because: str) -> None:
        """The agent's leg ended; the caller may stay (transfer)."""
        if self.move_call(call, CallMove.AGENT_LEFT):
            call.left_at = self.now
            self.taken_off_hold(call)
            self._free(call, because)

    def put_on_hold(self, call: Call) -> bool:
        """The agent puts the caller on hold; False if he has already."""
        if call.on_hold_at is not None:
            return False
        call.on_hold_at = self.now
        return True

    def taken_off_hold(self, call: Call) -> bool:
        """He is back, or nobody can tell any more; False if he was not on hold."""
        if call.on_hold_at is None:
            return False
        call.on_hold_s += self.now - call.on_hold_at
        call.on_hold_at = None
        return True

    def _free(self, call: Call, because: str) -> None:
        """Whoever of ours still talks in this call does so no more."""
        seat = self.seats.get(call.agent)
        if seat is not None and seat.call == call.id:
            self.seat_left(seat, because)

    def fail_offer(self, call: Call, result: Result, because: str) -> None:
        """The attempt is over. The call returns to its place as soon as it listens again."""
        offer, call.offer = call.offer, None
        assert offer is not None, f"call {call.id} is not offered"
        moved = self.move_call(call, CallMove.FAIL)
        assert moved, f"call {call.id} is offered but {call.state}"
        told = dict(offer.failed)
        for target in offer.targets:
            seat_result = told.get(target.agent, result)
            if seat_result is Result.NO_ROUTE and target.site == call.site:
                seat_result = Result.UNREACHABLE  # no trunk lies between: it is the phone
            elif seat_result is Result.NO_ROUTE:
                self.suspect_trunk(call.site, target.site)
            self.seat_not_taken(call, offer, target.agent, seat_result)
        self.give_back(call)
        call.because = because
        self.watch(call, HOLD_GRACE_S)

    def check_promise(self, call: Call, answered: bool, because: str) -> None:
        by_nobody = call.answered_at is None and call.somebody_at is None and call.state is not CallState.FAILSAFE
        if answered and by_nobody and not call.promise_broken:
            call.promise_broken = True
            self.tell(AnsweredWithoutAgent(call.id, call.hotline, because))

    def finish(self, call: Call, outcome: Outcome, cause: int, because: str, *, seen: bool = True) -> None:
        """The end of a call: exactly one record, everybody it held is freed."""
        assert self.calls.get(call.id) is call, f"call {call.id} ends twice"
        self.leave_line(call)
        for timer in (call.limit_timer, call.watch_timer):
            self.timers.cancel(timer)
        if call.state in RINGING and call.hotline:
            self.waiting[call.hotline] -= 1
        if call.offer is not None:
            for target in call.offer.targets:
                told = dict(call.offer.failed).get(target.agent, Result.CANCELLED)
                self.seat_not_taken(call, call.offer, target.agent, told)
        else:
            self._free(call, "the call ended")
        agreement = call.agreement
        self.give_back(call)
        self.taken_off_hold(call)
        del self.calls[call.id]
        self.held.pop(call.id, None)
        self.on_line(call, -1)
        if call.answered_at is None:
            call.answered_at = call.somebody_at
        answered = outcome is Outcome.ANSWERED and call.answered_at is not None
        reached_at = call.answered_at if answered and call.answered_at is not None else self.now
        wait_s = reached_at - call.arrived_at
        talk_s = (call.left_at if call.left_at is not None else self.now) - reached_at if answered else 0.0
        hotline = self.hotlines.get(call.hotline)
        good = answered and hotline is not None and wait_s <= hotline.target_s
        if hotline is not None and outcome in (Outcome.ABANDONED, Outcome.BUSIED) and call.answered_at is None:
            self._decided(call, False)
            self.gave_up(call)
        self.tell(
            CallFinished(
                call.id,
                call.hotline,
                self.topic(call).name,
                call.site,
                call.number,
                call.caller,
                outcome,
                call.arrived_at,
                self.now,
                wait_s,
                talk_s,
                call.agent if answered else "",
                call.team if answered else "",
                agreement if answered else "",
                good,
                call.attempts,
                cause,
                because,
                call.on_hold_s if answered else 0.0,
                unserved(outcome, call.state, call.busied),
                seen,
            )
        )

    # ---- agreements

    def switch(self, name: str, borrower: str, enabled: bool, until: float | None, reason: str, by: str) -> bool:
        """Switch an agreement, or the one direction in which `borrower` borrows; False if there is no such thing."""
        deals = [d for d in self.deals.values() if d.agreement.name == name and borrower in ("", d.agreement.borrower)]
        for deal in deals:
            before = deal.enabled
            deal.enabled, deal.until, deal.switched = enabled, until, True
            self.watch_switch(deal)
            self.dirty_teams[deal.agreement.lender] = None
            self.tell(AgreementChanged(name, enabled, before, until, reason, by, deal.agreement.borrower))
        return bool(deals)

    def deal_due(self, key: str) -> None:
        """A switch may have expired or a window changed."""
        deal = self.deals[key]
        if deal.until is not None and self.now >= deal.until:
            a, before = deal.agreement, deal.enabled
            deal.enabled, deal.until, deal.switched = a.enabled, None, False
            self.tell(AgreementChanged(a.name, a.enabled, before, None, "the switch expired", "expiry", a.borrower))
        if self.now >= deal.window_until:
            self.watch_window(deal)
        self.dirty_teams[deal.agreement.lender] = None

    # ---- hotlines

    def switch_hotline(self, name: str, mode: HotlineMode, until: float | None, reason: str, by: str) -> bool:
        """Close a hotline by hand, play its notice, or set it back; False if there is none of that name."""
        if name not in self.hotlines:
            return False
        before = self.mode(name)
        self.modes.pop(name, None)
        if mode is not HotlineMode.NORMAL:
            self.modes[name] = (mode, until)
            self.watch_mode(name, until)
        self.look_at_backlogs(name)
        self.tell(HotlineChanged(name, mode, before, until, reason, by))
        return True

    def mode_due(self, name: str) -> None:
        """A hotline's switch may have expired."""
        mode, until = self.modes.get(name, (HotlineMode.NORMAL, None))
        if until is not None and self.now >= until:
            del self.modes[name]
            self.look_at_backlogs(name)
            self.tell(HotlineChanged(name, HotlineMode.NORMAL, mode, None, "the switch expired", "expiry"))
