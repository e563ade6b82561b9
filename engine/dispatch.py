"""Dispatch: claim what is due, and have it run in a bounded pool; after a crash, recover.

Woken by the journal and by the clock of delayed executions, never by polling.
"""

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from engine.clock import utcnow
from engine.errors import StoreFailure
from engine.executions import Executions
from engine.records.journal import JournalEntry
from engine.recovery import Recovery
from engine.starts import Claimed, Starts
from engine.status import Status
from engine.steps import STEPS, asks_for_work
from engine.store import executions as store
from engine.store.database import Database
from engine.store.policies import POLICY_CLOCK
from engine.worker import Worker

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class ClaimRound:
    """A transaction made for claims, and what came of it; None when no worker was free."""

    claimed: Claimed | None = None


class Dispatch:
    """`worker` runs what is claimed, in `workers` threads; `limits`: of a runner's executions at a time."""

    def __init__(
        self,
        database: Database,
        executions: Executions,
        starts: Starts,
        worker: Worker,
        *,
        recovery: Recovery,
        server: str,
        workers: int,
        limits: dict[str, int],
    ) -> None:
        self._database = database
        self._executions = executions
        self._starts = starts
        self._worker = worker
        self._server = server
        self._workers = workers
        self._limits = limits
        self._recovery = recovery
        self._lock = threading.Lock()
        self._held = worker.held
        self._running: Counter[str] = Counter()
        self._wake = threading.Event()
        # Whether there may be due executions that nobody has claimed.
        self._may_wait = threading.Event()
        self._may_wait.set()
        self._next_due: datetime | None = None
        self._may_be_delayed = True
        # Both belong to the writer's thread.
        self._nudged: ClaimRound | None = None
        self._is_drained = False
        self._stopping = threading.Event()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    # start and stop

    def start(self) -> None:
        """Recover what an earlier server held, then claim and run."""
        self._detach = self._database.attach(self._committed)
        for claim in self._recovery.held(self._worker.may_go_on):
            self._hold_and_queue(claim, adopt=True)
        self._leave = self._database.ride(self._claim_along)
        for number in range(self._workers):
            self._spawn(self._work, f"worker-{number}")
        self._spawn(self._claim_forever, "dispatch")
        self._spawn(self._held.cancel_forever, "cancel")
        self._spawn(self._keep_leases, "lease")

    def _keep_leases(self) -> None:
        self._recovery.keep(self._stopping, is_busy=lambda: len(self._held) > 0)

    def stop(self, *, timeout_s: float) -> None:
        """Claim nothing more; wait for what would be lost with us. What survives us goes on."""
        self._stopping.set()
        self._wake.set()
        self._worker.stop(timeout_s=timeout_s)
        self._leave()
        self._detach()
        for _ in range(self._workers):
            self._jobs.put(None)
        self._recovery.mark()

    @property
    def running(self) -> int:
        return len(self._held)

    @property
    def is_alive(self) -> bool:
        """Whether all its threads run: workers, claims, cancels, leases."""
        return all(thread.is_alive() for thread in self._threads)

    @property
    def busy(self) -> int:
        """How many workers have something to do, or are about to."""
        return self._workers - self._free_slots()[0]

    def _spawn(self, target: Callable[[], None], name: str) -> None:
        # Daemons: a thread that waits for an action which survives us must not hold up the exit.
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    # claim

    def _committed(self, entries: list[JournalEntry]) -> None:
        for entry in entries:
            if entry.kind == POLICY_CLOCK:
                self._may_be_delayed = True
                self._wake.set()
            if entry.kind not in STEPS:
                continue
            status = entry.data["status"]
            if status == Status.CANCELING:
                self._held.cancel(entry.subject)
            elif status == Status.CANCELED:
                # Perhaps by a policy: then nobody else tells those who wait for its end.
                self._jobs.put(partial(self._executions.tell_ended, entry.subject))
            elif status == Status.REQUESTED and "delay_ms" in entry.data:
                self._may_be_delayed = True
                self._wake.set()
            elif status == Status.REQUESTED and not self._is_drained:
                self._may_wait.set()
                # With no worker free, the end of a run wakes us: it makes room first, and looks then.
                if self._free_slots()[0] > 0:
                    self._wake.set()

    def _claim_along(self, connection: Connection, entries: list[JournalEntry]) -> Callable[[], None] | None:
        """Claim in the transaction that requests: it saves a commit, and the way to another thread.

        All claims are made here, in the writer's thread, so that slots are counted once.
        """
        turn, self._nudged = self._nudged, None
        self._is_drained = False
        if self._stopping.is_set():
            return None
        renewed = self._starts.renew(connection) if self._starts.is_stale else None
        if turn is not None:
            self._starts.wake(connection)
        if not (turn or any(map(asks_for_work, entries))):
            return renewed
        free, full = self._free_slots()
        if free <= 0:
            return renewed
        # With limits for runners, one at a time: a group could hold more of a runner than it may.
        most = 1 if self._limits else free
        claimed = self._starts.claim(
            connection,
            server=self._server,
            now=utcnow(),
            lease=self._recovery.lease,
            limit=most,
            full_runners=full,
        )

        def hand_over() -> None:
            if renewed is not None:
                renewed()
            for claim in claimed.claims:
                self._hold_and_queue(claim)
            self._is_drained = claimed.is_drained
            if turn is not None:
                turn.claimed = claimed

        return hand_over

    def look_again(self) -> None:
        """Something else than an execution has changed what may start."""
        self._may_be_delayed = True
        self._may_wait.set()
        self._wake.set()

    def _claim_forever(self) -> None:
        pause_s: float | None = 0.0
        while not self._stopping.is_set():
            is_woken = self._wake.wait(pause_s)
            self._wake.clear()
            # Also when others keep us awake: what is due must not wait for a quiet moment.
            if not is_woken or (self._next_due is not None and self._next_due <= utcnow()):
                self._may_wait.set()
            if self._stopping.is_set():
                return
            try:
                pause_s = self._claim_round()
            except StoreFailure:
                return
            except Exception:  # the loop must outlive a fault of the database
                log.exception("claiming failed; trying again in 1 s")
                pause_s = 1.0

    def _claim_round(self) -> float | None:
        """Claim until slots or work run out. How long to sleep unless woken; None: until woken."""
        while self._may_wait.is_set():
            if self._free_slots()[0] <= 0:
                # Woken when one of them ends.
                return None
            self._may_wait.clear()
            if not self._nudge():
                break
        self._look_ahead()
        return self._pause_s()

    def _nudge(self) -> bool:
        """A transaction of its own for claims; whether something came of it."""
        turn = ClaimRound()

        def nudge(_connection: Connection) -> None:
            self._nudged = turn

        self._database.write(nudge)
        if turn.claimed is None or not turn.claimed.is_drained:
            self._may_wait.set()
        return turn.claimed is not None and turn.claimed.moved > 0

    def _look_ahead(self) -> None:
        """Find when the next delayed execution is due; most of the time there is none."""
        if not self._may_be_delayed:
            return
        self._may_be_delayed = False
        with self._database.read() as connection:
            self._next_due = self._starts.next_due(connection)
        self._may_be_delayed = self._may_be_delayed or self._next_due is not None

    def _pause_s(self) -> float | None:
        """Until the next delayed execution is due. What is due and waits for a slot does not count:
        the end of another one wakes us."""
        if self._next_due is None:
            return None
        remaining_s = (self._next_due - utcnow()).total_seconds()
        return remaining_s if remaining_s > 0 or not self._may_wait.is_set() else None

    def _free_slots(self) -> tuple[int, set[str]]:
        with self._lock:
            full = {name for name, most in self._limits.items() if self._running[name] >= most}
            return self._workers - sum(self._running.values()), full

    def _hold_and_queue(self, claim: store.Claim, *, adopt: bool = False) -> None:
        execution = claim.execution
        self._held.expect(execution.id)
        with self._lock:
            self._running[execution.runner] += 1
        self._jobs.put(lambda: self._run(claim, adopt=adopt))

    # run

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            job()

    def _run(self, claim: store.Claim, *, adopt: bool) -> None:
        try:
            self._worker.run(claim, adopt=adopt)
        finally:
            with self._lock:
                self._running[claim.execution.runner] -= 1
            if self._may_wait.is_set():
                self._wake.set()

    def learn(self, execution_id: str, secrets: Collection[str]) -> None:
        """The run has read these in clear: they are hidden in all that it says from now on."""
        self._held.learn(execution_id, secrets)
