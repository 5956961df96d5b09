"""The one place where a metric is declared, and its definition published (in the help text).

Counts what the engine hands over: an observer of events and commands, and a meter of the engine itself. Gauges that
the router keeps are read when somebody scrapes. Labels are bounded by the plan: never a caller, never an agent.
Names follow the rules of prometheus.io.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from callrouter import __version__
from callrouter.core.agents import AgentState
from callrouter.core.commands import (
    AgreementChanged,
    AnsweredWithoutAgent,
    Ask,
    CallAnswered,
    CallFinished,
    CallOffered,
    CancelOffer,
    Claim,
    Command,
    Ignored,
    Offer,
    OfferFinished,
    Order,
    Outcome,
    Release,
    Reread,
    Say,
    Unserved,
)
from callrouter.core.events import Event, LinkDown, PlanReplaced, Result, SiteRead
from callrouter.core.plan import Plan
from callrouter.core.snapshot import Counts
from callrouter.reach import Reach
from callrouter.tally import Tally

WAIT_BUCKETS_S = (1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 240, 300, 600)
LAG_BUCKETS_S = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
DECISION_BUCKETS_S = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25)
NO_HOTLINE = "-"  # label of a call whose number belongs to no hotline
WAITED = (Outcome.ANSWERED, Outcome.ABANDONED, Outcome.BUSIED)  # outcomes whose wait says something

disable_created_metrics()  # type: ignore[no-untyped-call]  # they would double the series, and Prometheus sees a restart without them


# What a link counts: metric, definition, its field.
LINK_FIGURES = (
    ("link_messages", "Messages that came from the site's Asterisk.", "messages"),
    ("link_rejected_messages", "Messages that Asterisk cannot have meant: is somebody forging events?", "rejects"),
    ("link_failed_messages", "Messages that could not be handled; a fault.", "failures"),
    ("link_refused_logins", "Logins that the site's Asterisk refused.", "logins_refused"),
    ("link_lost_orders", "Orders without an answer, or refused by the site.", "orders_lost"),
    ("link_fenced_orders", "Orders refused because another router had taken the site.", "fenced"),
)


class JournalState(Protocol):
    """What the journal tells of itself; '' as trouble means none."""

    trouble: str
    lines_written: int
    lines_lost: int
    bytes_written: int


class _Live(Collector):
    """Values that somebody else keeps, read at the scrape."""

    def __init__(self) -> None:
        self.families: list[Callable[[], Iterable[Metric]]] = []

    def collect(self) -> Iterator[Metric]:
        for family in self.families:
            yield from family()

    def describe(self) -> Iterable[Metric]:
        return ()


class Measures:
    """One registry of its own, so that several services (and tests) live in one process."""

    def __init__(self, plan: Plan) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._live = _Live()
        self._down: set[str] = set()
        self._sites: set[str] = set()
        self._declare_calls()
        self._declare_engine()
        self._declare_service()
        self.reach = Reach(self.registry)
        self.registry.register(self._live)
        self.show_plan(plan)

    def text(self) -> bytes:
        """The exposition text of one scrape."""
        return generate_latest(self.registry)

    # ---- declarations

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"callrouter_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"callrouter_{name}", text, labels, registry=self.registry)

    def _declare_calls(self) -> None:
        self.offered = self._counter(
            "calls_offered_total",
            "Call attempts that arrived in opening hours; busied and abandoned ones are included.",
            "hotline",
        )
        self.closed = self._counter(
            "calls_closed_total", "Call attempts that arrived outside opening hours; not among the offered.", "hotline"
        )
        self.finished = self._counter(
            "calls_finished_total", "Ended call attempts by what came of them: exactly one outcome each.",
            "hotline", "outcome",
        )  # fmt: skip
        self.answered = self._counter(
            "calls_answered_total", "Call attempts that an agent answered, by the agent's team.", "hotline", "team"
        )
        self.within_target = self._counter(
            "calls_answered_within_target_total",
            "Call attempts whose agent answered no later than the hotline's target (240 s unless set) after arrival.",
            "hotline",
        )
        self.wait = Histogram(
            "callrouter_call_wait_seconds",
            "Time from arrival to the agent's answer, or to the end of an attempt without one; by outcome.",
            ("hotline", "outcome"),
            buckets=WAIT_BUCKETS_S,
            registry=self.registry,
        )
        self.talk = self._counter(
            "call_talk_seconds_total", "Time that agents talked with callers, added when the call ends.", "hotline"
        )
        self.on_hold = self._counter(
            "call_on_hold_seconds_total",
            "Time that callers were on hold after an agent had answered: they pay for it. Part of the talk time; from "
            "the agent's phone, added when the call ends.",
            "hotline",
        )
        self.put_on_hold = self._counter(
            "calls_put_on_hold_total", "Ended call attempts in which the agent had put the caller on hold.", "hotline"
        )
        self.unserved = self._counter(
            "calls_unserved_total",
            "Ended call attempts in opening hours that reached no agent, by why: the caller gave up in the menu, while "
            "he waited or while a phone rang for him; he was told busy at the ring limit, because nobody was free and "
            "the hotline lets nobody wait, or because the line was full; the failsafe had him; or his end was not seen.",
            "hotline", "reason",
        )  # fmt: skip
        self.offers = self._counter(
            "offers_total", "Agents' phones that were rung for a call, by how that ended.", "team", "result"
        )
        self.overflow = self._counter(
            "overflow_calls_total",
            "Call attempts that a lending team answered under an overflow agreement.",
            "agreement", "lender",
        )  # fmt: skip
        self.without_agent = self._counter(
            "answered_without_agent_total",
            "Callers whose call was answered though no agent had answered: they paid to wait. Must stay 0.",
            "hotline",
        )

    def _declare_engine(self) -> None:
        self._events = {kind.__name__: 0 for kind in get_args(Event)}
        self._live.families.append(self._event_families)
        self.ignored = self._counter(
            "events_ignored_total", "Events that meant nothing when they came (late echoes, unknown ids).", "event"
        )
        self.failures = self._counter("events_failed_total", "Events on which the router failed; a fault.", "event")
        self.shed_events = self._counter(
            "events_shed_total", "Events refused because the inbox was full; their site is read back.", "event"
        )
        self._lag = Tally("callrouter_event_lag_seconds", "Time that an event waited in the inbox.", LAG_BUCKETS_S)
        self._decision = Tally(
            "callrouter_decision_seconds", "Time that the router took to decide on an event.", DECISION_BUCKETS_S
        )
        self._live.families += [self._lag.families, self._decision.families]
        self.orders = self._counter("orders_total", "Orders given to a site, by kind.", "order")
        self.withheld = self._counter(
            "orders_withheld_total", "Orders not given because this router stands down.", "order"
        )
        self.orders_failed = self._counter("orders_failed_total", "Orders that could not be given; a fault.")
        self.observers_failed = self._counter(
            "observer_failures_total", "Turns that measures, store or pages could not follow; a fault."
        )
        for kind in get_args(Event):
            for counter in (self.ignored, self.failures, self.shed_events):
                counter.labels(kind.__name__)
        for order in (Claim, Offer, CancelOffer, Release, Ask, Say, Reread):
            self.orders.labels(order.__name__)
            self.withheld.labels(order.__name__)

    def _declare_service(self) -> None:
        self.link_up = self._gauge("link_up", "1 while the site's Asterisk is connected and was read back.", "site")
        self.reconnects = self._counter(
            "link_reconnects_total", "Times that the link to a site came back after it was lost.", "site"
        )
        self.site_reads = self._counter("site_reads_total", "Times that a site was read back whole.", "site")
        self.agreement_enabled = self._gauge(
            "agreement_enabled", "1 while the overflow agreement is switched on.", "agreement"
        )
        self.config = self._gauge("config_info", "Version of the configuration in force, as a label.", "version")
        self.reload_ok = self._gauge(
            "config_last_reload_successful", "1 if the last configuration that was read could be used."
        )
        self.reload_at = self._gauge(
            "config_last_reload_success_timestamp_seconds", "When the configuration in force was taken, UTC."
        )
        build = self._gauge("build_info", "Release of callrouter, as a label.", "version")
        build.labels(__version__).set(1)

    # ---- series that the plan makes known: there from the start, at zero

    def show_plan(self, plan: Plan) -> None:
        """Make the plan's series exist and say which configuration is in force."""
        self.config.clear()
        self.config.labels(plan.version).set(1)
        for gone in self._sites - {site.name for site in plan.sites}:
            self.link_up.remove(gone)
        self._sites = {site.name for site in plan.sites}
        for site in plan.sites:
            for metric in (self.link_up, self.reconnects, self.site_reads):
                metric.labels(site.name)
        self.reach.show_plan(plan)
        self.finished.labels(NO_HOTLINE, Outcome.UNKNOWN_NUMBER.value)
        lenders: dict[str, list[str]] = {}
        for agreement in plan.agreements:
            self.overflow.labels(agreement.name, agreement.lender)
            lenders.setdefault(agreement.borrower, []).append(agreement.lender)
        for hotline in plan.hotlines:
            for counter in (
                self.offered, self.closed, self.within_target, self.without_agent, self.talk, self.on_hold,
                self.put_on_hold,
            ):  # fmt: skip
                counter.labels(hotline.name)
            for reason in Unserved:
                if reason:
                    self.unserved.labels(hotline.name, reason.value)
            for outcome in Outcome:
                self.finished.labels(hotline.name, outcome.value)
            for outcome in WAITED:
                self.wait.labels(hotline.name, outcome.value)
            home = {*hotline.teams, *(team for topic in hotline.topics for team in topic.teams)}
            for team in sorted(home | {lender for name in home for lender in lenders.get(name, ())}):
                self.answered.labels(hotline.name, team)
        for team_ in plan.teams:
            for result in ("answered", *Result):
                self.offers.labels(team_.name, str(result))

    def show_agreements(self, switched: Iterable[tuple[str, bool]]) -> None:
        """The switches as they stand, at the start and after a new plan."""
        self.agreement_enabled.clear()
        for name, enabled in switched:
            self.agreement_enabled.labels(name).set(enabled)

    def reloaded(self, ok: bool, now: float) -> None:
        """What came of reading the configuration."""
        self.reload_ok.set(ok)
        if ok:
            self.reload_at.set(now)

    def forget_links(self) -> None:
        """What was told of links so far was memory: none has been up in this process."""
        self._down.clear()

    # ---- the engine's observer

    def observe(self, event: Event, commands: Sequence[Command], now: float) -> None:
        """Count one turn."""
        if isinstance(event, SiteRead):
            self.site_reads.labels(event.site).inc()
            self.link_up.labels(event.site).set(1)
            if event.site in self._down:
                self._down.discard(event.site)
                self.reconnects.labels(event.site).inc()
        elif isinstance(event, LinkDown):
            self.link_up.labels(event.site).set(0)
            self._down.add(event.site)
        elif isinstance(event, PlanReplaced) and isinstance(event.plan, Plan):
            self.show_plan(event.plan)
        for command in commands:
            self._count(command)

    def _count(self, notice: Command) -> None:
        match notice:
            case CallOffered(hotline=hotline, open=opened):
                (self.offered if opened else self.closed).labels(hotline or NO_HOTLINE).inc()
            case CallAnswered():
                self.answered.labels(notice.hotline, notice.team).inc()
                if notice.within_target:
                    self.within_target.labels(notice.hotline).inc()
                if notice.agreement:
                    self.overflow.labels(notice.agreement, notice.team).inc()
            case CallFinished(hotline=hotline, outcome=outcome):
                self.reach.finished(notice)
                self.finished.labels(hotline or NO_HOTLINE, outcome.value).inc()
                if outcome in WAITED:
                    self.wait.labels(hotline or NO_HOTLINE, outcome.value).observe(notice.wait_s)
                if notice.talk_s > 0:
                    self.talk.labels(hotline).inc(notice.talk_s)
                if notice.on_hold_s > 0:
                    self.put_on_hold.labels(hotline).inc()
                    self.on_hold.labels(hotline).inc(notice.on_hold_s)
                if notice.unserved:
                    self.unserved.labels(hotline, notice.unserved.value).inc()
            case OfferFinished(team=team, result=result):
                self.offers.labels(team, "answered" if result is None else result.value).inc()
            case AgreementChanged(agreement=agreement, enabled=enabled):
                self.agreement_enabled.labels(agreement).set(enabled)
            case AnsweredWithoutAgent(hotline=hotline):
                self.without_agent.labels(hotline or NO_HOTLINE).inc()
            case Ignored(event=kind):
                self.ignored.labels(kind).inc()
            case _:
                pass  # orders are counted when they leave

    # ---- the engine's meter

    def handled(self, event: Event, lag_s: float, decide_s: float) -> None:
        self._events[type(event).__name__] += 1
        self._lag.observe(lag_s)
        self._decision.observe(decide_s)

    def shed(self, event: Event) -> None:
        self.shed_events.labels(type(event).__name__).inc()

    def failed(self, event: Event) -> None:
        self.failures.labels(type(event).__name__).inc()

    def ordered(self, order: Order, *, withheld: bool) -> None:
        (self.withheld if withheld else self.orders).labels(type(order).__name__).inc()

    def observer_failed(self) -> None:
        self.observers_failed.inc()

    def execute_failed(self) -> None:
        self.orders_failed.inc()

    # ---- values read at the scrape

    def _event_families(self) -> Iterator[Metric]:
        family = CounterMetricFamily("callrouter_events", "Events handled, by kind.", labels=("event",))
        for kind, number in self._events.items():
            family.add_metric((kind,), number)
        yield family

    def watch_counts(self, counts: Callable[[], Counts], inbox: Callable[[], int]) -> None:
        """Gauges of the router, and how full the inbox is."""

        def families() -> Iterator[Metric]:
            now = counts()
            waiting = GaugeMetricFamily(
                "callrouter_calls_waiting",
                "Callers who ring unanswered now, those being offered to an agent included.",
                labels=("hotline",),
            )
            for hotline, number in now.waiting.items():
                waiting.add_metric((hotline,), number)
            yield waiting
            agents = GaugeMetricFamily("callrouter_agents", "Agents by what they do now.", labels=("team", "state"))
            for team in dict.fromkeys(team for team, _ in now.agents):
                for state in AgentState:
                    agents.add_metric((team, state.value), now.agents.get((team, state), 0))
            yield agents
            borrowed = GaugeMetricFamily(
                "callrouter_calls_borrowed",
                "Calls that a lending team has now under an agreement, rung or talking.",
                labels=("agreement", "borrower"),
            )
            for (agreement, borrower), number in now.borrowed.items():
                borrowed.add_metric((agreement, borrower), number)
            yield borrowed
            yield GaugeMetricFamily("callrouter_inbox_events", "Events that wait to be handled.", value=inbox())

        self._live.families.append(families)

    def watch_journal(self, journal: JournalState) -> None:
        """The journal's own figures."""

        def families() -> Iterator[Metric]:
            yield GaugeMetricFamily(
                "callrouter_journal_writable", "1 while the journal is written.", value=not journal.trouble
            )
            for name, text, value in (
                ("journal_lines", "Lines handed to the kernel.", journal.lines_written),
                ("journal_lines_lost", "Lines that could not be written.", journal.lines_lost),
                ("journal_bytes", "Bytes handed to the kernel.", journal.bytes_written),
            ):
                yield _total(name, text, value)

        self._live.families.append(families)

    def watch_links(self, states: Callable[[], Sequence[object]]) -> None:
        """What each link counts; a state has `site` and the fields of LINK_FIGURES."""

        def families() -> Iterator[Metric]:
            now = states()
            for name, text, field in LINK_FIGURES:
                family = CounterMetricFamily(f"callrouter_{name}", text, labels=("site",))
                for state in now:
                    family.add_metric((getattr(state, "site"),), getattr(state, field))  # noqa: B009
                yield family

        self._live.families.append(families)

    def watch(self, families: Callable[[], Iterable[Metric]]) -> None:
        """Metrics that somebody else declares (`reach.py`), asked for at each scrape."""
        self._live.families.append(families)

    def watch_flag(self, name: str, text: str, value: Callable[[], bool]) -> None:
        """A gauge of 0 or 1 that somebody else keeps."""
        self._live.families.append(lambda: (GaugeMetricFamily(f"callrouter_{name}", text, value=value()),))


def _total(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"callrouter_{name}", text, value=value)
