"""Our own keys are inspected as strictly as StackStorm's: a misspelt approval is no approval."""

from pathlib import Path

import pytest

from engine.workflows.inspect import inspect
from engine.workflows.inspect_extensions import TASK_KEYS, TRANSITION_KEYS, WORKFLOW_KEYS
from tests.engine.workflows import test_extensions, test_people


def problems(text: str) -> list[tuple[str, str, str]]:
    """(category, place, message)."""
    return [
        (category, str(problem["spec_path"]), str(problem["message"]))
        for category, found in inspect(text).items()
        for problem in found
    ]


@pytest.mark.parametrize(
    "text",
    [
        test_extensions.LIMITED,
        test_extensions.ELSE,
        test_extensions.FINALLY,
        test_people.APPROVED,
        test_people.ASKING,
        test_people.UNDOING,
    ],
)
def test_what_is_right_has_no_problems(text: str) -> None:
    assert problems(text) == []


def test_a_key_that_is_misspelt_is_refused() -> None:
    found = problems("version: 1.0\ntasks: {t: {x-aprove: {users: [ann]}, action: core.noop}}")
    assert found == [("syntax", "tasks.t.x-aprove", "'x-aprove' is not known. Did you mean x-approve?")]


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("x-timeout: 0", "tasks.t.x-timeout"),
        ("x-on-failure: retry", "tasks.t.x-on-failure"),
        ("x-undo: {input: {a: 1}}", "tasks.t.x-undo"),
        ("with: '<% [1] %>', x-items: {on-failure: slow}", "tasks.t.x-items"),
        ("x-approve: ann", "tasks.t.x-approve"),
        ("next: [{x-else: maybe}]", "tasks.t.next[0].x-else"),
    ],
)
def test_a_value_of_the_wrong_shape_is_refused_with_its_place(written: str, place: str) -> None:
    found = problems(f"version: 1.0\ntasks: {{t: {{action: core.noop, {written}}}}}")
    assert [(category, where) for category, where, _ in found] == [("syntax", place)]


@pytest.mark.parametrize(
    "written", ["x-finally: 5", "x-on-failure: ask", "x-evaluate-data: some", "x-timeuot: 5"]
)
def test_keys_of_the_workflow_are_checked_too(written: str) -> None:
    found = problems(f"version: 1.0\n{written}\ntasks: {{t: {{action: core.noop}}}}")
    assert [(category, where) for category, where, _ in found] == [("syntax", written.partition(":")[0])]


def test_final_tasks_must_be_there_and_be_led_to_by_no_other() -> None:
    found = problems(
        "version: 1.0\nx-finally: [f, ghost]\n"
        "tasks: {t: {action: core.noop, next: [{do: f}]}, f: {action: core.noop}}"
    )
    assert [message for _, _, message in found] == [
        'The task "f" runs when the workflow has ended, and another task leads to it.',
        'The task "ghost" is not defined.',
    ]


def test_a_workflow_of_final_tasks_alone_cannot_start() -> None:
    found = problems("version: 1.0\nx-finally: f\ntasks: {f: {action: core.noop}}")
    assert found[0][2].startswith("Unable to identify any tasks to start the workflow.")


@pytest.mark.parametrize(
    ("task", "place"),
    [
        ("{x-approve: {users: [ann]}}", "tasks.t.x-approve"),
        ("{with: '<% [1] %>', action: core.noop, x-approve: {users: [ann]}}", "tasks.t.x-approve"),
        ("{action: core.noop, x-items: {on-failure: all}}", "tasks.t.x-items"),
    ],
)
def test_what_means_nothing_is_refused(task: str, place: str) -> None:
    found = problems(f"version: 1.0\ntasks: {{t: {task}}}")
    assert [(category, where) for category, where, _ in found] == [("semantics", place)]


def test_expressions_in_our_keys_are_read_too() -> None:
    found = problems(
        "version: 1.0\nx-timeout: <% ctx().long %>\n"
        "tasks: {t: {action: core.noop, x-approve: {users: <% ctx(who %>},"
        " x-undo: {action: <% ctx().what %>}}}"
    )
    assert sorted((category, place) for category, place, _ in found) == [
        ("context", "tasks.t.x-undo"),
        ("context", "x-timeout"),
        ("expressions", "tasks.t.x-approve"),
    ]


def test_every_key_is_in_the_reference() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "workflows.md").read_text(encoding="utf-8")
    keys = [*WORKFLOW_KEYS, *TASK_KEYS, *TRANSITION_KEYS]
    assert [key for key in keys if f"`{key}" not in page] == []
