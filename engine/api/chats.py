"""The chats that run, and what keeps them from their people."""

from starlette.responses import Response

from engine.api import listing
from engine.api import wire_site_shapes as site_shapes
from engine.api.call import Call
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.api.wire_chats import chat_state_document
from engine.specs.right import Right


def list_chats(call: Call) -> Response:
    found = [chat_state_document(state) for state in call.engine.chats.all()]
    return listing.paged(call, found, always=("name",))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/chats",
        handler=list_chats,
        right=Right.SERVICE_LIST,
        query=listing.LIST,
        gives=Listed(site_shapes.CHAT),
    ),
)
