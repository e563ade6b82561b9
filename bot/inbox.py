"""What a chat delivers is stored, then acknowledged, then worked on: a kill in between loses nothing.

`take` returns a future: as soon as it is done the delivery is committed, and the adapter may
acknowledge it, whatever the engine is busy with. Workers then hand it to the adapter's `handle`,
those of one lane in their order, and again after a crash; what is handled below has keys of its own.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import orjson
from sqlalchemy import Connection

from engine.clock import utcnow
from engine.records.deliveries import Delivery
from engine.service import Engine
from engine.store import deliveries as store

log = logging.getLogger(__name__)

Handle = Callable[[Delivery], None]

WORKERS = 8
# A delivery that fails so often is given up, visibly.
ATTEMPTS = 5
FIRST_PAUSE_S = 0.2


class Inbox:
    """One per adapter. `start` it when `handle` can work, `stop` it before what `handle` needs."""

    def __init__(self, engine: Engine, name: str, handle: Handle) -> None:
        """`handle` is called in a thread of ours, at least once per delivery."""
        self._engine = engine
        self._name = name
        self._handle = handle
        self._lock = threading.Lock()
        self._lanes: dict[str, deque[Delivery]] = {}
        self._stopping = threading.Event()
        self._workers: ThreadPoolExecutor | None = None

    def start(self) -> None:
        """Goes on with what an earlier server had not finished. Raises StoreFailure."""
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix=f"inbox:{self._name}")
        with self._engine.database.read() as connection:
            left = store.unhandled(connection, self._engine.vault, self._name, before=utcnow())
        for delivery in left:
            self._enqueue(delivery)

    def stop(self, *, timeout_s: float = 5.0) -> None:
        """What is not begun stays for the next server. Idempotent."""
        self._stopping.set()
        workers, self._workers = self._workers, None
        if workers is not None:
            workers.shutdown(wait=False, cancel_futures=True)
            ending = threading.Thread(target=workers.shutdown, name=f"inbox:{self._name}:end", daemon=True)
            ending.start()
            ending.join(timeout_s)

    def take(self, delivery: Delivery) -> "Future[bool]":
        """Done when it is committed: True: it is new; False: it is known. An exception: it is not stored."""
        plain = orjson.dumps(delivery.body)
        sealed = self._engine.vault.seal(plain, place=store.seal_place(self._name, delivery.key))
        answer: Future[bool] = Future()
        answer.set_running_or_notify_cancel()

        def committed(done: "Future[int | None]") -> None:
            error = done.exception()
            if error is not None:
                answer.set_exception(error)
                return
            seq = done.result()
            if seq is not None:
                self._enqueue(replace(delivery, seq=seq))
            answer.set_result(seq is not None)

        stored = self._engine.database.submit(
            lambda connection: store.add(connection, self._name, delivery, sealed)
        )
        stored.add_done_callback(committed)
        return answer

    # the lanes

    def _enqueue(self, delivery: Delivery) -> None:
        with self._lock:
            lane = self._lanes.get(delivery.lane)
            if lane is not None:
                lane.append(delivery)
                return
            self._lanes[delivery.lane] = deque([delivery])
            workers = self._workers
        if workers is not None and not self._stopping.is_set():
            workers.submit(self._work, delivery.lane)

    def _work(self, name: str) -> None:
        """Everything in one lane, until it is empty."""
        while not self._stopping.is_set():
            with self._lock:
                lane = self._lanes[name]
                if not lane:
                    del self._lanes[name]
                    return
                delivery = lane.popleft()
            self._work_on(delivery)

    def _work_on(self, delivery: Delivery) -> None:
        error = ""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._handle(delivery)
            except Exception as failure:  # whatever is wrong with one delivery, the others must go on
                error = f"{type(failure).__name__}: {failure}"
                log.exception(
                    "%s: %s %s failed (attempt %d of %d)",
                    self._name,
                    delivery.kind,
                    delivery.key,
                    attempt,
                    ATTEMPTS,
                )
                if self._stopping.wait(FIRST_PAUSE_S * 2 ** (attempt - 1)):
                    return
            else:
                error = ""
                break
        self._engine.database.submit(partial(_handled, seq=delivery.seq, error=error))


def _handled(connection: Connection, *, seq: int, error: str) -> None:
    store.handled(connection, seq, error=error)
