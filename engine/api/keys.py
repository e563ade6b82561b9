"""Datastore keys, as StackStorm's clients read and write them."""

import logging
from typing import Any

from starlette.responses import Response

from engine.api import wire
from engine.api.call import Call, json_answer, nothing
from engine.api.resource import Endpoint
from engine.errors import BadInput, Denied, NotFound
from engine.records.datastore import DatastoreKey

log = logging.getLogger(__name__)

SYSTEM = frozenset({"system", "st2kv.system"})
USER = frozenset({"user", "st2kv.user"})
ALL = "all"


def list_keys(call: Call) -> Response:
    """A plain list, without counts: `scope=all` is the system's keys and then the user's own."""
    query = call.query
    decrypt = query.flag("decrypt")
    page = query.page()
    found = []
    for scope in _scopes(query.text("scope") or "system"):
        keys = call.engine.datastore.keys(
            scope, user=_owner(call), prefix=query.text("prefix") or "", decrypt=decrypt
        )
        wanted = [key for key in keys if query.text("name") in (None, key.name)]
        end = None if page.limit is None else page.offset + page.limit
        found.extend(wanted[page.offset : end])
    if decrypt:
        _note_decryption(call, found)
    return json_answer([wire.key_document(key) for key in found])


def get_key(call: Call) -> Response:
    decrypt = call.query.flag("decrypt")
    key = call.engine.datastore.read(_scope(call), call.path["name"], user=_owner(call), decrypt=decrypt)
    if key is None:
        raise _unknown(call)
    if decrypt:
        _note_decryption(call, [key])
    return json_answer(wire.key_document(key))


def put_key(call: Call) -> Response:
    body = call.object()
    name = _text(body, "name", default=call.path["name"])
    if name != call.path["name"]:
        raise BadInput(f'The name in the body, "{name}", is not the one in the address.')
    if body.get("encrypted"):
        raise BadInput(
            "A value that is encrypted already cannot be stored.",
            hint='Send it in clear with "secret": true.',
        )
    scope = body.get("scope") or call.query.text("scope") or "system"
    key = call.engine.datastore.put(
        _one_scope(str(scope)),
        name,
        _text(body, "value"),
        user=call.own_user(body.get("user")),
        secret=bool(body.get("secret")),
        ttl_s=_ttl_s(body),
    )
    return json_answer(wire.key_document(key))


def delete_key(call: Call) -> Response:
    if not call.engine.datastore.remove(_scope(call), call.path["name"], user=_owner(call)):
        raise _unknown(call)
    return nothing()


def _unknown(call: Call) -> NotFound:
    scope = call.query.text("scope") or "system"
    return NotFound(f'Unable to find a key "{call.path["name"]}" in the scope {scope}.')


def _text(body: dict[str, Any], name: str, *, default: str | None = None) -> str:
    if name not in body and default is not None:
        return default
    if name not in body:
        raise BadInput(f"'{name}' is a required property")
    value = body[name]
    if not isinstance(value, str):
        raise BadInput(f"'{name}' must be a string.", hint="Objects are stored as JSON text.")
    return value


def _ttl_s(body: dict[str, Any]) -> int | None:
    ttl = body.get("ttl")
    if ttl is None:
        return None
    if isinstance(ttl, bool) or not isinstance(ttl, int) or not 0 < ttl <= 100 * 366 * 86_400:
        raise BadInput("'ttl' must be a positive whole number of seconds.")
    return ttl


def _scope(call: Call) -> str:
    return _one_scope(call.query.text("scope") or "system")


def _one_scope(scope: str) -> str:
    if scope not in SYSTEM | USER:
        raise BadInput(f'Scope "{scope}" is not valid.', hint="Choose from system, user.")
    return "user" if scope in USER else "system"


def _scopes(scope: str) -> tuple[str, ...]:
    return ("system", "user") if scope == ALL else (_one_scope(scope),)


def _owner(call: Call) -> str:
    """Whose user scope: the requester's own."""
    asked = call.query.text("user")
    if asked not in (None, call.requester.user):
        raise Denied(f'User "{call.requester.user}" may not read the keys of "{asked}".')
    return call.requester.user


def _note_decryption(call: Call, keys: list[DatastoreKey]) -> None:
    for key in keys:
        if key.secret:
            log.info("user %s read the secret %s", call.requester.user, key.name, extra={"scope": key.scope})


ENDPOINTS = (
    Endpoint(method="GET", path="/keys", handler=list_keys),
    Endpoint(method="GET", path="/keys/{name:path}", handler=get_key),
    Endpoint(method="PUT", path="/keys/{name:path}", handler=put_key),
    Endpoint(method="DELETE", path="/keys/{name:path}", handler=delete_key),
)
