"""What our workflows can besides StackStorm's: time limits, else, finally, other ways for items to fail."""

import pytest

from tests.engine.workflows.conducting import Hand

LIMITED = """
version: 1.0
tasks:
  t:
    x-timeout: <% 20 + 10 %>
    action: core.noop
    delay: 5
    next:
      - {when: <% succeeded() %>, do: done}
      - {when: <% timedout() %>, publish: [{why: late}], do: late}
      - {when: <% failed() and not timedout() %>, do: failed}
  done: {action: core.noop}
  late: {action: core.noop, input: {why: <% ctx().why %>}}
  failed: {action: core.noop}
"""


def test_a_task_that_is_out_of_time_is_stopped_and_can_be_handled() -> None:
    hand = Hand(LIMITED)
    call = hand.open[0]
    assert hand.work.wake_at is not None
    assert (hand.work.wake_at - hand.host.moment).total_seconds() == 35
    assert hand.wait(34).calls == ()
    assert hand.waiting == ["t"]
    work = hand.wait(1)
    assert work.cancel == (call.execution_id,)
    assert [(one.task, one.input) for one in hand.open] == [("late", {"why": "late"})]
    assert hand.sequence[0] == ("t", "failed")
    assert hand.errors[0]["message"] == "Execution timed out. See result for details."


def test_what_a_stopped_action_does_after_that_is_ignored() -> None:
    hand = Hand(LIMITED)
    call = hand.open[0]
    hand.wait(60)
    assert hand.turn_call(call, "succeeded").calls == () if call in hand.open else True
    assert hand.waiting == ["late"]


def test_a_task_that_ends_in_time_needs_no_clock_any_more() -> None:
    hand = Hand(LIMITED)
    hand.end("t")
    assert hand.work.wake_at is None
    assert hand.waiting == ["done"]


def test_a_failure_is_no_timeout_and_a_timeout_of_the_action_itself_is_one() -> None:
    hand = Hand(LIMITED)
    hand.turn("t", "failed")
    assert hand.waiting == ["failed"]
    hand = Hand(LIMITED)
    hand.turn("t", "timeout")
    assert hand.waiting == ["late"]


def test_each_attempt_has_its_own_time() -> None:
    hand = Hand("version: 1.0\ntasks: {t: {x-timeout: 10, action: core.noop, retry: {count: 1}}}")
    hand.wait(8)
    hand.turn("t", "failed")
    hand.wait(8)
    assert hand.waiting == ["t"]
    hand.wait(2)
    assert hand.status == "failed"


def test_a_task_with_items_has_its_time_for_all_of_them() -> None:
    hand = Hand(
        'version: 1.0\ntasks: {t: {x-timeout: 10, with: {items: "<% [1, 2, 3] %>", concurrency: 2},'
        " action: core.noop}}"
    )
    hand.turn("t", "succeeded", item=0)
    running = tuple(call.execution_id for call in hand.open)
    assert hand.wait(10).cancel == running
    assert (hand.status, hand.conductor.is_ended) == ("failed", True)


def test_a_workflow_that_is_out_of_time_stops_everything() -> None:
    hand = Hand(
        "version: 1.0\nx-timeout: 60\ntasks: {a: {action: core.noop, next: [{do: c}]},"
        " b: {action: core.noop}, c: {action: core.noop}}"
    )
    hand.turn("b", "pending")
    hand.wait(30)
    hand.end("a")
    running = [call.execution_id for call in hand.open]
    work = hand.wait(30)
    assert sorted(work.cancel) == sorted(running)
    assert (hand.status, hand.conductor.is_ended, hand.open) == ("timeout", True, [])
    assert hand.conductor.result["errors"] == [
        {"type": "error", "message": "TimeoutError: The workflow is out of time."}
    ]


def test_a_time_limit_holds_over_save_and_load() -> None:
    hand = Hand(LIMITED, saves="snapshots")
    hand.wait(35)
    assert hand.waiting == ["late"]


ELSE = """
version: 1.0
input: [n]
tasks:
  t:
    action: core.noop
    next:
      - {when: <% ctx().n = 1 %>, do: one}
      - {when: <% ctx().n = 2 %>, do: two}
      - {x-else: true, publish: [{other: yes}], do: other}
  one: {action: core.noop}
  two: {action: core.noop}
  other: {action: core.noop}
"""


@pytest.mark.parametrize(("n", "task"), [(1, "one"), (2, "two"), (3, "other")])
def test_else_is_taken_when_no_other_transition_is(n: int, task: str) -> None:
    hand = Hand(ELSE, {"n": n})
    hand.end("t")
    assert hand.waiting == [task]


FINALLY = """
version: 1.0
vars: [{disk: none}]
x-finally: [unmount]
tasks:
  mount: {action: core.noop, next: [{when: <% succeeded() %>, publish: [{disk: sda}], do: work}]}
  work: {action: core.noop}
  unmount:
    action: core.noop
    input: {disk: <% ctx().disk %>, status: <% ctx().x_outcome.status %>}
    next: [{publish: [{tidy: true}], do: report}]
  report: {action: core.noop, input: {tidy: <% ctx().tidy %>}}
output: [{disk: <% ctx().disk %>}, {tidy: <% ctx().tidy %>}]
"""


def test_final_tasks_run_when_the_workflow_has_succeeded() -> None:
    hand = Hand(FINALLY)
    assert hand.waiting == ["mount"]
    hand.end("mount", "work")
    assert (hand.status, hand.conductor.is_ended) == ("running", False)
    assert [call.input for call in hand.open] == [{"disk": "sda", "status": "succeeded"}]
    hand.end("unmount", "report")
    assert (hand.status, hand.conductor.is_ended) == ("succeeded", True)
    assert hand.output == {"disk": "sda", "tidy": True}


def test_final_tasks_run_when_it_has_failed_and_it_stays_failed() -> None:
    hand = Hand(FINALLY)
    hand.end("mount")
    hand.turn("work", "failed")
    assert hand.open[0].input == {"disk": "sda", "status": "failed"}
    hand.end("unmount", "report")
    assert (hand.status, hand.conductor.is_ended) == ("failed", True)


def test_final_tasks_run_when_it_was_canceled() -> None:
    hand = Hand(FINALLY)
    hand.ask("cancel")
    hand.end("mount")
    assert (hand.status, hand.waiting) == ("canceling", ["unmount"])
    hand.end("unmount", "report")
    assert hand.status == "canceled"


def test_a_final_task_that_fails_fails_the_workflow() -> None:
    hand = Hand(FINALLY)
    hand.end("mount", "work")
    hand.turn("unmount", "failed")
    hand.end("report")
    assert hand.status == "succeeded", "it goes on without a condition, so something handles it"
    hand = Hand(FINALLY)
    hand.end("mount", "work", "unmount")
    hand.turn("report", "failed")
    assert hand.status == "failed"
    hand.rerun()
    assert hand.waiting == ["unmount"]


def test_final_tasks_can_be_canceled() -> None:
    hand = Hand(FINALLY.partition("output:")[0])
    hand.end("mount", "work")
    call = hand.open[0]
    assert hand.ask("cancel").wind_down == (call.execution_id,)
    hand.turn("unmount", "canceled")
    assert (hand.status, hand.conductor.is_ended, hand.waiting) == ("succeeded", True, [])


def test_final_tasks_run_after_everything_else_has_ended() -> None:
    hand = Hand(
        "version: 1.0\nx-finally: [f]\n"
        "tasks: {a: {action: core.noop}, b: {action: core.noop}, f: {action: core.noop}}"
    )
    hand.turn("a", "failed")
    assert (hand.status, hand.waiting) == ("running", ["b"])
    hand.end("b")
    assert hand.waiting == ["f"]


def items_with(rule: str) -> Hand:
    return Hand(
        f"""
version: 1.0
tasks:
  t:
    with: {{items: "<% [a, b, c, d] %>", concurrency: 2}}
    x-items: {rule}
    action: core.noop
    next: [{{publish: [{{r: <% result() %>}}], do: u}}]
  u: {{action: core.noop, input: {{r: <% ctx().r %>}}}}
"""
    )


def test_items_may_fail_fast_and_the_others_are_stopped() -> None:
    hand = items_with("{on-failure: fast}")
    other = hand.open[1]
    work = hand.turn("t", "failed", "no", item=0)
    assert work.cancel == (other.execution_id,)
    assert hand.open[0].input == {"r": ["no", None, None, None]}


def test_items_may_all_run_whatever_fails() -> None:
    hand = items_with("{on-failure: all}")
    for item, status in enumerate(("failed", "failed", "succeeded", "failed")):
        hand.turn("t", status, item, item=item)
    assert hand.open[0].input == {"r": [0, 1, 2, 3]}
    assert hand.sequence[0] == ("t", "failed")


def test_with_all_even_one_after_the_other_runs_to_the_end() -> None:
    hand = Hand(
        'version: 1.0\ntasks: {t: {with: {items: "<% [1, 2] %>", concurrency: 1}, x-items: {on-failure: all},'
        " action: core.noop}}"
    )
    hand.turn("t", "failed")
    assert [call.item for call in hand.open] == [1]
    hand.turn("t", "succeeded")
    assert hand.status == "failed"


def test_an_item_that_failed_is_tried_again_alone() -> None:
    hand = items_with("{retry: {count: 2, delay: 3}}")
    hand.turn("t", "failed", "no", item=1)
    assert [(call.item, call.delay_s) for call in hand.open] == [(0, 0), (1, 3)]
    for item in (0, 1, 2, 3):
        hand.turn("t", "succeeded", item, item=item)
    assert hand.open[0].input == {"r": [0, 1, 2, 3]}
    assert hand.sequence[0] == ("t", "succeeded")


def test_an_item_is_tried_again_only_so_often() -> None:
    hand = items_with("{retry: {count: 1}, on-failure: fast}")
    hand.turn("t", "failed", item=0)
    assert hand.sequence == [("t", "running")]
    hand.turn("t", "failed", item=0)
    assert hand.sequence[0] == ("t", "failed")


def test_raw_values_are_given_as_they_are() -> None:
    hand = Hand('version: 1.0\ntasks: {t: {action: core.noop, input: {m: {x-raw: "{{ not.ours }}"}}}}')
    assert hand.calls[0].input == {"m": "{{ not.ours }}"}
