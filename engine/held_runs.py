"""What the workers of this server hold right now: looked up to cancel it, awaited at a stop."""

import queue
import threading
from collections.abc import Collection
from dataclasses import dataclass

from engine.expressions.masking import ValueMasker
from engine.records.execution import Execution
from engine.runners.base import RunControl, Runner
from engine.status import Status


@dataclass(slots=True, kw_only=True)
class Held:
    """An execution that a thread of ours works on."""

    execution: Execution
    runner: Runner
    control: RunControl
    masker: ValueMasker


class HeldRuns:
    """Cancels are carried out by a thread of their own, in `cancel_forever`."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._claimed: set[str] = set()
        self._canceled_early: set[str] = set()
        self._cancels: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._idle = threading.Condition()

    def __len__(self) -> int:
        return len(self._held)

    def expect(self, execution_id: str) -> None:
        """It is claimed, and on its way into a worker."""
        with self._idle:
            self._claimed.add(execution_id)

    def hold(self, held: Held) -> None:
        with self._idle:
            self._held[held.execution.id] = held
            early = held.execution.id in self._canceled_early or held.execution.status is Status.CANCELING
        if early:
            held.control.cancel()

    def drop(self, execution_id: str) -> None:
        with self._idle:
            self._held.pop(execution_id, None)
            self._claimed.discard(execution_id)
            self._canceled_early.discard(execution_id)
            self._idle.notify_all()

    def learn(self, execution_id: str, secrets: Collection[str]) -> None:
        """The run has read these in clear: they are hidden in all that it says from now on."""
        with self._idle:
            held = self._held.get(execution_id)
        if held is not None:
            held.masker.learn(secrets)

    def wait_for_those_that_die_with_us(self, timeout_s: float) -> None:
        with self._idle:
            self._idle.wait_for(
                lambda: not any(not held.runner.survives for held in self._held.values()), timeout_s
            )

    # cancel

    def cancel(self, execution_id: str) -> None:
        """Returns at once."""
        self._cancels.put(execution_id)

    def stop_canceling(self) -> None:
        self._cancels.put(None)

    def cancel_forever(self) -> None:
        while (execution_id := self._cancels.get()) is not None:
            with self._idle:
                held = self._held.get(execution_id)
                if held is None and execution_id in self._claimed:
                    # Claimed, but not in its worker yet: it will look here.
                    self._canceled_early.add(execution_id)
            if held is not None:
                held.control.cancel()
