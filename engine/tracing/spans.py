"""Spans of what is stored: an execution with its attempts, an event, a rule; no parameter, no result."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from engine.records.execution import Execution
from engine.status import FAILURES, FINISHED, Status
from engine.steps import trace_of
from engine.tracing.ids import SpanRef, parsed, span_id, trace_id

Kind = Literal["internal", "server"]
_STARTS = frozenset({Status.RUNNING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """`attributes` are ids, names of content, words of ours and numbers."""

    ref: SpanRef
    name: str
    start: datetime
    end: datetime
    parent: SpanRef | None = None
    links: tuple[SpanRef, ...] = ()
    kind: Kind = "internal"
    is_failure: bool = False
    attributes: Mapping[str, str | int] = field(default_factory=dict)


def ref_of(execution: Execution) -> SpanRef:
    return _sibling(execution, span_id("execution", execution.id))


def attempt_of(execution: Execution) -> SpanRef:
    """The run that is under way, or was the last."""
    return _sibling(execution, span_id("attempt", execution.id, str(execution.attempt)))


def event_of(instance_id: str, trace: str, traceparent: str) -> SpanRef:
    came_from = parsed(traceparent)
    return SpanRef(
        trace_id=trace_id(trace),
        span_id=span_id("event", instance_id),
        is_sampled=came_from is None or came_from.is_sampled,
    )


def rule_of(event: SpanRef, instance_id: str, rule: str) -> SpanRef:
    return SpanRef(
        trace_id=event.trace_id, span_id=span_id("rule", instance_id, rule), is_sampled=event.is_sampled
    )


def of_execution(execution: Execution) -> Iterator[Span]:
    """Of one that has ended: itself, its command where a chat began it, and each attempt."""
    ref, parent = ref_of(execution), _parent(execution)
    end = execution.ended_at or execution.log[-1][0]
    command = _command(execution, parent)
    if command is not None:
        yield command
        parent = command.ref
    attributes: dict[str, str | int] = {
        "stormcrow.execution_id": execution.id,
        "stormcrow.action": execution.action,
        "stormcrow.runner": execution.runner,
        "stormcrow.status": execution.status.value,
        "stormcrow.user": execution.user,
        "stormcrow.trace_id": trace_of(execution),
        "stormcrow.attempts": execution.attempt,
    }
    task = _text(_inside(execution.context, "orquesta", "chain"), "task_name", "name")
    if task:
        attributes["stormcrow.task"] = task
    yield Span(
        ref=ref,
        parent=parent,
        links=tuple(_links(execution)),
        name=execution.action,
        start=execution.requested_at,
        end=end,
        is_failure=execution.status in FAILURES,
        attributes=attributes,
    )
    yield from _attempts(execution, ref, end)


def of_answer(execution: Execution, said_at: datetime) -> Span:
    """From the end of an execution to the moment when its answer stood in the chat."""
    ref = _sibling(execution, span_id("answer", execution.id))
    start = min(execution.ended_at or said_at, said_at)
    return Span(
        ref=ref,
        parent=ref_of(execution),
        name="chat answer",
        start=start,
        end=said_at,
        attributes={"stormcrow.execution_id": execution.id, "stormcrow.chat": _chat(execution)},
    )


def _attempts(execution: Execution, whole: SpanRef, end: datetime) -> Iterator[Span]:
    """From each `running` of its log to what followed; the last is the attempt that its row counts."""
    starts = [at for at, status in execution.log if status is Status.RUNNING]
    first = execution.attempt - len(starts) + 1
    for number, start in enumerate(starts):
        attempt = max(1, first + number)
        stop = next(
            (at for at, status in execution.log if at > start and status in {*FINISHED, Status.REQUESTED}),
            end,
        )
        yield Span(
            ref=_sibling(execution, span_id("attempt", execution.id, str(attempt))),
            parent=whole,
            name="attempt",
            start=start,
            end=max(start, stop),
            attributes={"stormcrow.execution_id": execution.id, "stormcrow.attempt": attempt},
        )


def _parent(execution: Execution) -> SpanRef | None:
    """The workflow it is a task of, the rule that began it, or the request."""
    context = execution.context
    if execution.parent_id:
        return _sibling(execution, span_id("execution", execution.parent_id))
    instance, rule = _text(_inside(context, "trigger_instance"), "id"), _text(_inside(context, "rule"), "id")
    if instance and rule:
        return _sibling(execution, span_id("rule", instance, rule))
    came_from = parsed(_text(_inside(context, "trace_context"), "traceparent"))
    return came_from if came_from is not None and came_from.trace_id == _trace(execution) else None


def _command(execution: Execution, parent: SpanRef | None) -> Span | None:
    """The message of a person; its words are none of the span."""
    if parent is not None or not _chat(execution) or execution.parent_id:
        return None
    return Span(
        ref=_sibling(execution, span_id("command", execution.id)),
        name="chat command",
        start=execution.requested_at - timedelta(microseconds=1),
        end=execution.requested_at,
        attributes={"stormcrow.chat": _chat(execution), "stormcrow.user": execution.user},
    )


def _links(execution: Execution) -> Iterator[SpanRef]:
    """What it repeats, and a request that belongs to another trace than its caller named."""
    context = execution.context
    for earlier in (
        _text(_inside(context, "re-run"), "ref"),
        _text(_inside(_inside(context, "policies"), "retry"), "retried_execution_id"),
    ):
        if earlier:
            yield _sibling(execution, span_id("execution", earlier))
    came_from = parsed(_text(_inside(context, "trace_context"), "traceparent"))
    if came_from is not None and came_from.trace_id != _trace(execution):
        yield came_from


def _sibling(execution: Execution, span: int) -> SpanRef:
    came_from = parsed(_text(_inside(execution.context, "trace_context"), "traceparent"))
    is_sampled = came_from is None or came_from.is_sampled
    return SpanRef(trace_id=_trace(execution), span_id=span, is_sampled=is_sampled)


def _trace(execution: Execution) -> int:
    return trace_id(trace_of(execution))


def _chat(execution: Execution) -> str:
    return _text(_inside(execution.context, "chat"), "adapter")


def _inside(context: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        found = context.get(name)
        if isinstance(found, Mapping):
            return found
    return {}


def _text(found: Mapping[str, Any], *names: str) -> str:
    """Contexts come from callers too: anything but a text is nothing."""
    for name in names:
        value = found.get(name)
        if isinstance(value, str) and value:
            return value
    return ""
