"""One box of messages per workflow: emptied by one thread at a time, whole."""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from engine.log_facts import forget

log = logging.getLogger(__name__)

M = TypeVar("M")


class Mailboxes(Generic[M]):
    """`process(id, messages)` is called in one of our threads. Until `release(id)` is called, what comes
    for that id waits, so that everything that came meanwhile is worked on together."""

    def __init__(self, process: Callable[[str, list[M]], None]) -> None:
        self._process = process
        self._lock = threading.Lock()
        self._boxes: dict[str, list[M]] = {}
        self._ready: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self, *, threads: int) -> None:
        for number in range(threads):
            thread = threading.Thread(target=self._run, name=f"conductor-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, *, timeout_s: float) -> None:
        for _ in self._threads:
            self._ready.put(None)
        for thread in self._threads:
            thread.join(timeout_s)

    def put(self, box: str, message: M) -> None:
        with self._lock:
            waiting = self._boxes.get(box)
            if waiting is not None:
                waiting.append(message)
                return
            self._boxes[box] = [message]
        self._ready.put(lambda: self._open(box))

    def put_first(self, box: str, messages: Sequence[M]) -> None:
        """Back into a box that is being worked on, before what came later."""
        with self._lock:
            self._boxes[box] = [*messages, *self._boxes.get(box, ())]

    def release(self, box: str) -> None:
        with self._lock:
            if not self._boxes.get(box):
                self._boxes.pop(box, None)
                return
        self._ready.put(lambda: self._open(box))

    def soon(self, job: Callable[[], None]) -> None:
        """Run it in one of our threads."""
        self._ready.put(job)

    def _open(self, box: str) -> None:
        with self._lock:
            messages, self._boxes[box] = self._boxes[box], []
        self._process(box, messages)

    def _run(self) -> None:
        while (job := self._ready.get()) is not None:
            try:
                job()
            except Exception:  # a fault with one workflow must not stop the others
                log.exception("conducting failed")
            finally:
                forget()
