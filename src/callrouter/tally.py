"""Prometheus metrics for what happens at every event. They know neither events nor where they are shown."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client import Counter
from prometheus_client.core import HistogramMetricFamily, Metric


class Count(Counter):
    """The library's counter, whose series are found by one look: its own way to them costs more than the counting."""

    def labels(self, *labelvalues: object, **labelkwargs: object) -> Count:
        series: Any = self._metrics.get(labelvalues)  # type: ignore[arg-type]
        return super().labels(*labelvalues, **labelkwargs) if series is None else series


class Tally:
    """A histogram for what happens at every event: far cheaper to feed than the library's. For one task."""

    def __init__(self, name: str, text: str, buckets: Sequence[float]) -> None:
        self._name, self._text, self._bounds = name, text, tuple(buckets)
        self._counts = [0] * (len(buckets) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def families(self) -> Iterator[Metric]:
        names = (*(str(float(bound)) for bound in self._bounds), "+Inf")
        buckets = list(zip(names, accumulate(self._counts), strict=True))
        yield HistogramMetricFamily(self._name, self._text, buckets, self._sum)
