"""with-items: one action for each item, in order, as many at once as is allowed."""

from typing import Any

import pytest

from tests.engine.workflows.conducting import Hand


def hand_with(
    items: str, *, concurrency: Any = None, more: str = "", inputs: str = "{m: <% item() %>}"
) -> Hand:
    limit = "" if concurrency is None else f", concurrency: {concurrency}"
    return Hand(
        f"""
version: 1.0
input: [{{xs: [a, b, c, d]}}]
tasks:
  t:
    with: {{items: "{items}"{limit}}}
    action: core.echo
    input: {inputs}
    next:
      - {{when: <% succeeded() %>, publish: [{{r: <% result() %>}}], do: u}}
      - {{when: <% failed() %>, publish: [{{r: <% result() %>}}], do: mend}}
{more}
  u: {{action: core.noop}}
  mend: {{action: core.noop}}
output: [{{r: <% ctx().r %>}}]
"""
    )


def test_all_items_are_requested_at_once_and_in_order() -> None:
    hand = hand_with("<% ctx().xs %>")
    assert [(call.item, call.input["m"]) for call in hand.open] == [(0, "a"), (1, "b"), (2, "c"), (3, "d")]
    assert len({call.task_execution_id for call in hand.open}) == 1


def test_the_result_is_a_list_in_the_order_of_the_items() -> None:
    hand = hand_with("<% ctx().xs %>")
    for item in (2, 0, 3, 1):
        hand.turn("t", "succeeded", f"r{item}", item=item)
    assert hand.waiting == ["u"]
    hand.end("u")
    assert hand.output == {"r": ["r0", "r1", "r2", "r3"]}


def test_no_more_run_at_once_than_the_concurrency_allows() -> None:
    hand = hand_with("<% ctx().xs %>", concurrency=2)
    assert [call.item for call in hand.open] == [0, 1]
    hand.turn("t", "succeeded", item=1)
    assert [call.item for call in hand.open] == [0, 2]


@pytest.mark.parametrize("limit", [0, -1, 1])
def test_a_concurrency_below_one_is_one(limit: int) -> None:
    assert [call.item for call in hand_with("<% ctx().xs %>", concurrency=f"'<% {limit} %>'").open] == [0]


def test_without_items_the_task_succeeds_with_an_empty_list() -> None:
    hand = hand_with("<% [] %>")
    assert hand.waiting == ["u"]
    hand.end("u")
    assert hand.output == {"r": []}


def test_what_is_no_list_fails_the_workflow() -> None:
    hand = hand_with("<% 7 %>")
    assert hand.errors[0]["message"] == 'TypeError: The value of "<% 7 %>" is not type of list.'


def test_names_take_the_parts_of_an_item() -> None:
    hand = hand_with(
        "i, x in <% zip([1, 2], ctx().xs.take(2)) %>", inputs="{m: <% item(x) %>, n: <% item(i) %>}"
    )
    assert [call.input for call in hand.open] == [{"m": "a", "n": 1}, {"m": "b", "n": 2}]


def test_a_single_name_takes_the_item_itself() -> None:
    assert hand_with("x in <% ctx().xs %>", inputs="{m: <% item(x) %>}").open[1].input == {"m": "b"}


def test_with_a_concurrency_of_one_a_failure_ends_the_task() -> None:
    hand = hand_with("<% ctx().xs %>", concurrency=1)
    hand.turn("t", "succeeded", "ok")
    hand.turn("t", "failed", "bad")
    assert hand.waiting == ["mend"]
    hand.end("mend")
    assert hand.output == {"r": ["ok", "bad", None, None]}


def test_with_more_at_once_the_rest_runs_after_a_failure() -> None:
    hand = hand_with("<% ctx().xs %>", concurrency=2)
    hand.turn("t", "failed", item=0)
    for item in (1, 2, 3):
        hand.turn("t", "succeeded", item=item)
    assert hand.waiting == ["mend"]


def test_each_failed_item_leaves_an_error_and_the_same_one_once() -> None:
    hand = hand_with("<% ctx().xs %>")
    for item in range(4):
        hand.turn("t", "failed", "same" if item else "other", item=item)
    assert [error["result"] for error in hand.errors] == ["other", "same"]


def test_a_delay_is_for_the_items_that_start_first() -> None:
    hand = hand_with("<% ctx().xs %>", concurrency=2, more="    delay: 3")
    hand.turn("t", "succeeded", item=0)
    assert [(call.item, call.delay_s) for call in hand.calls] == [(0, 3), (1, 3), (2, 0)]


def test_without_a_concurrency_all_items_wait() -> None:
    assert {call.delay_s for call in hand_with("<% ctx().xs %>", more="    delay: 3").calls} == {3}


def test_an_item_that_does_not_render_fails_the_workflow() -> None:
    hand = hand_with("<% [1, a] %>", inputs="{m: <% item() + 1 %>}")
    assert (hand.status, hand.calls) == ("failed", [])


def test_a_canceled_item_cancels_the_workflow_when_the_others_have_ended() -> None:
    hand = hand_with("<% ctx().xs %>", concurrency=2)
    hand.turn("t", "canceled", item=0)
    assert hand.status == "canceling"
    hand.turn("t", "succeeded", item=1)
    assert (hand.status, hand.open) == ("canceled", [])


def test_the_tree_counts_items() -> None:
    hand = hand_with("<% ctx().xs %>", concurrency=2)
    hand.turn("t", "succeeded", item=0)
    view = hand.conductor.tree()[0]
    assert (view.items_done, view.items_total, view.status, len(view.execution_ids)) == (1, 4, "running", 3)


def test_task_gives_the_status_and_result_of_each_item() -> None:
    hand = Hand(
        """
version: 1.0
tasks:
  t: {with: "<% [1, 2] %>", action: core.noop, next: [{publish: [{r: <% task(t).result %>}], do: u}]}
  u: {action: core.noop, input: {r: <% ctx().r %>}}
"""
    )
    hand.turn("t", "failed", "no", item=0)
    hand.turn("t", "succeeded", "yes", item=1)
    items = [{"status": "failed", "result": "no"}, {"status": "succeeded", "result": "yes"}]
    assert hand.open[0].input == {"r": {"items": items}}
