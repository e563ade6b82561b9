"""Replays one recorded case: the same definition, inputs and steps, and what our conductor makes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from engine.errors import BadContent, IllegalTransition
from engine.workflows.calls import ActionChanged, Command, Rerun
from engine.workflows.compile import plan_of
from engine.workflows.conduct import Conductor
from engine.workflows.entries import Entry
from engine.workflows.inspect import inspect
from engine.workflows.output import render_output
from engine.workflows.reading import load, read
from engine.workflows.starting import Start
from engine.workflows.statuses import COMPLETED

# The keys of the context that are the host's own.
_HOST_KEYS = frozenset({"st2", "parent"})
_WISHES: Mapping[str, Literal["pause", "resume", "cancel"]] = {
    "paused": "pause",
    "resuming": "resume",
    "canceled": "cancel",
}


@dataclass(slots=True)
class RehearsalHost:
    """A host without a world: ids count up, time stands still unless it is moved, keys are the case's."""

    keys: Mapping[str, Any] = field(default_factory=dict)
    ended: dict[str, Any] = field(default_factory=dict)
    """Results by execution."""
    stored: dict[str, bytes] = field(default_factory=dict)
    moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    _ids: int = 0

    def new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:024x}"

    def now(self) -> datetime:
        return self.moment

    def key(self, name: str, *, user: str, decrypt: bool) -> str | None:  # noqa: ARG002
        value = self.keys.get(name)
        return None if value is None else str(value)

    def learn(self, secrets: Sequence[str]) -> None:
        """A rehearsal has none."""

    def results(self, execution_ids: Sequence[str]) -> Sequence[Any]:
        return [self.ended.get(execution_id) for execution_id in execution_ids]

    def value(self, digest: str) -> bytes:
        return self.stored[digest]


def replay(case: Mapping[str, Any]) -> dict[str, Any]:
    """What the case's `expect` holds: inspection, status, output, errors, sequence, routes, requests.

    `case`: `definition` (YAML text), `context` (of the host), `inputs`, `kv`, `steps`. A definition
    that cannot be loaded gives `load_error` alone; one with problems `inspection` and nothing that ran.
    """
    return Replay(case).outcome()


class Replay:
    """One case, step by step."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        self._case = case
        self.host = RehearsalHost(keys=case.get("kv") or {})
        self.requests: list[dict[str, Any]] = []
        self.statuses: list[str] = []
        """The workflow's after each step."""
        self.refused: list[str] = []
        self._outstanding: dict[tuple[str, int, int | None], list[str]] = {}

    def outcome(self) -> dict[str, Any]:
        text = self._case["definition"]
        try:
            if "version" not in load(text):
                return {"load_error": "Version of the workflow definition is not provided."}
            problems = inspect(text, given=self._case.get("context") or ())
            if problems:
                return {"inspection": problems}
            definition = read(text)
        except BadContent as error:
            return {"load_error": error.message}
        self.conductor = Conductor.begin(
            plan_of(definition),
            context=self._case.get("context") or {},
            inputs=self._case.get("inputs") or {},
            host=self.host,
        )
        self.conductor.watch = self._note
        self._work()
        for step in self._case.get("steps") or ():
            self._take(step)
            self._work()
            self.statuses.append(self.conductor.status)
        return self._found()

    def _take(self, step: Mapping[str, Any]) -> None:
        if "do" in step:
            try:
                self._command(step)
            except IllegalTransition as error:
                self.refused.append(f"InvalidWorkflowStatusTransition: {error.message}")
            return
        status = step["status"]
        key = (step["task"], step["route"], step.get("item"))
        waiting = self._outstanding.get(key)
        if not waiting:
            return
        execution_id = waiting.pop(0) if status in COMPLETED else waiting[0]
        self.host.ended[execution_id] = step.get("result")
        self.conductor.take(
            ActionChanged(execution_id=execution_id, status=status, result=step.get("result"))
        )

    def _command(self, step: Mapping[str, Any]) -> None:
        if step["do"] == "rerun":
            self.conductor.take(Rerun(tasks=step.get("tasks") or (), reset=step.get("reset") or ()))
        else:
            self.conductor.take(Command(wanted=_WISHES[step["do"]]))

    def _work(self) -> None:
        for call in self.conductor.work().calls:
            self._outstanding.setdefault((call.task, call.route, call.item), []).append(call.execution_id)

    def _note(self, start: Start) -> None:
        """A task as it is requested."""
        request: dict[str, Any] = {
            "task": start.plan.name,
            "route": start.route,
            "context": {
                name: value for name, value in start.context.flat().items() if name not in _HOST_KEYS
            },
        }
        if start.items is not None:
            request["items_count"] = start.items.total
            request["concurrency"] = start.items.concurrency
        if start.delay_s:
            request["delay"] = start.delay_s
        request["actions"] = [
            {"action": action, "input": given} | ({} if item is None else {"item_id": item})
            for item, action, given in start.actions
        ]
        if start.items is None and not start.actions:
            request["actions"] = [{"action": None, "input": None}]
        self.requests.append(request)

    def _found(self) -> dict[str, Any]:
        return {**outcome_of(self.conductor), "requests": self.requests}


def outcome_of(conductor: Conductor) -> dict[str, Any]:
    """What has become of a workflow so far."""
    if conductor.status in COMPLETED and not conductor.is_ended:
        render_output(conductor.run)
    state = conductor.run.state
    return {
        "inspection": {},
        "status": conductor.status,
        # The recording stopped early, or went another way: actions are outstanding.
        "over_limit": bool(conductor.awaited()) and conductor.status not in COMPLETED,
        "output": conductor.output,
        "errors": conductor.errors,
        "sequence": [_line(entry) for entry in state.sequence],
        "routes": [list(marks) for marks in state.routes],
    }


def _line(entry: Entry) -> dict[str, Any]:
    line: dict[str, Any] = {"id": entry.task, "route": entry.route}
    if entry.status:
        line["status"] = entry.status
    if entry.is_terminal:
        line["term"] = True
    if entry.retries is not None:
        line["tally"] = entry.tally
    return line
