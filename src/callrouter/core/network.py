"""The network as the router knows it: the plan in force, the live records, and the indexes over them.

Loads and replaces plans, and keeps lanes, pools, counts and deadlines true. What calls and agents do is in `state.py`.
"""

from __future__ import annotations

from collections import OrderedDict
from math import inf

from callrouter.core import calendar
from callrouter.core.agents import RESTING, AgentSeat, AgentState, Intent
from callrouter.core.backlog import Back, BackKey, Backlog
from callrouter.core.callbacks import Callback, CallbackKind
from callrouter.core.calls import RINGING, Call, CallState
from callrouter.core.commands import AgentChanged, Command, Ignored, Reread
from callrouter.core.events import Event, HotlineMode, OutStage
from callrouter.core.lines import Lane, LaneKey
from callrouter.core.outcalls import Outcall
from callrouter.core.overflow import Deal, Health
from callrouter.core.plan import Agent, Hotline, Plan, Skills, Team, Topic
from callrouter.core.selection import Pool
from callrouter.core.timers import Rank, Timer, Timers, after

REREAD_PAUSE_S = 1.0  # a site is not asked again sooner
HOPE_S = 15.0  # so long nobody gives up on agents who were there, or on a site that has just gone or come back
SUSPECT_S = 10.0  # a phone or trunk that just failed is left alone so long, unless it says that it is well
AWAY = frozenset({AgentState.LOGGED_OUT, AgentState.UNREACHABLE})  # nobody waits for them
NO_TOPIC = Topic(name="", title="")


class Network:
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
        self.present: dict[str, dict[Skills, int]] = {}  # team -> those who are not away, by what they can
        self.hope_until: dict[str, float] = {}  # sites that are not seen, or only just again
        self.team_timers: dict[str, Timer] = {}
        self.backs: dict[str, Back] = {}  # callbacks that are not done
        self.owed: dict[tuple[str, str], str] = {}  # (number, hotline) -> its callback
        self.unreached: dict[str, OrderedDict[str, None]] = {}  # hotline -> those who did not ask, the oldest first
        self.ringing_us: dict[tuple[str, str], int] = {}  # (number, hotline) -> live calls
        self.dirty_backlogs: dict[str, None] = {}  # teams
        self.outcalls: dict[str, Outcall] = {}
        self.rung_back: dict[str, dict[str, None]] = {}  # team -> outbound calls that a caller who comes may end
        self.done: OrderedDict[str, Callback] = OrderedDict()  # lately, so that an agent's word may reopen it
        self.hour_timers: dict[str, Timer] = {}  # hotline -> when its callers may be rung again
        self.hotlines: dict[str, Hotline] = {}
        self.deals: dict[str, Deal] = {}
        self.health: dict[str, Health] = {}
        self.modes: dict[str, tuple[HotlineMode, float | None]] = {}  # switched by hand: (mode, until)
        self._open: dict[str, tuple[bool, float]] = {}
        self._ringable: dict[str, tuple[bool, float]] = {}
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
        self._ringable = {}
        self.deals = {}
        self.timers.drop(Rank.AGREEMENT)  # set anew below: those of agreements that are gone must not pile up
        for order, agreement in enumerate(plan.agreements):
            deal = Deal(agreement, order, agreement.enabled)
            old = old_deals.get(deal.key)
            if old is not None and old.switched:
                deal.enabled, deal.until, deal.switched = old.enabled, old.until, True
            lent = (agreement.name, agreement.borrower)
            deal.borrowed = sum((call.agreement, call.borrower) == lent for call in self.calls.values())
            self.deals[deal.key] = deal
            self.watch_window(deal)
            self.watch_switch(deal)
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
        for team, health in self.health.items():
            health.watched = False
            self.watch_health(team)
        self.modes = {name: mode for name, mode in self.modes.items() if name in self.hotlines}
        for name, (_, until) in self.modes.items():
            self.watch_mode(name, until)
        self.no_early_media = frozenset(site.name for site in plan.sites if not site.early_media)
        self.no_early_digits = frozenset(
            site.name for site in plan.sites if not (site.early_media and site.early_digits)
        )
        self._load_seats()
        self._load_lines()
        self._load_backlogs()
        for back in self.backs.values():
            back.backlog = None
        for timer in self.hour_timers.values():
            self.timers.cancel(timer)
        self.hour_timers = {}
        for site in plan.sites:
            if site.name not in self.links and site.name not in self.hope_until:
                self.hope_for(site.name)
        for team in self.teams:
            self.watch_team(team)

    def _load_seats(self) -> None:
        self.pools = {name: Pool(team) for name, team in self.teams.items()}
        self.agent_counts = {(name, str(state)): 0 for name in self.teams for state in AgentState}
        self.present = {name: {} for name in self.teams}
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
                    self.drop_seat(seat)
                    continue
            self.count_seat(seat, 1)
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

    def _load_backlogs(self) -> None:
        self.backlogs: dict[BackKey, Backlog] = {}
        self.team_backlogs: dict[str, dict[BackKey, Backlog]] = {name: {} for name in self.teams}

    def rebuild(self) -> None:
        """Make the indexes anew from seats and calls as they are (after a checkpoint was put in)."""
        self.pools = {name: Pool(team) for name, team in self.teams.items()}
        self.agent_counts = {(name, str(state)): 0 for name in self.teams for state in AgentState}
        self.present = {name: {} for name in self.teams}
        for seat in self.seats.values():
            self.count_seat(seat, 1)
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
            if call.reach and call.hotline:
                key = (call.reach, call.hotline)
                self.ringing_us[key] = self.ringing_us.get(key, 0) + 1
        for back in self.backs.values():
            self.owed[back.record.number, back.record.hotline] = back.record.id
            if back.record.kind is CallbackKind.UNREACHED:
                self.unreached.setdefault(back.record.hotline, OrderedDict())[back.record.id] = None
        for out in self.outcalls.values():
            if not out.by_hand and out.state is OutStage.RINGING:
                self.rung_back.setdefault(out.team, {})[out.id] = None
        self._load_backlogs()
        for back in self.backs.values():
            if back.backlog is not None:
                self.enter_backlog(back)

    def skills(self, seat: AgentSeat) -> Skills:
        agent = self.agents.get(seat.id)
        return agent.skills if agent else ()

    def topic(self, call: Call) -> Topic:
        return self.topic_of(call.hotline, call.topic)

    def topic_of(self, name: str, wanted: str) -> Topic:
        """The hotline's topic of that name; a new plan may have taken it away: then its default."""
        hotline = self.hotlines.get(name)
        if hotline is None:
            return NO_TOPIC
        for topic in hotline.topics:
            if topic.name == wanted:
                return topic
        return next(topic for topic in hotline.topics if topic.name == hotline.default_topic)

    def early_media(self, site: str) -> bool:
        """Does the caller hear anything but ringing before the answer?"""
        return site not in self.no_early_media

    def early_digits(self, site: str) -> bool:
        """May the caller be asked something before the answer?"""
        return site not in self.no_early_digits

    def mode(self, hotline: str) -> HotlineMode:
        """What it is switched to by hand."""
        return self.modes.get(hotline, (HotlineMode.NORMAL, None))[0]

    def why_closed(self, hotline: Hotline) -> str:
        """For a closed hotline: by whom."""
        by_hand = self.mode(hotline.name) is HotlineMode.CLOSED
        return f"{hotline.name} was closed by hand" if by_hand else f"{hotline.name} is closed now"

    def is_open(self, hotline: Hotline) -> bool:
        """By its hours, unless it is closed by hand."""
        if self.mode(hotline.name) is HotlineMode.CLOSED:
            return False
        known = self._open.get(hotline.name)
        if known is None or self.now >= known[1]:
            known = self._open[hotline.name] = calendar.state(hotline.hours, self.now)
        return known[0]

    def may_ring(self, hotline: Hotline) -> tuple[bool, float]:
        """May its callers be rung back now, by the hours for that, and when does it change?"""
        assert hotline.callback is not None, f"{hotline.name} rings nobody back"
        known = self._ringable.get(hotline.name)
        if known is None or self.now >= known[1]:
            known = self._ringable[hotline.name] = calendar.state(hotline.callback.hours, self.now)
        return known

    def watch_window(self, deal: Deal) -> None:
        """Is the agreement's window open? Wake up when it opens or closes next."""
        deal.window_open, deal.window_until = calendar.state(deal.agreement.window, self.now)
        if deal.window_until != inf:
            self.timers.set(deal.window_until, Rank.AGREEMENT, f"deal/{deal.key}")

    def watch_switch(self, deal: Deal) -> None:
        """Wake up when the agreement's switch expires."""
        if deal.until is not None:
            self.timers.set(deal.until, Rank.AGREEMENT, f"deal/{deal.key}")

    def watch_mode(self, hotline: str, until: float | None) -> None:
        """Wake up when what a hotline is switched to by hand expires."""
        if until is not None:
            self.timers.set(until, Rank.AGREEMENT, f"mode/{hotline}")

    def watch_health(self, team: str) -> None:
        """Wake up when the oldest decided call of this lender leaves the window."""
        health = self.health[team]
        if health.decided and not health.watched:
            health.watched = True
            self.timers.set(health.next_change(), Rank.AGREEMENT, f"health/{team}")

    # ---- what is told

    def tell(self, command: Command) -> None:
        self.out.append(command)

    def ignore(self, event: Event, because: str) -> None:
        self.out.append(Ignored(type(event).__name__, because))

    def reread(self, site: str, because: str) -> None:
        """Ask for the site to be read back, unless it is down (its return brings a read-back) or was just asked."""
        if self.links.get(site) and self.now - self.reread_at.get(site, -inf) >= REREAD_PAUSE_S:
            self.reread_at[site] = self.now
            self.tell(Reread(site, because))

    # ---- upkeep of the indexes

    def count_seat(self, seat: AgentSeat, step: int) -> None:
        key = (seat.team, seat.state)
        self.agent_counts[key] = self.agent_counts.get(key, 0) + step
        if seat.state not in AWAY:
            there, skills = self.present.setdefault(seat.team, {}), self.skills(seat)
            there[skills] = there.get(skills, 0) + step

    def recount_seat(self, seat: AgentSeat, before: AgentState) -> None:
        """He was counted in another state."""
        counts, team, after = self.agent_counts, seat.team, seat.state
        counts[team, before] = counts.get((team, before), 0) - 1  # a team that is gone may have its last agents
        counts[team, after] = counts.get((team, after), 0) + 1
        gone = after in AWAY
        if gone is not (before in AWAY):
            there, skills = self.present.setdefault(team, {}), self.skills(seat)
            there[skills] = there.get(skills, 0) + (-1 if gone else 1)
            if gone:
                self.watch_team(team)

    def hope_for(self, site: str) -> None:
        """It has come into sight, or gone out of it: its agents may all the same be there."""
        self.hope_until[site] = after(self.now, HOPE_S)
        for team in self.teams.values():
            if team.site == site:
                self.watch_team(team.name)

    def watch_team(self, team: str) -> None:
        """If nobody is there after a while, its callers need not wait."""
        self.timers.cancel(self.team_timers.get(team))
        self.team_timers[team] = self.timers.set(after(self.now, HOPE_S), Rank.TEAM, team)

    def drop_seat(self, seat: AgentSeat) -> None:
        self.timers.cancel(seat.timer)
        self.seats.pop(seat.id, None)

    def watch(self, call: Call, delay_s: float) -> None:
        """If nothing is heard of the call within `delay_s` its site is read back."""
        self.timers.cancel(call.watch_timer)
        call.watch_timer = self.timers.set(after(self.now, delay_s), Rank.WATCH, call.id)

    def watch_not(self, call: Call) -> None:
        self.timers.cancel(call.watch_timer)
        call.watch_timer = None

    def set_limit(self, call: Call) -> None:
        """(Re)start the ring limit from the plan in force."""
        hotline = self.hotlines[call.hotline]
        self.timers.cancel(call.limit_timer)
        call.limit_timer = None
        call.limit_at = None if hotline.ring_max_s is None else after(call.arrived_at, hotline.ring_max_s)
        if call.limit_at is not None:
            call.limit_timer = self.timers.set(max(call.limit_at, self.now), Rank.LIMIT, call.id)

    def lane_of(self, call: Call, key: LaneKey) -> Lane:
        """The lane of that key, made if it is the first to wait there."""
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane(key, self.hotlines[call.hotline], self.topic(call))
            lane.teams = tuple(team for team in lane.teams if team in self.teams)  # a retired hotline's may be gone
            steps = [step.after_s for step in lane.topic.relax]
            deals = (deal for team in lane.teams for deal in self.borrowing.get(team, ()))
            lane.steps_s = tuple(steps + [deal.agreement.after_s for deal in deals if deal.covers(lane)])
            for team in lane.teams:
                self.team_lanes[team][key] = lane
        return lane

    def enter_line(self, call: Call) -> None:
        """Put a listening call in its lane, by its arrival. Nothing while its site cannot be reached."""
        call.lane = None
        if not self.links.get(call.site, False):
            return
        topic = self.topic(call)
        call.stage = sum(self.now >= after(call.arrived_at, step.after_s) for step in topic.relax)
        key = (call.hotline, topic.name, call.stage, call.site)
        lane = self.lane_of(call, key)
        lane.push(call)
        self.dirty_lanes[key] = None
        self._widen_later(call, lane)

    def _widen_later(self, call: Call, lane: Lane) -> None:
        self.timers.cancel(call.widen_timer)
        call.widen_timer = None
        if not lane.steps_s:
            return
        later = [due for step_s in lane.steps_s if (due := after(call.arrived_at, step_s)) > self.now]
        if later:
            call.widen_timer = self.timers.set(min(later), Rank.WIDEN, call.id)

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
                if self.team_backlogs[team]:
                    self.dirty_backlogs[team] = None

    # ---- callbacks

    def enter_backlog(self, back: Back) -> None:
        """Let a callback wait for an agent of its topic's teams."""
        record = back.record
        topic = self.topic_of(record.hotline, record.topic)
        key = (record.hotline, topic.name)
        backlog = self.backlogs.get(key)
        if backlog is None:
            backlog = self.backlogs[key] = Backlog(key)
            for team in self._teams_of(key):
                self.team_backlogs[team][key] = backlog
        backlog.push(back)
        for team in self._teams_of(key):
            self.dirty_backlogs[team] = None

    def leave_backlog(self, back: Back) -> None:
        assert back.backlog is not None, f"callback {back.record.id} waits nowhere"
        key = back.backlog
        backlog = self.backlogs[key]
        backlog.remove(back)
        if backlog.waiting == 0:
            del self.backlogs[key]
            for team in self._teams_of(key):
                self.team_backlogs[team].pop(key, None)

    def look_at_backlogs(self, hotline: str = "") -> None:
        """Something that keeps callers from being rung back may have changed: of one hotline or of all."""
        for key in self.backlogs:
            if hotline in ("", key[0]):
                for team in self._teams_of(key):
                    self.dirty_backlogs[team] = None

    def _teams_of(self, key: BackKey) -> list[str]:
        teams = self.topic_of(*key).teams or self.hotlines[key[0]].teams
        return [team for team in teams if team in self.teams]

    # ---- trunks

    def suspect_trunk(self, site: str, peer: str) -> None:
        if (site, peer) not in self.trunks_down:
            until = self.trunks_down[site, peer] = after(self.now, SUSPECT_S)
            self.timers.set(until, Rank.TRUNK, f"{site}>{peer}")

    def trunk_up(self, site: str, peer: str) -> None:
        if self.trunks_down.pop((site, peer), None) is not None:
            self.look_at_backlogs()
            for lane in self.lanes.values():
                if lane.site == site:
                    self.dirty_lanes[lane.key] = None

    def path(self, site: str, team: str) -> bool:
        """Can a call at `site` reach the phones of `team`?"""
        peer = self.teams[team].site
        return site == peer or (site, peer) not in self.trunks_down
