"""Counts and spreads in memory, by the words of their labels; they begin at zero with the server."""

import threading
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from engine.metrics.catalogue import OTHER

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of a metric, as the catalogue names it; `labels` in the catalogue's order."""

    metric: str
    labels: Words = ()
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadSample:
    """A histogram's value. `counts`: how many fell into each bucket alone, the endless one last."""

    metric: str
    labels: Words
    counts: tuple[int, ...]
    sum: float


class Vocabulary:
    """The words of one label: the first `limit` as they are, whatever comes later is `other`."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def word(self, wanted: str) -> str:
        if wanted in self._known:
            return wanted
        if len(self._known) >= self._limit:
            return OTHER
        self._known.add(wanted)
        return wanted


class Counts:
    """A counter. From any thread."""

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self._lock = threading.Lock()
        self._values: dict[Words, float] = {}

    def add(self, *labels: str, by: float = 1) -> None:
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + by

    def samples(self) -> list[Sample]:
        with self._lock:
            values = list(self._values.items())
        return [Sample(metric=self.metric, labels=labels, value=value) for labels, value in values]


class Spread:
    """A histogram. From any thread."""

    def __init__(self, metric: str, buckets: Iterable[float]) -> None:
        self.metric = metric
        self._ends = tuple(buckets)
        self._lock = threading.Lock()
        self._counts: dict[Words, list[int]] = {}
        self._sums: dict[Words, float] = {}

    def observe(self, value: float, *labels: str) -> None:
        # The first bucket whose upper end is not below the value.
        place = bisect_left(self._ends, value)
        with self._lock:
            counts = self._counts.get(labels)
            if counts is None:
                counts = self._counts[labels] = [0] * (len(self._ends) + 1)
            counts[place] += 1
            self._sums[labels] = self._sums.get(labels, 0.0) + value

    def samples(self) -> list[SpreadSample]:
        with self._lock:
            return [
                SpreadSample(metric=self.metric, labels=labels, counts=tuple(counts), sum=self._sums[labels])
                for labels, counts in self._counts.items()
            ]
