"""How a chain runs: which task comes next, how it ends, and what its result tells."""

import pytest

from engine.errors import BadInput, BadParameter, IllegalTransition, NotFound
from engine.workflows.action_chains import ActionChains
from engine.workflows.conducting import Unplannable
from tests.engine.workflows.chain_hand import CHAIN_ID, TEMPLATES, ChainHand

THREE = """
chain:
  - {name: c1, ref: core.local, parameters: {cmd: one}, on-success: c2, on-failure: c3}
  - {name: c2, ref: core.local, parameters: {cmd: two}}
  - {name: c3, ref: core.local, parameters: {cmd: three}}
"""
ONE = "chain:\n  - {name: c1, ref: core.noop}\n"
ASKS = """
chain:
  - {name: ask, ref: core.ask, on-success: then, publish: {word: "{{ ask.response.word }}"}}
  - {name: then, ref: core.local, parameters: {cmd: "{{ ask.result.response.word }}{{ ask.response.word }}"}}
"""


# what comes next


def test_a_chain_begins_with_one_task() -> None:
    hand = ChainHand(THREE)
    [call] = hand.calls
    assert (call.task, call.action, call.input) == ("c1", "core.local", {"cmd": "one"})
    assert hand.status == "running"


def test_success_leads_to_on_success() -> None:
    hand = ChainHand(THREE)
    hand.end({}, {})
    assert (hand.ran, hand.status) == (["c1", "c2"], "succeeded")


@pytest.mark.parametrize("status", ["failed", "abandoned", "timeout"])
def test_every_other_end_leads_to_on_failure(status: str) -> None:
    hand = ChainHand(THREE)
    hand.turn(status)
    assert hand.ran == ["c1", "c3"]


def test_the_last_task_decides_how_the_chain_ends() -> None:
    hand = ChainHand(THREE)
    hand.turn("failed")
    hand.turn("succeeded")
    assert (hand.status, hand.states) == ("succeeded", [("c1", "failed"), ("c3", "succeeded")])


@pytest.mark.parametrize(
    ("status", "outcome"), [("failed", "failed"), ("abandoned", "failed"), ("timeout", "timeout")]
)
def test_a_failure_that_nothing_handles_ends_the_chain(status: str, outcome: str) -> None:
    hand = ChainHand(ONE)
    hand.turn(status)
    assert (hand.status, hand.conductor.is_ended) == (outcome, True)


def test_a_cancelled_task_cancels_the_chain_whatever_could_follow() -> None:
    hand = ChainHand(THREE)
    hand.turn("canceled")
    assert (hand.status, hand.ran) == ("canceled", ["c1"])


def test_a_chain_may_go_round_in_a_loop() -> None:
    hand = ChainHand(
        "chain:\n"
        "  - {name: work, ref: x.work, on-success: more}\n"
        "  - name: more\n"
        "    ref: x.more\n"
        "    parameters: {index: '{% if more is defined %}{{ more.result }}{% endif %}'}\n"
        "    on-success: work\n"
        "    on-failure: done\n"
        "  - {name: done, ref: x.done}\n"
        "default: work\n"
    )
    for index in range(3):
        hand.end({}, {"result": index})
    hand.end({})
    assert hand.given == {"index": "2"}
    hand.turn("failed")
    hand.end({})
    assert hand.ran == ["work", "more"] * 4 + ["done"]
    assert hand.status == "succeeded"


def test_a_name_that_looks_like_a_template_is_taken_literally() -> None:
    hand = ChainHand('chain:\n  - {name: c1, ref: core.noop, on-success: "{{ c2 }}"}\n')
    hand.end({})
    assert hand.status == "failed"
    assert hand.result["error"] == (
        'Failed to get next node "c1".. Unable to find node with name "{{ c2 }}".'
    )
    assert hand.states == [("c1", "succeeded")]


def test_a_default_that_looks_like_a_template_leaves_nothing_to_do() -> None:
    hand = ChainHand(ONE + 'default: "{{ x }}"\n')
    assert (hand.status, hand.ran, hand.result) == ("succeeded", [], {"tasks": [], "published": {}})


def test_what_is_told_of_another_execution_is_ignored() -> None:
    hand = ChainHand(THREE)
    hand.end({})
    before = hand.calls[0]
    hand.calls.append(before)
    hand.turn("failed")
    assert (hand.status, hand.conductor.awaits(before.execution_id)) == ("running", False)


def test_a_file_that_cannot_be_a_chain_is_refused_with_its_line() -> None:
    language = ActionChains(TEMPLATES)
    with pytest.raises(Unplannable) as caught:
        language.plan("chain:\n  - {name: c1, ref: core.noop, on-success: c2}\n")
    words = 'Unable to find node with name "c2" referenced in "on-success" in task "c1". (line 2)'
    assert language.refusal(caught.value.errors) == {"error": words, "traceback": ""}


# errors before a task exists


def test_an_action_that_is_not_there_ends_the_chain_without_a_task() -> None:
    hand = ChainHand(THREE)
    hand.end({})
    hand.refuse(NotFound('Action "core.local" cannot be found.'))
    assert (hand.status, hand.states) == ("failed", [("c1", "succeeded")])
    assert hand.result["error"].startswith(
        'Failed to run task "c2". Action with reference "core.local" doesn\'t exist.'
    )
    assert hand.result["traceback"] == ""


def test_parameters_that_do_not_render_end_the_chain_without_a_task() -> None:
    hand = ChainHand(
        "chain:\n"
        "  - {name: c1, ref: core.noop, on-success: c2}\n"
        '  - {name: c2, ref: core.noop, parameters: {p1: "{{ s3 }}"}, on-failure: c3}\n'
        "  - {name: c3, ref: core.noop}\n"
    )
    hand.end({})
    assert (hand.status, hand.ran, hand.states) == ("failed", ["c1"], [("c1", "succeeded")])
    assert hand.result["error"].startswith(
        'Failed to run task "c2". Parameter rendering failed.. Failed rendering value for action parameter '
        '"p1" in task "c2" (template string={{ s3 }}): '
    )
    assert "'s3' is undefined" in hand.result["error"]


def test_variables_that_do_not_render_end_the_chain_at_once() -> None:
    hand = ChainHand('vars: {x: "{{ nothing }}"}\n' + ONE)
    assert (hand.status, hand.ran) == ("failed", [])
    assert hand.result["error"].startswith("Failed initializing ``vars`` in chain.. ")
    assert (hand.result["tasks"], hand.published) == ([], {})


def test_an_action_that_refuses_its_parameters_is_a_failed_task() -> None:
    hand = ChainHand(THREE)
    hand.refuse(BadParameter("'cmd' is a required property"))
    assert hand.ran == ["c1", "c3"]
    hand.end({})
    [first, _] = hand.result["tasks"]
    assert (first["state"], first["execution_id"], first["liveaction_id"]) == ("failed", None, None)
    assert first["result"] == {
        "error": "Failed running task \"c1\".. 'cmd' is a required property",
        "traceback": "",
    }
    assert hand.status == "succeeded"


def test_publishing_that_does_not_render_fails_the_chain_and_keeps_its_tasks() -> None:
    hand = ChainHand(
        "chain:\n"
        '  - {name: c1, ref: core.noop, publish: {p1: "{{ not_defined }}"}, on-success: c2, on-failure: c2}\n'
        "  - {name: c2, ref: core.noop}\n"
    )
    hand.end({})
    assert (hand.status, hand.ran, hand.states) == ("failed", ["c1"], [("c1", "succeeded")])
    assert hand.result["error"].startswith(
        'Failed rendering value for publish parameter "p1" in task "c1" (template string={{ not_defined }}): '
    )


# the result


def test_the_result_tells_of_each_task_in_the_shape_of_stackstorm() -> None:
    hand = ChainHand(ONE)
    hand.end({"stdout": "hi"})
    [task] = hand.result["tasks"]
    execution_id = hand.calls[0].execution_id
    assert task == {
        "id": "c1",
        "name": "c1",
        "execution_id": execution_id,
        "liveaction_id": task["liveaction_id"],
        "workflow": None,
        "created_at": "2026-01-01T00:00:00.000000+00:00",
        "updated_at": "2026-01-01T00:00:00.000000+00:00",
        "state": "succeeded",
        "result": {"stdout": "hi"},
    }
    assert len(task["liveaction_id"]) == 24


def test_published_variables_are_left_out_where_the_action_says_so() -> None:
    hand = ChainHand(
        'chain:\n  - {name: c1, ref: core.noop, publish: {x: "1"}}\n',
        context={"runner": {"display_published": False}},
    )
    hand.end({})
    assert hand.result.keys() == {"tasks"}


def test_the_tree_names_each_run_of_a_task() -> None:
    hand = ChainHand(THREE)
    hand.turn("failed")
    first, second = hand.conductor.tree()
    assert (first.task, first.status, first.execution_ids) == ("c1", "failed", (hand.calls[0].execution_id,))
    assert (second.task, second.status, second.action, second.ended_at) == (
        "c3",
        "running",
        "core.local",
        None,
    )
    hand.end({})
    assert [view.is_terminal for view in hand.conductor.tree()] == [False, True]


# waiting, pausing, cancelling


def test_a_task_that_waits_pauses_the_chain_and_its_answer_goes_on() -> None:
    hand = ChainHand(ASKS)
    hand.turn("pending")
    assert (hand.status, hand.states) == ("paused", [("ask", "pending")])
    hand.end({"response": {"word": "go"}})
    assert (hand.status, hand.ran) == ("running", ["ask", "then"])


def test_an_answer_is_found_where_stackstorm_puts_it_and_where_one_looks_for_it() -> None:
    hand = ChainHand(ASKS)
    hand.turn("pending")
    hand.end({"response": {"word": "go"}})
    assert hand.given == {"cmd": "gogo"}
    assert hand.result["tasks"][0]["result"] == {"response": {"word": "go"}}


def test_publishing_waits_for_the_answer() -> None:
    hand = ChainHand(ASKS)
    hand.turn("pending")
    assert hand.published == {}
    hand.end({"response": {"word": "go"}})
    assert hand.published == {"word": "go"}


def test_an_answer_to_a_chain_that_somebody_paused_is_kept_until_it_goes_on() -> None:
    hand = ChainHand(ASKS)
    hand.ask("pause")
    hand.turn("pending")
    hand.end({"response": {"word": "go"}})
    assert (hand.status, hand.ran) == ("paused", ["ask"])
    hand.ask("resume")
    assert (hand.status, hand.ran) == ("running", ["ask", "then"])


def test_a_pause_waits_for_the_running_task_and_holds_the_next_one() -> None:
    hand = ChainHand(THREE)
    work = hand.ask("pause")
    assert (hand.status, work.pause) == ("pausing", (hand.calls[0].execution_id,))
    hand.end({})
    assert (hand.status, hand.ran) == ("paused", ["c1"])
    hand.ask("resume")
    assert (hand.status, hand.ran) == ("running", ["c1", "c2"])


@pytest.mark.parametrize(("status", "outcome"), [("succeeded", "succeeded"), ("failed", "failed")])
def test_a_chain_that_was_paused_in_its_last_task_ends_when_it_goes_on(status: str, outcome: str) -> None:
    hand = ChainHand(ONE)
    hand.ask("pause")
    hand.turn(status)
    assert hand.status == "paused"
    hand.ask("resume")
    assert hand.status == outcome


def test_a_pause_that_is_taken_back_changes_nothing() -> None:
    hand = ChainHand(THREE)
    hand.ask("pause")
    hand.ask("resume")
    hand.end({}, {})
    assert hand.status == "succeeded"


def test_a_task_that_is_a_paused_workflow_pauses_the_chain_and_goes_on_with_it() -> None:
    hand = ChainHand(THREE)
    hand.ask("pause")
    hand.turn("paused")
    assert hand.status == "paused"
    work = hand.ask("resume")
    assert work.resume == (hand.calls[0].execution_id,)
    hand.turn("running")
    assert hand.status == "running"
    hand.end({}, {})
    assert hand.status == "succeeded"


def test_a_sub_workflow_that_rests_and_goes_on_by_itself_takes_the_chain_along() -> None:
    hand = ChainHand(THREE)
    hand.turn("paused")
    assert hand.status == "paused"
    hand.turn("running")
    assert hand.status == "running"


def test_a_cancel_waits_for_the_running_task() -> None:
    hand = ChainHand(THREE)
    work = hand.ask("cancel")
    assert (hand.status, work.wind_down) == ("canceling", (hand.calls[0].execution_id,))
    hand.end({})
    assert (hand.status, hand.ran) == ("canceled", ["c1"])
    assert hand.states == [("c1", "succeeded")]


def test_a_paused_chain_is_cancelled_at_once() -> None:
    hand = ChainHand(THREE)
    hand.ask("pause")
    hand.end({})
    hand.ask("cancel")
    assert hand.status == "canceled"


def test_a_cancelled_chain_takes_its_question_along() -> None:
    hand = ChainHand(ASKS)
    hand.turn("pending")
    work = hand.ask("cancel")
    assert (hand.status, work.wind_down) == ("canceling", (hand.calls[0].execution_id,))
    hand.turn("canceled")
    assert hand.status == "canceled"


@pytest.mark.parametrize("wish", ["resume", "pause", "cancel"])
def test_an_ended_chain_takes_no_wishes(wish: str) -> None:
    hand = ChainHand(ONE)
    hand.end({})
    with pytest.raises(IllegalTransition):
        hand.ask(wish)  # type: ignore[arg-type]


# again


def test_a_chain_runs_again_from_the_task_that_failed() -> None:
    hand = ChainHand(THREE)
    hand.end({})
    hand.turn("failed")
    assert hand.status == "failed"
    hand.rerun()
    assert (hand.status, hand.ran) == ("running", ["c1", "c2", "c2"])
    hand.end({})
    assert (hand.status, hand.states) == (
        "succeeded",
        [("c1", "succeeded"), ("c2", "failed"), ("c2", "succeeded")],
    )


def test_a_chain_runs_again_from_a_task_of_choice_with_what_was_published() -> None:
    hand = ChainHand(
        "chain:\n"
        '  - {name: c1, ref: core.noop, publish: {x: "{{ c1.x }}"}, on-success: c2}\n'
        '  - {name: c2, ref: core.noop, parameters: {x: "{{ x }}"}}\n'
    )
    hand.end({"x": 5}, {})
    hand.rerun("c2")
    assert hand.given == {"x": "5"}


def test_a_chain_runs_again_from_the_task_that_could_not_start() -> None:
    hand = ChainHand(THREE)
    hand.end({})
    hand.refuse(NotFound("no such action"))
    hand.rerun()
    hand.end({})
    assert (hand.status, "error" in hand.result) == ("succeeded", False)


def test_a_chain_runs_again_only_after_its_end_and_from_what_ran() -> None:
    hand = ChainHand(THREE)
    with pytest.raises(IllegalTransition):
        hand.rerun("c1")
    hand.end({}, {})
    with pytest.raises(BadInput, match="one or more tasks is not found: c3"):
        hand.rerun("c3")
    with pytest.raises(BadInput, match="No task of this chain has failed"):
        hand.rerun()
    with pytest.raises(BadInput, match="from one task"):
        hand.rerun("c1", "c2")


# what children are told


def test_a_child_is_told_of_its_node() -> None:
    hand = ChainHand('chain:\n  - {name: c1, ref: core.noop, parameters: {x: "{{ y }}"}}\n', {"y": "1"})
    note = hand.calls[0].note
    assert (note["name"], note["ref"], note["parameters"]) == ("c1", "core.noop", {"x": "{{ y }}"})
    assert note.keys() == {
        "name",
        "ref",
        "params",
        "parameters",
        "on_success",
        "on_failure",
        "publish",
        "notify",
    }


NOTIFIED = """
chain:
  - {name: c1, ref: core.noop, on-success: c2, notify: {on-complete: {routes: [own]}}}
  - {name: c2, ref: core.noop, on-success: c3}
  - {name: c3, ref: core.noop}
"""
FILE = {"on-complete": {"routes": ["file"]}}
REQUEST = {"on-complete": {"routes": ["request"]}}


def test_a_task_notifies_as_it_says_else_as_its_chain_does() -> None:
    hand = ChainHand(NOTIFIED, context={"notify": FILE})
    hand.end({}, {}, {})
    assert [call.note["notify"] for call in hand.calls] == [{"on-complete": {"routes": ["own"]}}, FILE, FILE]


def test_a_task_in_skip_notify_notifies_nobody() -> None:
    context = {"notify": FILE, "runner": {"skip_notify": ["c1", "c3"]}}
    hand = ChainHand(NOTIFIED, context=context)
    hand.end({}, {}, {})
    assert [call.note["notify"] for call in hand.calls] == [{}, FILE, {}]


def test_what_the_request_says_of_notifications_holds_for_tasks_that_say_nothing() -> None:
    parent = {"user": "ada", "pack": "ops", "notify": REQUEST}
    hand = ChainHand(NOTIFIED, context={"parent": parent, "runner": {"skip_notify": ["c3"]}})
    hand.end({}, {}, {})
    assert [call.notify for call in hand.calls] == [None, REQUEST, None]


def test_the_chain_of_a_child_is_its_parent() -> None:
    hand = ChainHand(
        "chain:\n  - name: c1\n    ref: core.noop\n"
        '    parameters: {x: "{{ action_context.parent.execution_id }} {{ action_context.parent.pack }}"}\n'
    )
    assert hand.given == {"x": f"{CHAIN_ID} ops"}
