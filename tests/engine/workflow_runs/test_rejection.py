"""Why a workflow failed: because people said no, or of something else."""

import pytest

from engine.records.execution import Execution
from engine.records.inquiry import Answerer, Inquiry
from engine.service import Engine
from engine.status import Status
from tests.engine.workflow_runs.flows import start, write_flow
from tests.engine.world import wait_until

ASKED = """
    version: 1.0
    output: %s
    tasks:
      ask:
        action: core.ask
        input: {text: "Go on?", x-quorum: 1}
        next: %s
"""
# What may follow it; a task that nothing leads to would run at the start.
TASKS = {
    "after": "{action: core.noop}",
    "tidy": "{action: core.noop, next: [{do: fail}]}",
    "breaks": "{action: core.local, input: {cmd: exit 3}}",
    "unrendered": "{action: core.local, input: {cmd: <% ctx().st2.nothing %>}}",
}
OUTER = "version: 1.0\ntasks: {inner: {action: %s}}"


def asking(engine: Engine, name: str, following: str, *, output: str = "[{all: 1}]") -> str:
    """The ref of a workflow that asks, and goes on like this."""
    more = "".join(f"      {task}: {what}\n" for task, what in TASKS.items() if f"do: {task}" in following)
    return write_flow(engine, name, ASKED % (output, following) + more)


def asked_in(engine: Engine, flow: str) -> tuple[Execution, Inquiry]:
    """A run of it, and the question, when it waits."""
    made = start(engine, flow)
    wait_until(lambda: bool(engine.inquiries.pending()[0]), timeout_s=60)
    (inquiry,) = engine.inquiries.pending()[0]
    return made, inquiry


def refused(engine: Engine, flow: str) -> tuple[Execution, Inquiry]:
    """The run after its end, and the question to which somebody said no."""
    made, inquiry = asked_in(engine, flow)
    engine.inquiries.reject(inquiry.id, who=Answerer(user="bob"), reason="freeze")
    return engine.wait(made.id, timeout_s=60), inquiry


@pytest.mark.parametrize(
    "following",
    [
        "[{when: <% succeeded() %>, do: after}]",
        # What follows from a no is no reason of its own.
        "[{when: <% succeeded() %>, do: after}, {when: <% failed() %>, do: tidy}]",
    ],
)
def test_a_no_with_which_it_was_over_is_why_it_failed(engine: Engine, following: str) -> None:
    done, inquiry = refused(engine, asking(engine, "asked", following))
    assert done.status is Status.FAILED, done.result
    assert done.context["rejected_by"] == inquiry.id


def test_what_breaks_after_a_no_is_why_it_failed(engine: Engine) -> None:
    done, _ = refused(engine, asking(engine, "broken", "[{when: <% failed() %>, do: breaks}]"))
    assert done.status is Status.FAILED
    assert "rejected_by" not in done.context


@pytest.mark.parametrize(
    "following",
    [
        "[{when: <% failed() %>, publish: [{why: <% result().nothing.of.that %>}], do: after}]",
        "[{when: <% failed() and ctx().st2.nothing %>, do: after}]",
        "[{when: <% failed() %>, do: unrendered}]",
    ],
)
def test_an_expression_that_fails_after_a_no_is_why_it_failed(engine: Engine, following: str) -> None:
    done, _ = refused(engine, asking(engine, "unsound", following))
    assert done.status is Status.FAILED
    assert "rejected_by" not in done.context


UNRENDERED = "[{all: <% ctx().st2.nothing %>}]"


def test_an_output_that_fails_although_the_no_was_lived_with_is_why_it_failed(engine: Engine) -> None:
    following = "[{when: <% failed() %>, do: after}]"
    done, _ = refused(engine, asking(engine, "mute", following, output=UNRENDERED))
    assert done.status is Status.FAILED
    assert "rejected_by" not in done.context


def test_an_output_that_fails_after_the_workflow_did_is_no_reason_of_its_own(engine: Engine) -> None:
    following = "[{when: <% succeeded() %>, do: after}]"
    done, inquiry = refused(engine, asking(engine, "silent", following, output=UNRENDERED))
    assert done.context["rejected_by"] == inquiry.id


def test_a_no_that_a_workflow_lives_with_is_no_failure(engine: Engine) -> None:
    done, _ = refused(engine, asking(engine, "lives", "[{when: <% failed() %>, do: after}]"))
    assert done.status is Status.SUCCEEDED
    assert "rejected_by" not in done.context


def test_a_no_in_a_workflow_below_counts_for_those_above(engine: Engine) -> None:
    inner = asking(engine, "below", "[{when: <% succeeded() %>, do: after}]")
    done, inquiry = refused(engine, write_flow(engine, "above", OUTER % inner))
    (child,) = (engine.execution(one) for one in engine.children(done.id))
    assert child.context["rejected_by"] == done.context["rejected_by"] == inquiry.id
