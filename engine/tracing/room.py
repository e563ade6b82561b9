"""Follows what happens, and hands its spans on; off, it is not there at all."""

import logging
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy.exc import SQLAlchemyError

from engine.clock import utcnow
from engine.errors import BadSettings, EngineError
from engine.metrics.board import Board
from engine.records.execution import Execution
from engine.records.journal import JournalEntry
from engine.records.outbox import SAID
from engine.records.trigger import ENFORCED, TriggerInstance
from engine.settings.watching import TracingSettings
from engine.status import FINISHED
from engine.steps import CHANGED
from engine.store.triggers import TRIGGERED
from engine.tracing import spans
from engine.tracing.ids import SpanRef, is_chosen, new_span_id, new_trace_id, parsed
from engine.tracing.spans import Span

log = logging.getLogger(__name__)

_CALLERS = 1000
# How long a stop waits for spans, twice.
STOP_S = 3.0
_FINISHED = frozenset(status.value for status in FINISHED)


class Sends(Protocol):
    def send(self, span: Span) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSpan:
    """An HTTP request that is being answered."""

    ref: SpanRef
    parent: SpanRef | None
    started_at: datetime


class Tracing:
    """`execution(id)` and `event(id)` read what is stored.

    The writer's thread only puts ids into a bounded queue; another thread reads and sends. What does
    not fit is dropped, and counted: nothing waits for a trace.
    """

    def __init__(
        self,
        settings: TracingSettings,
        board: Board,
        *,
        execution: Callable[[str], Execution],
        event: Callable[[str], TriggerInstance],
        exporter: Sends,
    ) -> None:
        self._share = settings.sample
        self._execution = execution
        self._event = event
        self._exporter = exporter
        self._sent = board.counter("spans")
        # Of events whose rules are told next; the thread's alone.
        self._callers: OrderedDict[str, str] = OrderedDict()
        self._news: queue.Queue[JournalEntry | Span | None] = queue.Queue(settings.queue_limit)
        self._thread = threading.Thread(target=self._run, name="tracing", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """What waits is sent as far as a moment allows."""
        with suppress(queue.Full):
            self._news.put(None, timeout=1)
        self._thread.join(STOP_S)
        # A collector that hangs must not hold up the stop; what it has not taken is lost.
        closing = threading.Thread(target=self._exporter.close, name="tracing:end", daemon=True)
        closing.start()
        closing.join(STOP_S)

    # what is told

    def heard(self, entries: Sequence[JournalEntry]) -> None:
        """In the writer's thread."""
        for entry in entries:
            if entry.kind in (TRIGGERED, ENFORCED, SAID) or (
                entry.kind == CHANGED and entry.data.get("status") in _FINISHED
            ):
                self._put(entry)

    def begin(self, traceparent: str) -> RequestSpan:
        """A request with this header, or with none."""
        parent = parsed(traceparent)
        if parent is None:
            trace = new_trace_id()
            ref = SpanRef(trace_id=trace, span_id=new_span_id(), is_sampled=is_chosen(trace, self._share))
        else:
            ref = SpanRef(trace_id=parent.trace_id, span_id=new_span_id(), is_sampled=parent.is_sampled)
        return RequestSpan(ref=ref, parent=parent, started_at=utcnow())

    def end(self, request: RequestSpan, *, method: str, route: str, status: int, request_id: str) -> None:
        self._put(
            Span(
                ref=request.ref,
                parent=request.parent,
                name=f"{method} {route}",
                start=request.started_at,
                end=utcnow(),
                kind="server",
                is_failure=status >= 500,
                attributes={
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": status,
                    "stormcrow.request_id": request_id,
                },
            )
        )

    def environment(self, execution: Execution) -> dict[str, str]:
        """What tells an action whose child its own spans are."""
        ref = self._chosen(spans.attempt_of(execution), execution.context)
        return {"TRACEPARENT": ref.traceparent}

    def _put(self, news: JournalEntry | Span) -> None:
        try:
            self._news.put_nowait(news)
        except queue.Full:
            self._sent.add("dropped")

    # the thread

    def _run(self) -> None:
        while (news := self._news.get()) is not None:
            try:
                for span in [news] if isinstance(news, Span) else self._spans(news):
                    if span.ref.is_sampled:
                        self._exporter.send(span)
                        self._sent.add("sent")
            except (EngineError, SQLAlchemyError, LookupError, ValueError, TypeError):
                # A trace with a hole is no reason to trace nothing more.
                log.warning("a span of %s could not be made", news, exc_info=True)

    def _spans(self, entry: JournalEntry) -> list[Span]:
        if entry.kind == TRIGGERED:
            return [self._of_event(entry)]
        if entry.kind == ENFORCED:
            return [self._of_rule(entry)]
        execution = self._execution(entry.subject)
        made = (
            [spans.of_answer(execution, entry.at)]
            if entry.kind == SAID
            else list(spans.of_execution(execution))
        )
        return [span for span in made if self._chosen(span.ref, execution.context).is_sampled]

    def _of_event(self, entry: JournalEntry) -> Span:
        instance = self._event(entry.subject)
        traceparent = str(entry.data.get("traceparent") or "")
        if traceparent:
            self._callers[instance.id] = traceparent
            while len(self._callers) > _CALLERS:
                self._callers.popitem(last=False)
        return Span(
            ref=self._event_ref(instance, traceparent),
            parent=parsed(traceparent),
            name=f"event {instance.trigger_type}",
            start=min(instance.occurred_at, entry.at),
            end=entry.at,
            is_failure=bool(instance.reason),
            attributes={
                "stormcrow.trigger_instance_id": instance.id,
                "stormcrow.trigger_type": instance.trigger_type,
                "stormcrow.source": instance.source,
                "stormcrow.trace_id": instance.trace_id,
            },
        )

    def _of_rule(self, entry: JournalEntry) -> Span:
        instance = self._event(str(entry.data["instance"]))
        event = self._event_ref(instance, self._callers.get(instance.id, ""))
        return Span(
            ref=spans.rule_of(event, instance.id, entry.subject),
            parent=event,
            name=f"rule {entry.subject}",
            start=entry.at - timedelta(microseconds=1),
            end=entry.at,
            is_failure=entry.data["status"] == "failed",
            attributes={"stormcrow.rule": entry.subject, "stormcrow.outcome": str(entry.data["status"])},
        )

    def _event_ref(self, instance: TriggerInstance, traceparent: str) -> SpanRef:
        ref = spans.event_of(instance.id, instance.trace_id, traceparent)
        return self._sampled(ref, has_caller=bool(traceparent))

    def _chosen(self, ref: SpanRef, context: Mapping[str, Any]) -> SpanRef:
        """Whoever called decides; of what begins with us, the share that is wanted."""
        trace = context.get("trace_context")
        has_caller = isinstance(trace, Mapping) and bool(trace.get("traceparent"))
        return self._sampled(ref, has_caller=has_caller)

    def _sampled(self, ref: SpanRef, *, has_caller: bool) -> SpanRef:
        is_sampled = ref.is_sampled and (has_caller or is_chosen(ref.trace_id, self._share))
        return SpanRef(trace_id=ref.trace_id, span_id=ref.span_id, is_sampled=is_sampled)


def make_tracing(
    settings: TracingSettings,
    board: Board,
    *,
    execution: Callable[[str], Execution],
    event: Callable[[str], TriggerInstance],
) -> Tracing | None:
    """None: nobody wants spans. Raises BadSettings without the extra."""
    if not settings.endpoint:
        return None
    try:
        from engine.tracing.export import Exporter  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise BadSettings(
            f"tracing.endpoint is set, and {error.name} is not installed.",
            hint="Install the extra: pip install 'stormcrow[otel]', or leave tracing.endpoint empty.",
        ) from error
    return Tracing(settings, board, execution=execution, event=event, exporter=Exporter(settings))
