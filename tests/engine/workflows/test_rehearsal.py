"""Rehearsal files: made-up results, and what is expected."""

from typing import Any

import pytest
import yaml

from engine.errors import BadContent, BadInput
from engine.workflows.rehearsal import rehearsal_of
from engine.workflows.rehearsal_differences import differences
from engine.workflows.rehearsing import rehearse

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
        "task_sequence: expected first; found first, each, continue (the first 1 are the same)",
        "output.seen: expected 1, found null",
        "output.said: expected nothing, found []",
    ]


def test_a_status_that_nobody_expects_is_a_difference() -> None:
    mocks = [{"task_id": "first", "status": "failed"}]
    assert found(FLOW, mock_action_executions=mocks) == [
        'workflow_status: expected "succeeded", found "failed"'
    ]


def test_true_is_not_1() -> None:
    mocks = [{"task_id": "first", "result": True}]
    expected = {"seen": 1, "said": []}
    assert found(FLOW, inputs={"names": []}, mock_action_executions=mocks, expected_output=expected) == [
        "output.seen: expected 1, found true"
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
    assert found(faulty) == ['The definition is wrong: tasks.a.next[0].do: The task "ghost" is not defined.']
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
        ({"wrokflow": "x"}, "'wrokflow' is not known"),
        ({"inputs": []}, "`inputs` is no mapping"),
        ({"mock_action_executions": {}}, "`mock_action_executions` is no list"),
        ({"mock_action_executions": [{"result": 1}]}, "names no task"),
        ({"mock_action_executions": [{"task_id": "a", "reslut": 1}]}, "'reslut' is not known in a mock"),
        ({"mock_action_executions": [{"task_id": "a", "seq_id": "1"}]}, "`seq_id` of a mock for a"),
        ({"mock_action_executions": [{"task_id": "a", "status": "fine"}]}, "the status 'fine'"),
        ({"mock_action_executions": [{"task_id": "a", "purpose": "fun"}]}, "the purpose 'fun'"),
        ({"rerun_tasks": "a"}, "`rerun_tasks` is no list"),
    ],
)
def test_what_is_no_rehearsal_is_refused(document: Any, words: str) -> None:
    with pytest.raises(BadContent, match=words):
        rehearsal_of(document, definition="", where="test.yaml")


SPLIT = """
version: 1.0
tasks:
  a: {action: core.noop, next: [{do: c}]}
  b: {action: core.noop, next: [{do: c}]}
  c: {action: core.noop}
"""


def test_a_task_on_another_route_is_named_with_it() -> None:
    expected = ["a__r0", "b", "c__r1", "c__r2"]
    assert found(SPLIT, expected_task_sequence=expected, expected_term_tasks=["c__r2", "c__r1"]) == []
    [line] = found(SPLIT, expected_task_sequence=["a", "b", "c", "c"])
    assert "found a, b, c__r1, c__r2" in line


def test_a_mock_may_be_for_one_route() -> None:
    mocks = [{"task_id": "c", "route": 2, "status": "failed"}]
    assert found(SPLIT, mock_action_executions=mocks, expected_workflow_status="failed") == []
    mocks = [{"task_id": "c", "route": 7, "status": "failed"}]
    assert found(SPLIT, mock_action_executions=mocks) == []


@pytest.mark.parametrize("number", [0, 1, 3])
def test_iter_id_changes_nothing(number: int) -> None:
    """As with `orquesta-rehearse`: only `num_iter` counts."""
    mocks = [{"task_id": "again", "iter_id": number, "num_iter": 2, "result": "more"}]
    sequence = ["start", "again", "again", "again"]
    assert found(LOOP, mock_action_executions=mocks, expected_task_sequence=sequence) == []


def test_a_mock_that_is_used_0_times_is_none() -> None:
    mocks = [{"task_id": "first", "num_iter": 0, "status": "failed"}]
    assert found(FLOW, inputs={"names": []}, mock_action_executions=mocks) == []


RACE = """
version: 1.0
tasks:
  a: {with: "<% [1, 2] %>", action: core.noop, next: [{do: after_a}]}
  after_a: {action: core.noop}
  b: {action: core.noop, next: [{do: after_b}]}
  after_b: {action: core.noop}
"""


def test_of_a_task_with_items_one_ends_in_each_round() -> None:
    assert found(RACE, expected_task_sequence=["a", "b", "after_b", "after_a"]) == []


def test_an_action_that_is_still_running_leaves_the_workflow_running() -> None:
    mocks = [{"task_id": "b", "status": "running"}]
    expected = {"expected_task_sequence": ["a", "b", "after_a"], "expected_workflow_status": "running"}
    assert found(RACE, mock_action_executions=mocks, **expected) == []


def test_a_mock_of_a_task_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadContent, match="'agian' is no task of the workflow") as refusal:
        found(LOOP, mock_action_executions=[{"task_id": "agian"}])
    assert "Did you mean again?" in str(refusal.value)
    with pytest.raises(BadContent, match="'noop' is no task"):
        found(LOOP.replace("do: again}", "do: noop}"), mock_action_executions=[{"task_id": "noop"}])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("workflow: x\nworkflwo: x", 2),
        ("workflow: x\ninputs: done", 2),
        ("workflow: x\nmock_action_executions:\n  - task_id: a\n    status: succeded", 4),
        ("workflow: x\nrerun_tasks:\n  - {task_id: a}\n  - {}", 4),
    ],
)
def test_what_is_refused_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(BadContent) as refusal:
        rehearsal_of(yaml.safe_load(text), definition="", where="test.yaml", text=text)
    assert refusal.value.where == f"test.yaml:{line}"


def test_actions_end_in_the_order_of_their_mocks_where_that_is_wanted() -> None:
    flow = SPLIT.replace("c: {", "c: {join: all, ").replace(
        "{do: c}", "{do: c, publish: [{last: <% result() %>}]}"
    )
    flow += "output: [{last: <% ctx().last %>}]"
    mocks = [{"task_id": "b", "result": "b"}, {"task_id": "a", "result": "a"}]
    assert found(flow, mock_action_executions=mocks, expected_output={"last": "b"}) == []
    assert found(flow, in_order=True, mock_action_executions=mocks, expected_output={"last": "a"}) == []


def test_the_texts_of_failed_expressions_need_not_be_the_same() -> None:
    flow = "version: 1.0\ntasks: {a: {action: core.noop, next: [{when: '<% ctx().st2.x.y.z %>'}]}}"
    error: dict[str, Any] = {
        "type": "error",
        "message": "YaqlEvaluationException: in other words",
        "task_id": "a",
    }
    error |= {"route": 0, "task_transition_id": "continue__t0"}
    assert found(flow, expected_workflow_status="failed", expected_errors=[error]) == []


def test_keys_of_the_datastore_stand_in_the_file() -> None:
    flow = "version: 1.0\ntasks: {a: {action: core.noop}}\noutput:\n  - who: <% st2kv('system.who') %>"
    assert found(flow, kv={"system.who": "Ada"}, expected_output={"who": "Ada"}) == []


ASKING = """
version: 1.0
tasks:
  a:
    action: core.noop
    x-approve: {users: [ada]}
    x-on-failure: {users: [ada]}
"""


def test_approvals_are_given_and_failures_left_where_nothing_is_said() -> None:
    assert found(ASKING) == []
    mocks = [{"task_id": "a", "status": "failed"}]
    assert found(ASKING, mock_action_executions=mocks, expected_workflow_status="failed") == []


def test_a_mock_may_be_for_a_question() -> None:
    refused = [{"task_id": "a", "purpose": "approve", "status": "failed"}]
    assert found(ASKING, mock_action_executions=refused, expected_workflow_status="failed") == []
    again = [
        {"task_id": "a", "status": "failed"},
        {"task_id": "a", "purpose": "ask", "result": {"response": {"choice": "retry"}}},
    ]
    assert found(ASKING, mock_action_executions=again) == []


def test_an_ended_workflow_is_run_again() -> None:
    mocks = [{"task_id": "first", "status": "failed"}, {"task_id": "first", "result": 7}]
    again: dict[str, Any] = {
        "inputs": {"names": []},
        "mock_action_executions": mocks,
        "rerun_tasks": [{"task_id": "first"}],
    }
    sequence = ["first", "first", "each", "continue"]
    assert (
        found(FLOW, **again, expected_task_sequence=sequence, expected_output={"seen": 7, "said": []}) == []
    )


def test_a_task_that_did_not_run_cannot_be_run_again() -> None:
    with pytest.raises(BadInput, match="one or more tasks is not found: mend"):
        found(FLOW, inputs={"names": []}, rerun_tasks=[{"task_id": "mend"}])


# What Orquesta stores of SPLIT, when b has failed: a's branch waits at the join, and c is staged.
STATE: dict[str, Any] = {
    "spec": {
        "catalog": "native",
        "version": "1.0",
        "spec": {
            "version": 1.0,
            "vars": [{"x": 1}],
            "tasks": {
                "a": {"action": "core.noop", "next": [{"publish": [{"x": 2}], "do": "c"}]},
                "b": {"action": "core.noop", "next": [{"when": "<% succeeded() %>", "do": "c"}]},
                "c": {"join": "all", "action": "core.noop"},
            },
            "output": [{"x": "<% ctx().x %>"}],
        },
    },
    "graph": {},
    "input": {},
    "context": {"st2": {"user": "ada"}},
    "output": None,
    "errors": [{"type": "error", "message": "Execution failed. See result for details.", "task_id": "b"}],
    "log": [],
    "state": {
        "status": "failed",
        "routes": [[]],
        "contexts": [{"st2": {"user": "ada"}, "x": 1}, {"x": 2}],
        "sequence": [
            {
                "id": "a",
                "route": 0,
                "ctxs": {"in": [0], "out": {"c__t0": 1}},
                "status": "succeeded",
                "next": {"c__t0": True},
                "prev": {},
            },
            {
                "id": "b",
                "route": 0,
                "ctxs": {"in": [0]},
                "status": "failed",
                "next": {"c__t0": False},
                "prev": {},
                "term": True,
            },
        ],
        "staged": [{"id": "c", "route": 0, "ctxs": {"in": [0, 1]}, "prev": {"a__t0": 0}, "ready": False}],
        "tasks": {"a__r0": 0, "b__r0": 1},
    },
}


def test_what_orquesta_stored_runs_on_from_the_failed_task() -> None:
    for tasks in ([{"task_id": "b"}], None):
        expected = {"expected_task_sequence": ["a", "b", "b", "c"], "expected_output": {"x": 2}}
        document = {"workflow_state": STATE, "rerun_tasks": tasks, "expected_errors": [], **expected}
        rehearsal = rehearsal_of(document, definition="", where="test.yaml")
        assert list(differences(rehearsal, rehearse(rehearsal))) == []


@pytest.mark.parametrize("change", [{"spec": None}, {"state": {}}, {"state": STATE["state"] | {"routes": 3}}])
def test_what_is_no_stored_state_is_refused(change: dict[str, Any]) -> None:
    rehearsal = rehearsal_of({"workflow_state": STATE | change}, definition="", where="test.yaml")
    with pytest.raises(BadContent, match="not what Orquesta stores"):
        rehearse(rehearsal)
