"""A task that waits for an answer holds its own branch, and no other."""

from tests.engine.workflows.conducting import Hand

TEXT = """
version: 1.0
tasks:
  ask: {action: core.ask, next: [{when: <% succeeded() %>, publish: [{r: <% result() %>}], do: j}]}
  work: {action: core.noop, next: [{do: w2}]}
  w2: {action: core.noop, next: [{do: j}]}
  j: {join: all, action: core.noop}
output: [{r: <% ctx().r %>}]
"""


def test_other_branches_go_on_while_a_question_is_open() -> None:
    hand = Hand(TEXT)
    hand.turn("ask", "pending")
    assert hand.status == "running"
    hand.end("work")
    assert (hand.status, hand.waiting) == ("running", ["ask", "w2"])


def test_the_workflow_is_paused_when_nothing_but_the_question_is_left() -> None:
    hand = Hand(TEXT)
    hand.turn("ask", "pending")
    hand.end("work", "w2")
    assert hand.status == "paused"


def test_an_answer_lets_it_run_on() -> None:
    hand = Hand(TEXT)
    hand.turn("ask", "pending")
    hand.end("work", "w2")
    hand.turn("ask", "succeeded", "yes")
    assert (hand.status, hand.waiting) == ("running", ["j"])
    hand.end("j")
    assert (hand.status, hand.output) == ("succeeded", {"r": "yes"})


def test_an_answer_is_taken_while_others_run() -> None:
    hand = Hand(TEXT)
    hand.turn("ask", "pending")
    hand.turn("ask", "succeeded", "yes")
    hand.end("work", "w2", "j")
    assert hand.status == "succeeded"


def test_the_answer_to_the_first_of_two_questions_leaves_it_paused_for_the_second() -> None:
    hand = Hand(
        "version: 1.0\ntasks: {a: {action: core.ask, next: [{do: j}]}, "
        "b: {action: core.ask, next: [{do: j}]}, j: {join: all, action: core.noop}}"
    )
    hand.turn("a", "pending")
    hand.turn("b", "pending")
    assert hand.status == "paused"
    hand.turn("a", "succeeded")
    assert hand.status == "paused"
    hand.turn("b", "succeeded")
    assert (hand.status, hand.waiting) == ("running", ["j"])


def test_a_workflow_that_somebody_paused_takes_the_answer_and_stays_paused() -> None:
    hand = Hand(TEXT)
    hand.turn("ask", "pending")
    hand.ask("pause")
    hand.end("work")
    assert hand.status == "paused"
    hand.turn("ask", "succeeded", "yes")
    assert (hand.status, hand.waiting) == ("paused", [])
    hand.ask("resume")
    assert hand.waiting == ["w2"]


def test_a_refused_question_can_be_handled() -> None:
    hand = Hand(
        "version: 1.0\ntasks: {ask: {action: core.ask, next: [{when: <% failed() %>, do: refused}]},"
        " refused: {action: core.noop}}"
    )
    hand.turn("ask", "pending")
    hand.turn("ask", "failed")
    assert (hand.status, hand.waiting) == ("running", ["refused"])


def test_a_canceled_workflow_ends_with_the_question_open_and_does_not_want_it_any_more() -> None:
    hand = Hand("version: 1.0\ntasks: {ask: {action: core.ask}}")
    call = hand.open[0]
    hand.turn("ask", "pending")
    work = hand.ask("cancel")
    assert hand.status == "canceled"
    assert work.wind_down == (call.execution_id,)


def test_a_failed_workflow_does_not_want_the_answer_any_more() -> None:
    hand = Hand("version: 1.0\ntasks: {ask: {action: core.ask}, b: {action: core.noop}}")
    call = hand.open[0]
    hand.turn("ask", "pending")
    work = hand.turn("b", "failed")
    assert (hand.conductor.is_ended, work.wind_down) == (True, (call.execution_id,))


def test_questions_for_items_are_asked_as_the_concurrency_allows() -> None:
    hand = Hand(
        'version: 1.0\ntasks: {ask: {with: {items: "<% [1, 2, 3] %>", concurrency: 2}, action: core.ask}}'
    )
    hand.turn("ask", "pending", item=0)
    hand.turn("ask", "pending", item=1)
    assert (hand.status, len(hand.open)) == ("paused", 2)
    hand.turn("ask", "succeeded", item=0)
    assert (hand.status, [call.item for call in hand.open]) == ("running", [1, 2])
    hand.turn("ask", "pending", item=2)
    hand.turn("ask", "succeeded", item=1)
    hand.turn("ask", "succeeded", item=2)
    assert hand.status == "succeeded"
