"""How a command that waits tells what happens: for people, or as JSON."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from bot.cli.exits import CommandError
from bot.cli.output import duration, emit_json, note, paint, put, result_text, say
from bot.cli.tasks import Lines, Task
from bot.cli.verdicts import Verdict


class OutputKind(StrEnum):
    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    JUNIT = "junit"


class Reporter:
    """For people: what the action prints on standard output, remarks on standard error."""

    wants_tasks = False
    """Whether `end` needs the tasks of a workflow."""
    wants_results = False
    """Whether it needs the results of those tasks that did not succeed."""
    has_output = False
    """Something of the action's output was shown."""

    def __init__(self) -> None:
        self._lines: dict[str, Lines] = {}

    def begin(self, execution: Mapping[str, Any], *, waits: bool) -> None:
        if not waits:
            say(execution["id"])

    def output(self, text: str) -> None:
        """What the action prints, as it comes."""
        self.has_output = True
        put(text, nl=False)

    def remark(self, text: str) -> None:
        note(text)

    def question(self, text: str) -> None:
        """Somebody is asked something, and it waits for the answer."""
        self.remark(text)

    def task_moved(self, task: Task) -> None:
        """A task of the workflow has begun, or waits."""
        status = paint(task.status, err=True)
        note(f"{task.name}: {status}  {task.action}")

    def task_output(self, task: Task, text: str) -> None:
        """What the action of a task prints, as it comes."""
        self._show(task, self._lines.setdefault(task.id, Lines()).feed(text))

    def task_ended(self, task: Task) -> None:
        if task.id in self._lines:
            self._show(task, self._lines.pop(task.id).end())
        note(task.ending(paint(task.status, err=True)))

    def _show(self, task: Task, lines: list[str]) -> None:
        """On standard error: on standard output is the result of the workflow, for whoever keeps it."""
        for line in lines:
            note(f"{paint('running', err=True, text=task.name)} | {line}")

    def end(self, verdict: Verdict) -> None:
        tell(verdict.execution, with_result=not self.has_output, sentence=verdict.sentence)

    def failure(self, error: CommandError) -> None:
        """What ends the command before the execution did."""
        raise error

    def close(self) -> None:
        """Always called at the end."""


class JsonReporter(Reporter):
    """The execution as JSON on standard output, everything else on standard error."""

    def begin(self, execution: Mapping[str, Any], *, waits: bool) -> None:
        if not waits:
            emit_json(execution)

    def output(self, text: str) -> None:
        put(text, nl=False, err=True)

    def end(self, verdict: Verdict) -> None:
        emit_json(verdict.execution)


def tell(execution: Mapping[str, Any], *, with_result: bool = True, sentence: str = "") -> None:
    """The result on standard output, how it went on standard error."""
    text = result_text(execution.get("result")) if with_result else ""
    if text:
        say(text.rstrip("\n"))
    if sentence:
        note(sentence)
    note(summary(execution, status=paint(execution["status"], err=True)))


def summary(execution: Mapping[str, Any], *, status: str = "") -> str:
    """`succeeded after 1.2 s  core.local  6a5b...`"""
    took = duration(execution.get("elapsed_seconds"))
    after = f" after {took}" if took else ""
    return f"{status or execution['status']}{after}  {execution['action']['ref']}  {execution['id']}"
