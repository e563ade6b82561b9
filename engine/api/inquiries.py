"""Inquiries: StackStorm's three endpoints, and views of ours with everything."""

from typing import Any

from starlette.responses import Response

from engine.api import listing
from engine.api import wire_run_shapes as run_shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.api.wire_inquiries import detail_document, inquiry_document, response_document
from engine.errors import BadInput
from engine.inquiries.ballot import check_pending
from engine.records.inquiry import Answerer, Inquiry
from engine.specs.right import Right

# StackStorm's.
PAGE = 20
# What include_attributes cannot leave out.
_ALWAYS = ("id", "schema", "roles", "users", "route", "ttl")


def list_inquiries(call: Call) -> Response:
    """Those that wait, the newest first."""
    page = call.query.page(limit=PAGE)
    found, total = call.engine.inquiries.pending(offset=page.offset, limit=page.limit)
    documents = [listing.selected(inquiry_document(one), call.query, _ALWAYS) for one in found]
    headers = listing.page_headers(page, total)
    if "limit" not in call.query.values:
        # As StackStorm: only who asks for a limit is told of one.
        headers.pop("X-Limit", None)
    return json_answer(documents, headers=headers)


def get_inquiry(call: Call) -> Response:
    """400 for one that is over, as StackStorm."""
    inquiry = call.engine.inquiries.get(call.path["inquiry_id"])
    check_pending(inquiry)
    return json_answer(inquiry_document(inquiry))


def answer_inquiry(call: Call) -> Response:
    """`response`, or in its place `decision` (approve or reject); `reason` beside either."""
    body = call.object()
    reason = body.get("reason") or ""
    if not isinstance(reason, str):
        raise BadInput("'reason' must be a string.")
    wanted = call.path["inquiry_id"]
    if "response" in body:
        response = body["response"]
        inquiry = call.engine.inquiries.answer(wanted, response, who=_who(call), reason=reason)
    else:
        inquiry = _decided(call, wanted, body.get("decision"), reason)
    return json_answer(response_document(inquiry, _said(call, inquiry)))


def _decided(call: Call, wanted: str, decision: Any, reason: str) -> Inquiry:
    if decision == "approve":
        return call.engine.inquiries.approve(wanted, who=_who(call), reason=reason)
    if decision == "reject":
        return call.engine.inquiries.reject(wanted, who=_who(call), reason=reason)
    if decision is not None:
        raise BadInput("'decision' must be approve or reject.")
    raise BadInput("'response' is a required property", hint='Or send {"decision": "approve"}.')


def _said(call: Call, inquiry: Inquiry) -> Any:
    """What the requester has said, its secrets masked."""
    mine = [vote.response for vote in inquiry.votes if vote.user == call.requester.user]
    return mine[-1] if mine else None


def list_details(call: Call) -> Response:
    """Ours. `state=all`: also those that are over."""
    page = call.query.page(limit=PAGE)
    state = call.query.text("state") or "pending"
    if state not in ("pending", "all"):
        raise BadInput("'state' must be pending or all.")
    found, total = call.engine.inquiries.page(
        only_pending=state == "pending", offset=page.offset, limit=page.limit
    )
    documents = [listing.selected(detail_document(one), call.query, ("id",)) for one in found]
    return json_answer(documents, headers=listing.page_headers(page, total))


def get_detail(call: Call) -> Response:
    """Ours: also of one that is over."""
    return json_answer(detail_document(call.engine.inquiries.get(call.path["inquiry_id"])))


def _who(call: Call) -> Answerer:
    requester = call.requester
    return Answerer(
        user=requester.user,
        surface="api",
        is_verified=not requester.is_lent,
        execution_id=requester.execution_id,
        is_agent=call.is_agent,
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/inquiries",
        handler=list_inquiries,
        right=Right.INQUIRY_LIST,
        query=listing.LIST,
        gives=Listed(run_shapes.INQUIRY),
    ),
    Endpoint(
        method="GET",
        path="/inquiries/views/detail",
        handler=list_details,
        right=Right.INQUIRY_LIST,
        query=(*listing.LIST, "state"),
        gives=Listed(run_shapes.INQUIRY_DETAIL),
    ),
    Endpoint(
        method="GET",
        path="/inquiries/views/detail/{inquiry_id}",
        handler=get_detail,
        right=Right.INQUIRY_VIEW,
        gives=run_shapes.INQUIRY_DETAIL,
    ),
    Endpoint(
        method="GET",
        path="/inquiries/{inquiry_id}",
        handler=get_inquiry,
        right=Right.INQUIRY_VIEW,
        gives=run_shapes.INQUIRY,
    ),
    Endpoint(
        method="PUT",
        path="/inquiries/{inquiry_id}",
        handler=answer_inquiry,
        right=Right.INQUIRY_RESPOND,
        takes=run_shapes.INQUIRY_ANSWER,
        gives=run_shapes.INQUIRY_ANSWERED,
    ),
)
