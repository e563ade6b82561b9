"""continue, noop, fail and retry: targets of a transition that are no tasks."""

from tests.engine.workflows.conducting import Hand


def hand_with(targets: str) -> Hand:
    return Hand(
        f"""
version: 1.0
tasks:
  a:
    action: core.noop
    next:
      - {{when: <% failed() %>, publish: [{{x: 1}}], do: {targets}}}
      - {{when: <% succeeded() %>, do: clean}}
  clean: {{action: core.noop, next: [{{do: more}}]}}
  more: {{action: core.noop}}
output: [{{x: <% ctx().get(x) %>}}]
"""
    )


def test_continue_does_not_handle_a_failure() -> None:
    hand = hand_with("continue")
    hand.turn("a", "failed")
    assert hand.status == "failed"
    assert hand.sequence == [("a", "failed"), ("continue", "succeeded")]
    assert hand.output == {"x": 1}


def test_noop_handles_a_failure() -> None:
    hand = hand_with("noop")
    hand.turn("a", "failed")
    assert hand.status == "succeeded"
    assert hand.sequence == [("a", "failed"), ("noop", "succeeded")]


def test_fail_fails_the_workflow_and_says_so() -> None:
    hand = hand_with("fail")
    hand.turn("a", "failed")
    assert hand.status == "failed"
    assert hand.errors[1] == {
        "type": "error",
        "message": "Execution failed. See result for details.",
        "task_id": "fail",
    }


def test_what_stands_beside_fail_cleans_up_and_so_does_what_follows_it() -> None:
    hand = hand_with("[fail, clean]")
    hand.turn("a", "failed")
    assert (hand.status, hand.waiting) == ("failed", ["clean"])
    hand.end("clean")
    assert hand.waiting == ["more"]
    assert not hand.conductor.is_ended
    hand.end("more")
    assert (hand.status, hand.conductor.is_ended) == ("failed", True)


def test_other_branches_do_not_go_on_beside_a_clean_up() -> None:
    hand = Hand(
        """
version: 1.0
tasks:
  a: {action: core.noop, next: [{when: <% failed() %>, do: [clean, fail]}]}
  clean: {action: core.noop}
  b: {action: core.noop, next: [{do: c}]}
  c: {action: core.noop}
"""
    )
    hand.turn("a", "failed")
    hand.end("b")
    assert hand.waiting == ["clean"]


def test_retry_as_a_target_repeats_the_task_three_times() -> None:
    hand = Hand(
        "version: 1.0\ntasks: {a: {action: core.noop, next: [{when: <% succeeded() %>, do: b},"
        " {when: <% failed() %>, do: retry}]}, b: {action: core.noop}}"
    )
    for _ in range(3):
        hand.turn("a", "failed")
        assert hand.waiting == ["a"]
    hand.turn("a", "failed")
    assert hand.status == "failed"


def test_a_command_in_a_loop_stands_in_the_sequence_each_time() -> None:
    hand = Hand(
        """
version: 1.0
vars: [{n: 0}]
tasks:
  start: {next: [{do: a}]}
  a:
    action: core.noop
    next:
      - {when: <% ctx().n < 2 %>, publish: [{n: <% ctx().n + 1 %>}], do: [a, noop]}
"""
    )
    hand.end("a", "a", "a")
    assert [task for task, _ in hand.sequence] == ["start", "a", "noop", "a", "noop", "a"]
    assert hand.status == "succeeded"
