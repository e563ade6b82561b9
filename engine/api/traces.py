"""Traces: what followed from what."""

from starlette.responses import Response

from engine.api import listing
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.api.wire_rules import trace_document
from engine.specs.right import Right


def list_traces(call: Call) -> Response:
    query, page = call.query, call.query.page()
    found = call.engine.traces.page(
        tag=query.text("trace_tag"),
        execution=query.text("execution"),
        instance=query.text("trigger_instance"),
        rule=query.text("rule"),
        offset=page.offset,
        limit=page.limit,
        oldest_first=query.flag("sort_asc"),
    )
    shown = [listing.selected(trace_document(trace), query) for trace in found]
    return json_answer(shown, headers=listing.page_headers(page, page.offset + len(shown)))


def get_trace(call: Call) -> Response:
    return json_answer(listing.selected(trace_document(call.engine.traces.get(call.path["id"])), call.query))


ENDPOINTS = (
    Endpoint(method="GET", path="/traces", handler=list_traces, right=Right.TRACE_LIST),
    Endpoint(method="GET", path="/traces/{id}", handler=get_trace, right=Right.TRACE_VIEW),
)
