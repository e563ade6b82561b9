"""Requests as spans, and what begins with a request within its trace; nothing of it while traces are off."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.types import Scope

from engine.api.call import Call
from engine.api.http_counts import template
from engine.log_facts import learn
from engine.records.trigger import Event
from engine.tracing.room import Tracing

# Asked all day long, by machines.
_NOT_TRACED = frozenset({"/metrics", "/healthz", "/readyz"})


class RequestSpans:
    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing

    def opened(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        request = self._tracing.begin(headers.get(b"traceparent", b"").decode("latin-1"))
        scope["state"]["request_span"] = request
        scope["state"]["span"] = request.ref
        learn(trace_id=request.ref.trace)

    def answered(self, scope: Scope, status: int, _took_s: float) -> None:
        route = template(scope)
        if route not in _NOT_TRACED:
            self._tracing.end(
                scope["state"]["request_span"],
                method=scope["method"],
                route=route,
                status=status,
                request_id=scope["state"]["request_id"],
            )


def traced(call: Call, trace: dict[str, Any]) -> dict[str, Any]:
    """The trace context of an execution that is asked for: in the request's trace, or linked with it."""
    if call.span is None:
        return trace
    return {"id_": call.span.trace, **trace, "traceparent": call.span.traceparent}


def traced_event(call: Call, event: Event) -> Event:
    if call.span is None:
        return event
    return replace(event, trace_id=event.trace_id or call.span.trace, traceparent=call.span.traceparent)
