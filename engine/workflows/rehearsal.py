"""Rehearsals: a workflow conducted with made-up results, and what is expected of it.

The files are those of `orquesta-rehearse`: `workflow`, `inputs`, `mock_action_executions` and
`expected_...`. Nothing is run; an action without a mock succeeds with the result null.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import BadContent
from engine.workflows.calls import ActionCall, ActionChanged
from engine.workflows.compile import plan_of
from engine.workflows.conduct import Conductor
from engine.workflows.inspect import inspect
from engine.workflows.reading import read
from engine.workflows.rehearse import RehearsalHost, outcome_of

# Steps after which a rehearsal is taken to be an endless loop.
_MOST_STEPS = 10_000
_KNOWN = frozenset(
    {
        "workflow",
        "inputs",
        "context",
        "mock_action_executions",
        "expected_inspection_errors",
        "expected_routes",
        "expected_task_sequence",
        "expected_workflow_status",
        "expected_errors",
        "expected_output",
        "expected_term_tasks",
    }
)


@dataclass(slots=True)
class Mock:
    """What an action gives, as often as it says."""

    task: str
    entry: int | None
    """The task's number in the sequence; None: whichever."""
    item: int | None
    status: str
    result: Any
    uses: int

    def fits(self, call: ActionCall, *, entry: int | None) -> bool:
        return (
            self.uses > 0
            and self.task == call.task
            and self.entry == entry
            and (self.item is None or self.item == call.item)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    definition: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    mocks: Sequence[Mapping[str, Any]] = ()
    expected: Mapping[str, Any] = field(default_factory=dict)
    """`inspection_errors`, `routes`, `task_sequence`, `workflow_status`, `errors`, `output`, `term_tasks`;
    what is not there is not looked at, but for the status, which is `succeeded`."""


def rehearsal_of(document: Any, *, definition: str, where: str) -> Rehearsal:
    """From what a rehearsal file says. Raises BadContent."""
    if not isinstance(document, dict):
        raise BadContent("A rehearsal is a mapping.", where=where, hint="It needs at least `workflow`.")
    if "workflow_state" in document:
        raise BadContent(
            "A rehearsal that goes on from a stored state of Orquesta cannot be run here.",
            where=where,
            hint="Rehearse the workflow from its start: the state of another engine means nothing to ours.",
        )
    unknown = sorted(set(map(str, document)) - _KNOWN)
    if unknown:
        raise BadContent(f"{unknown[0]!r} is not known in a rehearsal.", where=where)
    prefix = "expected_"
    return Rehearsal(
        definition=definition,
        inputs=document.get("inputs") or {},
        context=document.get("context") or {},
        mocks=tuple(document.get("mock_action_executions") or ()),
        expected={
            key.removeprefix(prefix): value for key, value in document.items() if key.startswith(prefix)
        },
    )


def rehearse(rehearsal: Rehearsal) -> dict[str, Any]:
    """What happens: inspection, status, sequence, routes, errors, output.

    Raises BadContent for a definition that cannot be loaded, or that never ends with these mocks.
    """
    problems = inspect(rehearsal.definition)
    if problems:
        return {"inspection": problems}
    host = RehearsalHost()
    conductor = Conductor.begin(
        plan_of(read(rehearsal.definition)),
        context=rehearsal.context,
        inputs=rehearsal.inputs,
        host=host,
    )
    mocks = [_mock(written) for written in rehearsal.mocks]
    for _ in range(_MOST_STEPS):
        calls = conductor.work().calls
        if not calls:
            return outcome_of(conductor)
        for call in calls:
            mock = _mock_for(call, mocks)
            mock.uses -= 1
            host.ended[call.execution_id] = mock.result
            conductor.take(
                ActionChanged(execution_id=call.execution_id, status=mock.status, result=mock.result)
            )
    raise BadContent(
        f"The workflow has not ended after {_MOST_STEPS} steps.",
        hint="Give a loop a mock that lets it end: `iter_id` and `num_iter` say when.",
    )


def differences(rehearsal: Rehearsal, found: Mapping[str, Any]) -> Iterator[str]:
    """Where it went otherwise than expected, one line each."""
    expected = rehearsal.expected
    inspection = expected.get("inspection_errors") or {}
    if found["inspection"] != inspection:
        yield _line("inspection", inspection, found["inspection"])
    if found["inspection"] or inspection:
        return
    sequence = [one["id"] for one in found["sequence"]]
    terminal = [one["id"] for one in found["sequence"] if one.get("term")]
    checks = (
        ("task_sequence", sequence),
        ("workflow_status", found["status"]),
        ("routes", found["routes"]),
        ("errors", found["errors"]),
        ("output", found["output"]),
        ("term_tasks", terminal),
    )
    wanted = {"workflow_status": "succeeded", **expected}
    for name, value in checks:
        if name in wanted and wanted[name] != value:
            yield _line(name, wanted[name], value)


def _line(what: str, expected: Any, found: Any) -> str:
    return f"{what}: expected {expected!r}, found {found!r}"


def _mock(written: Mapping[str, Any]) -> Mock:
    return Mock(
        task=str(written["task_id"]),
        entry=written.get("seq_id"),
        item=written.get("item_id"),
        status=written.get("status") or "succeeded",
        result=written.get("result"),
        uses=int(written.get("num_iter", 1)),
    )


def _mock_for(call: ActionCall, mocks: Sequence[Mock]) -> Mock:
    """First one for just this run of the task, then one for any of its runs."""
    for entry in (call.entry, None):
        for mock in mocks:
            if mock.fits(call, entry=entry):
                return mock
    return Mock(call.task, None, None, "succeeded", None, 1)
