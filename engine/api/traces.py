"""Traces: what followed from what."""

from starlette.responses import Response

from engine.api import listing
from engine.api import wire_event_shapes as event_shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.api.wire_audit import story_document
from engine.api.wire_audit_shapes import STORY
from engine.api.wire_rules import trace_document
from engine.specs.right import Right


def list_traces(call: Call) -> Response:
    query, page = call.query, listing.history_page(call)
    found, total = call.engine.traces.page(
        tag=query.text("trace_tag"),
        ids=query.names("id"),
        execution=query.text("execution"),
        instance=query.text("trigger_instance"),
        rule=query.text("rule"),
        offset=page.offset,
        limit=page.limit,
        oldest_first=listing.oldest_first(query, "start_timestamp"),
    )
    shown = [listing.selected(trace_document(trace), query) for trace in found]
    return json_answer(shown, headers=listing.page_headers(page, total))


def get_trace(call: Call) -> Response:
    return json_answer(listing.selected(trace_document(call.engine.traces.get(call.path["id"])), call.query))


def get_story(call: Call) -> Response:
    """Ours. By the id of an execution, event, trace, chat message or act, or by a tag."""
    return json_answer(story_document(call.engine.stories.get(call.path["id"])))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/traces",
        handler=list_traces,
        right=Right.TRACE_LIST,
        query=(*listing.LIST, *listing.ORDER, "id", "execution", "rule", "trace_tag", "trigger_instance"),
        gives=Listed(event_shapes.TRACE),
    ),
    Endpoint(
        method="GET",
        path="/traces/{id}",
        handler=get_trace,
        right=Right.TRACE_VIEW,
        query=listing.SELECTION,
        gives=event_shapes.TRACE,
    ),
    Endpoint(
        method="GET",
        path="/stories/{id}",
        handler=get_story,
        right=Right.TRACE_VIEW,
        gives=STORY,
    ),
)
