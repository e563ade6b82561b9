"""API keys: made, listed, switched off and removed; each is shown once, when it is made."""

from typing import Any

from starlette.responses import Response

from engine.access import ADMIN
from engine.api import listing, wire
from engine.api import wire_shapes as shapes
from engine.api.call import Call, json_answer, nothing
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.errors import BadInput, Denied, NotFound
from engine.records.access import ApiKey
from engine.specs.right import Right


def list_api_keys(call: Call) -> Response:
    _check_person(call)
    user = call.query.text("user")
    found = [key for key in call.engine.access.all_keys() if user in (None, key.user)]
    page = call.query.page(limit=50)
    end = None if page.limit is None else page.offset + page.limit
    shown = [wire.api_key_document(key) for key in found[page.offset : end]]
    return json_answer(shown, headers=listing.page_headers(page, len(found)))


def get_api_key(call: Call) -> Response:
    _check_person(call)
    return json_answer(wire.api_key_document(_find(call)))


def create_api_key(call: Call) -> Response:
    _check_person(call)
    body = call.object()
    if body.get("key_hash"):
        raise BadInput("A key cannot be taken over by its hash.", hint="Make a new one, without key_hash.")
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise BadInput("'metadata' must be an object.")
    user = body.get("user") or call.requester.user
    if not isinstance(user, str):
        raise BadInput("'user' must be a string.")
    if call.requester.user not in (user, ADMIN):
        # Whoever could be somebody else could also approve in their place.
        raise Denied(
            f'User "{call.requester.user}" may not make a key of "{user}".', hint="Ask the administrator."
        )
    secret, key = call.engine.access.create_key(user=user, metadata=metadata)
    if body.get("enabled") is False:
        key = call.engine.access.set_enabled(key.id, enabled=False)
    return json_answer(wire.api_key_document(key, secret=secret), status=201)


def update_api_key(call: Call) -> Response:
    """Only `enabled` is taken over; clients send the whole document."""
    _check_person(call)
    key = _find(call)
    enabled: Any = call.object().get("enabled", key.enabled)
    if not isinstance(enabled, bool):
        raise BadInput("'enabled' must be true or false.")
    return json_answer(wire.api_key_document(call.engine.access.set_enabled(key.id, enabled=enabled)))


def delete_api_key(call: Call) -> Response:
    _check_person(call)
    call.engine.access.revoke(_find(call).id)
    return nothing()


def _find(call: Call) -> ApiKey:
    wanted = call.path["id"]
    for key in call.engine.access.all_keys():
        if key.id == wanted:
            return key
    raise NotFound(f'There is no API key with the id "{wanted}".')


def _check_person(call: Call) -> None:
    """A running action or sensor must not make itself a key that outlives it."""
    if call.requester.execution_id is not None or call.requester.is_lent:
        raise Denied("The token of a running action or sensor may not manage API keys.")


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/apikeys",
        handler=list_api_keys,
        right=Right.API_KEY_LIST,
        query=(*listing.PAGE, "user"),
        gives=Listed(shapes.API_KEY),
    ),
    Endpoint(
        method="POST",
        path="/apikeys",
        handler=create_api_key,
        right=Right.API_KEY_CREATE,
        takes=shapes.API_KEY_BODY,
        gives=shapes.API_KEY,
    ),
    Endpoint(
        method="GET",
        path="/apikeys/{id}",
        handler=get_api_key,
        right=Right.API_KEY_VIEW,
        gives=shapes.API_KEY,
    ),
    Endpoint(
        method="PUT",
        path="/apikeys/{id}",
        handler=update_api_key,
        right=Right.API_KEY_MODIFY,
        takes=shapes.ENABLED,
        gives=shapes.API_KEY,
    ),
    Endpoint(method="DELETE", path="/apikeys/{id}", handler=delete_api_key, right=Right.API_KEY_DELETE),
)
