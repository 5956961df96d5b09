"""A second simulator, slow and plain, written from the published rules alone (docs/simulation.md).

Lists are scanned, nothing is indexed, nothing is shared with the product: times are whole numbers, names are text.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class RefAgent:
    name: str
    team: str
    on_duty: bool = False
    idle_since: int = 0
    call: RefCall | None = None
    talk_ends: int = -1
    wrap_ends: int = -1

    @property
    def busy(self) -> bool:
        return self.call is not None or self.wrap_ends >= 0

    @property
    def free(self) -> bool:
        return self.on_duty and not self.busy


@dataclass
class RefCall:
    number: int
    at: int
    hotline: str
    talk: int
    wrap: int
    patience: int | None
    outcome: str = ""
    wait: int | None = None
    agent: str = ""
    team: str = ""
    agreement: str = ""


@dataclass
class RefHotline:
    team: str
    ring_max: int | None
    priority: int = 0
    opens: list[tuple[int, int]] | None = None  # None: always


@dataclass
class RefAgreement:
    """One direction."""

    name: str
    borrower: str
    lender: str
    reserve: int
    max_calls: int | None
    on: list[tuple[int, bool]]  # (from when, enabled), sorted
    hotlines: tuple[str, ...] = ()
    after: int = 0
    window: list[tuple[int, int]] | None = None  # None: always


@dataclass
class RefWorld:
    agents: list[RefAgent]
    rosters: dict[str, list[tuple[int, int, int]]]  # team -> spans [from, to) with a number; no entry: all, always
    hotlines: dict[str, RefHotline]
    agreements: list[RefAgreement]
    calls: list[RefCall]
    waiting: list[RefCall] = field(default_factory=list)
    now: int = 0

    def wanted(self, team: str) -> int:
        members = [a for a in self.agents if a.team == team]
        if team not in self.rosters:
            return len(members)
        return min(len(members), sum(n for start, end, n in self.rosters[team] if start <= self.now < end))

    # ---- the phases of an instant

    def change_roster(self) -> None:
        for team in dict.fromkeys(a.team for a in self.agents):
            members = [a for a in self.agents if a.team == team]
            wanted = self.wanted(team)
            places = max(0, wanted - sum(a.busy for a in members))
            free = [a for a in members if a.free]
            for agent in reversed(free):
                if len(free) > places:
                    free.remove(agent)
                    agent.on_duty = False
            for agent in members:
                if len(free) < places and not agent.on_duty and not agent.busy:
                    free.append(agent)
                    agent.on_duty, agent.idle_since = True, self.now

    def end_work(self) -> None:
        for agent in self.agents:
            if agent.call is not None and agent.talk_ends == self.now:
                agent.wrap_ends = self.now + agent.call.wrap
                agent.call = None
        ended = [agent for agent in self.agents if agent.wrap_ends == self.now and agent.call is None]
        for agent in ended:
            agent.wrap_ends, agent.on_duty = -1, False
        for agent in ended:
            taken = sum(a.busy or a.free for a in self.agents if a.team == agent.team)
            agent.on_duty = taken < self.wanted(agent.team)
            agent.idle_since = self.now

    def in_order(self) -> list[RefCall]:
        return sorted(self.waiting, key=lambda c: (-self.hotlines[c.hotline].priority, c.at, c.number))

    def free_of(self, team: str) -> list[RefAgent]:
        return [a for a in self.agents if a.team == team and a.free]

    def lent(self, agreement: RefAgreement) -> int:
        mine = (agreement.name, agreement.lender)
        return sum(a.call is not None and (a.call.agreement, a.team) == mine for a in self.agents)

    def enabled(self, agreement: RefAgreement) -> bool:
        in_hours = agreement.window is None or any(start <= self.now < end for start, end in agreement.window)
        return in_hours and [on for since, on in agreement.on if since <= self.now][-1]

    def serve(self, call: RefCall, team: str, agreement: str) -> None:
        agent = min(self.free_of(team), key=lambda a: a.idle_since)  # of equals the first listed
        self.waiting.remove(call)
        call.outcome, call.wait = "answered", self.now - call.at
        call.agent, call.team, call.agreement = agent.name, team, agreement
        agent.call, agent.talk_ends = call, self.now + call.talk

    def serve_one(self) -> bool:
        for call in self.in_order():
            team = self.hotlines[call.hotline].team
            if self.free_of(team):
                self.serve(call, team, "")
                return True
        for call in self.in_order():
            team = self.hotlines[call.hotline].team
            for agreement in self.agreements:
                if (
                    agreement.borrower == team
                    and self.enabled(agreement)
                    and call.at + agreement.after <= self.now
                    and (not agreement.hotlines or call.hotline in agreement.hotlines)
                    and len(self.free_of(agreement.lender)) > agreement.reserve
                    and (agreement.max_calls is None or self.lent(agreement) < agreement.max_calls)
                ):
                    self.serve(call, agreement.lender, agreement.name)
                    return True
        return False

    def hand_out(self) -> None:
        while self.serve_one():
            pass

    def ends_and_hand_out(self) -> None:
        """A conversation and wrap-up of no length end at the instant they begin."""
        while True:
            self.end_work()
            self.hand_out()
            if not any(a.busy and (a.talk_ends if a.call else a.wrap_ends) == self.now for a in self.agents):
                return

    def leave(self, call: RefCall, outcome: str) -> None:
        self.waiting.remove(call)
        call.outcome, call.wait = outcome, self.now - call.at

    def give_up(self) -> None:
        for call in list(self.waiting):
            if call.patience is not None and call.at + call.patience <= self.now:
                self.leave(call, "abandoned")
        for call in list(self.waiting):
            limit = self.hotlines[call.hotline].ring_max
            if limit is not None and call.at + limit <= self.now:
                self.leave(call, "busied")

    def arrive(self, call: RefCall) -> None:
        opens = self.hotlines[call.hotline].opens
        if opens is not None and not any(start <= self.now < end for start, end in opens):
            call.outcome, call.wait = "closed", 0
            return
        self.waiting.append(call)
        self.ends_and_hand_out()
        self.give_up()

    def instant(self) -> None:
        self.change_roster()
        self.ends_and_hand_out()
        self.give_up()
        for call in self.calls:
            if call.at == self.now:
                self.arrive(call)

    def next_instant(self) -> int | None:
        times = [call.at for call in self.calls]
        times += [a.talk_ends if a.call else a.wrap_ends for a in self.agents if a.busy]
        times += [call.at + call.patience for call in self.waiting if call.patience is not None]
        limits = [(call.at, self.hotlines[call.hotline].ring_max) for call in self.waiting]
        times += [at + limit for at, limit in limits if limit is not None]
        times += [t for spans in self.rosters.values() for start, end, _ in spans for t in (start, end)]
        times += [since for agreement in self.agreements for since, _ in agreement.on]
        times += [t for agreement in self.agreements for span in agreement.window or () for t in span]
        times += [call.at + agreement.after for call in self.waiting for agreement in self.agreements]
        return min((t for t in times if t > self.now), default=None)

    def run(self) -> list[RefCall]:
        now: int | None = 0
        while now is not None:
            self.now = now
            self.instant()
            now = self.next_instant()
        for call in self.waiting:
            call.outcome = "abandoned"
        return self.calls
