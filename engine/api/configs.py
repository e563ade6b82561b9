"""Configurations of packs: the values of configs/PACK.yaml, secrets masked."""

from starlette.responses import Response

from engine.api import listing, wire
from engine.api import wire_content_shapes as content_shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.api.shape import MAPPING, Listed
from engine.errors import Denied
from engine.specs.right import Right


def list_configs(call: Call) -> Response:
    found = [wire.config_document(config) for config in call.engine.configs.all()]
    fitting = [document for document in found if listing.fits(document, call.query)]
    return listing.paged(call, listing.ordered(fitting, call.query.names("sort")))


def get_config(call: Call) -> Response:
    return json_answer(wire.config_document(call.engine.configs.get(_pack(call))))


def put_config(call: Call) -> Response:
    """The body is the values, all of them. `show_secrets` has no effect."""
    if call.requester.execution_id is not None:
        raise Denied("The token of a running action may not change configurations.")
    made = call.engine.configs.put(_pack(call), call.object(), user=call.requester.user)
    return json_answer(wire.config_document(made))


def _pack(call: Call) -> str:
    """By ref, or by the id of the pack or of its configuration."""
    wanted = call.path["pack_ref"]
    for ref, document in call.documents.all("packs").items():
        if wanted in (ref, document["id"], wire.content_id("config", ref)):
            return ref
    return wanted


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/configs",
        handler=list_configs,
        right=Right.PACK_LIST,
        query=listing.CONTENT,
        gives=Listed(content_shapes.CONFIG),
    ),
    Endpoint(
        method="GET",
        path="/configs/{pack_ref}",
        handler=get_config,
        right=Right.PACK_VIEW,
        gives=content_shapes.CONFIG,
    ),
    Endpoint(
        method="PUT",
        path="/configs/{pack_ref}",
        handler=put_config,
        right=Right.PACK_CONFIG,
        takes=MAPPING,
        gives=content_shapes.CONFIG,
    ),
)
