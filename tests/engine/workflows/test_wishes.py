"""Pause, resume and cancel: what goes on, what is held, and what is refused."""

from typing import Literal

import pytest

from engine.errors import IllegalTransition
from tests.engine.workflows.conducting import Hand

PAIR = """
version: 1.0
tasks:
  a: {action: core.noop, next: [{do: a2}]}
  b: {action: core.noop, next: [{do: b2}]}
  a2: {action: core.noop}
  b2: {action: core.noop}
"""
ITEMS = """
version: 1.0
tasks:
  t: {with: {items: "<% [1, 2, 3] %>", concurrency: 2}, action: core.noop}
"""


def test_a_paused_workflow_lets_what_runs_end_and_starts_nothing() -> None:
    hand = Hand(PAIR)
    hand.ask("pause")
    assert hand.status == "pausing"
    hand.end("a")
    assert (hand.status, hand.waiting) == ("pausing", ["b"])
    hand.end("b")
    assert (hand.status, hand.waiting) == ("paused", [])


def test_resumed_it_goes_on_where_it_was() -> None:
    hand = Hand(PAIR)
    hand.ask("pause")
    hand.end("a", "b")
    hand.ask("resume")
    assert (hand.status, hand.waiting) == ("running", ["a2", "b2"])


def test_paused_after_its_last_task_it_succeeds_when_it_is_resumed() -> None:
    hand = Hand("version: 1.0\ntasks: {a: {action: core.noop}}")
    hand.ask("pause")
    hand.end("a")
    assert hand.status == "paused"
    hand.ask("resume")
    assert (hand.status, hand.conductor.is_ended) == ("succeeded", True)


def test_the_host_hears_which_executions_are_to_pause_and_to_resume() -> None:
    hand = Hand(PAIR)
    ids = tuple(call.execution_id for call in hand.open)
    assert hand.ask("pause").pause == ids
    assert hand.ask("resume").resume == ids
    assert hand.ask("cancel").wind_down == ids


def test_a_canceled_workflow_starts_nothing_and_ends_with_what_runs() -> None:
    hand = Hand(PAIR)
    hand.ask("cancel")
    assert hand.status == "canceling"
    hand.end("a")
    hand.turn("b", "failed")
    assert (hand.status, hand.waiting, hand.conductor.is_ended) == ("canceled", [], True)


def test_a_canceled_action_cancels_the_workflow() -> None:
    hand = Hand(PAIR)
    hand.turn("a", "canceled")
    assert hand.status == "canceling"
    hand.end("b")
    assert hand.status == "canceled"


def test_items_that_have_not_started_wait_for_the_resumption() -> None:
    hand = Hand(ITEMS)
    hand.ask("pause")
    assert hand.sequence == [("t", "pausing")]
    hand.turn("t", "succeeded", item=0)
    hand.turn("t", "succeeded", item=1)
    assert (hand.status, hand.sequence) == ("paused", [("t", "paused")])
    hand.ask("resume")
    assert (hand.status, [call.item for call in hand.open]) == ("running", [2])
    hand.end("t")
    assert hand.status == "succeeded"


def test_items_that_have_not_started_never_start_in_a_canceled_workflow() -> None:
    hand = Hand(ITEMS)
    hand.ask("cancel")
    hand.turn("t", "succeeded", item=0)
    hand.turn("t", "succeeded", item=1)
    assert (hand.status, hand.sequence, hand.open) == ("canceled", [("t", "canceled")], [])


def test_a_failure_fails_a_pausing_workflow() -> None:
    hand = Hand(PAIR)
    hand.ask("pause")
    hand.turn("a", "succeeded")
    hand2 = Hand("version: 1.0\ntasks: {a: {action: core.noop}, b: {action: core.noop}}")
    hand2.ask("pause")
    hand2.turn("a", "failed")
    assert hand2.status == "failed"


@pytest.mark.parametrize("wanted", ["pause", "resume", "cancel"])
def test_nothing_can_be_asked_of_a_workflow_that_succeeded(
    wanted: Literal["pause", "resume", "cancel"],
) -> None:
    hand = Hand("version: 1.0\ntasks: {a: {action: core.noop}}")
    hand.end("a")
    with pytest.raises(
        IllegalTransition, match=r'Unable to process event "workflow_\w+" for workflow in "succeeded"'
    ):
        hand.ask(wanted)


def test_a_running_workflow_cannot_be_resumed() -> None:
    with pytest.raises(IllegalTransition, match='"workflow_resuming" for workflow in "running" status'):
        Hand(PAIR).ask("resume")


def test_to_ask_again_for_what_is_under_way_changes_nothing() -> None:
    hand = Hand(PAIR)
    hand.ask("pause")
    hand.ask("pause")
    assert hand.status == "pausing"
    hand.ask("cancel")
    hand.ask("cancel")
    assert hand.status == "canceling"


def test_a_sub_workflow_that_pauses_by_itself_leaves_the_rest_running() -> None:
    hand = Hand(PAIR)
    hand.turn("a", "pausing")
    hand.turn("a", "paused")
    assert hand.status == "running"
    hand.turn("a", "running")
    hand.end("a", "b")
    assert hand.waiting == ["a2", "b2"]


def test_when_only_a_paused_sub_workflow_is_left_the_workflow_is_paused_until_it_goes_on() -> None:
    hand = Hand("version: 1.0\ntasks: {a: {action: core.noop}}")
    hand.turn("a", "paused")
    assert hand.status == "paused"
    hand.turn("a", "resuming")
    assert hand.status == "running"
    hand.end("a")
    assert hand.status == "succeeded"
