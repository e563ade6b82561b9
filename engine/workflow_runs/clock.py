"""When workflows want to be looked at again: one thread, asleep until the first moment has come."""

import heapq
import threading
from collections.abc import Callable
from datetime import datetime

from engine.clock import utcnow

# The system's clock may be set while we sleep.
_LONGEST_SLEEP_S = 60.0


class RunClock:
    """`ring(workflow_id)` is called when its moment has come; it must return quickly."""

    def __init__(self, ring: Callable[[str], None]) -> None:
        self._ring = ring
        self._wake = threading.Condition()
        self._moments: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, str]] = []
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="workflow-clock", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Idempotent."""
        with self._wake:
            self._is_stopping = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    def set(self, workflow_id: str, moment: datetime | None) -> None:
        """In place of the moment that was set before; None: it needs none."""
        with self._wake:
            if moment is None:
                self._moments.pop(workflow_id, None)
                return
            if self._moments.get(workflow_id) == moment:
                return
            self._moments[workflow_id] = moment
            heapq.heappush(self._heap, (moment, workflow_id))
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                due = self._due()
                while not due and not self._is_stopping:
                    self._wake.wait(self._sleep_s())
                    due = self._due()
                if self._is_stopping:
                    return
            for workflow_id in due:
                self._ring(workflow_id)

    def _due(self) -> list[str]:
        now = utcnow()
        due = []
        while self._heap and self._heap[0][0] <= now:
            moment, workflow_id = heapq.heappop(self._heap)
            # Entries of moments that were replaced stay in the heap until their turn.
            if self._moments.get(workflow_id) == moment:
                del self._moments[workflow_id]
                due.append(workflow_id)
        return due

    def _sleep_s(self) -> float | None:
        if not self._heap:
            return None
        return min(max((self._heap[0][0] - utcnow()).total_seconds(), 0.0), _LONGEST_SLEEP_S)
