"""Dispatch: claim what is due, run it in a bounded pool, write its end; after a crash, recover.

Woken by the journal and by the clock of delayed executions, never by polling.
"""

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from engine.clock import utcnow
from engine.errors import EngineError, IllegalTransition, RunnerFailure, StoreFailure
from engine.executions import Executions
from engine.held_runs import Held, HeldRuns
from engine.log_facts import forget, learn
from engine.output import OutputLog
from engine.records.execution import Execution, OutputChunk
from engine.records.journal import JournalEntry
from engine.recovery import Recovery
from engine.runners.base import LetGo, RunControl, Runner, RunRequest, RunResult
from engine.specs.action import ActionSpec
from engine.starts import Claimed, Starts
from engine.status import Status
from engine.steps import STEPS, asks_for_work, log_facts_of
from engine.store import executions as store
from engine.store.database import Database
from engine.store.policies import POLICY_CLOCK

log = logging.getLogger(__name__)

Begin = Callable[[Execution, RunRequest], None]
Finish = Callable[[Execution, RunResult, Sequence[OutputChunk]], None]


@dataclass(slots=True, kw_only=True)
class ClaimRound:
    """A transaction made for claims, and what came of it; None when no worker was free."""

    claimed: Claimed | None = None


class Dispatch:
    """Three functions are called in the worker that runs the action: `runner_for(name)` gives the
    runner (RunnerFailure: there is none), `prepare(claim)` its request, and `hide(action, result)`
    what may be kept of the result.

    `begins`: by the name of a runner whose work is rows and not a run (a workflow, a question to people),
    what is called instead: one transaction, after which the execution is not claimed any more. As long as
    it is claimed that transaction was not committed, so after a crash it waits again.
    `is_idempotent(action)`: its file allows that it runs again after a crash cut it off.
    `finish` writes the end of a run, as Executions.finish does.
    """

    def __init__(
        self,
        database: Database,
        executions: Executions,
        starts: Starts,
        outputs: OutputLog,
        *,
        runner_for: Callable[[str], Runner],
        prepare: Callable[[store.Claim], RunRequest],
        hide: Callable[[ActionSpec, RunResult], RunResult],
        is_idempotent: Callable[[str], bool],
        begins: Mapping[str, Begin],
        finish: Finish,
        recovery: Recovery,
        server: str,
        workers: int,
        limits: dict[str, int],
    ) -> None:
        self._database = database
        self._executions = executions
        self._starts = starts
        self._outputs = outputs
        self._runner_for = runner_for
        self._prepare = prepare
        self._hide = hide
        self._is_idempotent = is_idempotent
        self._begins = begins
        self._finish = finish
        self._server = server
        self._workers = workers
        self._limits = limits
        self._recovery = recovery
        self._lock = threading.Lock()
        self._held = HeldRuns()
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
        for claim in self._recovery.held(self._may_go_on):
            self._hold_and_queue(claim, adopt=True)
        self._leave = self._database.ride(self._claim_along)
        for number in range(self._workers):
            self._spawn(self._work, f"worker-{number}")
        self._spawn(self._claim_forever, "dispatch")
        self._spawn(self._held.cancel_forever, "cancel")
        self._spawn(self._keep_leases, "lease")

    def _may_go_on(self, execution: Execution) -> bool:
        """After a crash: it goes on without a server, or may be started again."""
        if execution.runner in self._begins:
            return True
        try:
            runner = self._runner_for(execution.runner)
        except RunnerFailure:
            return False
        return runner.survives or not runner.has_effects or self._is_idempotent(execution.action)

    def _keep_leases(self) -> None:
        self._recovery.keep(self._stopping, is_busy=lambda: len(self._held) > 0)

    def stop(self, *, timeout_s: float) -> None:
        """Claim nothing more; wait for what would be lost with us. What survives us goes on."""
        self._stopping.set()
        self._wake.set()
        self._held.stop_canceling()
        self._held.wait_for_those_that_die_with_us(timeout_s)
        self._leave()
        self._detach()
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
        execution = claim.execution
        learn(**log_facts_of(execution))
        try:
            if self._stopping.is_set() and not adopt:
                self._executions.give_back(execution.id, attempt=execution.attempt)
                return
            if execution.runner in self._begins:
                self._begin(claim, adopt=adopt)
            else:
                self._run_held(claim, adopt=adopt)
        except EngineError as error:
            log.warning("execution %s: %s", execution.id, error)
        except Exception:  # a fault of ours must neither end the worker nor leave the execution running
            log.exception("execution %s broke the worker", execution.id, extra={"execution": execution.id})
            self._give_up(execution)
        finally:
            forget()
            self._held.drop(execution.id)
            with self._lock:
                self._running[execution.runner] -= 1
            if self._may_wait.is_set():
                self._wake.set()

    def _begin(self, claim: store.Claim, *, adopt: bool) -> None:
        """What becomes rows. It was not begun as long as it is claimed."""
        execution = claim.execution
        if adopt:
            self._recovery.give_back(execution)
            return
        try:
            self._begins[execution.runner](execution, self._prepare(claim))
        except IllegalTransition:
            raise
        except EngineError as error:
            if not (isinstance(error, StoreFailure) and self._stopping.is_set()):
                self._finish(execution, _ending(error, Status.FAILED), ())

    def _run_held(self, claim: store.Claim, *, adopt: bool) -> None:
        execution = claim.execution
        request: RunRequest | None = None
        runner: Runner | None = None
        result: RunResult | None
        sink = self._outputs.open(execution.id, again=adopt)
        try:
            runner = self._runner_for(execution.runner)
            request = self._prepare(claim)
            control = RunControl(output=sink.write)
            self._held.hold(Held(execution=execution, runner=runner, control=control, masker=request.masker))
            if adopt:
                result = self._adopt(runner, request, control)
            elif control.cancelled.is_set():
                result = RunResult(status=Status.CANCELED, result={})
            else:
                result = runner.run(request, control)
            if result is not None:
                result = self._hide(request.action, result)
        except LetGo:
            return
        except EngineError as error:
            # A store that is closing is not the action's failure: the next start sees to it.
            if isinstance(error, StoreFailure) and self._stopping.is_set():
                return
            # What runs without us cannot be looked after: its action has left the disk, say.
            result = _ending(error, Status.ABANDONED if adopt else Status.FAILED)
            if request is not None:
                result = replace(result, result=request.masker.value(result.result))
        if result is None:
            sink.close()
            self._recovery.give_back(execution)
        else:
            self._finish(execution, result, sink.close())
        if runner is not None and request is not None:
            runner.forget(request)

    def _give_up(self, execution: Execution) -> None:
        """Last resort: the execution ends, visibly, with the fault in the log."""
        failure = RunResult(
            status=Status.FAILED,
            result={"error": "Stormcrow failed to run this action; its log says why.", "traceback": ""},
        )
        try:
            self._finish(execution, failure, ())
        except EngineError as error:
            log.warning("execution %s: %s", execution.id, error)

    def _adopt(self, runner: Runner, request: RunRequest, control: RunControl) -> RunResult | None:
        """None: it was never started, or may be started again."""
        result = runner.adopt(request, control) if runner.survives else None
        if (
            result is not None
            and result.status is Status.ABANDONED
            and self._is_idempotent(request.action.ref)
        ):
            return None
        return result

    def learn(self, execution_id: str, secrets: Collection[str]) -> None:
        """The run has read these in clear: they are hidden in all that it says from now on."""
        self._held.learn(execution_id, secrets)


def _ending(error: EngineError, status: Status) -> RunResult:
    return RunResult(status=status, result={"error": str(error), "traceback": ""})
