"""Rehearsals as they are written: made-up results, and what is expected.

The files are those of `orquesta-rehearse`: `workflow`, `inputs`, `mock_action_executions` and
`expected_...`, or `workflow_state` in the place of `workflow`. Ours are `context`, `kv`, `in_order`, a mock's
`purpose`, and `rerun_tasks` beside `workflow`. How they go is told by engine/workflows/rehearsing.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_args

from engine.errors import BadContent, nearest
from engine.workflows.calls import Purpose
from engine.workflows.statuses import ACTIVE, COMPLETED
from engine.yaml_reader import line_of

# From a place in the file (keys, numbers) to its line.
At = Callable[..., str]

_EXPECTED = "expected_"
_KNOWN = (
    "workflow",
    "workflow_state",
    "rerun_tasks",
    "inputs",
    "context",
    "kv",
    "in_order",
    "mock_action_executions",
    "expected_inspection_errors",
    "expected_routes",
    "expected_task_sequence",
    "expected_workflow_status",
    "expected_errors",
    "expected_output",
    "expected_term_tasks",
)
_OF_MOCKS = (
    "task_id",
    "route",
    "seq_id",
    "item_id",
    "iter_id",
    "num_iter",
    "status",
    "result",
    "result_path",
    "purpose",
)
_OF_RERUNS = ("task_id", "route", "reset_items")
_LISTS = ("mock_action_executions", "expected_routes", "expected_task_sequence", "expected_term_tasks")
_MAPPINGS = ("inputs", "context", "kv", "workflow_state")
_STATUSES = sorted({*ACTIVE, *COMPLETED, "pending", "paused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mock:
    """What an action gives; what is None fits all."""

    task: str
    route: int | None = None
    entry: int | None = None
    """The task's number in the sequence."""
    item: int | None = None
    purpose: Purpose = "run"
    status: str = "succeeded"
    result: Any = None
    uses: int = 1
    """How often it is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RerunOf:
    """The ended workflow runs again, from these tasks."""

    tasks: tuple[str, ...] = ()
    """Empty: from those that failed."""
    reset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    where: str
    """Its file, as people know it."""
    text: str = ""
    """As it is written, for the lines of what is wrong; empty: there is none."""
    definition: str
    state: Mapping[str, Any] | None = None
    """What Orquesta stored of a workflow that has ended; it has its definition in it."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    keys: Mapping[str, Any] = field(default_factory=dict)
    """What `st2kv()` reads."""
    mocks: Sequence[Mock] = ()
    in_order: bool = False
    """Actions end in the order of their mocks; else in the order in which they were requested."""
    rerun: RerunOf | None = None
    expected: Mapping[str, Any] = field(default_factory=dict)
    """`inspection_errors`, `routes`, `task_sequence`, `workflow_status`, `errors`, `output`, `term_tasks`;
    what is not there is not looked at, but for the status, which is `succeeded`."""

    def at(self, *place: str | int) -> str:
        """Where it stands in its file; `place` is keys and numbers."""
        return _at(self.where, self.text, *place)


def rehearsal_of(document: Any, *, definition: str, where: str, text: str = "") -> Rehearsal:
    """From what a rehearsal file says; `result_path` has been read. Raises BadContent."""
    at = partial(_at, where, text)
    if not isinstance(document, dict):
        raise BadContent("A rehearsal is a mapping.", where=at(), hint="It needs at least `workflow`.")
    _only(document, _KNOWN, "a rehearsal", at)
    for names, kind, word in ((_LISTS, list, "list"), (_MAPPINGS, dict, "mapping")):
        for name in names:
            if not isinstance(document.get(name), kind | None):
                raise BadContent(f"`{name}` is no {word}.", where=at(name))
    state = document.get("workflow_state")
    return Rehearsal(
        where=where,
        text=text,
        definition=definition,
        state=state,
        inputs=document.get("inputs") or {},
        context=document.get("context") or {},
        keys=document.get("kv") or {},
        mocks=tuple(
            _mock(one, partial(at, "mock_action_executions", number))
            for number, one in enumerate(document.get("mock_action_executions") or ())
        ),
        in_order=document.get("in_order") is True,
        rerun=_rerun(document.get("rerun_tasks"), partial(at, "rerun_tasks"), is_certain=state is not None),
        expected={
            key.removeprefix(_EXPECTED): value for key, value in document.items() if key.startswith(_EXPECTED)
        },
    )


def _at(where: str, text: str, *place: str | int) -> str:
    return f"{where}:{line_of(text, place)}" if text else where


def _only(written: Mapping[Any, Any], known: Sequence[str], place: str, at: At) -> None:
    for key in written:
        if key not in known:
            raise BadContent(
                f"{str(key)!r} is not known in {place}.",
                where=at(key),
                hint=nearest(str(key), known) or f"There are: {', '.join(known)}.",
            )


def _mock(written: Any, at: At) -> Mock:
    task = _task_of(written, "mock_action_executions", at)
    _only(written, _OF_MOCKS, "a mock", at)
    numbers = {}
    for name in ("route", "seq_id", "item_id", "iter_id", "num_iter"):
        number = written.get(name)
        if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 0):
            raise BadContent(f"`{name}` of a mock for {task} is no number from 0 on.", where=at(name))
        numbers[name] = number
    status = written.get("status") or "succeeded"
    if status not in _STATUSES:
        raise BadContent(
            f"A mock for {task} has the status {status!r}.",
            where=at("status"),
            hint=nearest(str(status), _STATUSES) or f"There are: {', '.join(_STATUSES)}.",
        )
    purpose: Purpose = written.get("purpose") or "run"
    if purpose not in get_args(Purpose):
        raise BadContent(
            f"A mock for {task} has the purpose {purpose!r}.",
            where=at("purpose"),
            hint=f"There are: {', '.join(get_args(Purpose))}.",
        )
    return Mock(
        task=task,
        route=numbers["route"],
        entry=numbers["seq_id"],
        item=numbers["item_id"],
        purpose=purpose,
        status=status,
        result=written.get("result"),
        uses=1 if numbers["num_iter"] is None else numbers["num_iter"],
    )


def _rerun(written: Any, at: At, *, is_certain: bool) -> RerunOf | None:
    if written is None and not is_certain:
        return None
    if not isinstance(written, list | None):
        raise BadContent("`rerun_tasks` is no list.", where=at())
    names, reset = [], []
    for number, one in enumerate(written or ()):
        name = _task_of(one, "rerun_tasks", partial(at, number))
        _only(one, _OF_RERUNS, "`rerun_tasks`", partial(at, number))
        names.append(name)
        if one.get("reset_items"):
            reset.append(name)
    return RerunOf(tasks=tuple(names), reset=tuple(reset))


def _task_of(written: Any, place: str, at: At) -> str:
    if not isinstance(written, dict) or not isinstance(written.get("task_id"), str):
        raise BadContent(f"An entry of `{place}` names no task.", where=at(), hint="task_id: TASK")
    return str(written["task_id"])
