"""A large invented network and the life in it: events as the sites would send them, for the router's benches.

The life reacts to the router's orders (a phone rings only for an offer), so it is played once with a router and
written down; the measured runs replay what was written. The router being deterministic, they do the same work.
"""

from __future__ import annotations

from collections import deque
from random import Random

from callrouter.core.commands import Offer, Release
from callrouter.core.events import (
    AgentAct,
    AgentActed,
    CallArrived,
    CallEnded,
    CallHeld,
    Event,
    LegAnswered,
    LegEnded,
    LegStarted,
    OfferEnded,
    PhoneLeg,
    PhoneState,
    Result,
    SiteRead,
    Tick,
)
from callrouter.core.plan import Agent, Agreement, Hotline, Number, Plan, Site, Team, Topic
from callrouter.core.router import Router

SITES = 10
TEAMS = 100
SKILLS = ("appointment", "benefit", "english")
CYCLE_S = 0.05  # between two arrivals
FILL_S = 0.001  # the same while the network fills, so that nobody reaches his ring limit meanwhile
ABANDON = 0.05
NOT_ANSWERED = 0.03
START = 1_800_000_000.0
Story = list[tuple[Event, float]]


def plan(agents: int) -> Plan:
    """Ten sites, a hundred teams, each with its hotline, three topics and an agreement with the next team."""
    sites = tuple(Site(f"site{n}", f"Site {n}", "ST", "Europe/Berlin") for n in range(SITES))
    topics = (
        Topic("any", "Anything"),
        Topic("appointment", "Appointment", (("appointment", 2),)),
        Topic("english", "English", (("english", 3),), priority=1),
    )
    teams, hotlines, agreements, people = [], [], [], []
    for n in range(TEAMS):
        site = sites[n % SITES].name
        teams.append(Team(f"team{n}", f"Team {n}", site))
        numbers = tuple(Number(f"0391{n:03}{t}", topic.name) for t, topic in enumerate(topics))
        hotlines.append(Hotline(f"line{n}", f"Line {n}", site, numbers, None, (f"team{n}",), topics, "any"))
        agreements.append(Agreement(f"deal{n}", f"team{n}", f"team{(n + 1) % TEAMS}", reserve=2, max_calls=10))
        for k in range(agents // TEAMS):
            # the first of each team can do everything, so that a team of one serves all topics
            skills = tuple((skill, 3) for place, skill in enumerate(SKILLS) if k == 0 or (k >> place) % 2 == 0)
            people.append(Agent(f"{site}/{n:03}{k:03}", f"team{n}", site, f"p{n:03}{k:03}", skills))
    return Plan(f"bench-{agents}", sites, tuple(hotlines), tuple(teams), tuple(people), tuple(agreements))


class Life:
    """Callers and agents around one router. Everything said to it is written into `story`."""

    def __init__(self, plan: Plan, seed: int = 1) -> None:
        self.plan = plan
        self.router = Router(plan, START)
        self.rng = Random(seed)
        self.now = START
        self.story: Story = []
        self.phones = {agent.id: (agent.site, agent.phone) for agent in plan.agents}
        self.waiting: deque[str] = deque()
        self.talking: list[tuple[str, str, str]] = []  # call, agent, leg
        self.numbers = 0

    def tell(self, event: Event) -> None:
        """One event and all that the sites answer to its orders."""
        due = self.router.next_deadline()
        if due is not None and due <= self.now and not isinstance(event, Tick):
            self.tell(Tick())
        self.story.append((event, self.now))
        for command in self.router.handle(event, self.now):
            if isinstance(command, Offer):
                self._ring(command)
            elif isinstance(command, Release):
                self.tell(CallEnded(command.call, command.cause))

    def _ring(self, offer: Offer) -> None:
        """The phone rings; the agent answers, or now and then he does not and comes back later."""
        target = offer.targets[0]
        leg = f"{offer.call}.{offer.attempt}"
        own = f"{target.site}/{leg}"
        self.tell(LegStarted(offer.call, offer.attempt, leg, target.site, target.phone))
        self.tell(PhoneLeg(target.site, target.phone, own, True))
        self.tell(PhoneState(target.site, target.phone, True, True))
        if self.rng.random() < NOT_ANSWERED:
            self.tell(PhoneLeg(target.site, target.phone, own, False))
            self.tell(PhoneState(target.site, target.phone, True, False))
            self.tell(OfferEnded(offer.call, offer.attempt, Result.NO_ANSWER, 20.0))
            self.tell(AgentActed(target.agent, AgentAct.READY))
            self.tell(CallHeld(offer.call))
            return
        self.tell(LegAnswered(offer.call, offer.attempt, leg))
        self.talking.append((offer.call, target.agent, leg))

    def open(self) -> None:
        """All sites are read, all agents are ready."""
        for site in self.plan.sites:
            phones = tuple(PhoneState(s, p, True, False) for s, p in self.phones.values() if s == site.name)
            self.tell(SiteRead(site.name, phones=phones))
        for agent in self.plan.agents:
            self.tell(AgentActed(agent.id, AgentAct.READY))

    def arrive(self, after_s: float = CYCLE_S) -> None:
        self.now += after_s
        self.numbers += 1
        hotline = self.plan.hotlines[self.rng.randrange(TEAMS)]
        number = hotline.numbers[self.rng.randrange(len(hotline.numbers))].digits
        call = f"{hotline.site}/{1_800_000_000 + self.numbers}.1"
        self.waiting.append(call)
        self.tell(CallArrived(call, hotline.site, number, f"0340{self.numbers:07}"))
        self.tell(CallHeld(call))

    def hang_up(self) -> None:
        """A conversation ends and its agent is ready for the next."""
        place = self.rng.randrange(len(self.talking))
        self.talking[place], self.talking[-1] = self.talking[-1], self.talking[place]
        call, agent, leg = self.talking.pop()
        site, phone = self.phones[agent]
        self.tell(LegEnded(call, leg))
        self.tell(PhoneLeg(site, phone, f"{site}/{leg}", False))
        self.tell(CallEnded(call, 16, answered=True))
        self.tell(PhoneState(site, phone, True, False))
        self.tell(AgentActed(agent, AgentAct.WRAP_UP_DONE))

    def abandon(self) -> None:
        """The caller who waits longest of those that no agent has yet hangs up."""
        while self.waiting:
            call = self.waiting.popleft()
            live = self.router.state.calls.get(call)
            if live is not None and live.state == "waiting":
                self.tell(CallEnded(call, 16))
                return

    def cycle(self, busy: int) -> None:
        """One conversation ends, now and then a caller gives up, and as many arrive as are missing."""
        if self.rng.random() < ABANDON:
            self.abandon()
        if self.talking:
            self.hang_up()
        while len(self.router.state.calls) < busy:
            self.arrive()


def play(agents: int, *, waiting: int, events: int) -> tuple[Story, int]:
    """The story of a network with so many callers waiting, and where its steady part begins.

    waiting 0: half of the agents are free all the time, so that each call goes through at once.
    """
    life = Life(plan(agents))
    life.open()
    busy = agents + waiting if waiting else agents // 2
    while len(life.router.state.calls) < busy:
        life.arrive(FILL_S)
    begin = len(life.story)
    while len(life.story) < begin + events:
        life.cycle(busy)
    return life.story, begin
