"""What runs when a workflow has ended: what is undone, and then the tasks of `x-finally`.

The workflow keeps what it ended with; only a final task that fails turns success into failure. While
they run, the host sees it running, or being cancelled.
"""

from engine.workflows.extensions import OUTCOME
from engine.workflows.run import Run
from engine.workflows.statuses import COMPLETED


def shown_status(run: Run) -> str:
    """The workflow's status as the host sees it."""
    state = run.state
    has_more = run.plan.extensions.final or run.plan.extensions.undoes
    if state.status not in COMPLETED or state.output is not None or not has_more:
        return state.status
    return "canceling" if state.status == "canceled" else "running"


def begin_final(run: Run) -> bool:
    """Stages the final tasks; False: there are none, or they have been."""
    state = run.state
    if not run.plan.extensions.final or state.phase in ("final", "cut") or not state.contexts:
        return False
    state.apply("outcome", state.status, "final")
    numbers = [context.number for context in run.ends()] or [0]
    if len(set(numbers)) > 1:
        state.apply("gather", numbers)
        numbers = [len(state.contexts) - 1]
    told = {"status": state.status, "errors": [error.value for error in state.errors]}
    state.apply("publish", numbers[0], state.values.seal_all({OUTCOME: told}))
    for name in sorted(run.plan.extensions.final):
        if name in run.plan.tasks:
            state.apply("stage", name, 0, len(state.contexts) - 1, None, True)
    return True


def cut(run: Run) -> bool:
    """Somebody cancels a workflow that has ended but for its final tasks: no more of them start."""
    state = run.state
    if not state.phase or state.output is not None:
        return False
    state.apply("outcome", state.outcome, "cut")
    return True
