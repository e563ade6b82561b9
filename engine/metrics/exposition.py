"""The measures as Prometheus reads them; imported at the first scrape, for its library is slow."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from engine.metrics.board import Board
from engine.metrics.catalogue import METRICS, Kind
from engine.metrics.catalogue import Metric as Described
from engine.metrics.tallies import SpreadSample


class Exposition:
    """A registry of our own: what other libraries put into the common one is not ours to show."""

    def __init__(self, board: Board) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_OfBoard(board))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self, accept: str) -> tuple[bytes, str]:
        """The body and its content type: OpenMetrics for who accepts it, else Prometheus's own text."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class _OfBoard(Collector):
    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        families = {metric.name: _family(metric) for metric in METRICS.values()}
        for sample in self._board.samples():
            family = families[sample.metric]
            if not isinstance(family, HistogramMetricFamily):
                family.add_metric(sample.labels, sample.value)
        for spread in self._board.spreads():
            family = families[spread.metric]
            if isinstance(family, HistogramMetricFamily):
                family.add_metric(spread.labels, _buckets(spread), spread.sum)
        yield from families.values()


def _family(metric: Described) -> CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily:
    if metric.kind is Kind.COUNTER:
        return CounterMetricFamily(metric.shown, metric.help, labels=metric.labels)
    if metric.kind is Kind.GAUGE:
        return GaugeMetricFamily(metric.shown, metric.help, labels=metric.labels)
    return HistogramMetricFamily(metric.shown, metric.help, labels=metric.labels)


def _buckets(spread: SpreadSample) -> list[tuple[str, float]]:
    """Prometheus counts in each bucket also what fell into those below."""
    ends = [*(str(float(end)) for end in METRICS[spread.metric].buckets), "+Inf"]
    return list(zip(ends, accumulate(spread.counts), strict=True))
