"""A small truthful network for tests of the core: what callers, phones and sites really do, one step at a time.

It keeps the truth as an Asterisk would (who rings, who talks), carries out the router's orders when told to, and makes
the events. It shares no code with the router and knows nothing of lines, pools or agreements. `Books` listens to the
commands and keeps its own account of agents and calls, against which the invariants are checked.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from callrouter.core import commands as c
from callrouter.core import events as e
from callrouter.core.agents import AgentState
from callrouter.core.calendar import is_open
from callrouter.core.callbacks import Callback, CallbackKind, CallbackStatus, TryResult
from callrouter.core.calls import RINGING, CallState
from callrouter.core.plan import Plan, Skills
from callrouter.core.router import Router


@dataclass
class TrueCall:
    id: str
    site: str
    number: str
    born: float
    caller: str = ""
    stage: e.Stage = e.Stage.HELD
    attempt: int = 0
    targets: tuple[c.Target, ...] = ()
    up: bool = False
    leg: str = ""
    with_agent: str = ""
    answered: float = 0.0  # when
    cancelled: int = 0
    orders: list[c.Order] = field(default_factory=list)
    prompt: c.Ask | c.Say | None = None


def micros(seconds: float) -> int:
    """The router counts whole microseconds."""
    return round(seconds * 1e6)


@dataclass
class TrueOut:
    """An outbound call as its Asterisk has it: stage '' = ordered only."""

    id: str
    site: str
    order: c.DialOut
    stage: str = ""
    began: bool = False
    orders: list[c.Order] = field(default_factory=list)


def meets(skills: Skills, needs: Skills) -> bool:
    """Written again on purpose: the reference must not share the router's own test."""
    return all(any(s == skill and have >= level for s, have in skills) for skill, level in needs)


UNSERVED = (c.Outcome.ABANDONED, c.Outcome.BUSIED, c.Outcome.FAILSAFE, c.Outcome.LOST)


def reach(digits: str) -> str:
    """What the shell makes of a number: in this world those with a plus can be rung, and those keyed in with a 0."""
    return digits if digits.startswith("+") else f"+49{digits[1:]}" if digits[:1] == "0" and len(digits) > 4 else ""


class Books:
    """What the commands alone tell, and the rules they must keep."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.state: dict[str, str] = {a.id: "logged_out" for a in router.plan.agents}
        self.ended: dict[str, c.CallFinished] = {}
        self.broken: list[c.AnsweredWithoutAgent] = []
        self.orders: list[c.Order] = []
        self.rung: dict[str, c.OutboundFinished] = {}
        self.callbacks: dict[str, Callback] = {}
        self.over: set[tuple[str, int, str]] = set()  # (call, attempt, agent) of offers that ended for this agent

    def take(self, commands: list[c.Command]) -> None:
        for command in commands:
            match command:
                case c.AgentChanged(agent=agent, before=before, after=after):
                    assert self.state.get(agent, "logged_out") == before
                    self.state[agent] = after
                case c.CallFinished(call=call):
                    assert call not in self.ended, f"{call} ended twice"
                    self.ended[call] = command
                    assert 0.0 <= command.on_hold_s <= command.talk_s + 1e-6
                    assert bool(command.unserved) == (command.outcome in UNSERVED), command
                case c.AnsweredWithoutAgent():
                    self.broken.append(command)
                case c.Offer():
                    self._lawful(command)
                case c.DialOut():
                    self._may_ring(command)
                case c.OfferFinished(call=call, attempt=attempt, agent=agent):
                    self.over.add((call, attempt, agent))
                case c.OutboundFinished(call=call):
                    assert call not in self.rung, f"{call} ended twice"
                    self.rung[call] = command
                case c.CallbackChanged(callback=callback):
                    before = self.callbacks.get(callback.id)
                    assert before is None or callback.version > before.version, callback
                    self.callbacks[callback.id] = callback
            if isinstance(command, c.Order):
                self.orders.append(command)

    def _may_ring(self, order: c.DialOut) -> None:
        """By itself only while nobody waits and the reserve is kept; by hand only by day, and nobody who rings us."""
        assert order.because
        s, plan = self.router.state, self.router.plan
        out = s.outcalls.get(order.call)
        if out is None:
            return  # several events of one instant: it is over already
        hotline = s.hotlines[order.hotline]
        rules = hotline.callback
        assert rules is not None
        assert is_open(rules.hours, s.now), f"{order.call} rings at night"
        assert s.mode(order.hotline) is not e.HotlineMode.CLOSED
        assert not any((x.reach, x.hotline) == (order.number, order.hotline) for x in s.calls.values())
        assert (out.site, order.target.site) not in s.trunks_down
        if not out.team:  # at a phone that is no agent's
            assert (order.kind, order.target.site) == (CallbackKind.DEPARTMENT, out.site)
            assert (out.site, order.target.phone) not in s.by_phone
            assert [one.id for one in s.outcalls.values() if one.agent == out.agent] == [out.id]
            return
        assert self.state[order.target.agent] == "offered"
        if out.by_hand:
            return
        team = next(a.team for a in plan.agents if a.id == order.target.agent)
        assert not [x.id for x in s.calls.values() if x.lane is not None and team in s.lanes[x.lane].teams]
        free = sum(a.team == team and self.state.get(a.id) == "ready" for a in plan.agents)
        assert free >= rules.reserve, f"{free} free, reserve {rules.reserve}"
        record = s.backs[out.callback].record
        assert record.kind is CallbackKind.CAPTURED
        assert record.tries < rules.tries_max
        topic = s.topic_of(record.hotline, record.topic)
        waited = s.now - record.asked_at
        needs = [topic.needs, *(step.needs for step in topic.relax if waited >= step.after_s)][-1]
        assert meets(next(a.skills for a in plan.agents if a.id == order.target.agent), needs)

    def _lawful(self, offer: c.Offer) -> None:
        """Right skills, free until now; borrowed only as the agreement says, and only if nobody of its own is free."""
        assert offer.because
        s, plan = self.router.state, self.router.plan
        team_of = {a.id: a.team for a in plan.agents}
        call = s.calls.get(offer.call)
        if call is None or call.offer is None or call.offer.number != offer.attempt:
            return  # several events of one instant: it is over already
        topic, waited = s.topic(call), micros(s.now - call.arrived_at)
        needs = [topic.needs, *(step.needs for step in topic.relax if waited >= micros(step.after_s))][-1]
        own = topic.teams or s.hotlines[call.hotline].teams
        lender = team_of[offer.targets[0].agent]
        agents = {a.id: a for a in plan.agents}
        for target in offer.targets:
            assert self.state[target.agent] == "offered"
            assert team_of[target.agent] == lender
            assert meets(agents[target.agent].skills, needs), f"{target.agent} lacks {needs}"
            assert (call.site, target.site) not in s.trunks_down
        if not call.agreement:
            assert lender in own
            return
        deal = next(
            a for a in plan.agreements if (a.name, a.borrower, a.lender) == (call.agreement, call.borrower, lender)
        )
        free = [a for a in plan.agents if self.state.get(a.id) == "ready"]
        assert sum(a.team == lender for a in free) >= deal.reserve, "the reserve was touched"
        assert deal.borrower in own
        assert not deal.hotlines or call.hotline in deal.hotlines
        assert not deal.topics or topic.name in deal.topics
        assert waited >= micros(deal.after_s)
        live = s.deals[f"{deal.name}/{deal.borrower}"]
        assert live.enabled
        assert live.window_open
        for agent in free:
            there = (call.site, agent.site) not in s.trunks_down
            assert not (agent.team in own and there and meets(agent.skills, needs)), f"{agent.id} is of its own"

    def in_turn(self, commands: list[c.Command]) -> None:
        """Whoever still waits has no better turn than a caller who was just offered an agent whom both could have."""
        s, plan = self.router.state, self.router.plan
        agents = {a.id: a for a in plan.agents}
        turns = {x.id: (-s.lanes[x.lane].priority, x.arrived_at, x.sequence) for x in s.calls.values() if x.lane}
        for command in commands:
            call = s.calls.get(command.call) if isinstance(command, c.Offer) else None
            if call is None or call.offer is None:
                continue
            turn = (-s.hotlines[call.hotline].priority - s.topic(call).priority, call.arrived_at, call.sequence)
            agent = agents[call.offer.targets[0].agent]
            for other, its_turn in turns.items():
                one = s.calls[other]
                lane = s.lanes[one.lane]
                if not meets(agent.skills, lane.needs) or (one.site, agent.site) in s.trunks_down:
                    continue
                if agent.team in lane.teams:
                    assert not call.agreement, f"{other} of the agent's own team waits, a borrowed call has him"
                    assert turn < its_turn, f"{other} came before {call.id}"
                elif call.agreement:
                    deal = s.deals[f"{call.agreement}/{call.borrower}"]
                    if deal.covers(lane) and micros(s.now - one.arrived_at) >= micros(deal.agreement.after_s):
                        assert turn < its_turn, f"{other} came before {call.id}"

    def check(self) -> None:
        """The invariants of the design, against the router's state, by looking at everything."""
        s = self.router.state
        plan = s.plan
        for seat in s.seats.values():
            assert self.state.get(seat.id, "logged_out") == seat.state
            if seat.call in s.outcalls:
                out = s.outcalls[seat.call]
                assert out.agent == seat.id
                wanted = AgentState.OFFERED if out.up_at is None else AgentState.TALKING
                assert seat.state is wanted, f"{seat.id} is {seat.state} in {out}"
            elif seat.state in (AgentState.OFFERED, AgentState.TALKING):
                call = s.calls[seat.call]
                mine = [t.agent for t in call.offer.targets] if call.offer else [call.agent]
                assert seat.id in mine
            else:
                assert not seat.call
        agents = Counter((x.team, x.state) for x in s.seats.values())
        for (team, state), number in s.agent_counts.items():
            if team in s.teams:
                assert number == agents[team, AgentState(state)], (team, state)
        ringing = Counter(x.hotline for x in s.calls.values() if x.state in RINGING)
        for hotline, number in s.waiting.items():
            assert number == ringing[hotline], hotline
        for call in s.calls.values():
            assert (call.offer is not None) == (call.state is CallState.OFFERED), call.id
            for target in call.offer.targets if call.offer else ():
                seat = s.seats.get(target.agent)  # a new plan may have dropped him
                if seat is not None and (call.id, call.offer.number, seat.id) not in self.over:
                    assert (seat.state, seat.call) == (AgentState.OFFERED, call.id), f"{seat.id} is rung for {call.id}"
        held = [x for x in s.calls.values() if x.lane is not None]
        for call in held:
            assert call.state is CallState.WAITING
            assert call in [entry[2] for entry in s.lanes[call.lane]._heap]
        for lane in s.lanes.values():
            assert lane.waiting == sum(x.lane == lane.key for x in held) > 0
        for deal in s.deals.values():
            key = (deal.agreement.name, deal.agreement.borrower)
            assert deal.borrowed == sum((x.agreement, x.borrower) == key for x in s.calls.values())
            if deal.agreement.max_calls is not None:
                assert deal.borrowed <= deal.agreement.max_calls or self.adopted
        self._nobody_waits_in_vain(plan)
        self._promises_are_kept_in_order()

    def _promises_are_kept_in_order(self) -> None:
        """One open callback for each caller and hotline, one live call for each; what waits is in its backlog."""
        s = self.router.state
        keys = [(back.record.number, back.record.hotline) for back in s.backs.values()]
        assert len(set(keys)) == len(keys)
        assert s.owed == {key: back.record.id for key, back in zip(keys, s.backs.values(), strict=True)}
        assert all(back.record.status is not CallbackStatus.DONE for back in s.backs.values())
        live = [back.outbound for back in s.backs.values() if back.outbound]
        assert len(set(live)) == len(live)
        for back in s.backs.values():
            assert (back.record.status is CallbackStatus.TAKEN) == bool(back.outbound), back
            assert not back.outbound or s.outcalls[back.outbound].callback == back.record.id
            # a clock that is set may lie past what the next `Tick` will do
            due = back.timer is not None and back.timer.due <= s.now
            assert due or (back.backlog is not None) == (not s.why_not_yet(back.record)), back
        for key, backlog in s.backlogs.items():
            assert backlog.waiting == sum(back.backlog == key for back in s.backs.values()) > 0
        for out in s.outcalls.values():
            assert not out.agent or not out.team or out.agent not in s.seats or s.seats[out.agent].call == out.id
        listed = [one for listed in s.unreached.values() for one in listed]
        assert sorted(listed) == sorted(
            back.record.id for back in s.backs.values() if back.record.kind is CallbackKind.UNREACHED
        )

    adopted = False  # what a dead router lent may be over a cap of the new plan

    def _nobody_waits_in_vain(self, plan: Plan) -> None:
        s = self.router.state
        ready = {a.id: a for a in plan.agents if s.seats[a.id].state is AgentState.READY}
        for call in s.calls.values():
            if call.lane is None:
                continue
            lane = s.lanes[call.lane]
            for agent in ready.values():
                if not meets(agent.skills, lane.needs) or (call.site, agent.site) in s.trunks_down:
                    continue
                assert agent.team not in lane.teams, f"{call.id} waits though {agent.id} is free"
                free = sum(a.team == agent.team for a in ready.values())
                for deal in s.deals.values():
                    a = deal.agreement
                    if (
                        a.lender == agent.team
                        and deal.covers(lane)
                        and deal.enabled
                        and deal.window_open
                        and free > a.reserve
                        and (a.max_calls is None or deal.borrowed < a.max_calls)
                        and micros(s.now - call.arrived_at) >= micros(a.after_s)
                        and a.lender_health == 0
                    ):
                        raise AssertionError(f"{call.id} waits though {agent.id} may be borrowed under {a.name}")


class World:
    """The truth, and the events that it makes."""

    def __init__(self, plan: Plan, now: float = 1_000_000.0) -> None:
        self.now = now
        self.router = Router(plan, now)
        self.books = Books(self.router)
        self.calls: dict[str, TrueCall] = {}
        self.outs: dict[str, TrueOut] = {}
        self.phones: dict[tuple[str, str], list[bool]] = {(a.site, a.phone): [True, False] for a in plan.agents}
        self.links = {site.name: False for site in plan.sites}
        self.wanted_reread: dict[str, None] = {}
        self.made = 0
        self.legs = 0
        self.log: list[e.Event] = []
        self.spoken: list[str] = []
        self.told_notices: list[c.Command] = []
        self.kept: dict[str, Callback] = {}  # as a database would have them

    # ---- time and events

    def send(self, *events: e.Event) -> list[c.Command]:
        self.log.extend(events)
        commands = self.router.handle_all(events, self.now)
        self.spoken += [f"{self.now:g} < {one}" for one in events] + [f"{self.now:g} > {one}" for one in commands]
        start = len(self.books.orders)
        self.told_notices += [x for x in commands if not isinstance(x, c.Order)]
        self.kept |= {x.callback.id: x.callback for x in commands if isinstance(x, c.CallbackChanged)}
        self.books.take(commands)
        for order in self.books.orders[start:]:
            if isinstance(order, c.Reread):
                self.wanted_reread[order.site] = None
            elif isinstance(order, c.DialOut):
                site = order.call.partition("/")[0]
                assert self.links[site], f"{order} cannot reach {site}"
                assert order.call not in self.outs, f"{order.call} is used twice"
                self.outs[order.call] = TrueOut(order.call, site, order, orders=[order])
            elif isinstance(order, c.HangUp):
                if order.call in self.outs and self.links[self.outs[order.call].site]:
                    self.outs[order.call].orders.append(order)
            elif order.call in self.calls:
                site = self.calls[order.call].site
                assert self.links[site] or isinstance(order, c.CancelOffer), f"{order} cannot reach {site}"
                self.calls[order.call].orders.append(order)
        self.books.check()
        self.books.in_turn(commands)
        return commands

    def story_of(self, call: str) -> str:
        """All that was said to the router and by it about one call, for a test that failed."""
        return "\n".join(line for line in self.spoken if call in line)

    def told(self, site: str, *events: e.Event) -> None:
        """Events of a site reach the router only over its link."""
        if self.links[site]:
            self.send(*events)

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.router.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.send(e.Tick())
            later = self.router.next_deadline()
            assert later is None or later > self.now, "a Tick left its own deadline behind: the driver would spin"
            self.after_tick()
        self.now = end

    def after_tick(self) -> None:
        """For worlds that obey at once."""

    # ---- sites

    def phone_states(self, site: str) -> tuple[e.PhoneState, ...]:
        busy = {(t.site, t.phone) for call in self.calls.values() for t in self.ringing(call)}
        busy |= {(x.order.target.site, x.order.target.phone) for x in self.outs.values() if x.stage}
        return tuple(
            e.PhoneState(at, phone, up, private or (at, phone) in busy)
            for (at, phone), (up, private) in self.phones.items()
            if at == site
        )

    def ringing(self, call: TrueCall) -> tuple[c.Target, ...]:
        if call.stage is e.Stage.OFFERED:
            return call.targets
        return tuple(t for t in call.targets if t.agent == call.with_agent) if call.stage is e.Stage.TALKING else ()

    def link_up(self, site: str) -> None:
        self.links[site] = True
        for out in [x for x in self.outs.values() if x.site == site and not x.stage]:  # ordered before it was read
            out.orders.pop(0)
            target = out.order.target
            if self.is_there(target):
                out.stage = "ringing"
            else:
                del self.outs[out.id]
        self.wanted_reread.pop(site, None)
        live = []
        for call in self.calls.values():
            if call.site != site:
                continue
            legs: tuple[tuple[str, str, str, bool], ...] = ()
            if call.stage is e.Stage.TALKING:
                legs = tuple((call.leg, t.site, t.phone, True) for t in self.ringing(call))
            stage, attempt, targets = call.stage, call.attempt, call.targets
            coming = [order for order in call.orders if isinstance(order, c.Offer)]
            if stage is e.Stage.HELD and coming:  # the order stands in its variable, the bell has not been heard
                stage, attempt, targets = e.Stage.OFFERED, coming[0].attempt, coming[0].targets
            live.append(
                e.LiveCall(
                    call.id,
                    call.number,
                    call.caller,
                    stage,
                    self.now - call.born,
                    attempt,
                    tuple((t.site, t.phone) for t in targets),
                    legs,
                    self.now - call.answered if call.answered else 0.0,
                    reach=reach(call.caller),
                )
            )
        self.send(e.SiteRead(site, tuple(live), self.phone_states(site), outbound=self.outbound(site)))

    def outbound(self, site: str) -> tuple[e.LiveOutbound, ...]:
        return tuple(
            e.LiveOutbound(
                x.id, x.order.callback, x.order.kind, x.order.hotline, x.order.target.site, x.order.target.phone,
                e.OutStage(x.stage),
            )
            for x in self.outs.values()
            if x.site == site and x.stage
        )  # fmt: skip

    def link_down(self, site: str) -> None:
        self.links[site] = False
        for call in self.calls.values():  # an order on the wire is lost with it
            if call.site == site:
                call.orders.clear()
        for out in [x for x in self.outs.values() if x.site == site]:
            out.orders.clear()
            if not out.stage:
                del self.outs[out.id]
        self.send(e.LinkDown(site))

    def echo(self, call_id: str) -> None:
        """What the link kept back while it read the site comes after it: the caller's hold is told once more."""
        call = self.calls[call_id]
        self.told(call.site, e.CallArrived(call.id, call.site, call.number, call.caller, reach(call.caller)))
        self.told(call.site, e.CallHeld(call.id, call.up))

    # ---- callers

    def arrive(self, site: str, number: str, caller: str = "") -> str:
        self.made += 1
        call = TrueCall(f"{site}/{self.made}.0", site, number, self.now, caller)
        self.calls[call.id] = call
        self.told(site, e.CallArrived(call.id, site, number, caller, reach(caller)))
        self.told(site, e.CallHeld(call.id))
        return call.id

    def arrive_with(self, site: str, number: str, other: e.Event, *, first: bool) -> str:
        """As `arrive`, in one instant with another event that comes before or after it."""
        self.made += 1
        call = TrueCall(f"{site}/{self.made}.0", site, number, self.now)
        self.calls[call.id] = call
        mine = (e.CallArrived(call.id, site, number), e.CallHeld(call.id)) if self.links[site] else ()
        self.send(*((other, *mine) if first else (*mine, other)))
        return call.id

    def hang_up(self, call_id: str, cause: int = 16) -> None:
        call = self.calls.pop(call_id)
        call.orders.clear()
        if call.leg:
            self.told(call.site, e.LegEnded(call.id, call.leg))
        self.told(call.site, e.CallEnded(call.id, cause, call.up))

    # ---- outbound calls

    def is_there(self, target: c.Target) -> bool:
        """Is the phone registered? Those that are no agents' always are."""
        return self.phones.get((target.site, target.phone), [True])[0]

    def obey_out(self, call_id: str) -> None:
        """The site carries out the oldest order for this outbound call; a phone that is not there makes no channel."""
        out = self.outs[call_id]
        order = out.orders.pop(0)
        if isinstance(order, c.HangUp):
            self.out_ends(call_id)
        elif self.is_there(order.target):
            out.stage = "ringing"
            self.told(out.site, e.OutboundRung(call_id))
        else:
            del self.outs[call_id]

    def agent_is_up(self, call_id: str) -> None:
        self.outs[call_id].stage = "dialling"
        self.told(self.outs[call_id].site, e.OutboundUp(call_id))

    def caller_is_up(self, call_id: str) -> None:
        self.outs[call_id].stage = "talking"
        self.told(self.outs[call_id].site, e.OutboundAnswered(call_id))

    def caller_is_missed(self, call_id: str, result: TryResult = TryResult.NOT_REACHED) -> None:
        site = self.outs[call_id].site
        self.told(site, e.OutboundMissed(call_id, result))
        self.out_ends(call_id)

    def out_ends(self, call_id: str, result: e.Result | None = None) -> None:
        """The agent's leg ends; result: why his phone did not take it, if it did not."""
        if call_id not in self.outs:
            return
        out = self.outs.pop(call_id)
        if out.stage in ("", "ringing") and result is None:
            result = e.Result.NO_ANSWER
        self.told(out.site, e.OutboundEnded(call_id, result))

    # ---- orders and phones

    def obey(self, call_id: str) -> None:
        """The site carries out the oldest order for this call."""
        call = self.calls[call_id]
        order = call.orders.pop(0)
        match order:
            case c.Offer() if call.stage is e.Stage.HELD:
                call.attempt = order.attempt
                call.targets = order.targets
                if call.cancelled >= order.attempt:
                    self._try_ends(call, e.Result.CANCELLED)
                    return
                call.stage = e.Stage.OFFERED
                for target in order.targets:
                    self.legs += 1
                    call.leg = f"{call.site}/leg{self.legs}"
                    started = e.LegStarted(call.id, call.attempt, call.leg, target.site, target.phone)
                    self.told(call.site, started)
            case c.CancelOffer():
                call.cancelled = max(call.cancelled, order.attempt)
                if call.stage is e.Stage.OFFERED and call.attempt == order.attempt and call.id in self.calls:
                    self._try_ends(call, e.Result.CANCELLED)
            case c.Release() if call.stage is e.Stage.HELD:
                self.hang_up(call.id, order.cause)
            case c.Ask() | c.Say() if call.stage is e.Stage.HELD:
                call.stage, call.prompt = e.Stage.PROMPTED, order

    def _try_ends(self, call: TrueCall, result: e.Result) -> None:
        call.stage, call.leg = e.Stage.HELD, ""
        self.told(call.site, e.OfferEnded(call.id, call.attempt, result))
        if call.id in self.calls:
            self.told(call.site, e.CallHeld(call.id, call.up))

    def prompt_ends(self, call_id: str, digits: str = "") -> None:
        """The sounds are over; who was asked has pressed these digits."""
        call = self.calls[call_id]
        prompt, call.prompt = call.prompt, None
        assert prompt is not None
        if isinstance(prompt, c.Say) and prompt.cause:
            self.hang_up(call_id, prompt.cause)
            return
        call.stage = e.Stage.HELD
        if isinstance(prompt, c.Ask):
            self.told(call.site, e.DigitsRead(call_id, prompt.step, digits, reach(digits)))
        self.told(call.site, e.CallHeld(call_id, call.up))

    def phone_fails(self, call_id: str, result: e.Result) -> None:
        self._try_ends(self.calls[call_id], result)

    def answer(self, call_id: str, which: int = 0) -> None:
        call = self.calls[call_id]
        target = call.targets[which % len(call.targets)]
        if len(call.targets) > 1:  # the last leg is the only one it knows by name
            target = call.targets[-1]
        call.stage, call.up, call.with_agent, call.answered = e.Stage.TALKING, True, target.agent, self.now
        self.told(call.site, e.LegAnswered(call.id, call.attempt, call.leg))

    def put_on_hold(self, call_id: str, on: bool = True) -> None:
        """The agent's phone says so, at the agent's own site."""
        agent = self.router.state.agents.get(self.calls[call_id].with_agent)
        if agent is not None:  # a new plan may have dropped him while he talks
            self.told(agent.site, e.PutOnHold(call_id, agent.site, agent.phone, on))

    def agent_hangs_up(self, call_id: str, stays: bool = False) -> None:
        """The agent's leg ends; the caller's too, unless he was put through."""
        call = self.calls[call_id]
        if stays:
            call.stage = e.Stage.ELSEWHERE
            leg, call.leg = call.leg, ""
            self.told(call.site, e.LegEnded(call.id, leg))
        else:
            self.hang_up(call_id)
