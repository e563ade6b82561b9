"""The conductor of Orquesta workflows: events go in, what the host has to do comes out.

It reads no clock and no database; the same events give the same work. Where things are:

    compile     a definition made ready                    state       tables, changed by operations
    contexts    variables, shared and merged               saving      a snapshot of the state
    statuses    the tables of statuses                     starting    renders and starts what is staged
    joins       which branches have arrived                ending      what follows when an action changes
    items       the items of a task                        commands    pause, resume, cancel
    output      what the workflow gives                    rerun       an ended workflow runs again
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

import orjson

from engine.errors import ExpressionFailure
from engine.workflows import saving
from engine.workflows.calls import ActionCall, ActionChanged, Command, Delta, Event, Host, Rerun, Work
from engine.workflows.commands import ask
from engine.workflows.compile import Plan
from engine.workflows.conducting import TaskView
from engine.workflows.entries import Entry
from engine.workflows.final import begin_final, cut, shown_status
from engine.workflows.output import errors_of, render_output, result_of
from engine.workflows.owing import owed_calls
from engine.workflows.rerun import rerun
from engine.workflows.run import Run, moment_of
from engine.workflows.scopes import RunScope
from engine.workflows.starting import Watch, start_ready
from engine.workflows.statuses import COMPLETED
from engine.workflows.time_limits import limit_workflow, time_came
from engine.workflows.turning import turned
from engine.workflows.undoing import begin_undoing, next_undo, undo_of


class Conductor:
    """`engine.workflows.conducting.Conductor` for Orquesta."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.watch: Watch | None = None
        """Sees each task as it starts; for rehearsals."""
        self._wishes: list[str] = []
        """Pauses, resumptions and cancellations that the host has not heard of."""

    @classmethod
    def begin(cls, plan: Plan, *, context: Mapping[str, Any], inputs: Mapping[str, Any], host: Host) -> Self:
        """`context`: what the host says of itself, as `ctx().st2` and `ctx().parent`."""
        conductor = cls(Run(plan, context, host))
        _begin(conductor.run, inputs)
        return conductor

    @classmethod
    def load(
        cls,
        plan: Plan,
        *,
        context: Mapping[str, Any],
        snapshot: bytes | None,
        deltas: Sequence[bytes],
        host: Host,
    ) -> Self:
        """As it was after the last of the deltas, which follow on the snapshot."""
        run = Run(plan, context, host)
        if snapshot is not None:
            saving.restore(run.state, snapshot)
        for delta in deltas:
            run.state.replay(orjson.loads(delta or b"[]"))
        return cls(run)

    @property
    def status(self) -> str:
        """While final tasks run it is not yet what it will end with."""
        return shown_status(self.run)

    @property
    def is_ended(self) -> bool:
        """Nothing is active and nothing will start; its output is there."""
        return self.run.state.output is not None

    @property
    def output(self) -> Any:
        """Null before the end, and without output."""
        output = self.run.state.output
        return None if output is None else output.value

    @property
    def errors(self) -> list[Any]:
        return errors_of(self.run)

    @property
    def is_broken(self) -> bool:
        return self.run.state.is_broken

    @property
    def result(self) -> Any:
        return result_of(self.run)

    def take(self, event: Event) -> None:
        """Raises IllegalTransition or BadInput for a wish that makes no sense now.

        What is told of an execution that is not awaited is ignored: it was told before.
        """
        if isinstance(event, ActionChanged):
            if event.execution_id in self.run.state.calls:
                turned(self.run, event.execution_id, event.status, event.result)
        elif isinstance(event, Command):
            if event.wanted != "cancel" or not cut(self.run):
                ask(self.run, event.wanted)
            self._wishes.append(event.wanted)
        elif isinstance(event, Rerun):
            rerun(self.run, event.tasks, event.reset)
            _limit(self.run)
        else:
            time_came(self.run)

    def work(self) -> Work:
        """What is to be done now; its calls count as requested."""
        run = self.run
        calls = self._calls()
        if self._is_settled() and run.state.output is None:
            render_output(run)
        due = run.state.next_deadline if run.state.deadlines and not self.is_ended else None
        wake_at = None if due is None else moment_of(due[0])
        stopped, run.stopped = tuple(run.stopped), []
        wishes, self._wishes = self._wishes, []
        if not wishes and not (self.is_ended and run.state.calls):
            return Work(calls=tuple(calls), cancel=stopped, wake_at=wake_at)
        requested = {call.execution_id for call in calls}
        before = tuple(known for known in run.state.calls if known not in requested)
        return Work(
            calls=tuple(calls),
            cancel=stopped,
            wake_at=wake_at,
            # What still waits for an answer when all else has ended is not wanted any more.
            wind_down=before if "cancel" in wishes or self.is_ended else (),
            pause=before if "pause" in wishes else (),
            resume=before if "resume" in wishes else (),
        )

    def _calls(self) -> list[ActionCall]:
        run = self.run
        calls = start_ready(run, self.watch)
        calls += owed_calls(run)
        if self._is_settled() and begin_undoing(run):
            pass
        undo = next_undo(run)
        if undo is not None:
            return [*calls, undo]
        if self._is_settled() and begin_final(run):
            calls += start_ready(run, self.watch)
            calls += owed_calls(run)
        return calls

    def delta(self) -> Delta:
        data = self.run.state.taken()
        return Delta(data=data, values=self.run.state.values.taken())

    def snapshot(self) -> Delta:
        """Operations before it, taken by `delta` or not, are in it."""
        self.run.state.ops.clear()
        data = saving.dump(self.run.state)
        return Delta(data=data, values=self.run.state.values.taken())

    def awaited(self) -> Collection[str]:
        return self.run.state.calls.keys()

    def awaits(self, execution_id: str) -> bool:
        return execution_id in self.run.state.calls

    def tree(self) -> Sequence[TaskView]:
        return tuple(
            self._view(entry)
            for entry in self.run.state.sequence
            if not self.run.plan.tasks[entry.task].is_command
        )

    def _view(self, entry: Entry) -> TaskView:
        items = entry.items
        action = self.run.plan.definition.tasks[entry.task].action
        return TaskView(
            entry=entry.number,
            task=entry.task,
            route=entry.route,
            status=entry.status or "requested",
            action=action or "",
            execution_ids=self.run.executions_of(entry),
            items_done=None if items is None else items.done,
            items_total=None if items is None else items.total,
            attempt=entry.tally + 1,
            is_terminal=entry.is_terminal,
            undo=undo_of(self.run, entry),
            started_at=moment_of(entry.started_ms),
            ended_at=moment_of(entry.ended_ms),
        )

    def _is_settled(self) -> bool:
        state = self.run.state
        if state.status not in COMPLETED or state.working:
            return False
        if state.undoing is not None or state.phase == "cut":
            return state.undoing is None
        return not state.cleanup or not (state.phase or state.status == "failed")


def _begin(run: Run, inputs: Mapping[str, Any]) -> None:
    """Renders inputs and variables in order; what does not render fails the workflow at once."""
    state = run.state
    given: dict[str, Any] = {}
    scope = RunScope(run, run.host_root, rolling=given)
    run.set_status("running")
    has_failed = False
    for name, default in run.plan.inputs:
        value = run.plan.data(inputs[name]) if name in inputs else default
        has_failed |= not _render_into(run, given, name, value, scope)
    for name, value in run.plan.vars:
        has_failed |= not _render_into(run, given, name, value, scope)
    if has_failed:
        run.fail()
        return
    state.apply("begin", state.values.seal_all(given))
    for name in run.plan.starts:
        state.apply("stage", name, 0, 0, None, False)
    _limit(run)


def _limit(run: Run) -> None:
    """`x-timeout` of the workflow counts from now."""
    timeout = run.plan.extensions.timeout
    if timeout is None:
        return
    seconds = None
    try:
        seconds = timeout.evaluate(RunScope(run, run.state.contexts[0]))
    except ExpressionFailure as failure:
        run.log(failure.message)
        run.fail()
    else:
        if isinstance(seconds, int):
            limit_workflow(run, seconds)
        else:
            run.log("TypeError: The value of x-timeout is not type of integer.")
            run.fail()


def _render_into(run: Run, given: dict[str, Any], name: str, value: Any, scope: RunScope) -> bool:
    try:
        given[name] = run.state.values.seal(value.evaluate(scope)).value
    except ExpressionFailure as failure:
        run.log(failure.message)
        return False
    return True
