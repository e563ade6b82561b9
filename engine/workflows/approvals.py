"""`x-approve`: people are asked before a task's action runs.

The question names the action and the parameters as they were rendered, and exactly these run when the
answer is yes. When they are rendered anew (a retry, parameters that somebody edited) and are the same,
the approval holds; when they differ, it is asked again.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from engine.errors import ExpressionFailure
from engine.workflows.ending import finish, moved, owe
from engine.workflows.entries import Entry
from engine.workflows.run import Run
from engine.workflows.scopes import RunScope
from engine.workflows.statuses import COMPLETED

ASK = "core.ask"
# Words of ours for parameters of the inquirer runner.
_WORDS = {"quorum": "x-quorum", "separate": "x-separate", "emergency": "x-emergency"}
_NOT_GIVEN = "The approval was not given. See result for details."


def terms_of(run: Run, entry: Entry, written: Any) -> dict[str, Any]:
    """Who is asked and how, as parameters of `core.ask`. Raises ExpressionFailure."""
    scope = RunScope(run, entry.context, task=entry.task, route=entry.route, entry=entry)
    terms = written.evaluate(scope)
    if not isinstance(terms, Mapping):
        raise ExpressionFailure(f'TypeError: Who is asked for task "{entry.task}" is not type of dict.')
    return {_WORDS.get(str(name), str(name)): value for name, value in terms.items()}


def must_ask(run: Run, entry: Entry) -> bool:
    """Whether the action that is prepared was not approved as it is."""
    approve = run.plan.tasks[entry.task].extensions.approve
    return approve is not None and entry.approved != digest_of(entry)


def question_of(run: Run, entry: Entry) -> dict[str, Any]:
    """The parameters of `core.ask`. Raises ExpressionFailure."""
    approve = run.plan.tasks[entry.task].extensions.approve
    prepared = entry.prepared.value if entry.prepared is not None else {}
    approves = {"action": prepared.get("action"), "parameters": prepared.get("input") or {}}
    return {"on_timeout": "reject", **terms_of(run, entry, approve), "approves": approves}


def digest_of(entry: Entry) -> str:
    """Of the action and the parameters that are prepared."""
    prepared = entry.prepared.value if entry.prepared is not None else {}
    exact = {"action": prepared.get("action"), "parameters": prepared.get("input") or {}}
    text = json.dumps(exact, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def answered(run: Run, entry: Entry, status: str, result: Any) -> None:
    """The question is in this status: approved when it has succeeded."""
    state = run.state
    if status not in COMPLETED:
        moved(run, entry, "pending" if status == "pending" else entry.status)
    elif status == "succeeded":
        state.apply("approved", entry.number, digest_of(entry))
        owe(run, entry, "run")
    else:
        if status != "canceled":
            run.log(_NOT_GIVEN, task_id=entry.task, result=result)
        if status == "timeout":
            state.apply("mark", entry.number, "is_timed_out", True)
        finish(run, entry, "canceled" if status == "canceled" else "failed", is_decided=True)
