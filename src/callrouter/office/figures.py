"""Results, inquiries, departments and e-mail as Prometheus metrics. Labels are bounded by the configuration: hotlines,
departments, kinds; never a caller, never an agent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from callrouter.core.plan import Plan
from callrouter.desk.mail import MailKind
from callrouter.desk.plan import Desk
from callrouter.desk.results import Disposition
from callrouter.office.gate import Why
from callrouter.office.phones import Lifted
from callrouter.store.mail import Waiting

ANSWER_BUCKETS_S = tuple(hour * 3600 for hour in (0.25, 0.5, 1, 2, 4, 8, 24, 48, 72, 168))


class OfficeFigures(Collector):
    """backlog, mails: what was last seen in SQL; whoever looks there sets them."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float]) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"callrouter_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"callrouter_{name}", text, labels, registry=registry)

        self._clock = clock
        self.backlog: dict[str, tuple[int, float]] = {}  # hotline -> (inquiries not done, since when the oldest waits)
        self.mails = Waiting(0, None)
        self.results = counter(
            "results_total",
            "Answered calls by what the agent said came of them. Resolved at first contact: resolved / all of them; "
            "calls without any are in results_missing_total.",
            "hotline", "disposition",
        )  # fmt: skip
        self.missing = counter(
            "results_missing_total",
            "Answered calls whose result nobody gave until the agent's next call, or within an hour after the talk. "
            "They are in neither part of the share resolved at first contact.",
            "hotline",
        )
        self.inquiries = counter("inquiries_total", "Inquiries that came by the contact form.", "hotline")
        self.refused = counter(
            "inquiries_refused_total", "Contact forms that were not taken: a robot, too many, too old, no room.", "why"
        )
        self.taken_back = counter(
            "inquiries_taken_back_total", "Times that an inquiry went back because its agent was needed.", "hotline"
        )
        self.first_answer = Histogram(
            "callrouter_inquiry_first_answer_seconds",
            "From the arrival of an inquiry to the answer, whatever the hour.",
            ("hotline",), buckets=ANSWER_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.sent = counter("mails_sent_total", "Messages that the mail server took.", "kind")
        self.given_up = counter("mails_given_up_total", "Messages that were refused for good, or for days.", "kind")
        self.tries_failed = counter("mail_tries_failed_total", "Tries to send a message that failed.")
        self.escalations = counter(
            "escalations_total", "Messages about overdue callbacks, one for each department and stage.", "department"
        )
        self.owed = gauge("department_callbacks", "Callbacks that a department owes and has not done.", "department")
        self.overdue = gauge("department_callbacks_overdue", "Those of them whose due time is over.", "department")
        self.lifts = counter(
            "phones_asked_total",
            "Phones that agents wanted to answer from their pages. done: answered; deaf: asked, and rang on; failed: "
            "could not be asked; idle, again: did not ring any more, had been asked a moment ago.",
            "site", "result",
        )  # fmt: skip
        self.searches = counter("caller_searches_total", "Searches for a caller's contacts by his number.")
        for kind in MailKind:
            for metric in (self.sent, self.given_up):
                metric.labels(kind.value)
        for why in (*Why, "full"):
            self.refused.labels(str(why))
        registry.register(self)

    def show(self, plan: Plan, desk: Desk) -> None:
        """Let the series begin at zero."""
        for hotline in plan.hotlines:
            for disposition in Disposition:
                self.results.labels(hotline.name, disposition.value)
            for metric in (self.missing, self.inquiries, self.taken_back):
                metric.labels(hotline.name)
            self.first_answer.labels(hotline.name)
        for site in plan.sites:
            for lifted in Lifted:
                self.lifts.labels(site.name, lifted.value)
        for department in desk.departments:
            self.escalations.labels(department.name)

    def departments(self, owed: dict[str, tuple[int, int]]) -> None:
        """department -> (not done, overdue); those that are gone lose their series."""
        for department, (number, overdue) in owed.items():
            self.owed.labels(department).set(number)
            self.overdue.labels(department).set(overdue)

    def forget_department(self, department: str) -> None:
        for metric in (self.owed, self.overdue):
            with suppress(KeyError):
                metric.remove(department)

    def collect(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily(
            "callrouter_inquiries_waiting", "Inquiries that are not answered yet.", labels=["hotline"]
        )
        oldest = GaugeMetricFamily(
            "callrouter_inquiries_oldest_seconds", "How long the oldest of them has waited.", labels=["hotline"]
        )
        for hotline, (number, since) in sorted(self.backlog.items()):
            waiting.add_metric([hotline], number)
            oldest.add_metric([hotline], max(0.0, self._clock() - since))
        yield waiting
        yield oldest
        yield GaugeMetricFamily("callrouter_mails_waiting", "Messages still to be sent.", value=self.mails.number)
        made_at = self.mails.oldest_at
        age = 0.0 if made_at is None else max(0.0, self._clock() - made_at)
        yield GaugeMetricFamily("callrouter_mails_oldest_seconds", "How long the oldest of them has waited.", value=age)

    def describe(self) -> Iterable[Metric]:
        return ()
