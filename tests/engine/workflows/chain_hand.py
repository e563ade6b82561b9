"""Drives a chain by hand: what was requested, and what ends how."""

from collections.abc import Mapping
from typing import Any, Literal

from engine.errors import EngineError
from engine.expressions.jinja import Templates
from engine.settings.content import TemplateSettings
from engine.workflows.action_chains import ActionChains
from engine.workflows.calls import ActionCall, ActionChanged, Command, Rerun, Work
from engine.workflows.rehearse import RehearsalHost

TEMPLATES = Templates(TemplateSettings())
CHAIN_ID = "c" * 24
CONTEXT: Mapping[str, Any] = {
    "st2": {"user": "ada", "action_execution_id": CHAIN_ID, "workflow_execution_id": "b" * 24},
    "parent": {"user": "ada", "pack": "ops"},
    "config": {"host": "db1"},
}
_ENDS = ("succeeded", "failed", "timeout", "abandoned", "canceled")


class ChainHand:
    """A chain in the hand of a test. With `saves` it is written down and loaded again after each step."""

    def __init__(
        self,
        text: str,
        inputs: Mapping[str, Any] | None = None,
        *,
        keys: Mapping[str, str] | None = None,
        context: Mapping[str, Any] | None = None,
        saves: Literal["never", "deltas", "snapshots"] = "never",
    ) -> None:
        self.language = ActionChains(TEMPLATES)
        self.plan = self.language.plan(text)
        self.host = RehearsalHost(keys=keys or {})
        self.context = {**CONTEXT, **(context or {})}
        self.saves = saves
        self.snapshot: bytes | None = None
        self.deltas: list[bytes] = []
        self.calls: list[ActionCall] = []
        """Every call so far."""
        self.conductor = self.language.begin(
            self.plan, context=self.context, inputs=inputs or {}, host=self.host
        )
        self._work()

    def turn(self, status: str, result: Any = None) -> Work:
        """The last call's action is in this status now."""
        call = self.calls[-1]
        if status in _ENDS:
            self.host.ended[call.execution_id] = result
        self.conductor.take(ActionChanged(execution_id=call.execution_id, status=status, result=result))
        return self._work()

    def end(self, *results: Any) -> None:
        """The tasks succeed with these, one after the other."""
        for result in results:
            self.turn("succeeded", result)

    def refuse(self, error: EngineError) -> Work:
        """The last call could not be requested."""
        call = self.calls[-1]
        self.conductor.take(ActionChanged(execution_id=call.execution_id, status="failed", refused=error))
        return self._work()

    def ask(self, wanted: Literal["pause", "resume", "cancel"]) -> Work:
        self.conductor.take(Command(wanted=wanted))
        return self._work()

    def rerun(self, *tasks: str) -> Work:
        self.conductor.take(Rerun(tasks=tasks))
        return self._work()

    @property
    def status(self) -> str:
        return self.conductor.status

    @property
    def result(self) -> Any:
        return self.conductor.result

    @property
    def published(self) -> Any:
        return self.result["published"]

    @property
    def ran(self) -> list[str]:
        return [call.task for call in self.calls]

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(task["name"], task["state"]) for task in self.result["tasks"]]

    @property
    def given(self) -> Any:
        """The parameters of the last call."""
        return self.calls[-1].input

    def _work(self) -> Work:
        work = self.conductor.work()
        self.calls.extend(work.calls)
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
        self.conductor = self.language.load(
            self.plan, context=self.context, snapshot=self.snapshot, deltas=self.deltas, host=self.host
        )
