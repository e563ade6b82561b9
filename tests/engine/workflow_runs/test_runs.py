"""Workflows with real actions: what starts when, what is passed on, how they end."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import BadInput, IllegalTransition, NotFound
from engine.service import Engine
from engine.status import Status
from tests.engine.workflow_runs.flows import children, run_flow, start, tasks_of, write_flow
from tests.engine.world import settings, wait_until

CHAIN = """
    version: 1.0
    input:
      - name
    tasks:
      first:
        action: probe.sh cmd="echo hello"
        next:
          - when: <% succeeded() %>
            publish: greeting=<% result().stdout %>
            do: second
      second:
        action: probe.sh
        input:
          cmd: echo <% ctx().greeting %> <% ctx().name %>
        next:
          - when: <% succeeded() %>
            publish: said=<% result().stdout %>
    output:
      - said: <% ctx().said %>
"""


def test_a_workflow_runs_its_tasks_one_after_the_other(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    flow = write_flow(engine, "chain", CHAIN, parameters="{name: {type: string, required: true}}")
    done = run_flow(engine, flow, name="world")
    assert done.status is Status.SUCCEEDED, done.result
    assert done.result == {"output": {"said": "hello world"}}
    assert tasks_of(engine, done) == ["first", "second"]


def test_a_child_knows_its_workflow_and_its_task(engine: Engine) -> None:
    flow = write_flow(engine, "chain", CHAIN, parameters="{name: {type: string, required: true}}")
    done = run_flow(engine, flow, name="world")
    child = children(engine, done)[0]
    assert child.parent_id == done.id
    assert child.user == "alice"
    assert child.context["parent"] == {"execution_id": done.id, "user": "alice", "pack": "flow"}
    place = child.context["orquesta"]
    assert (place["task_name"], place["task_id"], place["task_route"]) == ("first", "first", 0)
    assert len(place["workflow_execution_id"]) == len(place["task_execution_id"]) == 24


def test_what_a_caller_gives_is_never_an_expression(engine: Engine) -> None:
    flow = write_flow(engine, "chain", CHAIN, parameters="{name: {type: string, required: true}}")
    done = run_flow(engine, flow, name="'<% ctx().st2.user %> {{ 7 * 7 }}'")
    assert done.result == {"output": {"said": "hello <% ctx().st2.user %> {{ 7 * 7 }}"}}


def test_branches_meet_at_a_join(engine: Engine) -> None:
    flow = write_flow(
        engine,
        "join",
        """
        version: 1.0
        tasks:
          fork:
            action: core.noop
            next: [{do: [left, right]}]
          left:
            action: probe.sh cmd="echo l"
            next: [{publish: [{l: <% result().stdout %>}], do: meet}]
          right:
            action: probe.sh cmd="echo r"
            next: [{publish: [{r: <% result().stdout %>}], do: meet}]
          meet:
            join: all
            action: core.echo message="<% ctx().l %><% ctx().r %>"
            next: [{publish: [{both: <% result().stdout %>}]}]
        output:
          - both: <% ctx().both %>
        """,
    )
    done = run_flow(engine, flow)
    assert done.result == {"output": {"both": "lr"}}
    assert sorted(tasks_of(engine, done)) == ["fork", "left", "meet", "right"]


def test_a_task_that_fails_ends_the_workflow_with_its_error(engine: Engine) -> None:
    flow = write_flow(
        engine,
        "fails",
        """
        version: 1.0
        tasks:
          bad:
            action: probe.sh cmd="exit 3"
            next: [{when: <% succeeded() %>, do: never}]
          never:
            action: core.noop
        """,
    )
    done = run_flow(engine, flow)
    assert done.status is Status.FAILED
    [error] = done.result["errors"]
    assert (error["task_id"], error["result"]["return_code"]) == ("bad", 3)
    assert error["message"] == "Execution failed. See result for details."


def test_an_action_that_does_not_exist_is_a_task_that_fails(engine: Engine) -> None:
    flow = write_flow(
        engine,
        "unknown",
        """
        version: 1.0
        input: [which]
        tasks:
          call:
            action: <% ctx().which %>
        """,
        parameters="{which: {type: string}}",
    )
    done = run_flow(engine, flow, which="flow.nothere")
    assert done.status is Status.FAILED
    assert "flow.nothere" in str(done.result["errors"])


def test_a_definition_with_faults_fails_before_any_task(engine: Engine) -> None:
    flow = write_flow(
        engine,
        "faulty",
        """
        version: 1.0
        tasks:
          first:
            action: core.noop
            next: [{do: ghost}]
        """,
    )
    done = run_flow(engine, flow)
    assert done.status is Status.FAILED
    assert 'The task "ghost" is not defined.' in str(done.result["errors"])
    assert children(engine, done) == []


def test_each_item_is_an_execution_and_results_keep_their_order(engine: Engine) -> None:
    flow = write_flow(
        engine,
        "items",
        """
        version: 1.0
        input: [words]
        tasks:
          each:
            with: {items: <% ctx().words %>, concurrency: 2}
            action: core.echo message=<% item() %>
            next: [{publish: [{said: <% result().select($.stdout) %>}]}]
        output:
          - said: <% ctx().said %>
        """,
        parameters="{words: {type: array}}",
    )
    done = run_flow(engine, flow, words=["a", "b", "c", "d", "e"])
    assert done.result == {"output": {"said": ["a", "b", "c", "d", "e"]}}
    assert [child.context["orquesta"]["item_id"] for child in children(engine, done)] == [0, 1, 2, 3, 4]


def test_a_workflow_runs_inside_a_workflow(engine: Engine) -> None:
    inner = write_flow(engine, "chain", CHAIN, parameters="{name: {type: string, required: true}}")
    outer = write_flow(
        engine,
        "outer",
        f"""
        version: 1.0
        tasks:
          inside:
            action: {inner} name="you"
            next: [{{publish: [{{said: <% result().output.said %>}}]}}]
        output:
          - said: <% ctx().said %>
        """,
    )
    assert run_flow(engine, outer).result == {"output": {"said": "hello you"}}


SLOW = """
    version: 1.0
    tasks:
      slow:
        action: probe.sh cmd="sleep 0.5; echo done"
        next: [{when: <% succeeded() %>, do: after}]
      after:
        action: probe.sh cmd="echo after"
"""


def test_pausing_lets_what_runs_end_and_starts_nothing_new(engine: Engine) -> None:
    flow = write_flow(engine, "slow", SLOW)
    made = start(engine, flow)
    wait_until(lambda: len(engine.children(made.id)) == 1)
    paused = engine.workflows.pause(made.id, user="bob")
    assert paused.status is Status.PAUSING
    assert paused.context["paused_by"] == "bob"
    wait_until(lambda: engine.execution(made.id).status is Status.PAUSED)
    assert tasks_of(engine, made) == ["slow"]
    engine.workflows.resume(made.id, user="bob")
    done = engine.wait(made.id, timeout_s=60)
    assert done.status is Status.SUCCEEDED
    assert tasks_of(engine, made) == ["slow", "after"]
    assert "paused" in [str(status) for _, status in done.log]


def test_cancelling_lets_what_runs_end_and_starts_nothing_new(engine: Engine) -> None:
    flow = write_flow(engine, "slow", SLOW)
    made = start(engine, flow)
    wait_until(lambda: any(child.status is Status.RUNNING for child in children(engine, made)))
    assert engine.cancel(made.id, user="bob").status is Status.CANCELING
    done = engine.wait(made.id, timeout_s=60)
    assert done.status is Status.CANCELED
    [slow] = children(engine, made)
    assert slow.status is Status.SUCCEEDED


def test_cancelling_a_workflow_cancels_the_one_inside(engine: Engine) -> None:
    inner = write_flow(engine, "slow", SLOW)
    outer = write_flow(engine, "outer", f"version: 1.0\ntasks:\n  inside:\n    action: {inner}\n")
    made = start(engine, outer)
    wait_until(lambda: any(engine.children(child.id) for child in children(engine, made)))
    engine.cancel(made.id, user="bob")
    assert engine.wait(made.id, timeout_s=60).status is Status.CANCELED
    assert [child.status for child in children(engine, made)] == [Status.CANCELED]


def test_cancelling_the_one_inside_cancels_the_whole(engine: Engine) -> None:
    inner = write_flow(engine, "slow", SLOW)
    outer = write_flow(engine, "outer", f"version: 1.0\ntasks:\n  inside:\n    action: {inner}\n")
    made = start(engine, outer)
    wait_until(lambda: any(engine.children(child.id) for child in children(engine, made)))
    engine.cancel(children(engine, made)[0].id, user="bob")
    assert engine.wait(made.id, timeout_s=60).status is Status.CANCELED


def test_only_workflows_pause(engine: Engine) -> None:
    made = start(engine, "probe.sh", cmd="sleep 5")
    with pytest.raises(BadInput, match="cannot pause"):
        engine.workflows.pause(made.id, user="bob")


def test_what_has_ended_is_not_paused(engine: Engine) -> None:
    done = run_flow(engine, write_flow(engine, "slow", SLOW))
    with pytest.raises(IllegalTransition):
        engine.workflows.pause(done.id, user="bob")


RERUN = """
    version: 1.0
    input: [flag]
    tasks:
      once:
        action: probe.sh cmd="echo once"
        next: [{when: <% succeeded() %>, publish: [{word: <% result().stdout %>}], do: check}]
      check:
        action: probe.sh
        input:
          cmd: test -e <% ctx().flag %>
        next: [{when: <% succeeded() %>, do: last}]
      last:
        action: core.echo message=<% ctx().word %>
        next: [{publish: [{said: <% result().stdout %>}]}]
    output:
      - said: <% ctx().said %>
"""


def test_a_failed_workflow_goes_on_from_the_task_that_failed(engine: Engine) -> None:
    flow = write_flow(engine, "rerun", RERUN, parameters="{flag: {type: string}}")
    flag = engine.settings.root / "flag"
    failed = run_flow(engine, flow, flag=str(flag))
    assert failed.status is Status.FAILED
    flag.touch()
    again = engine.rerun(failed.id, user="bob", parameters={}, tasks=["check"])
    done = engine.wait(again.id, timeout_s=60)
    assert done.status is Status.SUCCEEDED, done.result
    assert done.result["output"] == {"said": "once"}
    assert tasks_of(engine, done) == ["check", "last"]
    assert done.context["re-run"] == {"ref": failed.id, "tasks": ["check"], "reset": []}


def test_a_task_that_did_not_run_cannot_be_run_again(engine: Engine) -> None:
    flow = write_flow(engine, "rerun", RERUN, parameters="{flag: {type: string}}")
    failed = run_flow(engine, flow, flag=str(engine.settings.root / "flag"))
    again = engine.rerun(failed.id, user="bob", parameters={}, tasks=["ghost"])
    done = engine.wait(again.id, timeout_s=60)
    assert done.status is Status.FAILED
    assert "ghost" in str(done.result)
    # The workflow still belongs to the first execution, and can be run again as it should be.
    (engine.settings.root / "flag").touch()
    again = engine.rerun(failed.id, user="bob", parameters={}, tasks=["check"])
    assert engine.wait(again.id, timeout_s=60).status is Status.SUCCEEDED


def test_what_was_run_again_is_not_run_again_from_the_old_execution(engine: Engine) -> None:
    flow = write_flow(engine, "rerun", RERUN, parameters="{flag: {type: string}}")
    failed = run_flow(engine, flow, flag=str(engine.settings.root / "flag"))
    again = engine.rerun(failed.id, user="bob", parameters={}, tasks=["check"])
    engine.wait(again.id, timeout_s=60)
    with pytest.raises(NotFound, match="run again already"):
        engine.rerun(failed.id, user="bob", parameters={}, tasks=["check"])


def test_a_child_that_is_cancelled_cancels_its_workflow(engine: Engine) -> None:
    flow = write_flow(engine, "slow", SLOW.replace("sleep 0.5", "sleep 30"))
    made = start(engine, flow)
    wait_until(lambda: any(child.status is Status.RUNNING for child in children(engine, made)))
    engine.cancel(children(engine, made)[0].id, user="bob")
    assert engine.wait(made.id, timeout_s=60).status is Status.CANCELED


def test_secrets_of_a_workflow_are_masked_in_its_children_and_rows(engine: Engine) -> None:
    flow = write_flow(
        engine,
        "secretive",
        """
        version: 1.0
        input: [password]
        tasks:
          use:
            action: probe.sh
            input:
              cmd: echo the password is <% ctx().password %>
            next: [{publish: [{said: <% result().stdout %>}]}]
        output:
          - said: <% ctx().said %>
        """,
        parameters="{password: {type: string, secret: true}}",
    )
    done = run_flow(engine, flow, password="tok-87654321")
    [child] = children(engine, done)
    assert child.parameters["cmd"] == "echo the password is ********"
    assert done.result == {"output": {"said": "the password is ********"}}
    database = engine.settings.root / "data" / "stormcrow.db"
    written = b"".join(path.read_bytes() for path in database.parent.glob("stormcrow.db*"))
    assert b"tok-87654321" not in written


def test_the_tree_tells_each_run_of_a_task(engine: Engine) -> None:
    flow = write_flow(engine, "chain", CHAIN, parameters="{name: {type: string, required: true}}")
    done = run_flow(engine, flow, name="world")
    tree = engine.workflows.tree(done.id)
    assert [(task.task, task.status, task.action) for task in tree] == [
        ("first", "succeeded", "probe.sh"),
        ("second", "succeeded", "probe.sh"),
    ]
    assert [list(task.execution_ids) for task in tree] == [[child] for child in engine.children(done.id)]


def test_many_workflows_at_once_keep_to_themselves(engine: Engine) -> None:
    flow = write_flow(engine, "chain", CHAIN, parameters="{name: {type: string, required: true}}")
    outcomes: dict[int, object] = {}

    def one(number: int) -> None:
        outcomes[number] = run_flow(engine, flow, name=f"n{number}").result

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert outcomes == {number: {"output": {"said": f"hello n{number}"}} for number in range(12)}


def test_what_still_runs_when_a_workflow_has_failed_runs_to_its_end(engine: Engine) -> None:
    flow = write_flow(
        engine,
        "fast",
        """
        version: 1.0
        tasks:
          fork:
            action: core.noop
            next: [{do: "bad, slow"}]
          bad: {action: probe.sh cmd="false"}
          slow: {action: probe.sh cmd="sleep 0.5"}
        """,
    )
    done = run_flow(engine, flow)
    assert done.status is Status.FAILED
    assert [error["task_id"] for error in done.result["errors"]] == ["bad"]
    assert {child.status for child in children(engine, done)} == {Status.SUCCEEDED, Status.FAILED}


def test_a_workflow_that_calls_itself_for_ever_is_stopped(engine: Engine) -> None:
    flow = write_flow(engine, "mirror", "version: 1.0\ntasks:\n  again:\n    action: flow.mirror\n")
    done = run_flow(engine, flow)
    assert done.status is Status.FAILED
    assert "more than 50 workflows deep" in str(done.result)


def test_a_loop_without_actions_ends_with_an_error(engine: Engine) -> None:
    flow = write_flow(
        engine,
        "spin",
        """
        version: 1.0
        tasks:
          start: {next: [{do: spin}]}
          spin: {next: [{do: spin}]}
        """,
    )
    done = run_flow(engine, flow)
    assert done.status is Status.FAILED
    assert done.result["errors"]


def test_a_workflow_that_was_given_up_lets_its_children_end(engine: Engine) -> None:
    made = start(engine, write_flow(engine, "slow", SLOW))
    wait_until(lambda: any(child.status is Status.RUNNING for child in children(engine, made)))
    workflow_id = children(engine, made)[0].context["orquesta"]["workflow_execution_id"]
    engine.workflows._stepper._give_up(workflow_id, RuntimeError("a fault of ours"))
    engine.workflows._live.drop(workflow_id)
    failed = engine.execution(made.id)
    assert failed.status is Status.FAILED
    assert "its log says more" in failed.result["errors"][0]["message"]
    wait_until(lambda: children(engine, made)[0].is_finished)
    assert [child.status for child in children(engine, made)] == [Status.SUCCEEDED]
    wait_until(lambda: not engine.workflows._boxes._boxes)


@pytest.mark.parametrize("expression", ["<% pow(2, 100) %>", "{{ 2 ** 100 }}"])
def test_the_limits_of_templates_hold_for_workflows_too(tmp_path: Path, expression: str) -> None:
    text = f"version: 1.0\nvars:\n  - n: '{expression}'\ntasks:\n  a: {{action: core.noop}}\n"
    made = settings(tmp_path)
    engine = Engine(replace(made, templates=replace(made.templates, number_limit_bits=64)))
    engine.start()
    try:
        done = run_flow(engine, write_flow(engine, "ranging", text))
    finally:
        engine.stop()
    assert done.status is Status.FAILED
    assert "more than 64 bits" in done.result["errors"][0]["message"]


def test_a_workflow_whose_actions_are_not_there_does_not_begin(engine: Engine) -> None:
    text = """
        version: 1.0
        tasks:
          a: {action: core.noop, next: [{do: b}]}
          b: {action: probe.sh, input: {command: id}, next: [{do: c}]}
          c: {action: core.nope}
    """
    flow = write_flow(engine, "hopeless", text)
    done = run_flow(engine, flow)
    assert done.status is Status.FAILED
    assert children(engine, done) == []
    assert done.result["output"] is None
    assert [(one["type"], one["message"]) for one in done.result["errors"]] == [
        ("content", 'The action "core.nope" is not registered in the database.'),
        ("content", 'Action "probe.sh" is missing required input "cmd".'),
        ("content", 'Action "probe.sh" has unexpected input "command".'),
    ]


def test_what_was_missing_may_come_with_a_reload(engine: Engine) -> None:
    flow = write_flow(engine, "early", "version: 1.0\ntasks:\n  a: {action: flow.late}\n")
    assert run_flow(engine, flow).status is Status.FAILED
    write_flow(engine, "late", "version: 1.0\ntasks:\n  a: {action: core.noop}\n")
    assert run_flow(engine, flow).status is Status.SUCCEEDED
