"""Tasks follow each other: what starts, which transitions are taken, what is published on them."""

from engine.workflows.calls import ActionChanged
from tests.engine.workflows.conducting import Hand

CHAIN = """
version: 1.0
input: [who, {greeting: hello}]
vars: [{line: "<% ctx().greeting %> <% ctx().who %>"}]
tasks:
  first:
    action: core.echo message=<% ctx().line %>
    next:
      - when: <% succeeded() %>
        publish: [{line: "<% result().stdout %>!"}, {shout: "{{ ctx().line | upper }}"}]
        do: second
      - when: <% failed() %>
        do: mend
  second:
    action: core.echo
    input: {message: "<% ctx().shout %>"}
  mend: {action: core.noop}
output:
  - line: <% ctx().line %>
  - shout: <% ctx().shout %>
"""


def test_a_workflow_starts_with_the_tasks_that_nothing_leads_to() -> None:
    hand = Hand(
        "version: 1.0\ntasks: {b: {action: core.noop, next: [{do: c}]},"
        " a: {action: core.noop}, c: {action: core.noop}}"
    )
    assert hand.waiting == ["a", "b"]
    assert hand.status == "running"


def test_inputs_have_defaults_and_variables_see_them() -> None:
    assert Hand(CHAIN, {"who": "ada"}).calls[0].input == {"message": "hello ada"}
    assert Hand(CHAIN, {"who": "ada", "greeting": "hi"}).calls[0].input == {"message": "hi ada"}


def test_an_input_that_is_not_given_is_null_and_one_that_is_not_declared_is_dropped() -> None:
    hand = Hand(
        "version: 1.0\ninput: [a]\ntasks: {t: {action: core.noop}}\noutput: [{a: <% ctx() %>}]", {"b": 1}
    )
    hand.end("t")
    assert hand.output["a"]["a"] is None
    assert "b" not in hand.output["a"]


def test_a_block_of_publish_sees_what_stands_above_it() -> None:
    hand = Hand(CHAIN, {"who": "ada"})
    hand.turn("first", "succeeded", {"stdout": "hello ada"})
    assert hand.open[0].input == {"message": "HELLO ADA!"}
    hand.end("second")
    assert hand.status == "succeeded"
    assert hand.output == {"line": "hello ada!", "shout": "HELLO ADA!"}


def test_only_transitions_whose_condition_holds_are_taken() -> None:
    hand = Hand(CHAIN, {"who": "ada"})
    hand.turn("first", "failed", "boom")
    assert hand.waiting == ["mend"]
    assert hand.status == "running"


def test_a_failure_that_nothing_handles_fails_the_workflow() -> None:
    hand = Hand(CHAIN, {"who": "ada"})
    hand.end("first", result={"stdout": "x"})
    hand.turn("second", "failed", {"stderr": "no"})
    assert hand.status == "failed"
    assert hand.errors == [
        {
            "type": "error",
            "message": "Execution failed. See result for details.",
            "task_id": "second",
            "result": {"stderr": "no"},
        }
    ]
    assert hand.conductor.result == {"output": hand.output, "errors": hand.errors}


def test_a_workflow_that_succeeded_has_no_errors_in_its_result() -> None:
    hand = Hand("version: 1.0\ntasks: {a: {action: core.noop}}")
    hand.end("a")
    assert hand.conductor.is_ended
    assert hand.conductor.result == {"output": None}


def test_a_timeout_makes_the_task_failed_and_says_so() -> None:
    hand = Hand(CHAIN, {"who": "ada"})
    hand.turn("first", "timeout", None)
    assert hand.sequence[0] == ("first", "failed")
    assert hand.waiting == ["mend"]
    assert hand.errors[0]["message"] == "Execution timed out. See result for details."


def test_a_task_without_an_action_succeeds_at_once() -> None:
    hand = Hand("version: 1.0\ntasks: {a: {next: [{publish: [{x: 1}], do: b}]}, b: {action: core.noop}}")
    assert hand.sequence == [("a", "succeeded"), ("b", "running")]


def test_a_loop_of_tasks_without_actions_fails_instead_of_running_for_ever() -> None:
    hand = Hand("version: 1.0\ntasks: {a: {next: [{do: b}]}, b: {next: [{do: b}]}}")
    assert hand.status == "failed"
    assert "loop that never waits" in hand.errors[0]["message"]


def test_the_action_itself_may_be_an_expression() -> None:
    hand = Hand("version: 1.0\nvars: [{do: core.noop}]\ntasks: {a: {action: <% ctx().do %>}}")
    assert hand.calls[0].action == "core.noop"


def test_what_is_told_twice_of_an_execution_counts_once() -> None:
    hand = Hand(CHAIN, {"who": "ada"})
    call = hand.open[0]
    hand.turn_call(call, "succeeded", {"stdout": "x"})
    hand.open.append(call)
    work = hand.turn_call(call, "failed")
    assert work.calls == ()
    assert hand.sequence == [("first", "succeeded"), ("second", "running")]


def test_several_ends_may_be_told_before_work_is_asked_for() -> None:
    hand = Hand(
        "version: 1.0\ntasks: {a: {action: core.noop, next: [{do: j}]},"
        " b: {action: core.noop, next: [{do: j}]}, j: {join: all, action: core.noop}}"
    )
    for call in hand.open:
        hand.conductor.take(ActionChanged(execution_id=call.execution_id, status="succeeded"))
    assert [call.task for call in hand.conductor.work().calls] == ["j"]


def test_the_host_is_told_where_a_call_belongs() -> None:
    call = Hand(CHAIN, {"who": "ada"}).calls[0]
    assert (call.task, call.route, call.entry, call.item, call.purpose, call.delay_s) == (
        "first",
        0,
        0,
        None,
        "run",
        0,
    )
    assert call.execution_id != call.task_execution_id


def test_a_delay_is_rendered_and_given_with_the_call() -> None:
    hand = Hand("version: 1.0\nvars: [{s: 7}]\ntasks: {a: {delay: <% ctx().s %>, action: core.noop}}")
    assert hand.calls[0].delay_s == 7


def test_a_delay_that_is_no_integer_fails_the_workflow() -> None:
    hand = Hand("version: 1.0\nvars: [{s: soon}]\ntasks: {a: {delay: <% ctx().s %>, action: core.noop}}")
    assert hand.status == "failed"
    assert hand.errors == [
        {
            "type": "error",
            "message": "TypeError: The value of task delay is not type of integer.",
            "task_id": "a",
            "route": 0,
        }
    ]


def test_when_one_of_several_tasks_does_not_render_none_of_them_starts() -> None:
    hand = Hand(
        """
version: 1.0
tasks:
  a: {action: core.noop}
  b: {action: core.noop, input: {x: <% ctx().missing %>}}
  c: {action: core.noop, input: {x: "{{ ctx().missing }}"}}
"""
    )
    assert hand.calls == []
    assert hand.status == "failed"
    assert [(error["task_id"], error["route"]) for error in hand.errors] == [("b", 0), ("c", 0)]


def test_an_input_that_does_not_render_fails_the_workflow_before_any_task() -> None:
    hand = Hand(
        "version: 1.0\ninput: [{a: <% nonsense() %>}]\nvars: [{b: <% ctx().c %>}]\n"
        "tasks: {t: {action: core.noop}}"
    )
    assert (hand.status, hand.calls) == ("failed", [])
    assert len(hand.errors) == 2


def test_a_condition_that_does_not_evaluate_fails_the_workflow_and_the_others_go_on() -> None:
    hand = Hand(
        """
version: 1.0
tasks:
  a:
    action: core.noop
    next:
      - {when: <% ctx().missing %>, do: b}
      - {publish: [{seen: 1}], do: c}
  b: {action: core.noop}
  c: {action: core.noop}
"""
    )
    hand.end("a")
    assert hand.status == "failed"
    assert hand.waiting == []
    assert hand.errors[0]["task_transition_id"] == "b__t0"


def test_a_value_that_cannot_be_published_fails_the_workflow_for_each_target() -> None:
    hand = Hand(
        "version: 1.0\ntasks: {a: {action: core.noop, next: [{"
        "publish: [{x: <% ctx().missing %>}], do: [b, c]}]}, b: {action: core.noop}, c: {action: core.noop}}"
    )
    hand.end("a")
    assert [error["task_transition_id"] for error in hand.errors] == ["b__t0", "c__t0"]


def test_tasks_are_requested_by_name() -> None:
    hand = Hand(
        "version: 1.0\ntasks: {a: {action: core.noop, next: [{do: [z, m]}, {do: [k]}]},"
        " z: {action: core.noop}, m: {action: core.noop}, k: {action: core.noop}}"
    )
    hand.end("a")
    assert hand.waiting == ["k", "m", "z"]


def test_an_output_that_does_not_render_fails_a_workflow_that_had_succeeded() -> None:
    hand = Hand("version: 1.0\ntasks: {a: {action: core.noop}}\noutput: [{x: 1}, {y: <% ctx().missing %>}]")
    hand.end("a")
    assert hand.status == "failed"
    assert hand.output == {"x": 1}


def test_output_is_rendered_for_a_workflow_that_failed_too() -> None:
    hand = Hand(CHAIN, {"who": "ada"})
    hand.turn("first", "failed", "boom")
    hand.turn("mend", "failed", "boom")
    assert hand.status == "failed"
    assert hand.output == {"line": "hello ada"}


def test_the_rest_finishes_after_a_failure_and_nothing_new_starts() -> None:
    hand = Hand(
        "version: 1.0\ntasks: {a: {action: core.noop}, b: {action: core.noop, "
        "next: [{publish: [{x: 1}], do: c}]}, c: {action: core.noop}}"
    )
    hand.turn("a", "failed")
    assert hand.status == "failed"
    assert not hand.conductor.is_ended
    hand.end("b")
    assert hand.waiting == []
    assert hand.conductor.is_ended


def test_a_task_that_is_rendered_has_not_succeeded_yet_and_in_a_loop_knows_how_it_went_before() -> None:
    hand = Hand("""
        version: 1.0
        vars: [{n: 0}]
        tasks:
          start: {action: core.noop, next: [{do: t}]}
          t:
            action: core.echo
            input: {message: "<% succeeded() %> <% failed() %>"}
            next: [{when: <% ctx().n < 1 %>, publish: [{n: 1}], do: t}]
        """)
    hand.end("start", "t", "t")
    messages = [call.input["message"] for call in hand.calls if call.task == "t"]
    assert messages == ["False False", "True False"]
