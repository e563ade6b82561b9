"""Action chains with real actions: order, templates, publish, how they end, pause and cancel."""

import textwrap
from pathlib import Path

import pytest

from engine.errors import BadInput
from engine.records.execution import Execution
from engine.records.inquiry import Answerer
from engine.service import Engine
from engine.status import Status
from tests.engine.workflow_runs.flows import PACK, children, run_flow, start
from tests.engine.world import wait_until


def write_chain(engine: Engine, name: str, chain: str, *, parameters: str = "{}") -> str:
    """The ref of an action that is this chain."""
    folder = engine.settings.root / "packs" / "flow"
    (folder / "actions" / "chains").mkdir(parents=True, exist_ok=True)
    (folder / "pack.yaml").write_text(PACK, encoding="utf-8")
    (folder / "actions" / "chains" / f"{name}.yaml").write_text(textwrap.dedent(chain), encoding="utf-8")
    (folder / "actions" / f"{name}.yaml").write_text(
        f"name: {name}\nrunner_type: action-chain\nentry_point: chains/{name}.yaml\n"
        f"parameters: {parameters}\n",
        encoding="utf-8",
    )
    engine.reload()
    return f"flow.{name}"


def names_of(engine: Engine, execution: Execution) -> list[str]:
    return [child.context["chain"]["name"] for child in children(engine, execution)]


GREET = """
    vars:
      greeting: "hello {{ who }}"
    chain:
      - name: first
        ref: probe.sh
        parameters:
          cmd: "echo {{ greeting }}"
        publish:
          said: "{{ first.stdout }}"
        on-success: second
      - name: second
        ref: core.echo
        parameters:
          message: "{{ said }}! {{ first.stdout | upper }}"
    default: first
"""


def test_a_chain_runs_its_tasks_and_publishes(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    chain = write_chain(engine, "greet", GREET, parameters="{who: {type: string, required: true}}")
    done = run_flow(engine, chain, who="world")
    assert done.status is Status.SUCCEEDED, done.result
    assert done.result["published"] == {"said": "hello world"}
    first, second = done.result["tasks"]
    assert (first["name"], first["state"], first["result"]["stdout"]) == ("first", "succeeded", "hello world")
    assert second["result"]["stdout"] == "hello world! HELLO WORLD"
    assert [first["execution_id"], second["execution_id"]] == engine.children(done.id)


def test_a_child_is_told_of_its_node(engine: Engine) -> None:
    chain = write_chain(engine, "greet", GREET, parameters="{who: {type: string, required: true}}")
    done = run_flow(engine, chain, who="world")
    child = children(engine, done)[0]
    assert child.context["parent"]["execution_id"] == done.id
    told = child.context["chain"]
    assert (told["name"], told["ref"], told["on_success"]) == ("first", "probe.sh", "second")


def test_what_a_caller_gives_is_never_a_template(engine: Engine) -> None:
    chain = write_chain(engine, "greet", GREET, parameters="{who: {type: string, required: true}}")
    done = run_flow(engine, chain, who="'{{ 7 * 7 }}'")
    assert done.result["tasks"][1]["result"]["stdout"] == "hello {{ 7 * 7 }}! HELLO {{ 7 * 7 }}"


def test_a_failure_that_is_handled_ends_well_when_the_last_task_does(engine: Engine) -> None:
    chain = write_chain(
        engine,
        "handled",
        """
        chain:
          - {name: bad, ref: probe.sh, parameters: {cmd: exit 3}, on-success: never, on-failure: mend}
          - {name: never, ref: core.noop}
          - {name: mend, ref: core.noop}
        """,
    )
    done = run_flow(engine, chain)
    assert done.status is Status.SUCCEEDED
    assert names_of(engine, done) == ["bad", "mend"]


def test_the_last_task_decides(engine: Engine) -> None:
    chain = write_chain(
        engine,
        "ends_badly",
        """
        chain:
          - {name: good, ref: core.noop, on-success: bad}
          - {name: bad, ref: probe.sh, parameters: {cmd: exit 3}}
        """,
    )
    assert run_flow(engine, chain).status is Status.FAILED


def test_a_task_whose_parameters_do_not_render_ends_the_chain(engine: Engine) -> None:
    chain = write_chain(
        engine,
        "unrendered",
        """
        chain:
          - {name: good, ref: core.noop, on-success: bad}
          - {name: bad, ref: core.echo, parameters: {message: "{{ nobody.knows }}"}, on-failure: good}
        """,
    )
    done = run_flow(engine, chain)
    assert done.status is Status.FAILED
    assert done.result["error"].startswith('Failed to run task "bad". Parameter rendering failed.')
    assert names_of(engine, done) == ["good"]


def test_an_action_that_is_not_there_ends_the_chain_without_a_task(engine: Engine) -> None:
    chain = write_chain(
        engine,
        "missing",
        """
        chain:
          - {name: good, ref: core.noop, on-success: bad}
          - {name: bad, ref: flow.nothere, on-failure: good}
        """,
    )
    done = run_flow(engine, chain)
    assert done.status is Status.FAILED
    assert [task["name"] for task in done.result["tasks"]] == ["good"]
    assert done.result["error"].startswith(
        'Failed to run task "bad". Action with reference "flow.nothere" doesn\'t exist.'
    )


def test_a_task_whose_parameters_are_refused_has_failed_and_is_handled(engine: Engine) -> None:
    chain = write_chain(
        engine,
        "refused",
        """
        chain:
          - {name: bad, ref: core.pause, parameters: {max_pause: soon}, on-failure: mend}
          - {name: mend, ref: core.echo, parameters: {message: "{{ bad.error }}"}}
        """,
    )
    done = run_flow(engine, chain)
    assert done.status is Status.SUCCEEDED
    bad, mend = done.result["tasks"]
    assert (bad["state"], bad["execution_id"]) == ("failed", None)
    assert 'Parameter "max_pause" is of type integer.' in bad["result"]["error"]
    assert mend["result"]["stdout"] == bad["result"]["error"]


def test_a_faulty_chain_fails_with_its_fault(engine: Engine) -> None:
    chain = write_chain(engine, "faulty", "chain:\n  - {name: a, ref: core.noop, on-success: ghost}\n")
    done = run_flow(engine, chain)
    assert done.status is Status.FAILED
    assert 'Unable to find node with name "ghost"' in done.result["error"]


def test_lists_and_objects_are_rendered_inside(engine: Engine) -> None:
    chain = write_chain(
        engine,
        "nested",
        """
        vars:
          hosts: ["{{ prefix }}1", "{{ prefix }}2"]
          count: 5
        chain:
          - name: show
            ref: core.echo
            parameters:
              message: "{{ hosts | join(',') }} {{ count + 1 }}"
        """,
        parameters="{prefix: {type: string, default: web}}",
    )
    assert run_flow(engine, chain).result["tasks"][0]["result"]["stdout"] == "web1,web2 6"


def test_numbers_are_cast_by_the_action_that_takes_them(engine: Engine) -> None:
    chain = write_chain(
        engine,
        "cast",
        """
        chain:
          - {name: wait, ref: core.pause, parameters: {max_pause: "{{ seconds }}"}}
        """,
        parameters="{seconds: {type: integer, default: 0}}",
    )
    done = run_flow(engine, chain)
    assert done.status is Status.SUCCEEDED, done.result
    assert children(engine, done)[0].parameters["max_pause"] == 0


def test_published_variables_can_be_hidden(engine: Engine) -> None:
    chain = write_chain(
        engine,
        "hidden",
        GREET,
        parameters="{who: {type: string, default: x}, display_published: {default: false}}",
    )
    assert "published" not in run_flow(engine, chain).result


HELD = """
    chain:
      - name: held
        ref: probe.sh
        parameters: {cmd: "while [ ! -e '{{ gate }}' ]; do sleep 0.05; done"}
        on-success: after
      - {name: after, ref: core.noop}
"""


@pytest.fixture
def held(engine: Engine) -> Execution:
    """A chain whose first task runs until the file `gate` is there."""
    chain = write_chain(engine, "held", HELD, parameters="{gate: {type: string}}")
    made = start(engine, chain, gate=str(gate_of(engine)))
    wait_until(lambda: any(child.status is Status.RUNNING for child in children(engine, made)))
    return made


def gate_of(engine: Engine) -> Path:
    return engine.settings.root / "gate"


def test_a_chain_pauses_between_its_tasks_and_goes_on(engine: Engine, held: Execution) -> None:
    engine.workflows.pause(held.id, user="bob")
    gate_of(engine).touch()
    wait_until(lambda: engine.execution(held.id).status is Status.PAUSED)
    assert names_of(engine, held) == ["held"]
    engine.workflows.resume(held.id, user="bob")
    assert engine.wait(held.id, timeout_s=60).status is Status.SUCCEEDED
    assert names_of(engine, held) == ["held", "after"]


def test_a_cancelled_chain_lets_its_task_end(engine: Engine, held: Execution) -> None:
    engine.cancel(held.id, user="bob")
    gate_of(engine).touch()
    done = engine.wait(held.id, timeout_s=60)
    assert done.status is Status.CANCELED
    assert [child.status for child in children(engine, done)] == [Status.SUCCEEDED]
    assert [(task["name"], task["state"]) for task in done.result["tasks"]] == [("held", "succeeded")]


def test_the_tree_of_a_chain_that_runs_shows_its_task(engine: Engine, held: Execution) -> None:
    [view] = engine.workflows.tree(held.id)
    assert (view.task, view.status, view.action) == ("held", "running", "probe.sh")
    gate_of(engine).touch()
    engine.wait(held.id, timeout_s=60)
    assert [(one.task, one.status) for one in engine.workflows.tree(held.id)] == [
        ("held", "succeeded"),
        ("after", "succeeded"),
    ]


def test_a_chain_runs_again_from_the_task_that_failed(engine: Engine) -> None:
    chain = write_chain(
        engine,
        "mended",
        """
        chain:
          - {name: first, ref: probe.sh, parameters: {cmd: "echo one"}, publish: {o: "{{ first.stdout }}"},
             on-success: second}
          - {name: second, ref: probe.sh, parameters: {cmd: "test -e '{{ gate }}' && echo {{ o }}"}}
        """,
        parameters="{gate: {type: string}}",
    )
    failed = run_flow(engine, chain, gate=str(gate_of(engine)))
    assert failed.status is Status.FAILED
    gate_of(engine).touch()
    again = engine.rerun(failed.id, user="bob", parameters={}, tasks=["second"])
    done = engine.wait(again.id, timeout_s=60)
    assert done.status is Status.SUCCEEDED, done.result
    assert names_of(engine, done) == ["second"]
    assert done.result["tasks"][-1]["result"]["stdout"] == "one"


def test_tasks_of_what_is_no_workflow_cannot_be_chosen_for_a_rerun(engine: Engine) -> None:
    done = run_flow(engine, "core.noop")
    with pytest.raises(BadInput, match="only supported for Orquesta"):
        engine.rerun(done.id, user="bob", parameters={}, tasks=["x"])


def test_a_question_in_an_inner_chain_rests_both_and_its_answer_ends_both(engine: Engine) -> None:
    inner = write_chain(
        engine,
        "inner",
        """
        chain:
          - {name: ask, ref: core.ask, on-success: last}
          - {name: last, ref: core.echo, parameters: {message: "{{ ask.result.response.continue }}"}}
        """,
    )
    outer = write_chain(engine, "outer", f"chain: [{{name: in, ref: {inner}, on-success: out}},"
                        " {name: out, ref: core.noop}]")  # fmt: skip
    made = start(engine, outer)
    wait_until(lambda: engine.execution(made.id).status is Status.PAUSED)
    [child] = children(engine, made)
    assert child.status is Status.PAUSED
    engine.inquiries.answer(engine.children(child.id)[0], {"continue": True}, who=Answerer(user="alice"))
    done = engine.wait(made.id, timeout_s=60)
    assert done.status is Status.SUCCEEDED, done.result
    assert done.result["tasks"][0]["result"]["tasks"][1]["result"]["stdout"] == "True"


def test_a_cancelled_chain_takes_its_inner_workflow_along(engine: Engine) -> None:
    inner = write_chain(engine, "inner", "chain: [{name: ask, ref: core.ask}]")
    outer = write_chain(engine, "outer", f"chain: [{{name: in, ref: {inner}}}]")
    made = start(engine, outer)
    wait_until(lambda: engine.execution(made.id).status is Status.PAUSED)
    [child] = engine.children(made.id)
    engine.cancel(made.id, user="bob")
    assert engine.wait(made.id, timeout_s=60).status is Status.CANCELED
    assert engine.wait(child, timeout_s=60).status is Status.CANCELED
    assert engine.inquiries.pending()[0] == []


def test_what_a_chain_decrypts_is_nowhere_in_clear(engine: Engine) -> None:
    engine.datastore.put("system", "token", "tr0ub4dor-3", secret=True)
    chain = write_chain(
        engine,
        "secretive",
        """
        vars: {token: "{{ st2kv.system.token | decrypt_kv }}"}
        chain:
          - name: use
            ref: probe.sh
            parameters: {cmd: "echo {{ token }} | wc -c"}
            publish: {used: "<{{ token }}>"}
            on-success: again
          - {name: again, ref: core.echo, parameters: {message: "{{ used }}"}}
        """,
    )
    done = run_flow(engine, chain)
    assert done.status is Status.SUCCEEDED, done.result
    use, again = children(engine, done)
    assert use.result["stdout"] == 12
    assert "tr0ub4dor" not in str([done.result, use.parameters, use.result, again.parameters, again.result])


def test_a_chain_that_asks_rests_until_it_is_answered(engine: Engine) -> None:
    chain = write_chain(
        engine,
        "asks",
        """
        chain:
          - {name: ask, ref: core.ask, publish: {go: "{{ ask.response.continue }}"}, on-success: last}
          - {name: last, ref: core.echo, parameters: {message: "{{ go }}"}}
        """,
    )
    made = start(engine, chain)
    wait_until(lambda: engine.execution(made.id).status is Status.PAUSED)
    [asked] = engine.children(made.id)
    engine.inquiries.answer(asked, {"continue": True}, who=Answerer(user="alice"))
    done = engine.wait(made.id, timeout_s=60)
    assert done.status is Status.SUCCEEDED, done.result
    assert done.result["tasks"][1]["result"]["stdout"] == "True"
