"""People in a workflow: approvals before an action, questions after a failure, and what is undone."""

from typing import Any

import pytest

from engine.errors import IllegalTransition
from tests.engine.workflows.conducting import Hand

APPROVED = """
version: 1.0
input: [version]
vars: [{where: prod}]
tasks:
  deploy:
    x-approve: {groups: [release], quorum: 2, separate: true, ttl: 30, text: "To <% ctx().where %>?"}
    action: site.deploy
    delay: 4
    input: {version: <% ctx().version %>}
    retry: {count: 1, when: <% failed() and result() = again %>}
    next:
      - {when: <% succeeded() %>, publish: [{r: <% result() %>}], do: done}
      - {when: <% failed() %>, publish: [{r: <% result() %>}], do: stop}
  done: {action: core.noop, input: {r: <% ctx().r %>}}
  stop: {action: core.noop, input: {r: <% ctx().r %>}}
"""


def test_people_are_asked_about_exactly_what_would_run() -> None:
    hand = Hand(APPROVED, {"version": "1.2"})
    call = hand.open[0]
    assert (call.purpose, call.action, call.delay_s) == ("approve", "core.ask", 4)
    assert call.input == {
        "groups": ["release"],
        "x-quorum": 2,
        "x-separate": True,
        "ttl": 30,
        "text": "To prod?",
        "on_timeout": "reject",
        "approves": {"action": "site.deploy", "parameters": {"version": "1.2"}},
    }


@pytest.mark.parametrize("saves", ["never", "deltas", "snapshots"])
def test_the_action_runs_once_it_is_approved(saves: Any) -> None:
    hand = Hand(APPROVED, {"version": "1.2"}, saves=saves)
    hand.turn("deploy", "pending")
    assert hand.status == "paused"
    hand.turn("deploy", "succeeded", {"decision": {"state": "approved"}})
    assert hand.status == "running"
    call = hand.open[0]
    assert (call.purpose, call.action, call.input) == ("run", "site.deploy", {"version": "1.2"})
    hand.turn("deploy", "succeeded", "ok")
    assert hand.open[0].input == {"r": "ok"}


@pytest.mark.parametrize("status", ["failed", "timeout"])
def test_without_an_approval_the_action_does_not_run(status: str) -> None:
    hand = Hand(APPROVED, {"version": "1.2"})
    hand.turn("deploy", "pending")
    hand.turn("deploy", status, {"decision": {"reason": "Not on Fridays"}})
    assert [(call.task, call.purpose) for call in hand.open] == [("stop", "run")]
    assert hand.open[0].input == {"r": {"decision": {"reason": "Not on Fridays"}}}
    assert hand.errors[0]["message"] == "The approval was not given. See result for details."


def test_the_same_action_needs_no_second_approval() -> None:
    hand = Hand(APPROVED, {"version": "1.2"})
    hand.turn("deploy", "succeeded")
    hand.turn("deploy", "failed", "again")
    assert [call.purpose for call in hand.open] == ["run"]


def test_other_parameters_need_another_approval() -> None:
    hand = Hand(
        """
version: 1.0
tasks:
  t: {x-approve: {users: [ann]}, x-on-failure: ask, action: core.noop, input: {n: 1, m: 2}}
"""
    )
    hand.turn("t", "succeeded")
    hand.turn("t", "failed")
    hand.turn("t", "succeeded", {"response": {"choice": "edit", "parameters": {"n": 5}}})
    call = hand.open[0]
    assert (call.purpose, call.input["approves"]["parameters"]) == ("approve", {"n": 5, "m": 2})
    hand.turn("t", "succeeded")
    assert (hand.open[0].purpose, hand.open[0].input) == ("run", {"n": 5, "m": 2})


def test_who_is_asked_may_be_an_expression() -> None:
    hand = Hand(
        "version: 1.0\nvars: [{who: [ann]}]\n"
        "tasks: {t: {x-approve: {users: <% ctx().who %>}, action: core.noop}}"
    )
    assert hand.open[0].input["users"] == ["ann"]


def test_a_paused_workflow_takes_the_approval_and_runs_the_action_when_it_is_resumed() -> None:
    hand = Hand("version: 1.0\ntasks: {t: {x-approve: {users: [ann]}, action: core.noop}}")
    hand.turn("t", "pending")
    hand.ask("pause")
    hand.turn("t", "succeeded")
    assert (hand.status, hand.open) == ("paused", [])
    hand.ask("resume")
    assert [call.purpose for call in hand.open] == ["run"]


def test_an_approval_of_a_workflow_that_failed_meanwhile_runs_nothing() -> None:
    hand = Hand(
        "version: 1.0\ntasks: {t: {x-approve: {users: [ann]}, action: core.noop}, b: {action: core.noop}}"
    )
    hand.turn("t", "pending")
    approval = next(call.execution_id for call in hand.open if call.task == "t")
    work = hand.turn("b", "failed")
    assert work.wind_down == (approval,)
    hand.turn("t", "succeeded")
    assert hand.open == []


def test_the_time_of_a_task_begins_when_it_is_approved() -> None:
    hand = Hand("version: 1.0\ntasks: {t: {x-approve: {users: [ann]}, x-timeout: 10, action: core.noop}}")
    hand.turn("t", "pending")
    assert hand.work.wake_at is None
    hand.turn("t", "succeeded")
    hand.wait(10)
    assert hand.status == "failed"


ASKING = """
version: 1.0
tasks:
  t:
    x-on-failure: {users: [ann], ttl: 5}
    action: core.noop
    input: {n: 1}
    next: [{when: <% succeeded() %>, do: done}, {when: <% failed() %>, do: failed}]
  done: {action: core.noop}
  failed: {action: core.noop}
"""


def failed_and_asked() -> Hand:
    hand = Hand(ASKING)
    hand.turn("t", "failed", "boom")
    return hand


def test_a_failure_is_asked_about_before_anything_follows_from_it() -> None:
    hand = failed_and_asked()
    call = hand.open[0]
    assert (hand.status, call.task, call.purpose, call.action) == ("running", "t", "ask", "core.ask")
    assert (call.input["users"], call.input["ttl"]) == (["ann"], 5)
    assert call.input["schema"]["properties"]["choice"]["enum"] == ["retry", "skip", "abort", "edit"]
    hand.turn("t", "pending")
    assert hand.status == "paused"


def answered(choice: str, **response: Any) -> Hand:
    hand = failed_and_asked()
    hand.turn("t", "pending")
    hand.turn("t", "succeeded", {"response": {"choice": choice, **response}})
    return hand


def test_retry_runs_it_once_more_and_a_second_failure_is_asked_about_again() -> None:
    hand = answered("retry")
    assert [(call.purpose, call.input) for call in hand.open] == [("run", {"n": 1})]
    hand.turn("t", "failed")
    assert hand.open[0].purpose == "ask"


def test_edit_runs_it_with_other_parameters() -> None:
    hand = answered("edit", parameters={"n": "<% 1 %>"})
    assert [call.input for call in hand.open] == [{"n": "<% 1 %>"}]
    hand.end("t")
    assert hand.waiting == ["done"]


def test_skip_goes_on_as_if_it_had_succeeded() -> None:
    assert answered("skip").waiting == ["done"]


def test_abort_lets_it_fail() -> None:
    assert answered("abort").waiting == ["failed"]


def test_silence_is_abort() -> None:
    hand = failed_and_asked()
    hand.turn("t", "pending")
    hand.turn("t", "timeout")
    assert hand.waiting == ["failed"]


def test_retry_of_a_task_with_items_repeats_those_that_failed() -> None:
    hand = Hand('version: 1.0\ntasks: {t: {with: "<% [1, 2, 3] %>", x-on-failure: ask, action: core.noop}}')
    for item, status in enumerate(("succeeded", "failed", "succeeded")):
        hand.turn("t", status, item=item)
    assert "edit" not in hand.open[0].input["schema"]["properties"]["choice"]["enum"]
    hand.turn("t", "succeeded", {"response": {"choice": "retry"}})
    assert [call.item for call in hand.open] == [1]
    hand.turn("t", "succeeded")
    assert hand.status == "succeeded"


UNDOING = """
version: 1.0
x-on-failure: undo
tasks:
  a:
    action: site.make
    x-undo: {action: site.remove, input: {id: <% result().id %>}}
    next: [{when: <% succeeded() %>, publish: [{id: <% result().id %>}], do: b}]
  b:
    with: i in <% [x, y] %>
    action: site.add
    x-undo: {action: site.take, input: {what: <% item(i) %>, got: <% result() %>, from: <% ctx().id %>}}
    next: [{when: <% succeeded() %>, do: c}]
  c: {action: core.noop}
"""


def failed_in_c(saves: Any = "never", text: str = UNDOING) -> Hand:
    hand = Hand(text, saves=saves)
    hand.turn("a", "succeeded", {"id": 7})
    hand.turn("b", "succeeded", "first", item=0)
    hand.turn("b", "succeeded", "second", item=1)
    hand.turn("c", "failed")
    return hand


@pytest.mark.parametrize("saves", ["never", "deltas", "snapshots"])
def test_what_was_done_is_undone_one_after_the_other_the_last_first(saves: Any) -> None:
    hand = failed_in_c(saves)
    seen = []
    while hand.open:
        assert (hand.status, hand.conductor.is_ended) == ("running", False)
        call = hand.open[0]
        seen.append((call.purpose, call.action, call.input))
        hand.turn_call(call, "succeeded")
    assert seen == [
        ("undo", "site.take", {"what": "y", "got": "second", "from": 7}),
        ("undo", "site.take", {"what": "x", "got": "first", "from": 7}),
        ("undo", "site.remove", {"id": 7}),
    ]
    assert (hand.status, hand.conductor.is_ended) == ("failed", True)


@pytest.mark.parametrize("saves", ["never", "deltas", "snapshots"])
def test_the_tree_says_what_was_undone_and_what_was_not(saves: Any) -> None:
    hand = failed_in_c(saves)

    def undos() -> dict[str, str]:
        return {view.task: view.undo for view in hand.conductor.tree()}

    assert undos() == {"a": "", "b": "undoing", "c": ""}
    hand.turn_call(hand.open[0], "failed", "no")
    hand.turn_call(hand.open[0], "succeeded")
    assert undos() == {"a": "undoing", "b": "failed", "c": ""}
    hand.turn_call(hand.open[0], "succeeded")
    assert undos() == {"a": "undone", "b": "failed", "c": ""}


def test_an_undo_that_fails_is_told_and_the_others_go_on() -> None:
    hand = failed_in_c()
    hand.turn_call(hand.open[0], "failed", "no")
    assert len(hand.open) == 1
    assert hand.errors[-1]["message"] == "The undo of this task did not succeed."
    assert hand.errors[-1]["task_id"] == "b"


def test_nothing_is_undone_when_the_workflow_succeeds() -> None:
    hand = Hand(UNDOING)
    hand.turn("a", "succeeded", {"id": 7})
    hand.turn("b", "succeeded", item=0)
    hand.turn("b", "succeeded", item=1)
    hand.end("c")
    assert (hand.status, hand.open) == ("succeeded", [])


def test_final_tasks_come_after_what_is_undone() -> None:
    hand = failed_in_c(text=UNDOING.replace("tasks:", "x-finally: f\ntasks:\n  f: {action: core.noop}"))
    for _ in range(3):
        hand.turn_call(hand.open[0], "succeeded")
    assert hand.waiting == ["f"]
    hand.end("f")
    assert hand.status == "failed"


def test_undoing_can_be_canceled() -> None:
    hand = failed_in_c()
    call = hand.open[0]
    assert hand.ask("cancel").wind_down == (call.execution_id,)
    hand.turn_call(call, "canceled")
    assert (hand.status, hand.conductor.is_ended, hand.open) == ("failed", True, [])


def test_what_was_undone_cannot_be_run_again_from_the_middle() -> None:
    hand = failed_in_c()
    while hand.open:
        hand.turn_call(hand.open[0], "succeeded")
    with pytest.raises(IllegalTransition, match="was undone"):
        hand.rerun()
