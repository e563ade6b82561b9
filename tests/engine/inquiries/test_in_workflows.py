"""Questions as tasks of workflows: held branches, answers passed on, and what a cancel takes back."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from engine.errors import BadInput, Denied
from engine.records.inquiry import Inquiry
from engine.service import Engine
from tests.engine.inquiries.asking import YES, age, by, changes
from tests.engine.inquiries.conftest import settings
from tests.engine.workflow_runs.flows import children, start, tasks_of, write_flow
from tests.engine.world import wait_until

SECRET = "hunter-22-x"
LOGIN = """
    version: 1.0
    tasks:
      login:
        action: core.ask
        input:
          schema:
            type: object
            properties:
              password: {type: string, secret: true, required: true}
        next:
          - when: <% succeeded() %>
            publish: password=<% result().response.password %>
            do: use
      use:
        action: probe.sh cmd="case <% ctx().password %> in hunter-*) echo it is <% ctx().password %>;; esac"
    output:
      - said: <% ctx().password %>
"""
LATER = """
    version: 1.0
    tasks:
      login:
        action: core.ask
        input:
          schema:
            type: object
            properties:
              password: {type: string, secret: true, required: true}
        next:
          - do: wait
      wait:
        action: core.ask
        next:
          - do: use
      use:
        action: probe.sh cmd="case <% task(login).result.response.password %> in hunter-*) ;; *) false;; esac"
"""
GATE = """
    version: 1.0
    tasks:
      before:
        action: core.noop
        next:
          - do: gate, beside
      gate:
        action: core.ask
        input: {x-separate: true, ttl: 15, on_timeout: reject}
        next:
          - when: <% succeeded() %>
            do: go
          - when: <% failed() %>
            do: stay
      beside:
        action: core.noop
      go:
        action: core.noop
      stay:
        action: core.noop
"""


def asked(engine: Engine, workflow: Any) -> Inquiry:
    """The question of this workflow, when it waits."""

    def waiting() -> list[Inquiry]:
        found, _total = engine.inquiries.pending()
        return [one for one in found if one.asked.origin.execution_id == workflow.id]

    found: list[Inquiry] = []

    def waits() -> bool:
        found[:] = waiting()
        return len(found) == 1

    wait_until(waits, timeout_s=60)
    return found[0]


def test_a_question_holds_its_branch_only_and_a_yes_goes_on(engine: Engine) -> None:
    workflow = start(engine, write_flow(engine, "gate", GATE))
    inquiry = asked(engine, workflow)
    assert (inquiry.asked.origin.task, inquiry.asked.origin.action) == ("gate", "flow.gate")
    wait_until(lambda: "beside" in tasks_of(engine, workflow))
    wait_until(lambda: engine.execution(workflow.id).status == "paused")
    with pytest.raises(Denied):
        engine.inquiries.approve(inquiry.id, who=by("alice"))
    engine.inquiries.approve(inquiry.id, who=by("bob"))
    done = engine.wait(workflow.id, timeout_s=60)
    assert done.status == "succeeded"
    assert sorted(tasks_of(engine, done)) == ["before", "beside", "gate", "go"]


@pytest.mark.parametrize("is_silence", [False, True])
def test_a_no_and_silence_take_the_other_way(engine: Engine, is_silence: bool) -> None:
    workflow = start(engine, write_flow(engine, "gate", GATE))
    inquiry = asked(engine, workflow)
    if is_silence:
        age(engine, inquiry, minutes=15)
    else:
        engine.inquiries.reject(inquiry.id, who=by("bob"))
    done = engine.wait(workflow.id, timeout_s=60)
    assert sorted(tasks_of(engine, done)) == ["before", "beside", "gate", "stay"]


def test_a_cancelled_workflow_takes_its_question_back(engine: Engine) -> None:
    workflow = start(engine, write_flow(engine, "gate", GATE))
    inquiry = asked(engine, workflow)
    engine.cancel(workflow.id, user="carl")
    assert engine.wait(workflow.id, timeout_s=60).status == "canceled"
    assert engine.execution(inquiry.id).status == "canceled"
    wait_until(lambda: engine.inquiries.get(inquiry.id).state == "canceled")
    assert changes(engine, inquiry) == ["raised", "canceled"]
    with pytest.raises(BadInput, match="already been responded to"):
        engine.inquiries.answer(inquiry.id, YES, who=by("bob"))


def test_a_secret_answer_reaches_the_next_task_and_nobody_else(engine: Engine) -> None:
    workflow = start(engine, write_flow(engine, "login", LOGIN))
    engine.inquiries.answer(asked(engine, workflow).id, {"password": SECRET}, who=by("bob"))
    done = engine.wait(workflow.id, timeout_s=60)
    assert done.status == "succeeded", done.result
    used = children(engine, done)[1]
    assert (used.parameters["cmd"], used.result["stdout"]) == (
        "case ******** in hunter-*) echo it is ********;; esac",
        "it is ********",
    )
    assert done.result == {"output": {"said": "********"}}
    with engine.database.read() as connection:
        rows = [
            *connection.execute(text("SELECT parameters, result, sealed, context FROM execution")),
            *connection.execute(text("SELECT data FROM journal")),
            *connection.execute(text("SELECT data FROM workflow_delta")),
            *connection.execute(text("SELECT data FROM execution_output")),
        ]
    plain = [cell if isinstance(cell, bytes) else str(cell or "").encode() for row in rows for cell in row]
    assert not any(SECRET.encode() in cell for cell in plain)


def test_a_secret_answer_is_still_known_after_a_restart(tmp_path: Path) -> None:
    first = Engine(settings(tmp_path))
    first.start()
    workflow = start(first, write_flow(first, "later", LATER))
    first.inquiries.answer(asked(first, workflow).id, {"password": SECRET}, who=by("bob"))
    inquiry = asked(first, workflow)
    first.stop()
    second = Engine(settings(tmp_path))
    second.start()
    try:
        second.inquiries.answer(inquiry.id, YES, who=by("bob"))
        assert second.wait(workflow.id, timeout_s=60).status == "succeeded"
    finally:
        second.stop()
