"""An ended workflow is run again from some of its tasks."""

import pytest

from engine.errors import BadInput, IllegalTransition
from tests.engine.workflows.conducting import Hand

CHAIN = """
version: 1.0
tasks:
  a: {action: core.noop, next: [{when: <% succeeded() %>, publish: [{x: <% result() %>}], do: b}]}
  b: {action: core.noop, input: {x: <% ctx().x %>}, next: [{when: <% succeeded() %>, do: c}]}
  c: {action: core.noop, input: {x: <% ctx().x %>}}
output: [{x: <% ctx().x %>}]
"""


def failed_in_b() -> Hand:
    hand = Hand(CHAIN)
    hand.end("a", result=1)
    hand.turn("b", "failed", "no")
    return hand


def test_it_goes_on_from_what_failed_with_what_was_there() -> None:
    hand = failed_in_b()
    hand.rerun()
    assert (hand.status, hand.errors) == ("running", [])
    assert [(call.task, call.input) for call in hand.open] == [("b", {"x": 1})]
    hand.end("b", "c")
    assert (hand.status, hand.output) == ("succeeded", {"x": 1})
    assert hand.sequence == [("a", "succeeded"), ("b", "failed"), ("b", "succeeded"), ("c", "succeeded")]


def test_it_can_start_at_a_task_that_succeeded() -> None:
    hand = failed_in_b()
    hand.rerun("a")
    hand.end("a", result=2)
    assert hand.open[0].input == {"x": 2}


def test_what_follows_from_a_named_task_is_not_started_twice() -> None:
    hand = failed_in_b()
    hand.rerun("b", "a")
    assert hand.waiting == ["a"]


def test_a_workflow_that_runs_cannot_be_run_again() -> None:
    with pytest.raises(IllegalTransition, match="not in a completed state"):
        Hand(CHAIN).rerun()


def test_a_task_that_never_ran_is_refused_by_name() -> None:
    hand = failed_in_b()
    with pytest.raises(BadInput, match="one or more tasks is not found: c"):
        hand.rerun("c")
    assert hand.status == "failed"


def test_only_tasks_that_run_again_can_be_reset() -> None:
    with pytest.raises(BadInput, match="to be reset but not run again: a"):
        failed_in_b().rerun("b", reset=("a",))


ITEMS = """
version: 1.0
tasks:
  t:
    with: "<% [1, 2, 3] %>"
    action: core.noop
    next: [{when: <% succeeded() %>, publish: [{r: <% result() %>}]}]
output: [{r: <% ctx().r %>}]
"""


def test_only_items_that_failed_run_again() -> None:
    hand = Hand(ITEMS)
    for item, status in enumerate(("succeeded", "failed", "succeeded")):
        hand.turn("t", status, f"first {item}", item=item)
    hand.rerun()
    assert [call.item for call in hand.open] == [1]
    hand.turn("t", "succeeded", "second 1")
    assert (hand.status, hand.output) == ("succeeded", {"r": ["first 0", "second 1", "first 2"]})


def test_all_items_of_a_task_that_is_reset_run_again() -> None:
    hand = Hand(ITEMS)
    for item, status in enumerate(("succeeded", "failed", "succeeded")):
        hand.turn("t", status, item=item)
    hand.rerun("t", reset=("t",))
    assert [call.item for call in hand.open] == [0, 1, 2]


def test_a_task_with_items_that_succeeded_can_be_run_again() -> None:
    hand = Hand(ITEMS)
    for item in range(3):
        hand.turn("t", "succeeded", item, item=item)
    hand.rerun("t", reset=("t",))
    assert [call.item for call in hand.open] == [0, 1, 2]
    for item in range(3):
        hand.turn("t", "succeeded", f"again {item}", item=item)
    assert (hand.status, hand.output) == ("succeeded", {"r": ["again 0", "again 1", "again 2"]})


def test_branches_that_the_failure_of_another_had_stopped_go_on() -> None:
    hand = Hand(
        "version: 1.0\ntasks: {a: {action: core.noop}, "
        "b: {action: core.noop, next: [{do: b2}]}, b2: {action: core.noop}}"
    )
    hand.turn("a", "failed")
    hand.end("b")
    assert hand.waiting == []
    hand.rerun()
    assert hand.waiting == ["a", "b2"]
    hand.end("a", "b2")
    assert hand.status == "succeeded"


def test_a_canceled_workflow_can_be_run_again() -> None:
    hand = Hand(CHAIN)
    hand.ask("cancel")
    hand.turn("a", "canceled")
    hand.rerun()
    assert (hand.status, hand.waiting) == ("running", ["a"])
    hand.end("a", "b", "c")
    assert hand.status == "succeeded"


def test_the_command_fail_is_obeyed_again_and_not_run_as_a_task() -> None:
    hand = Hand("version: 1.0\ntasks: {a: {action: core.noop, next: [{do: fail}]}}")
    hand.end("a")
    hand.rerun()
    assert (hand.status, hand.waiting) == ("failed", [])


def test_a_join_that_had_not_been_reached_counts_the_branch_that_runs_again_once() -> None:
    hand = Hand(
        "version: 1.0\ntasks: {a: {action: core.noop, next: [{when: <% succeeded() %>, do: j}]},"
        " b: {action: core.noop, next: [{when: <% succeeded() %>, do: j}]},"
        " j: {join: all, action: core.noop}}"
    )
    hand.end("a")
    hand.turn("b", "failed")
    hand.rerun()
    hand.end("b")
    assert hand.waiting == ["j"]
