"""What we added to workflows, with real actions, a real clock and real answers."""

from typing import Any

import pytest

from engine.errors import Denied
from engine.records.execution import Execution
from engine.records.inquiry import Answerer, Inquiry
from engine.service import Engine
from engine.status import Status
from tests.engine.workflow_runs.flows import children, run_flow, start, tasks_of, write_flow
from tests.engine.world import wait_until


def question(engine: Engine) -> Inquiry:
    """The only one that waits, as soon as it does."""
    wait_until(lambda: engine.inquiries.pending()[1] == 1)
    return engine.inquiries.pending()[0][0]


def answered(engine: Engine, response: dict[str, Any], *, user: str = "ann") -> None:
    engine.inquiries.answer(question(engine).id, response, who=Answerer(user=user))


def ended(engine: Engine, execution: Execution) -> Execution:
    return engine.wait(execution.id, timeout_s=60)


def test_a_task_that_is_out_of_time_is_stopped(engine: Engine) -> None:
    flow = write_flow(
        engine,
        "late",
        """
        version: 1.0
        tasks:
          slow:
            x-timeout: 1
            action: probe.sh cmd="sleep 60"
            next:
              - {when: <% timedout() %>, publish: [{late: true}], do: noop}
              - {x-else: true, do: fail}
        output: [{late: <% ctx().late %>}]
        """,
    )
    done = run_flow(engine, flow)
    assert (done.status, done.result) == (Status.SUCCEEDED, {"output": {"late": True}})
    wait_until(lambda: children(engine, done)[0].status is Status.CANCELED)


def test_a_workflow_that_is_out_of_time_ends_so_and_its_final_task_runs(engine: Engine) -> None:
    flow = write_flow(
        engine,
        "limited",
        """
        version: 1.0
        x-timeout: 1
        x-finally: tidy
        tasks:
          slow: {action: probe.sh cmd="sleep 60"}
          tidy:
            action: probe.sh
            input: {cmd: echo <% ctx().x_outcome.status %>}
            next: [{publish: [{seen: <% result().stdout %>}]}]
        output: [{seen: <% ctx().seen %>}]
        """,
    )
    done = run_flow(engine, flow)
    assert done.status is Status.TIMEOUT
    assert done.result["output"] == {"seen": "timeout"}
    assert tasks_of(engine, done) == ["slow", "tidy"]


APPROVED = """
    version: 1.0
    tasks:
      deploy:
        x-approve: {users: [ann], ttl: 5}
        action: probe.sh
        input: {cmd: echo deployed}
        next:
          - {when: <% succeeded() %>, publish: [{said: <% result().stdout %>}], do: noop}
          - {x-else: true, publish: [{said: <% result().decision.reason %>}], do: fail}
    output: [{said: <% ctx().said %>}]
"""


def test_an_action_waits_for_its_approval_which_names_what_runs(engine: Engine) -> None:
    run = start(engine, write_flow(engine, "approved", APPROVED))
    asked = question(engine)
    assert asked.asked.subject is not None
    assert asked.asked.subject.action == "probe.sh"
    assert asked.asked.subject.parameters["cmd"] == "echo deployed"
    wait_until(lambda: engine.execution(run.id).status is Status.PAUSED)
    engine.inquiries.approve(asked.id, who=Answerer(user="ann"))
    done = ended(engine, run)
    assert (done.status, done.result) == (Status.SUCCEEDED, {"output": {"said": "deployed"}})
    assert [child.action for child in children(engine, done)] == ["core.ask", "probe.sh"]
    (asked,) = engine.inquiries.of_execution(done.id)
    assert asked.asked.origin.execution_id == done.id


def test_an_approval_may_be_given_alone_in_an_emergency_where_the_task_says_so(engine: Engine) -> None:
    text = APPROVED.replace("{users: [ann], ttl: 5}", "{users: [ann], ttl: 5, emergency: [bob]}")
    run = start(engine, write_flow(engine, "urgent", text))
    asked = question(engine)
    with pytest.raises(Denied):
        engine.inquiries.approve(asked.id, who=Answerer(user="bob"), reason="db1 is down")
    engine.inquiries.approve(asked.id, who=Answerer(user="bob", breaks_glass=True), reason="db1 is down")
    done = ended(engine, run)
    assert (done.status, done.result) == (Status.SUCCEEDED, {"output": {"said": "deployed"}})


def test_what_is_rejected_does_not_run(engine: Engine) -> None:
    run = start(engine, write_flow(engine, "approved", APPROVED))
    engine.inquiries.reject(question(engine).id, who=Answerer(user="ann"), reason="Friday")
    done = ended(engine, run)
    assert (done.status, done.result["output"]) == (Status.FAILED, {"said": "Friday"})
    assert [child.action for child in children(engine, done)] == ["core.ask"]


ASKING = """
    version: 1.0
    tasks:
      t:
        x-on-failure: ask
        action: probe.sh
        input: {cmd: exit 3}
        next: [{when: <% succeeded() %>, publish: [{said: <% result().stdout %>}], do: noop}]
    output: [{said: <% ctx().get(said) %>}]
"""


def test_after_a_failure_somebody_may_run_it_with_other_parameters(engine: Engine) -> None:
    run = start(engine, write_flow(engine, "asking", ASKING))
    answered(engine, {"choice": "edit", "parameters": {"cmd": "echo mended"}})
    done = ended(engine, run)
    assert (done.status, done.result) == (Status.SUCCEEDED, {"output": {"said": "mended"}})


@pytest.mark.parametrize(("choice", "status"), [("abort", Status.FAILED), ("skip", Status.SUCCEEDED)])
def test_after_a_failure_somebody_may_give_up_or_go_on(engine: Engine, choice: str, status: Status) -> None:
    run = start(engine, write_flow(engine, "asking", ASKING))
    answered(engine, {"choice": choice})
    assert ended(engine, run).status is status


def test_what_was_done_is_undone_when_the_workflow_fails(engine: Engine) -> None:
    flow = write_flow(
        engine,
        "undoing",
        """
        version: 1.0
        x-on-failure: undo
        tasks:
          make:
            action: probe.sh cmd="echo 7"
            x-undo: {action: probe.sh, input: {cmd: echo remove <% result().stdout %>}}
            next: [{when: <% succeeded() %>, do: break}]
          break: {action: probe.sh cmd="exit 1"}
        """,
    )
    done = run_flow(engine, flow)
    assert done.status is Status.FAILED
    assert children(engine, done)[-1].result["stdout"] == "remove 7"
