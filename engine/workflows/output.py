"""The output of a workflow that has ended, from the variables of the tasks that it ended with."""

from typing import Any

from engine.errors import ExpressionFailure
from engine.workflows import contexts
from engine.workflows.run import Run
from engine.workflows.scopes import RunScope
from engine.workflows.statuses import ABENDED


def render_output(run: Run) -> None:
    """Keeps what renders. What does not is logged, and a workflow that had succeeded has failed."""
    state = run.state
    branches = run.ends()
    end = contexts.merge(len(state.contexts), branches) if branches else contexts.root({})
    rendered: dict[str, Any] = {}
    scope = RunScope(run, end, rolling=rendered)
    errors = []
    for name, value in run.plan.output:
        try:
            rendered[name] = state.values.seal(value.evaluate(scope)).value
        except ExpressionFailure as failure:
            error = state.values.seal({"type": "error", "message": failure.message})
            if not state.has_error(error):
                errors.append(error)
    state.apply("output", state.values.seal(rendered or None), errors)
    if errors and state.status == "succeeded":
        run.fail()


def result_of(run: Run) -> dict[str, Any]:
    """The execution's result, as StackStorm shows it."""
    state = run.state
    result: dict[str, Any] = {"output": None if state.output is None else state.output.value}
    if state.status in ABENDED:
        result["errors"] = errors_of(run)
    return result


def errors_of(run: Run) -> list[Any]:
    """Everything that went wrong, in the order in which it did."""
    return [error.value for error in (*run.state.errors, *run.state.output_errors)]
