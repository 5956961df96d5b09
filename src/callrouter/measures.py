"""The one place where a metric is declared, and its definition published (in the help text).

Counts what the engine hands over: an observer of events and commands, and a meter of the engine itself. Gauges that
the router keeps are read when somebody scrapes. Labels are bounded by the plan: never a caller, never an agent.
Names follow the rules of prometheus.io.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol, get_args

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from callrouter import __version__
from callrouter.attempts import Attempts
from callrouter.config.dialplan import DIALPLAN_VERSION
from callrouter.core import calendar
from callrouter.core.agents import AgentState
from callrouter.core.commands import (
    AgreementChanged,
    Ask,
    CallAnswered,
    CallOffered,
    CancelOffer,
    Claim,
    Command,
    Ignored,
    Offer,
    Order,
    Release,
    Reread,
    Say,
)
from callrouter.core.events import CallId, Event, LinkDown, PlanReplaced, SiteRead, Stage
from callrouter.core.plan import Plan
from callrouter.core.snapshot import Counts
from callrouter.reach import Reach
from callrouter.tally import Count, Tally

LAG_BUCKETS_S = (0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
DECISION_BUCKETS_S = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25)

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


FLAGS = {
    "ready": "1 while /readyz has nothing to say.",
    "store_writable": "1 while the database takes what must last.",
}


class JournalState(Protocol):
    """What the journal tells of itself; '' as trouble means none."""

    trouble: str
    lines_written: int
    lines_lost: int
    bytes_written: int


class Link(Protocol):
    """What is looked at of `ami.linkstate.LinkState` besides its counters."""

    site: str
    asterisk: str | None
    dialplan: str | None


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
        self.recalling = False  # what happens is memory of a process before this one, which has counted it
        self._down: set[str] = set()
        self._sites: set[str] = set()
        self._directions: dict[str, dict[str, tuple[bool, float | None]]] = {}  # agreement -> borrower -> (on, end)
        self.attempts = Attempts(self.registry)
        self._counts: dict[type[Command], Callable[[Any], None]] = {
            **self.attempts.counts,
            AgreementChanged: self._switched,
            Ignored: self._ignored,
        }
        self._declare_engine()
        self._declare_service()
        self.reach = Reach(self.registry)
        self.registry.register(self._live)
        ProcessCollector(registry=self.registry)
        self.show_plan(plan)

    def text(self) -> bytes:
        """The exposition text of one scrape."""
        return generate_latest(self.registry)

    # ---- declarations

    def _counter(self, name: str, text: str, *labels: str) -> Count:
        return Count(f"callrouter_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"callrouter_{name}", text, labels, registry=self.registry)

    def _declare_engine(self) -> None:
        self._events: dict[type[Event], int] = dict.fromkeys(get_args(Event), 0)
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
            "agreement_enabled", "1 while the overflow agreement is switched on, in any direction.", "agreement"
        )
        self.switch_ends = self._gauge(
            "agreement_switch_ends_timestamp_seconds",
            "When what an overflow agreement was switched to by hand ends, UTC: the first end of its directions; "
            "missing when it has none.",
            "agreement",
        )
        self.agreement_ends = self._gauge(
            "agreement_ends_timestamp_seconds",
            "When an overflow agreement itself ends by its date, UTC; missing when it has none.",
            "agreement",
        )
        self.config = self._gauge("config_info", "Version of the configuration in force, as a label.", "version")
        self.reload_ok = self._gauge(
            "config_last_reload_successful", "1 if the last configuration that was read could be used."
        )
        self.reload_at = self._gauge(
            "config_last_reload_success_timestamp_seconds", "When the configuration in force was taken, UTC."
        )
        build = self._gauge(
            "build_info", "Release of callrouter, and the version of the dialplan that it needs, as labels.",
            "version", "dialplan",
        )  # fmt: skip
        build.labels(__version__, str(DIALPLAN_VERSION)).set(1)

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
        for name in self._directions.keys() - {agreement.name for agreement in plan.agreements}:
            del self._directions[name]
            for gauge in (self.agreement_enabled, self.switch_ends):
                with suppress(KeyError):
                    gauge.remove(name)
        self.agreement_ends.clear()
        for agreement in plan.agreements:
            if agreement.window is not None and agreement.window.last_day:
                self.agreement_ends.labels(agreement.name).set(calendar.end(agreement.window))
        self.attempts.show_plan(plan)
        self.reach.show_plan(plan)
        self._lenders = {(one.name, one.borrower): one.lender for one in plan.agreements}

    def show_agreements(self, switched: Iterable[tuple[str, str, bool, float | None]]) -> None:
        """The switches as they stand, at the start and after a new plan: (agreement, borrower, enabled, until)."""
        self.agreement_enabled.clear()
        self.switch_ends.clear()
        self._directions = {}
        for name, borrower, enabled, until in switched:
            self._show_direction(name, borrower, enabled, until)

    def reloaded(self, ok: bool, now: float) -> None:
        """What came of reading the configuration."""
        self.reload_ok.set(ok)
        if ok:
            self.reload_at.set(now)

    # ---- the engine's observer

    def observe(self, event: Event, commands: Sequence[Command], now: float) -> None:
        """Count one turn."""
        if self.recalling:
            return
        if isinstance(event, SiteRead):
            self.site_reads.labels(event.site).inc()
            self._show_link(event.site, up=True)
            if event.site in self._down:
                self._down.discard(event.site)
                self.reconnects.labels(event.site).inc()
        elif isinstance(event, LinkDown):
            self._show_link(event.site, up=False)
            self._down.add(event.site)
        elif isinstance(event, PlanReplaced) and isinstance(event.plan, Plan):
            self.show_plan(event.plan)
        had = _had(event, commands) if isinstance(event, SiteRead) else ()
        for command in commands:
            count = self._counts.get(type(command))
            if count is not None and not (isinstance(command, CallOffered | CallAnswered) and command.call in had):
                count(command)

    def _show_link(self, site: str, *, up: bool) -> None:
        if site in self._sites:  # else a new plan has left the site out, and this is its link's farewell
            self.link_up.labels(site).set(up)

    def _switched(self, notice: AgreementChanged) -> None:
        self._show_direction(notice.agreement, notice.borrower, notice.enabled, notice.until)

    def _ignored(self, notice: Ignored) -> None:
        self.ignored.labels(notice.event).inc()

    def _show_direction(self, agreement: str, borrower: str, enabled: bool, until: float | None) -> None:
        directions = self._directions.setdefault(agreement, {})
        directions[borrower] = enabled, until
        self.agreement_enabled.labels(agreement).set(any(on for on, _ in directions.values()))
        ends = [end for _, end in directions.values() if end is not None]
        with suppress(KeyError):
            self.switch_ends.remove(agreement)
        if ends:
            self.switch_ends.labels(agreement).set(min(ends))

    # ---- the engine's meter

    def handled(self, event: Event, lag_s: float, decide_s: float) -> None:
        self._events[type(event)] += 1
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
            family.add_metric((kind.__name__,), number)
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
                "Calls of the borrowing team that the lending team has now under an agreement, rung or talking.",
                labels=("agreement", "borrower", "lender"),
            )
            for deal, number in now.borrowed.items():
                borrowed.add_metric((*deal, self._lenders.get(deal, "")), number)
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

    def watch_links(self, states: Callable[[], Sequence[Link]]) -> None:
        """What each link counts, the fields of LINK_FIGURES, and which versions it has found."""

        def families() -> Iterator[Metric]:
            now = states()
            for name, text, field in LINK_FIGURES:
                family = CounterMetricFamily(f"callrouter_{name}", text, labels=("site",))
                for state in now:
                    family.add_metric((state.site,), getattr(state, field))
                yield family
            info = GaugeMetricFamily(
                "callrouter_site_info",
                "Versions of the site's Asterisk and of its dialplan (`none`: it is not loaded), as labels; empty "
                "where the site did not say.",
                labels=("site", "asterisk", "dialplan"),
            )
            for state in now:
                info.add_metric((state.site, state.asterisk or "", _shown(state.dialplan)), 1)
            yield info

        self._live.families.append(families)

    def watch(self, families: Callable[[], Iterable[Metric]]) -> None:
        """Metrics that somebody else declares (`reach.py`), asked for at each scrape."""
        self._live.families.append(families)

    def watch_flag(self, name: str, value: Callable[[], bool]) -> None:
        """A gauge of 0 or 1 that somebody else keeps; its definition is in FLAGS."""
        metric = f"callrouter_{name}"
        self._live.families.append(lambda: (GaugeMetricFamily(metric, FLAGS[name], value=value()),))


def _total(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"callrouter_{name}", text, value=value)


def _shown(dialplan: str | None) -> str:
    """As a label: '' what is not known, `none` where there is none."""
    return "" if dialplan is None else dialplan or "none"


def _had(read: SiteRead, commands: Sequence[Command]) -> frozenset[CallId]:
    """Calls that are new here and that another router had, since it left its mark: it has counted them."""
    new = {command.call for command in commands if isinstance(command, CallOffered)}
    marked = (one.call for one in read.calls if one.claimed or one.attempt or one.stage is Stage.TALKING)
    return frozenset(call for call in marked if call in new)
