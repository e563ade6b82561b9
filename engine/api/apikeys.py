"""API keys: made, limited, listed, rotated, switched off and removed; each is shown once, when it is made."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import Response

from engine.access import ADMIN
from engine.api import listing, wire
from engine.api import wire_shapes as shapes
from engine.api import wire_site_shapes as site_shapes
from engine.api.call import Call, json_answer, moment, nothing
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.api_keys import LONGEST_GRACE_S, checked_networks, checked_scope
from engine.clock import utcnow
from engine.errors import BadInput, Denied, NotFound
from engine.records.access import ApiKey, KeyLimits
from engine.specs.right import Right

LONGEST_TTL_S = 100 * 366 * 86_400
# How long the old key is good for when a key is rotated and nobody says, in seconds.
GRACE_S = 86_400


def list_api_keys(call: Call) -> Response:
    """Without roles on file everybody has their own, and the administrator all."""
    _check_person(call)
    user = call.query.text("user")
    found = [key for key in call.engine.access.keys.all() if user in (None, key.user) and _may_see(call, key)]
    page = call.query.page(limit=50)
    end = None if page.limit is None else page.offset + page.limit
    shown = [wire.api_key_document(key) for key in found[page.offset : end]]
    return json_answer(shown, headers=listing.page_headers(page, len(found)))


def get_api_key(call: Call) -> Response:
    _check_person(call)
    return json_answer(wire.api_key_document(_find(call)))


def create_api_key(call: Call) -> Response:
    """`key_hash`: a key of StackStorm goes on opening what it opened there."""
    _check_person(call)
    body = call.object()
    metadata = {} if body.get("metadata") is None else body["metadata"]
    if not isinstance(metadata, dict):
        raise BadInput("'metadata' must be an object.")
    user = body.get("user") or call.requester.user
    if not isinstance(user, str):
        raise BadInput("'user' must be a string.")
    enabled = body.get("enabled", True)
    if not isinstance(enabled, bool):
        raise BadInput("'enabled' must be true or false.")
    limits = _limits(body)
    acting_user = _acting_user(call, user)
    key_hash = body.get("key_hash")
    keys = call.engine.access.keys
    secret = None
    if key_hash:
        if acting_user:
            raise Denied("A key of another user cannot be taken over by its hash.")
        key = keys.adopt(str(key_hash), user=user, metadata=metadata, limits=limits)
    else:
        secret, key = keys.create(user=user, metadata=metadata, limits=limits, acting_user=acting_user)
    if not enabled:
        key = keys.set_enabled(key.id, enabled=False)
    return json_answer(wire.api_key_document(key, secret=secret), status=201)


def _acting_user(call: Call, user: str) -> str:
    """Who will act for `user` with the key; empty: the user themselves. Raises Denied."""
    requester = call.requester.user
    if requester in (user, ADMIN):
        return ""
    if call.may_impersonate(user):
        return requester
    # Whoever could be somebody else could also approve in their place.
    raise Denied(f'User "{requester}" may not make a key of "{user}".', hint="Ask the administrator.")


def _limits(body: Mapping[str, Any]) -> KeyLimits:
    """Raises BadInput."""
    return KeyLimits(
        scope=checked_scope(_texts(body, "actions"), _texts(body, "webhooks"), _texts(body, "rights")),
        networks=checked_networks(_texts(body, "addresses")),
        expires_at=_end(body),
    )


def _texts(body: Mapping[str, Any], name: str) -> list[str]:
    given = body.get(name) or []
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise BadInput(f"'{name}' must be a list of strings.")
    return given


def _end(body: Mapping[str, Any]) -> datetime | None:
    """From `ttl`, in seconds, or `expires_at`."""
    ttl, at = body.get("ttl"), body.get("expires_at")
    if ttl is not None and at is not None:
        raise BadInput("'ttl' and 'expires_at' both say when the key ends.", hint="Give one of them.")
    if ttl is not None:
        return utcnow() + timedelta(seconds=_seconds(ttl, "ttl", LONGEST_TTL_S, at_least=1))
    if at is None:
        return None
    end = moment(at, "expires_at") if isinstance(at, str) else None
    if end is None or end <= utcnow():
        raise BadInput("'expires_at' must be a moment to come.", hint="Write 2027-01-01T00:00:00Z.")
    return end


def _seconds(value: Any, name: str, most: int, *, at_least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not at_least <= value <= most:
        raise BadInput(f"'{name}' must be a whole number of seconds from {at_least} to {most}.")
    return value


def update_api_key(call: Call) -> Response:
    """Only `enabled` is taken over; clients send the whole document. What limits a key stays as it is."""
    _check_person(call)
    key = _find(call)
    _check_owner(call, key, Right.API_KEY_MODIFY)
    enabled: Any = call.object().get("enabled", key.enabled)
    if not isinstance(enabled, bool):
        raise BadInput("'enabled' must be true or false.")
    return json_answer(wire.api_key_document(call.engine.access.keys.set_enabled(key.id, enabled=enabled)))


def rotate_api_key(call: Call) -> Response:
    """Ours: a new key with the same limits; `grace_s`: how long the old one is good for yet."""
    _check_person(call)
    key = _find(call)
    if call.requester.user not in (key.acting_user or key.user, ADMIN):
        # Whoever gets the new key is its user.
        raise Denied("Only the user of a key, or the administrator, gets a new one in its place.")
    grace_s = _seconds(call.object().get("grace_s", GRACE_S), "grace_s", LONGEST_GRACE_S, at_least=0)
    secret, new = call.engine.access.keys.rotate(key.id, grace_s=grace_s)
    return json_answer({**wire.api_key_document(new, secret=secret), "replaces": key.id}, status=201)


def delete_api_key(call: Call) -> Response:
    _check_person(call)
    key = _find(call)
    _check_owner(call, key, Right.API_KEY_DELETE)
    call.engine.access.keys.revoke(key.id)
    return nothing()


def _find(call: Call) -> ApiKey:
    """Raises NotFound, also for somebody else's where nothing lets one see it."""
    key = call.engine.access.keys.named(call.path["id"])
    if not _may_see(call, key):
        raise NotFound("There is no such API key.", hint="List them: stormcrow apikey list")
    return key


def _may_see(call: Call, key: ApiKey) -> bool:
    return call.engine.rights.has_roles or call.requester.user in (key.user, key.acting_user, ADMIN)


def _check_owner(call: Call, key: ApiKey, right: Right) -> None:
    """One's own, the administrator, or whoever a role lets. Raises Denied."""
    rights, user = call.engine.rights, call.requester.user
    if user in (key.user, key.acting_user, ADMIN):
        return
    if not (rights.has_roles and rights.allows(user, right).may):
        raise Denied(f"This is a key of {key.user}.", hint="The administrator may change it.")


def _check_person(call: Call) -> None:
    """What ends, or is limited, must not make itself a key that outlives it or opens more."""
    if not call.requester.is_person:
        raise Denied("API keys are managed by a person, with a token or a key of their own without limits.")


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/apikeys",
        handler=list_api_keys,
        right=Right.API_KEY_LIST,
        query=(*listing.PAGE, "user"),
        gives=Listed(site_shapes.API_KEY),
    ),
    Endpoint(
        method="POST",
        path="/apikeys",
        handler=create_api_key,
        right=Right.API_KEY_CREATE,
        takes=site_shapes.API_KEY_BODY,
        gives=site_shapes.API_KEY,
    ),
    Endpoint(
        method="GET",
        path="/apikeys/{id}",
        handler=get_api_key,
        right=Right.API_KEY_VIEW,
        gives=site_shapes.API_KEY,
    ),
    Endpoint(
        method="PUT",
        path="/apikeys/{id}",
        handler=update_api_key,
        right=Right.API_KEY_MODIFY,
        takes=shapes.ENABLED,
        gives=site_shapes.API_KEY,
    ),
    Endpoint(method="DELETE", path="/apikeys/{id}", handler=delete_api_key, right=Right.API_KEY_DELETE),
    Endpoint(
        method="POST",
        path="/apikeys/{id}/rotate",
        handler=rotate_api_key,
        right=Right.API_KEY_CREATE,
        takes=site_shapes.API_KEY_ROTATION,
        gives=site_shapes.API_KEY,
    ),
)
