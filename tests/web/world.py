"""A small network for the API's tests: a hand-made router state that answers as the real one does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from callrouter.core.callbacks import Callback, CallbackKind, finish
from callrouter.core.commands import (
    AgentChanged,
    AgreementChanged,
    CallbackChanged,
    Claim,
    Command,
    HotlineChanged,
    Ignored,
    Offer,
    Release,
    Target,
)
from callrouter.core.events import (
    AgentActed,
    AgreementSwitched,
    CallArrived,
    CallbackClosed,
    CallbackMissed,
    CallbackTaken,
    CallHeld,
    Event,
    HotlineMode,
    HotlineSwitched,
    LiveCall,
    OfferEnded,
    Result,
    SiteRead,
    Stage,
)
from callrouter.core.explain import Candidate
from callrouter.core.plan import Agent, Agreement, Hotline, Number, Plan, Site, Team, Topic
from callrouter.core.snapshot import AgentView, AgreementView, CallbackView, CallView, LineView, SiteView, Snapshot
from callrouter.engine import Observer
from callrouter.web.context import Context, Token

NOW = 1_795_425_240.0  # 2026-11-23T09:14:00Z
WRITE = "write-token-0123456789"
READ = "read-token-01234567890"
CALLER = "03915550142"
CALL = "gera/1732268042.17"
CALLBACK = Callback("gera/1.1", CallbackKind.CAPTURED, "agency-gera", "", "gera", CALLER, NOW - 60, NOW + 3600)
STATES = {"pause": "paused", "ready": "ready", "log_out": "logged_out", "log_in": "paused"}


def plan() -> Plan:
    def hotline(site: str, number: str) -> Hotline:
        topic = Topic("benefit", "Benefit")
        return Hotline(
            f"agency-{site}", site.title(), site, (Number(number),), None, (f"agency-{site}",), (topic,), "benefit"
        )

    sites = (Site("gera", "Gera", "TH", "Europe/Berlin"), Site("magdeburg", "Magdeburg", "ST", "Europe/Berlin"))
    agents = [Agent(f"gera/{n}", "agency-gera", "gera", f"g{n}") for n in range(2001, 2004)]
    agents += [Agent(f"magdeburg/{n}", "agency-magdeburg", "magdeburg", f"m{n}") for n in range(1001, 1006)]
    return Plan(
        "v1",
        sites,
        (hotline("gera", "036555500"), hotline("magdeburg", "039155500")),
        tuple(Team(f"agency-{site.name}", site.title, site.name) for site in sites),
        tuple(agents),
        (
            Agreement("gera-magdeburg", "agency-gera", "agency-magdeburg", reserve=2),
            Agreement("gera-magdeburg", "agency-magdeburg", "agency-gera"),
        ),
    )


def snapshot(plan: Plan) -> Snapshot:
    call = CallView(
        CALL, "agency-gera", "benefit", "gera", CALLER, "waiting", NOW - 72.5, 72.5, (), "agency-gera", "", 1
    )
    talking = replace(
        call, call="magdeburg/1732268000.3", site="magdeburg", hotline="agency-magdeburg", state="talking",
        agents=("magdeburg/1001",), team="agency-magdeburg", caller="",
    )  # fmt: skip
    agents = tuple(AgentView(a.id, a.team, a.site, a.phone, "ready", "", NOW - 60, "") for a in plan.agents)
    lines = tuple(LineView(h.name, h.site, True, int(h.site == "gera"), 0, 1, 72.5) for h in plan.hotlines)
    agreements = tuple(
        AgreementView(a.name, a.borrower, a.lender, True, None, True, "", 0, a.reserve, a.max_calls)
        for a in plan.agreements
    )
    sites = tuple(SiteView(site.name, True, ()) for site in plan.sites)
    return Snapshot(NOW, plan.version, (talking, call), agents, lines, agreements, sites)


@dataclass
class Turn:
    at: float
    event: Event
    commands: Sequence[Command]


def history() -> list[Turn]:
    arrived = CallArrived(CALL, "gera", "036555500", CALLER)
    offer = Offer(CALL, 1, (Target("gera/2001", "gera", "g2001"),), 20, "longest idle of agency-gera")
    read = SiteRead(
        "gera",
        (
            LiveCall(CALL, "036555500", CALLER, Stage.HELD, 3.0),
            LiveCall("gera/9.9", "036555500", "017612345678", Stage.HELD, 1.0),
        ),
    )
    other = Release("gera/9.9", 17, "ring limit")
    return [
        Turn(NOW - 72.5, arrived, (Claim(CALL, "agency-gera is open"),)),
        Turn(NOW - 72.4, CallHeld(CALL), (offer,)),
        Turn(NOW - 52.4, OfferEnded(CALL, 1, Result.NO_ANSWER, 20.0), ()),
        Turn(NOW - 10.0, read, (other,)),
    ]


@dataclass
class World:
    """The state behind the API, and what it was asked."""

    plan: Plan = field(default_factory=plan)
    state: Snapshot = field(init=False)
    asked: list[Event] = field(default_factory=list)
    entries: list[dict[str, str]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    observers: list[Observer] = field(default_factory=list)
    fault: Exception | None = None  # what the router answers instead
    now: float = NOW

    def __post_init__(self) -> None:
        self.state = snapshot(self.plan)

    async def ask(self, event: Event) -> Sequence[Command]:
        self.asked.append(event)
        if self.fault:
            raise self.fault
        commands = self._handle(event)
        for observer in self.observers:
            observer(event, commands, NOW)
        return commands

    def _handle(self, event: Event) -> Sequence[Command]:
        if isinstance(event, AgreementSwitched):
            return self._switch(event)
        if isinstance(event, HotlineSwitched):
            return self._switch_hotline(event)
        if isinstance(event, CallbackTaken | CallbackClosed | CallbackMissed):
            return self._callback(event)
        assert isinstance(event, AgentActed)
        return self._act(event)

    def _callback(self, event: CallbackTaken | CallbackClosed | CallbackMissed) -> Sequence[Command]:
        if event.callback != CALLBACK.id:
            return [Ignored(type(event).__name__, "there is no such callback")]
        if isinstance(event, CallbackClosed):
            return [CallbackChanged(finish(CALLBACK, event.result, event.by, NOW))]
        return [CallbackChanged(CALLBACK)]

    def _switch_hotline(self, event: HotlineSwitched) -> Sequence[Command]:
        lines = tuple(
            replace(line, mode=event.mode.value, mode_until=event.until) if line.hotline == event.hotline else line
            for line in self.state.lines
        )
        self.state = replace(self.state, lines=lines)
        return [HotlineChanged(event.hotline, event.mode, HotlineMode.NORMAL, event.until, event.reason, event.by)]

    def _switch(self, event: AgreementSwitched) -> Sequence[Command]:
        meant = [
            view
            for view in self.state.agreements
            if view.agreement == event.agreement and event.borrower in ("", view.borrower)
        ]
        views = tuple(
            replace(view, enabled=event.enabled, until=event.until, in_force=event.enabled) if view in meant else view
            for view in self.state.agreements
        )
        self.state = replace(self.state, agreements=views)
        return [
            AgreementChanged(
                event.agreement, event.enabled, view.enabled, event.until, event.reason, event.by, view.borrower
            )
            for view in meant
        ]

    def _act(self, event: AgentActed) -> Sequence[Command]:
        before = next(view for view in self.state.agents if view.agent == event.agent)
        after = STATES.get(event.act.value)
        if after is None or event.reason == "ignore me":
            return [Ignored("AgentActed", "unknown agent")]
        views = tuple(
            replace(v, state=after, reason=event.reason) if v.agent == event.agent else v for v in self.state.agents
        )
        self.state = replace(self.state, agents=views)
        return [AgentChanged(event.agent, before.team, before.state, after, event.reason)]

    async def audit(self, *, who: str, what: str, why: str, before: str, after: str) -> None:
        self.entries.append({"who": who, "what": what, "why": why, "before": before, "after": after})

    def context(self) -> Context:
        return Context(
            snapshot=lambda: self.state,
            plan=lambda: self.plan,
            ask=self.ask,
            history=lambda call: history() if call == CALL else [],
            explain=lambda call: [Candidate("gera/2001", "agency-gera", "", "wrap-up")],
            metrics=lambda: b"# HELP x y\n",
            health=lambda: self.reasons,
            audit=self.audit,
            clock=lambda: self.now,
            callbacks=lambda: [CALLBACK],
            callback=lambda id_: CallbackView(CALLBACK, "", "", "not at this hour") if id_ == CALLBACK.id else None,
            tokens=(Token.of("supervisor", WRITE, may_write=True), Token.of("wallboard", READ)),
        )
