"""All measures of one server: what counts itself, and what is looked up when somebody asks."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.metrics.catalogue import METRICS, Kind
from engine.metrics.tallies import Counts, Sample, Spread, SpreadSample, Vocabulary

if TYPE_CHECKING:
    from engine.metrics.exposition import Exposition

log = logging.getLogger(__name__)

Source = Callable[[], Iterable[Sample]]

# Who asks more often gets what was looked up last.
FRESH_S = 2.0


class Board:
    """`label_limit`: how many words a label may have whose words come from content or callers."""

    def __init__(self, *, label_limit: int) -> None:
        self._label_limit = label_limit
        self._counts = {
            metric.name: Counts(metric.name) for metric in METRICS.values() if metric.kind is Kind.COUNTER
        }
        self._spreads = {
            metric.name: Spread(metric.name, metric.buckets)
            for metric in METRICS.values()
            if metric.kind is Kind.HISTOGRAM
        }
        self._sources: list[Source] = []
        self._exposition: Exposition | None = None
        self._text_lock = threading.Lock()
        self._lock = threading.Lock()
        self._looked_up: list[Sample] = []
        self._looked_up_at = float("-inf")

    def counter(self, metric: str) -> Counts:
        return self._counts[metric]

    def histogram(self, metric: str) -> Spread:
        return self._spreads[metric]

    def vocabulary(self) -> Vocabulary:
        return Vocabulary(self._label_limit)

    def ask(self, source: Source) -> Callable[[], None]:
        """Have `source` called when somebody looks, in their thread; gives what takes it out again.

        It may read the database; it must not write, and not wait for anybody.
        """
        self._sources.append(source)
        return lambda: self._sources.remove(source)

    def text(self, accept: str) -> tuple[bytes, str]:
        """All of it for Prometheus, and the content type, by the header Accept. Blocks."""
        from engine.metrics.exposition import Exposition  # noqa: PLC0415 - slow to import, and not everybody's

        with self._text_lock:
            if self._exposition is None:
                self._exposition = Exposition(self)
        return self._exposition.text(accept)

    def samples(self) -> list[Sample]:
        """Counters, and what is looked up: at most as old as FRESH_S."""
        with self._lock:
            if time.monotonic() - self._looked_up_at > FRESH_S:
                self._looked_up = [sample for source in list(self._sources) for sample in _asked(source)]
                self._looked_up_at = time.monotonic()
            found = list(self._looked_up)
        for counts in self._counts.values():
            found += counts.samples()
        return found

    def spreads(self) -> list[SpreadSample]:
        return [sample for spread in self._spreads.values() for sample in spread.samples()]


def _asked(source: Source) -> list[Sample]:
    try:
        return list(source())
    except EngineError as error:
        # What can be said is said: a scrape matters most when something is wrong.
        log.warning("some metrics cannot be looked up: %s", error)
        return []
