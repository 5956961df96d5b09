"""How well callers are served, as Prometheus metrics: demands, which are what callers see.

Counted from what is kept in SQL, when it is kept there, so that pages, reports and metrics say the same. Labels are
bounded by the plan; `number` says whether callers showed theirs: who withholds it cannot be told from the next one, so
his attempts would spoil every figure about redials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from callrouter.core.callbacks import CallbackKind
from callrouter.core.demands import Demand
from callrouter.core.plan import Plan
from callrouter.tally import Count

ATTEMPTS_BUCKETS = (1, 2, 3, 4, 5, 7, 10, 20)
SHOWN, WITHHELD = "shown", "withheld"
_DEMAND = (
    "A demand is all attempts of one caller for one hotline, each within redial_window_s (1800 s unless set) after"
)
_WHEN = "counted when it ends: the caller was reached, or the window is over. number: withheld ones cannot be grouped."


class _Standing(Protocol):
    """How callbacks of one hotline and kind stand: `open`, `overdue`, `due` and `kept`."""

    @property
    def hotline(self) -> str: ...
    @property
    def kind(self) -> str: ...


class Reach:
    """Feed it from one task."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Count:
            return Count(f"callrouter_{name}", text, labels, registry=registry)

        by = ("hotline", "number")
        self.demands = counter("demands_total", f"Call demands (ITU-T E.600). {_DEMAND} the last; {_WHEN}", *by)
        self.reached = counter("demands_reached_total", "Call demands in which an agent talked to the caller.", *by)
        self.within_target = counter(
            "demands_reached_within_target_total",
            "Call demands in which an agent talked to the caller no later than the hotline's target (240 s unless set) "
            "after the first attempt.",
            *by,
        )
        self.first = counter(
            "demands_reached_at_first_attempt_total", "Call demands whose first attempt an agent answered.", *by
        )
        self.unreached = counter(
            "demands_unreached_total",
            "Call demands that ended unserved: nobody was reached, and no attempt followed within the redial window.",
            *by,
        )
        self.attempts = Histogram(
            "callrouter_demand_attempts",
            "Call attempts of a demand, the one that was answered included; callers who show their number.",
            ("hotline", "reached"),
            buckets=ATTEMPTS_BUCKETS,
            registry=registry,
        )

    def show_plan(self, plan: Plan) -> None:
        """Let the series begin at zero."""
        for hotline in plan.hotlines:
            for number in (SHOWN, WITHHELD):
                for metric in (self.demands, self.reached, self.within_target, self.first, self.unreached):
                    metric.labels(hotline.name, number)
            for reached in ("yes", "no"):
                self.attempts.labels(hotline.name, reached)

    def closed(self, demands: Iterable[Demand]) -> None:
        """Demands that are kept as closed."""
        for demand in demands:
            labels = (demand.hotline, WITHHELD if demand.withheld else SHOWN)
            self.demands.labels(*labels).inc()
            (self.unreached if demand.reached_at is None else self.reached).labels(*labels).inc()
            if demand.within_target:
                self.within_target.labels(*labels).inc()
            if demand.reached_first:
                self.first.labels(*labels).inc()
            if not demand.withheld:
                reached = "no" if demand.reached_at is None else "yes"
                self.attempts.labels(demand.hotline, reached).observe(demand.attempts)


def record_families(behind: int, stored: int, damaged: int) -> Iterator[Metric]:
    """How the way of call records from the journal to SQL goes."""
    yield GaugeMetricFamily(
        "callrouter_call_records_behind_bytes", "Bytes of the journal whose calls are not in SQL yet.", value=behind
    )
    yield CounterMetricFamily("callrouter_call_records", "Call records kept in SQL by this process.", value=stored)
    yield CounterMetricFamily(
        "callrouter_call_records_unreadable", "Journal lines that could not be read back; a fault.", value=damaged
    )


CALLBACKS = (
    ("open", "Callbacks that are not done."),
    ("overdue", "Promised callbacks that are not done though their time is over."),
    ("due", "Promised callbacks whose time came within the last 7 days; withdrawn ones are left out."),
    ("kept", "Of the callbacks due: those whose caller was reached by then, or rang again and was answered."),
)


def callback_families(found: Iterable[_Standing], hotlines: Iterable[str]) -> Iterator[Metric]:
    """Callbacks as they stand in SQL, of this plan's hotlines; there at zero before the first one."""
    rows = {(one.hotline, one.kind): one for one in found}
    for name, text in CALLBACKS:
        family = GaugeMetricFamily(f"callrouter_callbacks_{name}", text, labels=("hotline", "kind"))
        for hotline in hotlines:
            for kind in CallbackKind:
                row = rows.get((hotline, kind.value))
                family.add_metric((hotline, kind.value), 0 if row is None else getattr(row, name))
        yield family
