"""Rehearsal files: made-up results, and what is expected."""

from typing import Any

import pytest

from engine.errors import BadContent
from engine.workflows.rehearsal import differences, rehearsal_of, rehearse

FLOW = """
version: 1.0
input: [names]
tasks:
  first:
    action: core.noop
    next:
      - when: <% succeeded() %>
        publish: seen=<% result() %>
        do: each
  each:
    with: <% ctx().names %>
    action: core.echo message=<% item() %>
    next:
      - when: <% succeeded() %>
        publish: said=<% result() %>
      - when: <% failed() %>
        do: mend
  mend:
    action: core.noop
output:
  - seen: <% ctx().get(seen) %>
  - said: <% ctx().get(said) %>
"""
LOOP = """
version: 1.0
tasks:
  start: {action: core.noop, next: [{do: again}]}
  again:
    action: core.noop
    next:
      - when: <% result() = more %>
        do: again
"""


def found(definition: str, **document: Any) -> list[str]:
    rehearsal = rehearsal_of({"workflow": "x", **document}, definition=definition, where="test.yaml")
    return list(differences(rehearsal, rehearse(rehearsal)))


def test_a_rehearsal_that_goes_as_expected_has_no_differences() -> None:
    assert (
        found(
            FLOW,
            inputs={"names": ["a", "b"]},
            mock_action_executions=[
                {"task_id": "first", "result": 7},
                {"task_id": "each", "item_id": 0, "result": "A"},
                {"task_id": "each", "item_id": 1, "result": "B"},
            ],
            expected_task_sequence=["first", "each", "continue"],
            expected_routes=[[]],
            expected_output={"seen": 7, "said": ["A", "B"]},
        )
        == []
    )


def test_each_difference_is_one_line() -> None:
    assert found(
        FLOW, inputs={"names": []}, expected_task_sequence=["first"], expected_output={"seen": 1}
    ) == [
        "task_sequence: expected ['first'], found ['first', 'each', 'continue']",
        "output: expected {'seen': 1}, found {'seen': None, 'said': []}",
    ]


def test_a_status_that_nobody_expects_is_a_difference() -> None:
    mocks = [{"task_id": "first", "status": "failed"}]
    assert found(FLOW, mock_action_executions=mocks) == [
        "workflow_status: expected 'succeeded', found 'failed'"
    ]


def test_a_failed_item_leads_to_the_other_branch() -> None:
    mocks = [{"task_id": "each", "item_id": 1, "status": "failed"}]
    given = {"names": ["a", "b"]}
    sequence = ["first", "each", "mend"]
    assert found(FLOW, inputs=given, mock_action_executions=mocks, expected_task_sequence=sequence) == []


def test_a_mock_is_used_as_often_as_it_says() -> None:
    mocks = [{"task_id": "again", "result": "more", "num_iter": 2}, {"task_id": "again", "result": "done"}]
    sequence = ["start", "again", "again", "again"]
    assert found(LOOP, mock_action_executions=mocks, expected_task_sequence=sequence) == []


def test_a_mock_may_be_for_one_run_of_a_task() -> None:
    mocks = [{"task_id": "again", "seq_id": 1, "result": "more"}]
    assert found(LOOP, mock_action_executions=mocks, expected_task_sequence=["start", "again", "again"]) == []


def test_a_loop_without_end_is_told() -> None:
    with pytest.raises(BadContent, match="has not ended"):
        found(LOOP, mock_action_executions=[{"task_id": "again", "result": "more", "num_iter": 10**6}])


def test_problems_of_a_definition_can_be_expected() -> None:
    faulty = "version: 1.0\ntasks: {a: {action: core.noop, next: [{do: ghost}]}}"
    [line] = found(faulty)
    assert line.startswith("inspection: expected {}, found")
    problem = {
        "message": 'The task "ghost" is not defined.',
        "spec_path": "tasks.a.next[0].do",
        "schema_path": "properties.tasks.patternProperties.^\\w+$.properties.next.items.properties.do",
    }
    assert found(faulty, expected_inspection_errors={"semantics": [problem]}) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "is a mapping"),
        ({"workflow_state": {}}, "stored state"),
        ({"wrokflow": "x"}, "'wrokflow' is not known"),
    ],
)
def test_what_is_no_rehearsal_is_refused(document: Any, words: str) -> None:
    with pytest.raises(BadContent, match=words):
        rehearsal_of(document, definition="", where="test.yaml")
