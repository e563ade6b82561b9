"""What happens in a workflow, while it happens: each task's begin and end, and what its action prints."""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from bot.cli.client import Client
from bot.cli.exits import CODE_OF, CommandError
from bot.cli.following import Follower, pause_s
from bot.cli.reporting import Reporter
from bot.cli.tasks import Task
from engine.specs.runner_type import WORKFLOWS

# How long one question to the server waits for news, in seconds.
_ASK_S = 20
# News are gathered for so long, so that a fast workflow is not asked about for each task, in seconds.
_GATHER_S = 0.3
# The output of so many actions is shown while it comes; that of others at their end.
_MOST_LIVE = 8
# How long the rest of an action's output may take after its end, in seconds.
_REST_S = 20.0
_NOT_BEGUN = frozenset({"requested", "scheduled"})
_ASKS = "inquirer"


class ProgressFollower:
    """A thread of its own, until the end of the workflow. Over restarts of the server nothing is shown twice,
    and nothing is left out: the server is asked how all of it stands."""

    def __init__(
        self, client: Client, execution_id: str, reporter: Reporter, *, ask: Callable[[], object]
    ) -> None:
        """`ask` tells what people are asked, and how they answer."""
        self._ask = ask
        self._client = client
        self._execution_id = execution_id
        self._reporter = reporter
        self._told: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._live: dict[str, Follower] = {}
        self._unwritten: OSError | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self._thread.start()

    def finish(self, *, timeout_s: float) -> None:
        """Until all is shown, or for so long; then nothing more is.

        Raises OSError where it cannot be written.
        """
        self._thread.join(timeout_s)
        self._stopping.set()
        if self._unwritten is not None:
            raise self._unwritten

    def _run(self) -> None:
        try:
            self._follow_all()
        except OSError as error:
            self._unwritten = error

    def _follow_all(self) -> None:
        failures, seen = 0, ""
        while not self._stopping.is_set():
            query = {"wait": _ASK_S, "seen": seen}
            try:
                found = self._client.get(
                    "executions", self._execution_id, "progress", query=query, timeout_s=_ASK_S + 10
                )
            except CommandError as error:
                if 400 <= error.status < 500:
                    # Whoever waits for the end hears the same, and says it.
                    return
                failures += 1
                self._stopping.wait(pause_s(failures))
                continue
            failures, seen = 0, found["seen"]
            self._take_all(found["parts"])
            if found["status"] in CODE_OF:
                return
            self._stopping.wait(_GATHER_S)

    def _take_all(self, parts: Sequence[Mapping[str, Any]]) -> None:
        """What has ended in the order of its ends, a workflow after all that is in it; then what began."""
        for part in parts:
            self._name(part)
        over = [part for part in parts if part["status"] in CODE_OF]
        # Of two that end together the later one is in the other, if any is.
        over.reverse()
        for part in sorted(over, key=lambda part: (str(part["end_timestamp"]), part["runner"] in WORKFLOWS)):
            self._take(part)
        for part in parts:
            if part["status"] not in CODE_OF:
                self._take(part)

    def _name(self, part: Mapping[str, Any]) -> str:
        name = str(part["task"]) if part["item"] is None else f"{part['task']}[{part['item']}]"
        above = self._names.get(str(part["parent"]))
        return self._names.setdefault(str(part["id"]), f"{above}/{name}" if above else name)

    def _take(self, part: Mapping[str, Any]) -> None:
        execution_id, status = str(part["id"]), str(part["status"])
        before = self._told.get(execution_id)
        if status == before or status in _NOT_BEGUN or self._stopping.is_set():
            return
        self._told[execution_id] = status
        task = self._task(part)
        if status in CODE_OF:
            self._ended(task, part, was_begun=before is not None)
        elif part["runner"] == _ASKS:
            if status == "pending":
                self._ask()
        else:
            self._reporter.task_moved(task)
            if task.prints and len(self._live) < _MOST_LIVE:
                self._follow(task)

    def _ended(self, task: Task, part: Mapping[str, Any], *, was_begun: bool) -> None:
        if task.prints and (was_begun or part["start_timestamp"]):
            self._follow(task)
            self._live.pop(task.id).finish(timeout_s=_REST_S)
        self._reporter.task_ended(task)

    def _follow(self, task: Task) -> None:
        if task.id not in self._live:
            write = partial(self._reporter.task_output, task)
            self._live[task.id] = Follower(self._client, task.id, write)

    def _task(self, part: Mapping[str, Any]) -> Task:
        return Task(
            id=str(part["id"]),
            name=self._name(part),
            action=str(part["action"]),
            status=str(part["status"]),
            elapsed_s=part["elapsed_seconds"],
            prints=part["runner"] not in WORKFLOWS and part["runner"] != _ASKS,
        )
