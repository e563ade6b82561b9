"""`retry`: a task is started again, before any of its transitions is looked at."""

from tests.engine.workflows.conducting import Hand

TEXT = """
version: 1.0
tasks:
  t:
    action: core.noop
    delay: 9
    retry: {%s}
    next: [{when: <% succeeded() %>, do: u}, {when: <% failed() %>, do: mend}]
  u: {action: core.noop}
  mend: {action: core.noop}
"""


def hand_with(retry: str) -> Hand:
    return Hand(TEXT.replace("%s", retry))


def test_a_task_that_failed_is_started_again_as_often_as_it_says() -> None:
    hand = hand_with("count: 2")
    hand.turn("t", "failed", 1)
    hand.turn("t", "timeout", 2)
    assert hand.waiting == ["t"]
    assert hand.conductor.tree()[0].attempt == 3
    hand.turn("t", "failed", 3)
    assert hand.waiting == ["mend"]
    assert hand.sequence == [("t", "failed"), ("mend", "running")]


def test_it_stays_one_entry_and_each_failure_leaves_its_error() -> None:
    hand = hand_with("count: 3")
    hand.turn("t", "failed", 1)
    hand.end("t", "u")
    assert hand.sequence == [("t", "succeeded"), ("u", "succeeded")]
    assert [error["result"] for error in hand.errors] == [1]


def test_its_delay_takes_the_place_of_the_tasks_own() -> None:
    hand = hand_with("count: <% 1 + 1 %>, delay: <% 2 + 2 %>")
    hand.turn("t", "failed")
    assert [call.delay_s for call in hand.calls] == [9, 4]


def test_a_condition_of_its_own_may_repeat_what_succeeded() -> None:
    hand = hand_with("count: 5, when: <% result().n < 2 %>")
    for n in range(2):
        hand.turn("t", "succeeded", {"n": n})
        assert hand.waiting == ["t"]
    hand.turn("t", "succeeded", {"n": 2})
    assert hand.waiting == ["u"]


def test_a_count_that_is_no_integer_fails_the_workflow() -> None:
    hand = hand_with("count: <% often %>")
    assert hand.errors[0]["message"] == 'ValueError: The retry count for task "t" is not an integer.'


def test_a_condition_that_does_not_evaluate_fails_the_workflow() -> None:
    hand = hand_with("count: 2, when: <% ctx().missing %>")
    hand.turn("t", "failed")
    assert (hand.status, hand.waiting) == ("failed", [])


def test_all_items_run_again() -> None:
    hand = Hand('version: 1.0\ntasks: {t: {with: "<% [1, 2] %>", action: core.noop, retry: {count: 1}}}')
    hand.turn("t", "succeeded", item=0)
    hand.turn("t", "failed", item=1)
    assert [call.item for call in hand.open] == [0, 1]
    hand.end("t", "t")
    assert hand.status == "succeeded"


def test_nothing_is_retried_after_the_workflow_failed() -> None:
    hand = Hand("version: 1.0\ntasks: {a: {action: core.noop}, t: {action: core.noop, retry: {count: 1}}}")
    hand.turn("a", "failed")
    hand.turn("t", "failed")
    assert hand.waiting == []


def test_a_retry_waits_while_the_workflow_is_paused() -> None:
    hand = hand_with("count: 1")
    hand.ask("pause")
    hand.turn("t", "failed")
    assert (hand.status, hand.waiting) == ("paused", [])
    hand.ask("resume")
    assert hand.waiting == ["t"]
