"""Datastore keys, as StackStorm's clients read and write them; compare-and-set is ours."""

import logging
from typing import Any

from starlette.responses import Response

from engine.access import ADMIN
from engine.api import listing, wire
from engine.api import wire_site_shapes as site_shapes
from engine.api.call import Call, json_answer, nothing
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.errors import BadInput, Denied, NotFound
from engine.records.audit import Act
from engine.records.datastore import DatastoreKey, Expected, KeyFilter
from engine.specs.right import Right
from engine.store.datastore import is_sealed_text

log = logging.getLogger(__name__)

ALL = "all"
_SCOPES = {"system": "system", "st2kv.system": "system", "user": "user", "st2kv.user": "user"}
LONGEST_TTL_S = 100 * 366 * 86_400


def list_keys(call: Call) -> Response:
    """A plain list, without counts: `scope=all` is the system's keys and then the user's own."""
    query = call.query
    decrypt = query.flag("decrypt")
    page = query.page()
    wanted = KeyFilter(
        prefix=query.text("prefix") or "",
        name=query.text("name"),
        ids=tuple(query.names("id")) or None,
        sort=tuple(query.names("sort")),
        offset=page.offset,
        limit=page.limit,
    )
    owner = _owner(call, query.text("user"))
    scopes = _scopes(query.text("scope") or "system")
    if decrypt and "system" in scopes:
        _check_decryption(call, "")
    found: list[DatastoreKey] = []
    for scope in scopes:
        found += call.engine.datastore.keys(scope, user=owner, decrypt=decrypt, wanted=wanted)
    if decrypt:
        _note_decryption(call, found)
    return json_answer([wire.key_document(key) for key in found])


def get_key(call: Call) -> Response:
    decrypt = call.query.flag("decrypt")
    owner = _owner(call, call.query.text("user"))
    scope = _scope(call)
    if decrypt and scope == "system":
        _check_decryption(call, f"key_value_pair:st2kv.system:{call.path['name']}")
    key = call.engine.datastore.read(scope, call.path["name"], user=owner, decrypt=decrypt)
    if key is None:
        raise _unknown(call)
    if decrypt:
        _note_decryption(call, [key])
    return json_answer(wire.key_document(key))


def put_key(call: Call) -> Response:
    """Make or replace. `if_value` (ours): only when the key holds just that, or, null, is not there."""
    body = call.object()
    name = _text(body, "name", default=call.path["name"])
    if name != call.path["name"]:
        raise BadInput(f'The name in the body, "{name}", is not the one in the address.')
    scope = _one_scope(str(body.get("scope") or call.query.text("scope") or "system"))
    owner = _owner(call, body.get("user"))
    value, secret = _text(body, "value"), _flag(body, "secret")
    if _flag(body, "encrypted"):
        _check_taking_over(call, value)
        value, secret = call.engine.datastore.opened(scope, name, value, user=owner), True
    key = call.engine.datastore.put(
        scope,
        name,
        value,
        user=owner,
        secret=secret,
        ttl_s=_ttl_s(body),
        description=_text(body, "description") if body.get("description") is not None else None,
        expected=_expected(body),
    )
    return json_answer(wire.key_document(key))


def delete_key(call: Call) -> Response:
    """`if_value` in the body (ours): only when the key holds just that."""
    owner = _owner(call, call.query.text("user"))
    expected = _expected(call.object())
    if not call.engine.datastore.remove(_scope(call), call.path["name"], user=owner, expected=expected):
        raise _unknown(call)
    return nothing()


def rotate(call: Call) -> Response:
    """Ours: a new secret key, with which everything is sealed anew."""
    if not _is_admin(call):
        raise Denied("Only the administrator may change the secret key.", hint="Use the key in admin.key.")
    outcome = call.engine.seals.rotate(is_leaked=bool(_flag(call.object(), "leaked")))
    return json_answer({"key_id": outcome.key_id, "resealed": outcome.resealed, "failed": outcome.failed})


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


def _flag(body: dict[str, Any], name: str) -> bool | None:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadInput(f"'{name}' must be true or false.")
    return value


def _expected(body: dict[str, Any]) -> Expected | None:
    if "if_value" not in body:
        return None
    return Expected(value=None if body["if_value"] is None else _text(body, "if_value"))


def _ttl_s(body: dict[str, Any]) -> int | None:
    ttl = body.get("ttl")
    if ttl is None:
        return None
    if isinstance(ttl, bool) or not isinstance(ttl, int) or not 0 < ttl <= LONGEST_TTL_S:
        raise BadInput("'ttl' must be a positive whole number of seconds.")
    return ttl


def _scope(call: Call) -> str:
    return _one_scope(call.query.text("scope") or "system")


def _one_scope(scope: str) -> str:
    if scope not in _SCOPES:
        raise BadInput(f'Scope "{scope}" is not valid.', hint=f"Choose from {', '.join(_SCOPES)}.")
    return _SCOPES[scope]


def _scopes(scope: str) -> tuple[str, ...]:
    return ("system", "user") if scope == ALL else (_one_scope(scope),)


def _owner(call: Call, asked: Any) -> str:
    """Whose user scope: the requester's own; the administrator and who may act for them may name another."""
    if asked is None or asked in ("", call.requester.user):
        return call.requester.user
    if not isinstance(asked, str):
        raise BadInput("'user' must be a string.")
    if not (_is_admin(call) or call.may_impersonate(asked)):
        raise Denied(
            f'User "{call.requester.user}" may not use the keys of "{asked}".', hint="Leave `user` out."
        )
    return asked


def _is_admin(call: Call) -> bool:
    """With the administrator's key: an action that runs as the administrator is not meant."""
    return call.requester.user == ADMIN and call.requester.is_person


def _check_decryption(call: Call, resource: str) -> None:
    """Seeing that there is a secret is less than reading it. Raises Denied.

    What runs, an action or a sensor, reads what its pack was made to read.
    """
    requester, rights = call.requester, call.engine.rights
    if requester.is_lent or requester.execution_id is not None or requester.user == ADMIN:
        return
    if rights.has_roles and rights.allows(requester.user, Right.KEY_VALUE_PAIR_ALL, resource).may:
        return
    raise Denied(
        "Decrypt option requires administrator access.",
        hint=f"Ask for a role that grants {Right.KEY_VALUE_PAIR_ALL}"
        f"{f' on {resource}' if resource else ''}. Keys of your own scope need none.",
    )


def _check_taking_over(call: Call, value: str) -> None:
    """What StackStorm encrypted opens under any name, and everybody could list it there. Raises Denied."""
    requester, rights = call.requester, call.engine.rights
    if is_sealed_text(value) or _is_admin(call):
        return
    may = rights.has_roles and rights.allows(requester.user, Right.KEY_VALUE_PAIR_ALL).may
    if not (may and requester.is_person):
        raise Denied(
            "Values that StackStorm encrypted are taken over by the administrator.",
            hint=f"Send it in clear, or ask for a role that grants {Right.KEY_VALUE_PAIR_ALL}.",
        )


def _note_decryption(call: Call, keys: list[DatastoreKey]) -> None:
    """Before they are handed out."""
    read = [key for key in keys if key.secret]
    if read:
        call.engine.audit.record(*(_reading(key) for key in read))
    for key in read:
        call.engine.read_in_clear(key, execution_id=call.requester.execution_id)
        log.info("user %s read the secret %s", call.requester.user, key.name, extra={"scope": key.scope})


def _reading(key: DatastoreKey) -> Act:
    whose = {"of": key.user} if key.user else {}
    return Act(kind="key.read", object=key.name, details={"scope": key.scope, **whose})


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/keys",
        handler=list_keys,
        right=Right.KEY_VALUE_PAIR_LIST,
        query=(*listing.PAGE, "decrypt", "id", "name", "prefix", "scope", "sort", "user"),
        gives=Listed(site_shapes.KEY, is_counted=False),
    ),
    Endpoint(
        method="GET",
        path="/keys/{name:path}",
        handler=get_key,
        right=Right.KEY_VALUE_PAIR_VIEW,
        query=("decrypt", "scope", "user"),
        gives=site_shapes.KEY,
    ),
    Endpoint(
        method="PUT",
        path="/keys/{name:path}",
        handler=put_key,
        right=Right.KEY_VALUE_PAIR_SET,
        query=("scope",),
        takes=site_shapes.KEY_BODY,
        gives=site_shapes.KEY,
    ),
    Endpoint(
        method="DELETE",
        path="/keys/{name:path}",
        handler=delete_key,
        right=Right.KEY_VALUE_PAIR_DELETE,
        query=("scope", "user"),
        takes=site_shapes.KEY_REMOVAL,
    ),
    Endpoint(
        method="POST",
        path="/secret_key/rotate",
        handler=rotate,
        right=Right.KEY_VALUE_PAIR_ALL,
        takes=site_shapes.ROTATION_BODY,
        gives=site_shapes.ROTATION,
        status=200,
    ),
)
