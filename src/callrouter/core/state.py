"""The live network: who waits, who is free, what is switched; and the transitions that keep its indexes true.

Only `router.py`, `matching.py` and `reconcile.py` hold a `State`, and they change it through the methods here, so that
every change of a call or an agent is in the tables of `calls.py` and `agents.py` and is told as a notice.
"""

from __future__ import annotations

from collections import OrderedDict
from math import inf

from callrouter.core import calendar
from callrouter.core.agents import MOVES as SEAT_MOVES
from callrouter.core.agents import RESTING, AgentMove, AgentSeat, AgentState, Intent
from callrouter.core.calls import MOVES as CALL_MOVES
from callrouter.core.calls import RINGING, Attempt, Call, CallMove, CallState
from callrouter.core.commands import (
    AgentChanged,
    AgreementChanged,
    AnsweredWithoutAgent,
    CallAnswered,
    CallFinished,
    Command,
    Ignored,
    OfferFinished,
    Outcome,
    Reread,
)
from callrouter.core.events import Event, Result
from callrouter.core.lines import Lane, LaneKey
from callrouter.core.overflow import Deal, Health
from callrouter.core.plan import Agent, Hotline, Plan, Skills, Team, Topic
from callrouter.core.selection import Pool
from callrouter.core.timers import Rank, Timers

AFFINITY_MAX = 10_000
REREAD_PAUSE_S = 1.0  # a site is not asked again sooner
SUSPECT_S = 10.0  # a phone or trunk that just failed is left alone so long, unless it says that it is well
HOLD_GRACE_S = 3.0  # between two steps that follow each other within milliseconds
RING_GRACE_S = 5.0  # after the end of ringing
NO_TOPIC = Topic(name="", title="")


class State:
    """Everything the router knows. Built from a plan; a new plan is put in by `load`."""

    def __init__(self, plan: Plan, now: float) -> None:
        self.now = now
        self.out: list[Command] = []
        self.timers = Timers()
        self.sequence = 0  # arrivals
        self.offers = 0  # running number of offers
        self.seats: dict[str, AgentSeat] = {}
        self.calls: dict[str, Call] = {}
        self.links: dict[str, bool] = {}
        self.trunks_down: dict[tuple[str, str], float] = {}  # (from, to) -> until; inf: until it says it is up
        self.reread_at: dict[str, float] = {}
        self.affinity: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self.dirty_teams: dict[str, None] = {}
        self.dirty_lanes: dict[LaneKey, None] = {}
        self.held: dict[str, None] = {}  # calls that have just begun to listen
        self.waiting: dict[str, int] = {}
        self.agent_counts: dict[tuple[str, str], int] = {}
        self.hotlines: dict[str, Hotline] = {}
        self.deals: dict[str, Deal] = {}
        self.health: dict[str, Health] = {}
        self._open: dict[str, tuple[bool, float]] = {}
        self.load(plan)

    # ---- the plan

    def load(self, plan: Plan) -> None:
        """Put in a plan. Calls and agents at work are not touched; who is new comes logged out."""
        old_hotlines, old_deals, old_health = self.hotlines, self.deals, self.health
        self.plan = plan
        self.hotlines = {h.name: h for h in plan.hotlines}
        for call in self.calls.values():  # a hotline that is gone serves its last calls
            if call.hotline not in self.hotlines and call.hotline in old_hotlines:
                self.hotlines[call.hotline] = old_hotlines[call.hotline]
        self.teams: dict[str, Team] = {t.name: t for t in plan.teams}
        self.agents: dict[str, Agent] = {a.id: a for a in plan.agents}
        self.by_phone = {(a.site, a.phone): a.id for a in plan.agents}
        self.numbers = {n.digits: (h.name, n.topic) for h in plan.hotlines for n in h.numbers}
        self._open = {}
        self.deals = {}
        for order, agreement in enumerate(plan.agreements):
            deal = Deal(agreement, order, agreement.enabled)
            old = old_deals.get(deal.key)
            if old is not None and old.switched:
                deal.enabled, deal.until, deal.switched = old.enabled, old.until, True
            lent = (agreement.name, agreement.borrower)
            deal.borrowed = sum((call.agreement, call.borrower) == lent for call in self.calls.values())
            self.deals[deal.key] = deal
            self.watch_deal(deal)
        self.lending: dict[str, list[Deal]] = {}
        self.borrowing: dict[str, list[Deal]] = {}
        for deal in self.deals.values():
            self.lending.setdefault(deal.agreement.lender, []).append(deal)
            self.borrowing.setdefault(deal.agreement.borrower, []).append(deal)
        self.health = {
            d.agreement.lender: old_health.get(d.agreement.lender, Health())
            for d in self.deals.values()
            if d.agreement.lender_health > 0
        }
        self._load_seats()
        self._load_lines()

    def _load_seats(self) -> None:
        self.pools = {name: Pool(team) for name, team in self.teams.items()}
        self.agent_counts = {(name, str(state)): 0 for name in self.teams for state in AgentState}
        for order, agent in enumerate(self.plan.agents):
            seat = self.seats.get(agent.id)
            if seat is None:
                seat = self.seats[agent.id] = AgentSeat(agent.id, agent.team, order, since=self.now)
            seat.order, seat.team, seat.leaving = order, agent.team, False
        for seat in list(self.seats.values()):
            if seat.id not in self.agents:
                seat.leaving, seat.intent = True, Intent.LOGGED_OUT
                if seat.state in RESTING:
                    if seat.state is not AgentState.LOGGED_OUT:
                        gone = AgentState.LOGGED_OUT
                        self.tell(AgentChanged(seat.id, seat.team, seat.state, gone, "no longer in the plan"))
                    self._drop_seat(seat)
                    continue
            self._count(seat, 1)
            if seat.state is AgentState.READY:
                self.pools[seat.team].add(seat, self.skills(seat))
                self.dirty_teams[seat.team] = None

    def _load_lines(self) -> None:
        self.lanes: dict[LaneKey, Lane] = {}
        self.team_lanes: dict[str, dict[LaneKey, Lane]] = {name: {} for name in self.teams}
        self.waiting = dict.fromkeys(self.hotlines, 0)
        for call in self.calls.values():
            if call.state in RINGING and call.hotline:
                self.waiting[call.hotline] += 1
            if call.state is CallState.WAITING and call.lane is not None:
                self.set_limit(call)
                self.enter_line(call)

    def rebuild(self) -> None:
        """Make the indexes anew from seats and calls as they are (after a checkpoint was put in)."""
        self.pools = {name: Pool(team) for name, team in self.teams.items()}
        self.agent_counts = {(name, str(state)): 0 for name in self.teams for state in AgentState}
        for seat in self.seats.values():
            self._count(seat, 1)
            if seat.state is AgentState.READY:
                self.pools[seat.team].add(seat, self.skills(seat))
        self.lanes = {}
        self.team_lanes = {name: {} for name in self.teams}
        self.waiting = dict.fromkeys(self.hotlines, 0)
        for call in self.calls.values():
            if call.state in RINGING and call.hotline:
                self.waiting[call.hotline] += 1
            if call.lane is not None:
                self.lane_of(call, call.lane).push(call)

    def lane_of(self, call: Call, key: LaneKey) -> Lane:
        """The lane of that key, made if it is the first to wait there."""
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane(key, self.hotlines[call.hotline], self.topic(call))
            lane.teams = tuple(team for team in lane.teams if team in self.teams)  # a retired hotline's may be gone
            for team in lane.teams:
                self.team_lanes[team][key] = lane
        return lane

    def skills(self, seat: AgentSeat) -> Skills:
        agent = self.agents.get(seat.id)
        return agent.skills if agent else ()

    def topic(self, call: Call) -> Topic:
        hotline = self.hotlines.get(call.hotline)
        if hotline is None:
            return NO_TOPIC
        for name in (call.topic, hotline.default_topic):
            for topic in hotline.topics:
                if topic.name == name:
                    return topic
        return NO_TOPIC

    def is_open(self, hotline: Hotline) -> bool:
        known = self._open.get(hotline.name)
        if known is None or self.now >= known[1]:
            known = self._open[hotline.name] = calendar.state(hotline.hours, self.now)
        return known[0]

    # ---- notices

    def tell(self, command: Command) -> None:
        self.out.append(command)

    def ignore(self, event: Event, because: str) -> None:
        self.out.append(Ignored(type(event).__name__, because))

    def reread(self, site: str, because: str) -> None:
        """Ask for the site to be read back, unless it is down (its return brings a read-back) or was just asked."""
        if self.links.get(site) and self.now - self.reread_at.get(site, -inf) >= REREAD_PAUSE_S:
            self.reread_at[site] = self.now
            self.tell(Reread(site, because))

    # ---- agents

    def _count(self, seat: AgentSeat, step: int) -> None:
        key = (seat.team, str(seat.state))
        self.agent_counts[key] = self.agent_counts.get(key, 0) + step

    def _drop_seat(self, seat: AgentSeat) -> None:
        self.timers.cancel(seat.timer)
        self.seats.pop(seat.id, None)

    def site_of(self, seat: AgentSeat) -> str:
        return seat.id.partition("/")[0]

    def move_seat(self, seat: AgentSeat, move: AgentMove, because: str) -> bool:
        """Make the move if the table has it, and keep pool, counts and idle time true."""
        if (seat.state, move) not in SEAT_MOVES:
            return False
        before = seat.state
        after = SEAT_MOVES[before, move] or seat.resting(self.links.get(self.site_of(seat), False))
        if after is before:
            return True
        if before is AgentState.READY:
            self.pools[seat.team].remove(seat, self.skills(seat))
        self._count(seat, -1)
        seat.state, seat.since = after, self.now
        self._count(seat, 1)
        if after is AgentState.READY:
            if before is not AgentState.OFFERED:  # an offer that came to nothing does not cost him his turn
                seat.idle_since = self.now
            self.pools[seat.team].add(seat, self.skills(seat))
            self.dirty_teams[seat.team] = None
        self.tell(AgentChanged(seat.id, seat.team, before, after, because))
        if seat.leaving and after in RESTING:
            self._count(seat, -1)
            self._drop_seat(seat)
        return True

    def resume_later(self, seat: AgentSeat, delay_s: float) -> None:
        """Wrap-up, a timed pause or a suspicion ends after `delay_s`."""
        self.timers.cancel(seat.timer)
        seat.resume_at = self.now + delay_s
        seat.timer = self.timers.set(seat.resume_at, Rank.AGENT, seat.id)

    def resume_not(self, seat: AgentSeat) -> None:
        self.timers.cancel(seat.timer)
        seat.timer = seat.resume_at = None

    def seat_left(self, seat: AgentSeat, because: str) -> None:
        """His conversation is over: wrap-up, or rest where the team has none."""
        seat.call = ""
        if not self.move_seat(seat, AgentMove.LEFT, because):
            return
        wrap_up_s = self.teams[seat.team].wrap_up_s if seat.team in self.teams else 0.0
        if wrap_up_s > 0 and not seat.leaving:
            self.resume_later(seat, wrap_up_s)
        else:
            self.move_seat(seat, AgentMove.WRAPPED, "no wrap-up")

    def seat_not_taken(self, call: Call, offer: Attempt, agent_id: str, result: Result) -> None:
        """One agent's part in a failed offer ends; the result decides whether he is asked again soon."""
        seat = self.seats.get(agent_id)
        if seat is None or seat.call != call.id:
            return
        seat.call = ""
        team = self.teams.get(seat.team)
        self.tell(OfferFinished(call.id, offer.number, seat.id, seat.team, result, self.now - offer.at))
        because = f"offer ended: {result}"
        blame = len(offer.targets) == 1 and offer.full_ring
        if result is Result.NO_ANSWER and blame:
            if seat.intent is Intent.READY:
                seat.intent, seat.reason = Intent.PAUSED, "no_answer"
        elif result is Result.REFUSED:
            if seat.intent is Intent.READY:
                seat.intent, seat.reason = Intent.PAUSED, "refused"
                self.resume_later(seat, team.refusal_pause_s if team else SUSPECT_S)
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

    def watch(self, call: Call, delay_s: float) -> None:
        """If nothing is heard of the call within `delay_s` its site is read back."""
        self.timers.cancel(call.watch_timer)
        call.watch_timer = self.timers.set(self.now + delay_s, Rank.WATCH, call.id)

    def watch_not(self, call: Call) -> None:
        self.timers.cancel(call.watch_timer)
        call.watch_timer = None

    def set_limit(self, call: Call) -> None:
        """(Re)start the ring limit from the plan in force."""
        hotline = self.hotlines[call.hotline]
        self.timers.cancel(call.limit_timer)
        call.limit_timer = None
        call.limit_at = None if hotline.ring_max_s is None else call.arrived_at + hotline.ring_max_s
        if call.limit_at is not None:
            call.limit_timer = self.timers.set(max(call.limit_at, self.now), Rank.LIMIT, call.id)

    def enter_line(self, call: Call) -> None:
        """Put a listening call in its lane, by its arrival. Nothing while its site cannot be reached."""
        call.lane = None
        if not self.links.get(call.site, False):
            return
        topic = self.topic(call)
        waited = self.now - call.arrived_at
        call.stage = sum(1 for step in topic.relax if waited >= step.after_s)
        key = (call.hotline, topic.name, call.stage, call.site)
        lane = self.lane_of(call, key)
        lane.push(call)
        self.dirty_lanes[key] = None
        self._widen_later(call, lane, waited)

    def _widen_later(self, call: Call, lane: Lane, waited: float) -> None:
        self.timers.cancel(call.widen_timer)
        call.widen_timer = None
        steps = [step.after_s for step in lane.topic.relax]
        steps += [d.agreement.after_s for team in lane.teams for d in self.borrowing.get(team, ()) if d.covers(lane)]
        later = [s for s in steps if s > waited]
        if later:
            due = max(call.arrived_at + min(later), self.now)
            if due - call.arrived_at < min(later):  # rounding: the sum must not fall short of the step
                due = call.arrived_at + min(later) + 1e-6
            call.widen_timer = self.timers.set(due, Rank.WIDEN, call.id)

    def leave_line(self, call: Call) -> None:
        self.timers.cancel(call.widen_timer)
        call.widen_timer = None
        if call.lane is None:
            return
        lane = self.lanes[call.lane]
        lane.remove(call)
        if lane.waiting == 0:
            del self.lanes[lane.key]
            for team in lane.teams:
                del self.team_lanes[team][lane.key]

    def give_back(self, call: Call) -> None:
        """The call no longer counts under its agreement."""
        if call.agreement:
            deal = self.deals.get(f"{call.agreement}/{call.borrower}")
            if deal is not None:
                assert deal.borrowed > 0, f"agreement {deal.key} gives back more than it borrowed"
                deal.borrowed -= 1
                self.dirty_teams[deal.agreement.lender] = None
            call.agreement = call.borrower = ""

    def answered(self, call: Call, seat: AgentSeat, leg: str) -> None:
        """The agent and the caller talk."""
        if not self.move_call(call, CallMove.ANSWER):
            return
        self.watch_not(call)
        self.timers.cancel(call.limit_timer)
        offer, call.offer = call.offer, None
        call.agent, call.team, call.leg, call.left_at = seat.id, seat.team, leg, None
        first = call.answered_at is None
        if call.answered_at is None:
            call.answered_at = self.now
        seat.call, seat.suspect = call.id, ""
        seat.calls += 1
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
        if first and hotline is not None:
            wait_s = call.answered_at - call.arrived_at
            good = wait_s <= hotline.target_s
            self._decided(call, good)
            self.tell(CallAnswered(call.id, call.hotline, call.site, seat.id, seat.team, call.agreement, wait_s, good))

    def _decided(self, call: Call, good: bool) -> None:
        team = self.hotlines[call.hotline].teams[0]
        health = self.health.get(team)
        if health is not None:
            if not health.decided:
                self.timers.set(self.now + 900.0, Rank.AGREEMENT, f"health/{team}")
            health.add(self.now, good)
            self.dirty_teams[team] = None

    def agent_left(self, call: Call, because: str) -> None:
        """The agent's leg ended; the caller may stay (transfer)."""
        if self.move_call(call, CallMove.AGENT_LEFT):
            call.left_at = self.now
            seat = self.seats.get(call.agent)
            if seat is not None and seat.call == call.id:
                self.seat_left(seat, because)

    def fail_offer(self, call: Call, result: Result, because: str) -> None:
        """The attempt is over. The call returns to its place as soon as it listens again."""
        offer = call.offer
        if offer is None or not self.move_call(call, CallMove.FAIL):
            return
        call.offer = None
        told = dict(offer.failed)
        for target in offer.targets:
            seat_result = told.get(target.agent, result)
            if seat_result is Result.NO_ROUTE:
                self.suspect_trunk(call.site, target.site)
            self.seat_not_taken(call, offer, target.agent, seat_result)
        self.give_back(call)
        call.because = because
        self.watch(call, HOLD_GRACE_S)

    def suspect_trunk(self, site: str, peer: str) -> None:
        if site != peer and (site, peer) not in self.trunks_down:
            self.trunks_down[site, peer] = self.now + SUSPECT_S
            self.timers.set(self.now + SUSPECT_S, Rank.TRUNK, f"{site}>{peer}")

    def trunk_up(self, site: str, peer: str) -> None:
        if self.trunks_down.pop((site, peer), None) is not None:
            for lane in self.lanes.values():
                if lane.site == site:
                    self.dirty_lanes[lane.key] = None

    def path(self, site: str, team: str) -> bool:
        """Can a call at `site` reach the phones of `team`?"""
        peer = self.teams[team].site
        return site == peer or (site, peer) not in self.trunks_down

    def check_promise(self, call: Call, answered: bool, because: str) -> None:
        if answered and call.answered_at is None and not call.promise_broken and call.state is not CallState.FAILSAFE:
            call.promise_broken = True
            self.tell(AnsweredWithoutAgent(call.id, call.hotline, because))

    def finish(self, call: Call, outcome: Outcome, cause: int, because: str) -> None:
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
        elif call.agent:
            seat = self.seats.get(call.agent)
            if seat is not None and seat.call == call.id:
                self.seat_left(seat, "the call ended")
        agreement = call.agreement
        self.give_back(call)
        del self.calls[call.id]
        self.held.pop(call.id, None)
        answered = outcome is Outcome.ANSWERED and call.answered_at is not None
        reached_at = call.answered_at if answered and call.answered_at is not None else self.now
        wait_s = reached_at - call.arrived_at
        talk_s = (call.left_at if call.left_at is not None else self.now) - reached_at if answered else 0.0
        hotline = self.hotlines.get(call.hotline)
        good = answered and hotline is not None and wait_s <= hotline.target_s
        if hotline is not None and outcome in (Outcome.ABANDONED, Outcome.BUSIED) and call.answered_at is None:
            self._decided(call, False)
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
            )
        )

    # ---- agreements

    def watch_deal(self, deal: Deal) -> None:
        """Wake up when the switch expires and when the window opens or closes."""
        deal.window_open, deal.window_until = calendar.state(deal.agreement.window, self.now)
        for due in (deal.window_until, deal.until):
            if due is not None and due != inf:
                self.timers.set(due, Rank.AGREEMENT, f"deal/{deal.key}")

    def switch(self, name: str, enabled: bool, until: float | None, reason: str, by: str) -> bool:
        """Switch both directions of an agreement; False if there is none of that name."""
        deals = [d for d in self.deals.values() if d.agreement.name == name]
        for deal in deals:
            before = deal.enabled
            deal.enabled, deal.until, deal.switched = enabled, until, True
            self.watch_deal(deal)
            self.dirty_teams[deal.agreement.lender] = None
            if deal is deals[0]:
                self.tell(AgreementChanged(name, enabled, before, until, reason, by))
        return bool(deals)

    def deal_due(self, key: str) -> None:
        """A switch may have expired or a window changed."""
        deal = self.deals.get(key)
        if deal is None:
            return
        if deal.until is not None and self.now >= deal.until:
            name, before = deal.agreement.name, deal.enabled
            deals = [d for d in self.deals.values() if d.agreement.name == name]
            for one in deals:
                one.enabled, one.until, one.switched = one.agreement.enabled, None, False
                self.dirty_teams[one.agreement.lender] = None
            self.tell(AgreementChanged(name, deals[0].enabled, before, None, "the switch expired", "expiry"))
        if self.now >= deal.window_until:
            self.watch_deal(deal)
        self.dirty_teams[deal.agreement.lender] = None
