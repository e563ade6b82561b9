"""Tells the ends of executions to whoever asked for it: rows, tried until they are delivered or given up.

Woken by the end of an execution that has one, and by the clock; nothing is asked again and again. At
least once: a try whose outcome nobody knows is made again, with the same id.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from engine.callbacks.delivery import Delivery
from engine.callbacks.message import body_of, headers_of, signing_key
from engine.callbacks.orders import check_host
from engine.clock import utcnow
from engine.errors import EngineError, IllegalTransition, NotFound, StoreFailure
from engine.notices import Notice, tell
from engine.records.audit import Act
from engine.records.callback import Callback, CallbackAttempt, CallbackState
from engine.records.execution import Execution
from engine.records.journal import JournalEntry
from engine.settings import Settings
from engine.status import FINISHED
from engine.steps import CHANGED, trace_of
from engine.store import audit
from engine.store import callbacks as store
from engine.store.database import Database
from engine.store.datastore import Datastore
from engine.store.vault import Vault

log = logging.getLogger(__name__)

# So many deliveries are under way at once.
WORKERS = 4
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 3600.0
_GONE = 410
_DELIVERED = range(200, 300)
# The machine's clock may be set while we sleep: looked at again after so long, in seconds.
_LONGEST_SLEEP_S = 3600.0
_PAUSE_AFTER_FAULT_S = 5.0


def pause_s(attempt: int) -> float:
    """Before the next try after number `attempt`: doubles, half of it by chance."""
    longest: float = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempt - 1, 20))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def given_up(callback: Callback, attempt: CallbackAttempt) -> Notice:
    """For the channel of `events.channel`: nobody else would hear that it never came."""
    return Notice(
        key=f"callback:{callback.id}:{attempt.number}",
        channel="",
        title="A callback is given up",
        text=f"{attempt.error} Tell it again: stormcrow callback retry {callback.execution_id}",
        tone="bad",
        fields=(
            ("to", callback.place),
            ("execution", callback.execution_id),
            ("tries", str(attempt.number)),
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderParts:
    settings: Settings
    database: Database
    datastore: Datastore
    vault: Vault
    read: Callable[[str], Execution]
    """The execution of an id."""
    note_secret: Callable[[str], None]
    """Called with each secret that is read: it must not stand in a log."""
    server: Callable[[], str]


class Callbacks:
    """A thread from `start` to `stop`, and a few that wait for answers."""

    def __init__(self, parts: SenderParts) -> None:
        self._parts = parts
        self._settings = parts.settings.callbacks
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._under_way: dict[str, Delivery] = {}
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        server = self._parts.server()
        self._parts.database.write(lambda connection: store.release(connection, server))
        self._detach = self._parts.database.attach(self._committed)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="callback")
        self._thread = threading.Thread(target=self._run, args=(server,), name="callbacks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Idempotent. What is under way is broken off, and made again by the next start."""
        if self._thread is None:
            return
        self._detach()
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._thread = None
        with self._lock:
            under_way = list(self._under_way.values())
        for one in under_way:
            one.end()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def of_execution(self, execution_id: str) -> Callback | None:
        """With every try."""
        with self._parts.database.read() as connection:
            return store.of_execution(connection, execution_id)

    def page(
        self, *, state: CallbackState | None, offset: int, limit: int | None
    ) -> tuple[list[Callback], int]:
        with self._parts.database.read() as connection:
            return store.page(connection, state=state, offset=offset, limit=limit)

    def retry(self, execution_id: str, *, user: str) -> Callback:
        """Told now, whatever came of it before, with the same id; then tried on as at first.

        Raises NotFound, IllegalTransition.
        """
        found = self.of_execution(execution_id)
        if found is None:
            raise NotFound(f'The execution "{execution_id}" has no callback.')
        act = Act(
            kind="callback.retried",
            object=found.id,
            user=user,
            details={"to": found.place, "state": found.state.value, "attempts": found.attempts},
            execution_id=execution_id,
            trace_id=trace_of(self._parts.read(execution_id)),
        )

        def work(connection: Connection) -> None:
            if not store.again(connection, found.id, now=utcnow()):
                raise IllegalTransition(
                    f"The callback of {execution_id} is {found.state} and cannot be told again now.",
                    hint="It is told at the end of the execution; see: stormcrow callback get ID",
                )
            audit.record(connection, act)

        self._parts.database.write(work)
        self._wake.set()
        return self.of_execution(execution_id) or found

    # the thread

    def _committed(self, entries: list[JournalEntry]) -> None:
        if any(
            entry.kind == CHANGED and "calls_back" in entry.data and entry.data["status"] in FINISHED
            for entry in entries
        ):
            self._wake.set()

    def _run(self, server: str) -> None:
        while not self._stopping.is_set():
            try:
                sleep_s = self._round(server)
            except StoreFailure:
                return
            except Exception:  # the loop must outlive a fault of the database
                log.exception("telling callbacks failed; trying again")
                sleep_s = _PAUSE_AFTER_FAULT_S
            self._wake.wait(sleep_s)
            self._wake.clear()

    def _round(self, server: str) -> float | None:
        """Hand out what is due; how long to sleep unless woken, None for as long as it takes."""
        with self._lock:
            free = WORKERS - len(self._under_way)
        if free <= 0:
            # The next one that ends wakes us.
            return None
        now = utcnow()
        # Longer than a try can take.
        lease = timedelta(seconds=self._settings.timeout_s * 2 + 10)
        found = self._parts.database.write(
            lambda connection: store.claim(connection, server=server, now=now, lease=lease, limit=free)
        )
        for one in found:
            delivery = Delivery(blocked_networks=self._parts.settings.http.blocked_networks)
            with self._lock:
                self._under_way[one.id] = delivery
            self._pool.submit(self._try, one, delivery)
        with self._parts.database.read() as connection:
            due_at = store.next_due(connection)
        if due_at is None:
            return None
        return min(max(0.0, (due_at - utcnow()).total_seconds()), _LONGEST_SLEEP_S)

    def _try(self, callback: Callback, delivery: Delivery) -> None:
        try:
            attempt, is_final = self._attempt(callback, delivery)
            if not self._stopping.is_set():
                self._settle(callback, attempt, is_final=is_final)
        except StoreFailure:
            # We are being stopped; the next start makes this try again.
            log.debug("callback %s is left for the next start", callback.id)
        except Exception:  # in a thread of its own nobody else would say it
            log.exception("callback %s failed in an unexpected way", callback.id)
        finally:
            with self._lock:
                self._under_way.pop(callback.id, None)
            self._wake.set()

    def _attempt(self, callback: Callback, delivery: Delivery) -> tuple[CallbackAttempt, bool]:
        """What came of it, and whether nobody need try again."""
        at, started = utcnow(), time.monotonic()
        status_code: int | None = None
        try:
            status_code, error = self._send(callback, delivery, at)
        except EngineError as problem:
            error = str(problem)
        if status_code is not None and status_code not in _DELIVERED:
            error = f"It answered with HTTP status {status_code}."
        attempt = CallbackAttempt(
            number=callback.attempts,
            at=at,
            status_code=status_code,
            error=error,
            took_ms=round((time.monotonic() - started) * 1000),
        )
        return attempt, status_code is not None and (status_code in _DELIVERED or status_code == _GONE)

    def _send(self, callback: Callback, delivery: Delivery, at: datetime) -> tuple[int | None, str]:
        """Raises EngineError for what is wrong on our side."""
        parts = self._parts
        url = parts.vault.unseal(callback.url, place=store.seal_place(callback.id)).decode()
        # The settings may have changed since it was asked for.
        check_host(url, self._settings.hosts)
        found = parts.datastore.read(
            callback.key_scope, callback.key_name, user=callback.key_user, decrypt=True
        )
        if found is None:
            return None, f"The key {callback.key_name} that signs it is gone."
        parts.note_secret(found.value)
        body = body_of(parts.read(callback.execution_id), public_url=parts.settings.public_url)
        headers = headers_of(callback.id, body, key=signing_key(found.value), at=at)
        return delivery.send(url, body, headers, timeout_s=self._settings.timeout_s)

    def _settle(self, callback: Callback, attempt: CallbackAttempt, *, is_final: bool) -> None:
        state, due_at = CallbackState.DUE, None
        if is_final:
            is_taken = attempt.status_code in _DELIVERED
            state = CallbackState.DELIVERED if is_taken else CallbackState.GIVEN_UP
        else:
            due_at = utcnow() + timedelta(seconds=pause_s(attempt.number))
            last = (callback.first_due_at or attempt.at) + timedelta(hours=self._settings.keep_trying_h)
            if due_at > last:
                state, due_at = CallbackState.GIVEN_UP, None
        if state is CallbackState.GIVEN_UP:
            log.warning(
                "callback %s to %s is given up after %d tries: %s",
                callback.id,
                callback.place,
                attempt.number,
                attempt.error,
                extra={"execution": callback.execution_id},
            )

        def work(connection: Connection) -> None:
            is_ours = store.settle(connection, callback.id, attempt, state, due_at=due_at)
            if is_ours and state is CallbackState.GIVEN_UP:
                tell(connection, given_up(callback, attempt))

        self._parts.database.write(work)
