"""A workflow conducted with made-up results. Nothing is run."""

import heapq
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import BadContent, nearest
from engine.workflows.calls import ActionCall, ActionChanged, Rerun
from engine.workflows.compile import TaskPlan, plan_of
from engine.workflows.conduct import Conductor
from engine.workflows.inspect import HOST_VARIABLES, inspect
from engine.workflows.reading import read
from engine.workflows.rehearsal import Mock, Rehearsal
from engine.workflows.rehearsal_state import conductor_from
from engine.workflows.rehearse import RehearsalHost, outcome_of

# Actions, besides one for each mock, after which a rehearsal is taken to be an endless loop.
_MOST_ACTIONS = 10_000


class _Mocks:
    """What is left of the mocks."""

    def __init__(self, mocks: Sequence[Mock]) -> None:
        self._mocks = mocks
        self._left = [mock.uses for mock in mocks]
        self._places: dict[tuple[object, ...], list[int]] = {}
        for place, mock in enumerate(mocks):
            if mock.uses > 0:
                self._places.setdefault((mock.task, mock.purpose, mock.item), []).append(place)

    def __len__(self) -> int:
        return len(self._mocks)

    def take(self, call: ActionCall) -> tuple[int, Mock]:
        """The one that says most about this very call, and its place; without any: it succeeds with null."""
        key = (call.task, call.purpose, call.item)
        best, most, found = -1, -1, None
        for some in dict.fromkeys((key, (call.task, call.purpose, None))):
            for place in self._places.get(some, ()):
                mock = self._mocks[place]
                exactness = _exactness(mock)
                if exactness > most and _fits(mock, call):
                    best, most, found = place, exactness, some
        if found is None:
            return -1, Mock(task=call.task)
        self._left[best] -= 1
        if self._left[best] <= 0:
            self._places[found].remove(best)
        return best, self._mocks[best]


def _fits(mock: Mock, call: ActionCall) -> bool:
    return mock.route in (None, call.route) and mock.entry in (None, call.entry)


def _exactness(mock: Mock) -> int:
    return sum(part is not None for part in (mock.route, mock.entry, mock.item))


def rehearse(rehearsal: Rehearsal) -> dict[str, Any]:
    """What happens: inspection, status, sequence, routes, errors, output.

    Raises BadContent for a definition that cannot be loaded, mocks of tasks that it has not, or a
    workflow that never ends with these mocks;
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
        _check(rehearsal, plan.tasks)
    stage = _Stage(conductor, host, _Mocks(rehearsal.mocks), in_order=rehearsal.in_order)
    stage.play()
    if rehearsal.rerun is not None:
        conductor.take(Rerun(tasks=rehearsal.rerun.tasks, reset=rehearsal.rerun.reset))
        stage.play()
    return outcome_of(conductor)


def _check(rehearsal: Rehearsal, tasks: Mapping[str, TaskPlan]) -> None:
    for number, mock in enumerate(rehearsal.mocks):
        if mock.task not in tasks or tasks[mock.task].is_command:
            known = [name for name, task in tasks.items() if not task.is_command]
            raise BadContent(
                f"{mock.task!r} is no task of the workflow.",
                where=rehearsal.at("mock_action_executions", number),
                hint=nearest(mock.task, known) or f"It has: {', '.join(known)}.",
            )


@dataclass(frozen=True, slots=True, order=True)
class _Ending:
    """An action that runs, and how it will end."""

    place: int
    """Of its mock; what has none ends first."""
    number: int
    """It was requested as this one."""
    call: ActionCall = field(compare=False)
    mock: Mock = field(compare=False)


class _InOrder:
    """What runs ends one by one, in the order of the mocks."""

    def __init__(self) -> None:
        self._heap: list[_Ending] = []

    def add(self, ending: _Ending) -> None:
        heapq.heappush(self._heap, ending)

    def next(self) -> list[_Ending]:
        """Empty: nothing runs."""
        return [heapq.heappop(self._heap)] if self._heap else []


class _InRounds:
    """What was requested together ends together; of a task with items one item in each round."""

    def __init__(self) -> None:
        self._of_task: dict[tuple[int, str], deque[_Ending]] = {}

    def add(self, ending: _Ending) -> None:
        key = (ending.call.entry, ending.call.purpose)
        self._of_task.setdefault(key, deque()).append(ending)

    def next(self) -> list[_Ending]:
        """Empty: nothing runs."""
        ended = [queue.popleft() for queue in self._of_task.values()]
        self._of_task = {key: queue for key, queue in self._of_task.items() if queue}
        return ended


class _Stage:
    """A conductor, and what its actions give."""

    def __init__(self, conductor: Conductor, host: RehearsalHost, mocks: _Mocks, *, in_order: bool) -> None:
        self._conductor = conductor
        self._host = host
        self._mocks = mocks
        self._running: _InOrder | _InRounds = _InOrder() if in_order else _InRounds()

    def play(self) -> None:
        """Until nothing is to be done any more. Raises BadContent when that never comes."""
        most = _MOST_ACTIONS + len(self._mocks)
        while len(self._host.ended) <= most:
            for call in self._conductor.work().calls:
                place, mock = self._mocks.take(call)
                self._running.add(_Ending(place, len(self._host.ended), call, mock))
                self._host.ended[call.execution_id] = mock.result
            ended = self._running.next()
            if not ended:
                return
            for one in ended:
                self._conductor.take(
                    ActionChanged(
                        execution_id=one.call.execution_id, status=one.mock.status, result=one.mock.result
                    )
                )
        raise BadContent(
            f"The workflow has not ended after {most:,} actions.",
            hint="Give a loop a mock that lets it end: `num_iter` says how often one is used.",
        )
