"""Where we differ from Orquesta on purpose: the recorded cases, and what we give instead.

Each case is named as `folder/file/script`, with the change that turns the recorded answer into ours.
docs/differences.md says why, by the same defect.
"""

from collections.abc import Callable, Sequence
from typing import Any

Expected = dict[str, Any]
Change = Callable[[Expected], None]


def _stale_merge(expected: Expected) -> None:
    """D1: the join and the output see what branch a wrote, whichever branch came last."""
    expected["output"]["x"] = 2
    for request in expected["requests"]:
        if request["task"] == "j":
            request["context"]["x"] = 2


def _join_once(task: str) -> Change:
    """D2: a join that went on is not requested again for a late branch."""

    def change(expected: Expected) -> None:
        _keep_first(expected["requests"], "task", task)
        errors = expected["errors"]
        errors[:] = [error for error in errors if error.get("result") not in (20, 71)]

    return change


def _keep_first(rows: list[dict[str, Any]], key: str, value: str) -> None:
    first = next((row for row in rows if row.get(key) == value), None)
    rows[:] = [row for row in rows if row.get(key) != value or row is first]


def _join_and_what_follows_once(expected: Expected) -> None:
    """D2: nor do its successors run twice."""
    expected["status"] = "succeeded"
    expected["errors"] = [error for error in expected["errors"] if error["task_id"] != "last"]
    for task in ("j", "last"):
        _keep_first(expected["requests"], "task", task)
        _keep_first(expected["sequence"], "id", task)


_ROUND = ("fork", "a", "b", "b2", "j")


def _rounds(statuses: Sequence[str], **changed: Any) -> Change:
    """D3: each round of the loop waits for both of its branches: one fork, one join."""

    def change(expected: Expected) -> None:
        tasks = (["init", *_ROUND * 3])[: len(statuses)]
        expected["sequence"] = [
            {"id": task, "route": 0, "status": status} for task, status in zip(tasks, statuses, strict=True)
        ]
        expected["requests"] = [
            {
                "task": task,
                "route": 0,
                "context": {"i": max(0, (number - 1) // len(_ROUND))},
                "actions": [{"action": "core.noop", "input": None}],
            }
            for number, task in enumerate(tasks)
        ]
        if "status" not in changed:
            expected["sequence"][-1]["term"] = True
        expected.update(changed)

    return change


def _rounds_of_failures(expected: Expected) -> None:
    """D3: the recorded steps are those of other rounds, so the last join is still to come."""
    wrong = (71, 73, 62, 80, 91, 28)
    _rounds(["failed"] * 14 + ["running"], status="running", output=None, over_limit=True)(expected)
    expected["errors"] = [error for error in expected["errors"] if error["result"] not in wrong]


def _lost_branch(expected: Expected) -> None:
    """D4: what a branch published before it ended is part of the output."""
    expected["output"]["x"] = 1


def _several_lines(expected: Expected) -> None:
    """D11: an expression may go over several lines; and a range is a list wherever it is looked at."""
    for values in (expected["output"]["all"], expected["requests"][0]["context"]):
        values["a"] = 2
        values["o"] = [0, 1, 2]


def _jsonpath_looks_into_variables(expected: Expected) -> None:
    """E1: jsonpath_query finds what is there, also in a variable that YAQL hands over."""
    if expected["output"] is not None:
        expected["output"]["data_query_1"] = ["foobar"]


def _clean_up_goes_on(expected: Expected) -> None:
    """D14: what follows a clean-up task beside `fail` runs too."""
    expected["sequence"].append({"id": "cleanup2", "route": 0, "status": "running"})
    action = {"action": "core.noop", "input": None}
    expected["requests"].append({"task": "cleanup2", "route": 0, "context": {}, "actions": [action]})


def _fail_is_no_task(expected: Expected) -> None:
    """R1: a rerun does not request the command `fail` like a task, which crashes there."""
    expected["requests"] = [one for one in expected["requests"] if one["task"] != "fail"]
    expected["errors"] = [one for one in expected["errors"] if not one["message"].startswith("TypeError")]
    # Without the line that was staged and the one that it ran as.
    rows = expected["sequence"]
    rows[:] = [row for row in rows if row["id"] != "fail" or row.get("status") == "failed"]


_FAIL_ERROR = {"type": "error", "message": "Execution failed. See result for details.", "task_id": "fail"}


def _fail_is_obeyed_again(expected: Expected) -> None:
    """R1: where nothing else has failed, a rerun obeys it again."""
    _fail_is_no_task(expected)
    expected["sequence"].append({"id": "fail", "route": 0, "status": "failed", "term": True})
    expected["errors"].append(_FAIL_ERROR)


def _what_led_to_fail_runs_again(expected: Expected) -> None:
    """R1: the task that led to it runs again, succeeds, and does not lead to it this time."""
    _fail_is_no_task(expected)
    expected["status"] = "succeeded"
    expected["errors"].append(_FAIL_ERROR)


def _cases(file: str, scripts: str, change: Change) -> dict[str, Change]:
    return {f"{file}/{script}": change for script in scripts.split()}


_ALL = "happy fail random1 random2 pause cancel rerun"
DIFFERENT: dict[str, Change] = {
    **_cases("probes/p01_stale_merge", "happy fail random1", _stale_merge),
    **_cases("orquesta/join-count", "happy pause", _join_once("task8")),
    **_cases("orquesta/join-count-complex", "happy pause rerun", _join_once("task8")),
    **_cases("probes/p04_join_count", "happy fail", _join_once("j")),
    **_cases("probes/p04_join_count", "random1", _join_and_what_follows_once),
    **_cases("probes/p15_join_loop_uneven", "happy", _rounds(["succeeded"] * 16)),
    **_cases("probes/p15_join_loop_uneven", "fail", _rounds_of_failures),
    **_cases(
        "probes/p15_join_loop_uneven",
        "random1",
        _rounds(
            ["succeeded"] * 3
            + ["failed"]
            + ["succeeded"] * 5
            + ["failed", "succeeded"]
            + ["failed"] * 2
            + ["succeeded"] * 3
        ),
    ),
    **_cases("probes/p31_lost_branch", "happy random1", _lost_branch),
    **_cases("probes/p07_multiline", "happy fail random1 random2", _several_lines),
    **_cases("probes/p09_fail_cmd", "fail random2", _clean_up_goes_on),
    **_cases("examples/orquesta-test-yaql-data-functions", _ALL, _jsonpath_looks_into_variables),
    **_cases("examples/orquesta-ask-consecutive", "rerun", _fail_is_no_task),
    **_cases("examples/orquesta-ask-parallel", "rerun", _fail_is_no_task),
    **_cases("orquesta/error-log-fail", "rerun", _fail_is_obeyed_again),
    **_cases("orquesta/error-log-fail-concurrent", "rerun", _what_led_to_fail_runs_again),
}
