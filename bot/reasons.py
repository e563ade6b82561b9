"""`why ID`: why an execution waits, or ended as it did, and what to do about it."""

from collections.abc import Iterator

from bot import formatting, inquiries, inquiry_facts, wording, workflows
from bot.chat import Piece, Reply, Text
from bot.results import cut_pieces, pieces_of_result
from bot.trees import ShownTask
from engine.clock import utcnow
from engine.records.execution import REJECTED_KEY, Execution
from engine.records.inquiry import Inquiry
from engine.service import Engine
from engine.status import FAILURES, Status

# How much of the reason is said, in characters, and how many tasks are named.
_REASON_LIMIT = 1_500
_TASKS = 8


def why(engine: Engine, execution_id: str, *, prefix: str) -> Reply:
    """Raises NotFound, BadInput."""
    execution = engine.execution(execution_id)
    pieces = tuple(_reasons(engine, execution, prefix=prefix))
    return Reply(
        title=f"{execution.action} {formatting.short_id(execution.id)}: {_word(execution)}",
        pieces=pieces,
        tone=wording.tone_of(execution.status),
        status=execution.status.value,
        execution_id=execution.id,
    )


def _word(execution: Execution) -> str:
    return formatting.status_word(execution.status)


def _reasons(engine: Engine, execution: Execution, *, prefix: str) -> Iterator[Piece]:
    word = formatting.short_id(execution.id)
    inquiry = inquiries.of(engine, execution)
    if inquiry is not None:
        yield Text(text=_of_inquiry(inquiry, prefix=prefix))
    elif execution.status is Status.DELAYED:
        yield Text(text=wording.waiting(engine, execution))
    elif workflows.is_workflow(execution):
        yield from _of_workflow(engine, execution, prefix=prefix)
    elif execution.status in FAILURES:
        yield from _of_result(execution)
        yield Text(text=f"What it printed: {prefix}output {word} · once more: {prefix}rerun {word}")
    elif execution.status is Status.CANCELED:
        yield Text(text=f"It was cancelled{_by(execution, 'cancelled_by')}.")
    elif execution.is_finished:
        yield Text(text="It went well; there is nothing to explain.")
    else:
        waits = formatting.duration((utcnow() - execution.requested_at).total_seconds())
        yield Text(text=f"It is {execution.status} for {waits}: {prefix}output {word}")


def _of_inquiry(inquiry: Inquiry, *, prefix: str) -> str:
    if not inquiry.is_pending:
        return inquiry_facts.decision(inquiry)
    answer = inquiries.prompt(inquiry, prefix=prefix).answer_with
    asked = inquiries.headline(inquiry)
    said = f"It waits for {inquiry_facts.who_may(inquiry)}, until {inquiry_facts.until(inquiry)}: {asked}"
    said += f"\nSay: {answer}"
    return f"{said}\n⚠ {formatting.clean(inquiry.nobody)}" if inquiry.nobody else said


def _of_workflow(engine: Engine, execution: Execution, *, prefix: str) -> Iterator[Piece]:
    tasks = workflows.WorkflowTrees(engine).tasks(execution.id)
    word = formatting.short_id(execution.id)
    if execution.status in FAILURES:
        rejected_by = execution.context.get(REJECTED_KEY)
        if rejected_by:
            yield Text(text=_of_inquiry(engine.inquiries.get(str(rejected_by)), prefix=prefix))
        yield from _of_result(execution)
        if workflows.failed_at(engine, execution):
            yield Text(text=f"Go on from there: {prefix}retry {word} · all of it: {prefix}rerun {word}")
        else:
            yield Text(text=f"What it printed: {prefix}output {word} · once more: {prefix}rerun {word}")
        return
    if execution.status is Status.CANCELED:
        yield Text(text=f"It was cancelled{_by(execution, 'cancelled_by')}.")
        return
    if execution.is_finished:
        yield Text(text="It went well; there is nothing to explain.")
        return
    asked = list(workflows.waiting_ids(tasks))
    for execution_id in asked[:_TASKS]:
        inquiry = inquiries.of(engine, engine.execution(execution_id))
        if inquiry is not None:
            yield Text(text=_of_inquiry(inquiry, prefix=prefix))
    if execution.status is Status.PAUSED and not asked:
        said = f"It was paused{_by(execution, 'paused_by')}. Let it go on: {prefix}resume {word}"
        yield Text(text=said)
    running = [task for task in tasks if task.ended_at is None and task.status != Status.PENDING]
    if running:
        yield Text(
            text=f"It waits for {', '.join(_task(task) for task in running[:_TASKS])}{_more(running)}."
        )


def _task(task: ShownTask) -> str:
    return f"{formatting.clean(task.name)} ({formatting.status_word(task.status)})"


def _more(tasks: list[ShownTask]) -> str:
    return f" and {len(tasks) - _TASKS:,} more" if len(tasks) > _TASKS else ""


def _of_result(execution: Execution) -> tuple[Piece, ...]:
    pieces, lines_left = cut_pieces(pieces_of_result(execution.result), _REASON_LIMIT)
    if not lines_left:
        return pieces
    more = f"{lines_left:,} more lines: output {formatting.short_id(execution.id)}"
    return (*pieces, Text(text=more))


def _by(execution: Execution, note: str) -> str:
    user = execution.context.get(note)
    return f" by {formatting.clean(user)}" if isinstance(user, str) and user else ""
