"""What a job of GitHub Actions shows: annotations, outputs for later steps, and a summary of the step.

The runner takes lines of any step that begin with `::` (or hold `##[`) for commands. What an action or
a person says must never be one: while it is shown, commands are off, until a word that nobody can guess.
"""

import re
import secrets
import threading
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import typer

from bot.cli.exits import Code, CommandError
from bot.cli.github_groups import Groups, Step, command
from bot.cli.output import note, put, result_text
from bot.cli.reporting import Reporter, summary
from bot.cli.site import variable
from bot.cli.tasks import Task
from bot.cli.verdicts import Verdict
from engine.errors import sentences

# GitHub takes 1 MiB for a summary, and for the outputs of a job.
_LONGEST_SHOWN = 60_000
_LONGEST_VALUE = 500_000
_MOST_TASKS = 200
_BACKTICKS = re.compile(r"`+")
_MARKS = {Code.OK: "✅", Code.NEEDS_APPROVAL: "⏳", Code.STILL_WAITING: "⏳"}


class GitHubReporter(Reporter):
    """Everything on standard output: commands are off there, and standard error is read beside it."""

    wants_tasks = True

    def __init__(self) -> None:
        super().__init__()
        self._word = ""
        self._lock = threading.RLock()
        self._is_off = False
        self._is_at_start = True
        self._groups = Groups()

    def begin(self, execution: Mapping[str, Any], *, waits: bool) -> None:
        self._turn_off()
        self._line(f"execution {execution['id']} {execution.get('web_url', '')}")
        if not waits:
            self._keep({"execution-id": str(execution["id"]), "status": str(execution["status"])})

    def output(self, text: str) -> None:
        with self._lock:
            self.has_output = True
            self._raw(text)

    def remark(self, text: str) -> None:
        self._turn_off()
        self._line(text)

    def question(self, text: str) -> None:
        self.remark(text)
        self._command(command("notice", text, title="Waits for an answer"))

    # A group of the log for each task: the oldest one that runs is shown as it goes on, others after it.

    def task_moved(self, task: Task) -> None:
        if task.status == "running" and task.prints:
            with self._lock:
                self._write(self._groups.begin(task))
        else:
            self.remark(f"{task.name}: {task.status}  {task.action}")

    def task_output(self, task: Task, text: str) -> None:
        with self._lock:
            self._write(self._groups.output(task, text))

    def task_ended(self, task: Task) -> None:
        with self._lock:
            self._write(self._groups.end(task))

    def _write(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if step.is_command:
                self._command(step.text)
            elif step.is_line:
                self._line(step.text)
            else:
                self._raw(step.text)

    def _raw(self, text: str) -> None:
        if text:
            put(text, nl=False)
            self._is_at_start = text.endswith("\n")

    def _command(self, text: str) -> None:
        with self._lock:
            self.close()
            self._to_line_start()
            put(text)
            self._turn_off()

    def end(self, verdict: Verdict) -> None:
        with self._lock:
            self._write(self._groups.close())
        self._turn_off()
        text = "" if self.has_output else result_text(verdict.execution.get("result"))
        for line in (text.rstrip("\n"), verdict.sentence, summary(verdict.execution)):
            if line:
                self._line(line)
        self.close()
        said = verdict.sentence or summary(verdict.execution)
        if verdict.code != Code.OK:
            title = f"{verdict.execution['action']['ref']} {verdict.execution['status']}"
            put(command("error", said, title=title))
        elif verdict.sentence:
            put(command("notice", said))
        self._keep(outputs_of(verdict))
        _append("GITHUB_STEP_SUMMARY", summary_of(verdict))

    def failure(self, error: CommandError) -> None:
        self.close()
        put(command("error", sentences(error.message, error.hint)))
        raise typer.Exit(error.code)

    def close(self) -> None:
        """Commands count again."""
        with self._lock:
            if not self._is_off:
                return
            self._is_off = False
            self._to_line_start()
            put(f"::{self._word}::")

    def _turn_off(self) -> None:
        with self._lock:
            if not self._is_off:
                self._is_off = True
                # Anew each time: the last one stands in the log, for all to read.
                self._word = secrets.token_hex(16)
                put(f"::stop-commands::{self._word}")

    def _line(self, text: str) -> None:
        with self._lock:
            self._to_line_start()
            put(text)

    def _to_line_start(self) -> None:
        if not self._is_at_start:
            put()
            self._is_at_start = True

    def _keep(self, values: Mapping[str, str]) -> None:
        _append("GITHUB_OUTPUT", "".join(output_lines(name, value) for name, value in values.items()))


def output_lines(name: str, value: str) -> str:
    """An entry of $GITHUB_OUTPUT: the value ends at a line that it cannot hold."""
    end = f"end-{secrets.token_hex(16)}"
    return f"{name}<<{end}\n{value}\n{end}\n"


def outputs_of(verdict: Verdict) -> dict[str, str]:
    execution = verdict.execution
    result = result_text(execution.get("result"))
    if len(result) > _LONGEST_VALUE:
        result = ""
    return {
        "execution-id": str(execution["id"]),
        "status": str(execution["status"]),
        "exit-code": str(int(verdict.code)),
        "url": str(execution.get("web_url", "")),
        "decision": verdict.sentence,
        "result": result,
    }


def summary_of(verdict: Verdict) -> str:
    """Markdown; every word that is not ours is text in it."""
    execution = verdict.execution
    mark = _MARKS.get(Code(verdict.code), "❌") if verdict.code in set(Code) else "❌"
    link = f'<a href="{escape(str(execution.get("web_url", "")))}">{execution["id"]}</a>'
    lines = [
        f"### {mark} {_text(execution['action']['ref'])} {_text(execution['status'])}",
        "",
        *([f"**{_text(verdict.sentence)}**", ""] if verdict.sentence else []),
        f"{_text(summary(execution).rpartition('  ')[0])} · {link}",
        "",
        *_tasks(verdict.tasks),
    ]
    text = result_text(execution.get("result"))
    if text:
        shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}\n…"
        fence = "`" * max(3, 1 + max((len(one) for one in _BACKTICKS.findall(shown)), default=0))
        lines += ["<details><summary>Result</summary>", "", fence, shown, fence, "", "</details>", ""]
    return "\n".join(lines) + "\n"


def _tasks(tasks: Iterable[Mapping[str, Any]]) -> list[str]:
    rows = [
        f"| {_text(one['task'])} | {_text(one['action'] or '')} | {_text(one['status'])} |"
        for one in list(tasks)[:_MOST_TASKS]
    ]
    return ["| task | action | status |", "|---|---|---|", *rows, ""] if rows else []


def _text(text: Any) -> str:
    """On one line, no character of which Markdown or HTML takes for markup."""
    line = " ".join(str(text).split())
    return "".join(one if one.isalnum() or one in " .-" else f"&#{ord(one)};" for one in line)


def _append(name: str, text: str) -> None:
    """To the file that the variable names; without one this is no job of GitHub's."""
    file = variable(name)
    if not file:
        return
    try:
        with Path(file).open("a", encoding="utf-8", errors="replace") as out:
            out.write(text)
    except OSError as error:
        note(f"{name} cannot be written: {error.strerror}")
