"""A workflow conducted with made-up results, and where it goes otherwise than expected. Nothing is run."""

import heapq
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import BadContent
from engine.workflows.calls import ActionCall, ActionChanged, Rerun
from engine.workflows.compile import plan_of
from engine.workflows.conduct import Conductor
from engine.workflows.inspect import HOST_VARIABLES, inspect
from engine.workflows.reading import read
from engine.workflows.rehearsal import Mock, Rehearsal
from engine.workflows.rehearsal_state import conductor_from
from engine.workflows.rehearse import RehearsalHost, outcome_of

# Steps after which a rehearsal is taken to be an endless loop.
_MOST_STEPS = 10_000
# The texts of the languages' own exceptions are not the same here as there.
_OF_LANGUAGES = re.compile(r"^((?:Yaql|Jinja)\w*Exception): .*", re.DOTALL)


class _Mocks:
    """What is left of the mocks."""

    def __init__(self, mocks: Sequence[Mock]) -> None:
        self._mocks = mocks
        self._left = [mock.uses for mock in mocks]
        self._called: Counter[tuple[object, ...]] = Counter()
        self._places: dict[tuple[object, ...], list[int]] = {}
        for place, mock in enumerate(mocks):
            self._places.setdefault((mock.task, mock.purpose, mock.item), []).append(place)

    def __len__(self) -> int:
        return len(self._mocks)

    def take(self, call: ActionCall) -> tuple[int, Mock]:
        """The one that says most about this very call, and its place; without any: it succeeds with null."""
        key = (call.task, call.purpose, call.item)
        attempt = self._called[*key, call.route]
        self._called[*key, call.route] += 1
        best, most, found = -1, -1, None
        for some in dict.fromkeys((key, (call.task, call.purpose, None))):
            for place in self._places.get(some, ()):
                mock = self._mocks[place]
                exactness = _exactness(mock)
                if exactness > most and _fits(mock, call, attempt):
                    best, most, found = place, exactness, some
        if found is None:
            return -1, Mock(task=call.task)
        self._left[best] -= 1
        if self._left[best] <= 0:
            self._places[found].remove(best)
        return best, self._mocks[best]


def _fits(mock: Mock, call: ActionCall, attempt: int) -> bool:
    pairs = ((mock.route, call.route), (mock.entry, call.entry), (mock.attempt, attempt))
    return all(wanted in (None, found) for wanted, found in pairs)


def _exactness(mock: Mock) -> int:
    return sum(part is not None for part in (mock.route, mock.entry, mock.item, mock.attempt))


def rehearse(rehearsal: Rehearsal) -> dict[str, Any]:
    """What happens: inspection, status, sequence, routes, errors, output.

    Raises BadContent for a definition that cannot be loaded, or that never ends with these mocks;
    IllegalTransition, BadInput for a rerun that cannot be.
    """
    host = RehearsalHost(keys=rehearsal.keys)
    if rehearsal.state is not None:
        conductor = conductor_from(rehearsal.state, host)
    else:
        problems = inspect(rehearsal.definition, given=(*HOST_VARIABLES, *rehearsal.context))
        if problems:
            return {"inspection": problems}
        plan = plan_of(read(rehearsal.definition))
        conductor = Conductor.begin(plan, context=rehearsal.context, inputs=rehearsal.inputs, host=host)
    stage = _Stage(conductor, host, _Mocks(rehearsal.mocks), rehearsal.in_order)
    stage.play()
    if rehearsal.rerun is not None:
        conductor.take(Rerun(tasks=rehearsal.rerun.tasks, reset=rehearsal.rerun.reset))
        stage.play()
    return outcome_of(conductor)


@dataclass(slots=True)
class _Stage:
    """A conductor, and what its actions give."""

    conductor: Conductor
    host: RehearsalHost
    mocks: _Mocks
    in_order: bool

    def play(self) -> None:
        """Until nothing is to be done any more. Raises BadContent when that never comes."""
        waiting: list[tuple[int, int, str, Mock]] = []
        for _ in range(_MOST_STEPS + len(self.mocks)):
            for call in self.conductor.work().calls:
                place, mock = self.mocks.take(call)
                heapq.heappush(
                    waiting, (place if self.in_order else 0, len(self.host.ended), call.execution_id, mock)
                )
                self.host.ended[call.execution_id] = mock.result
            if not waiting:
                return
            # Actions that were requested together end together, unless it is known how they ended.
            ending = 1 if self.in_order else len(waiting)
            ended = [heapq.heappop(waiting) for _ in range(ending)]
            for _, _, execution_id, mock in ended:
                self.conductor.take(
                    ActionChanged(execution_id=execution_id, status=mock.status, result=mock.result)
                )
        raise BadContent(
            f"The workflow has not ended after {_MOST_STEPS} steps.",
            hint="Give a loop a mock that lets it end: `num_iter` says how often one is used.",
        )


# what is expected


def differences(rehearsal: Rehearsal, found: Mapping[str, Any]) -> Iterator[str]:
    """Where it went otherwise than expected, one line each."""
    expected = rehearsal.expected
    inspection = expected.get("inspection_errors") or {}
    if found["inspection"] != inspection:
        yield _line("inspection", inspection, found["inspection"])
    if found["inspection"] or inspection:
        return
    sequence = [named(one) for one in found["sequence"]]
    checks = (
        ("task_sequence", _on_routes, sequence),
        ("workflow_status", _as_it_is, found["status"]),
        ("routes", _as_it_is, found["routes"]),
        ("errors", _comparable, found["errors"]),
        ("output", _as_it_is, found["output"]),
        ("term_tasks", _in_any_order, [named(one) for one in found["sequence"] if one.get("term")]),
    )
    wanted = {"workflow_status": "succeeded", **expected}
    for name, normal, value in checks:
        if name in wanted and normal(wanted[name]) != normal(value):
            yield _line(name, wanted[name], value)


def named(line: Mapping[str, Any]) -> str:
    """A line of the sequence in a rehearsal's words: `task__r1` on a route that is not the first."""
    return f"{line['id']}__r{line['route']}" if line["route"] else str(line["id"])


def _on_routes(names: Any) -> Any:
    """`task__r0` is `task`."""
    return [str(name).removesuffix("__r0") for name in names or ()]


def _in_any_order(names: Any) -> Any:
    return sorted(_on_routes(names))


def _comparable(errors: Any) -> Any:
    """What expressions failed with counts only by its name."""
    return [
        {**error, "message": _OF_LANGUAGES.sub(r"\1", str(error["message"]))}
        if isinstance(error, Mapping) and "message" in error
        else error
        for error in errors or ()
    ]


def _as_it_is(value: Any) -> Any:
    return value


def _line(what: str, expected: Any, found: Any) -> str:
    return f"{what}: expected {expected!r}, found {found!r}"
