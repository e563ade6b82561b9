"""What a worker does with an execution that is claimed: begin it or run it, and write its end."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from engine.errors import EngineError, IllegalTransition, RunnerFailure, StoreFailure
from engine.executions import Executions
from engine.held_runs import Held, HeldRuns
from engine.log_facts import forget, learn
from engine.output import OutputLog, OutputSink
from engine.output_schemas import tells_secrets
from engine.records.execution import Execution, OutputChunk
from engine.recovery import Recovery
from engine.runners.base import LetGo, RunControl, Runner, RunRequest, RunResult
from engine.specs.action import ActionSpec
from engine.status import Status
from engine.steps import log_facts_of
from engine.store import executions as store

log = logging.getLogger(__name__)

Begin = Callable[[Execution, RunRequest], None]
Finish = Callable[[Execution, RunResult, Sequence[OutputChunk]], None]


class Worker:
    """Shared by the threads of dispatch. `runner_for(name)` gives the runner (RunnerFailure: there is
    none), `prepare(claim)` its request, and `hide(action, result)` what may be kept of the result.

    `begins`: by the name of a runner whose work is rows and not a run (a workflow, a question to people),
    what is called instead: one transaction, after which the execution is not claimed any more. As long as
    it is claimed that transaction was not committed, so after a crash it waits again.
    `is_idempotent(action)`: its file allows that it runs again after a crash cut it off.
    `finish` writes the end of a run, as Executions.finish does.
    """

    def __init__(
        self,
        executions: Executions,
        outputs: OutputLog,
        recovery: Recovery,
        *,
        runner_for: Callable[[str], Runner],
        prepare: Callable[[store.Claim], RunRequest],
        hide: Callable[[ActionSpec, RunResult], RunResult],
        is_idempotent: Callable[[str], bool],
        begins: Mapping[str, Begin],
        finish: Finish,
    ) -> None:
        self._executions = executions
        self._outputs = outputs
        self._recovery = recovery
        self._runner_for = runner_for
        self._prepare = prepare
        self._hide = hide
        self._is_idempotent = is_idempotent
        self._begins = begins
        self._finish = finish
        self._stopping = threading.Event()
        self.held = HeldRuns()

    def may_go_on(self, execution: Execution) -> bool:
        """After a crash: it goes on without a server, or may be started again."""
        if execution.runner in self._begins:
            return True
        try:
            runner = self._runner_for(execution.runner)
        except RunnerFailure:
            return False
        return runner.survives or not runner.has_effects or self._is_idempotent(execution.action)

    def stop(self, *, timeout_s: float) -> None:
        """Give back what comes; wait for what would be lost with us. What survives us goes on."""
        self._stopping.set()
        self.held.stop_canceling()
        self.held.wait_for_those_that_die_with_us(timeout_s)

    def run(self, claim: store.Claim, *, adopt: bool) -> None:
        """To its end, or until it is rows. `adopt`: an earlier server began it."""
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
            self.held.drop(execution.id)

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
            sink.is_held = tells_secrets(request.action)
            control = RunControl(output=sink.write)
            self.held.hold(Held(execution=execution, runner=runner, control=control, masker=request.masker))
            if adopt:
                result = self._adopt(runner, request, control)
            elif control.cancelled.is_set():
                result = RunResult(status=Status.CANCELED, result={})
            else:
                result = runner.run(request, control)
            if result is not None:
                result = self._hidden(request.action, result, sink)
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

    def _hidden(self, action: ActionSpec, result: RunResult, sink: OutputSink) -> RunResult:
        """Without its secrets, also in what it has printed before anybody knew that they are secret."""
        hidden = self._hide(action, result)
        if hidden.secrets:
            sink.hide(hidden.secrets)
        return hidden

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


def _ending(error: EngineError, status: Status) -> RunResult:
    return RunResult(status=status, result={"error": str(error), "traceback": ""})
