"""Drives a conductor by hand: what was requested, and what ends how."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from engine.workflows.calls import ActionCall, ActionChanged, Command, Rerun, TimeCame, Work
from engine.workflows.compile import plan_of
from engine.workflows.conduct import Conductor
from engine.workflows.reading import read
from engine.workflows.rehearse import RehearsalHost

CONTEXT = {"st2": {"user": "ada", "workflow_execution_id": "b" * 24}, "parent": {}}


class Hand:
    """A workflow in the hand of a test. With `saves` it is written down and loaded again after each step."""

    def __init__(
        self,
        text: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        keys: Mapping[str, str] | None = None,
        saves: Literal["never", "deltas", "snapshots"] = "never",
    ) -> None:
        self.plan = plan_of(read(text))
        self.host = RehearsalHost(keys=keys or {})
        self.saves = saves
        self.snapshot: bytes | None = None
        self.deltas: list[bytes] = []
        self.calls: list[ActionCall] = []
        """Every call so far."""
        self.open: list[ActionCall] = []
        self.work = Work()
        """What there was to do last."""
        self.conductor = Conductor.begin(self.plan, context=CONTEXT, inputs=inputs or {}, host=self.host)
        self._work()

    def turn(self, task: str, status: str = "succeeded", result: Any = None, item: int | None = None) -> Work:
        """The oldest open action of this task, and item, is in this status now."""
        call = next(one for one in self.open if one.task == task and item in (None, one.item))
        return self.turn_call(call, status, result)

    def turn_call(self, call: ActionCall, status: str, result: Any = None) -> Work:
        if status in ("succeeded", "failed", "timeout", "abandoned", "canceled"):
            self.open.remove(call)
            self.host.ended[call.execution_id] = result
        self.conductor.take(ActionChanged(execution_id=call.execution_id, status=status, result=result))
        return self._work()

    def end(self, *tasks: str, result: Any = None) -> None:
        """These succeed, one after the other."""
        for task in tasks:
            self.turn(task, "succeeded", result)

    def ask(self, wanted: Literal["pause", "resume", "cancel"]) -> Work:
        self.conductor.take(Command(wanted=wanted))
        return self._work()

    def rerun(self, *tasks: str, reset: tuple[str, ...] = ()) -> Work:
        self.conductor.take(Rerun(tasks=tasks, reset=reset))
        return self._work()

    def wait(self, seconds: float) -> Work:
        """The clock moves on, and the conductor is told if it wanted to be."""
        self.host.moment += timedelta(seconds=seconds)
        if self.work.wake_at is not None and self.work.wake_at <= self.host.moment:
            self.conductor.take(TimeCame())
        return self._work()

    @property
    def status(self) -> str:
        return self.conductor.status

    @property
    def output(self) -> Any:
        return self.conductor.output

    @property
    def errors(self) -> list[Any]:
        return self.conductor.errors

    @property
    def waiting(self) -> list[str]:
        """Tasks with an open action, in the order in which they were requested."""
        return [call.task for call in self.open]

    @property
    def ran(self) -> list[str]:
        """All requests so far: the task of each."""
        return [call.task for call in self.calls]

    @property
    def sequence(self) -> list[tuple[str, str]]:
        return [(entry.task, entry.status) for entry in self.conductor.run.state.sequence]

    def _work(self) -> Work:
        work = self.work = self.conductor.work()
        self.open = [call for call in self.open if self.conductor.awaits(call.execution_id)]
        self.calls.extend(work.calls)
        self.open.extend(work.calls)
        self._save()
        return work

    def _save(self) -> None:
        if self.saves == "never":
            return
        delta = self.conductor.delta()
        self.host.stored.update(delta.values)
        self.deltas.append(delta.data)
        if self.saves == "snapshots":
            snapshot = self.conductor.snapshot()
            self.host.stored.update(snapshot.values)
            self.snapshot, self.deltas = snapshot.data, []
        self.conductor = Conductor.load(
            self.plan, context=CONTEXT, snapshot=self.snapshot, deltas=self.deltas, host=self.host
        )
