"""Tokens: people log in with name and password, and get one for a while."""

import base64
import binascii
from typing import Any

from starlette.responses import Response

from engine.access import ADMIN, TOKEN
from engine.api import wire
from engine.api import wire_site_shapes as site_shapes
from engine.api.call import Call, json_answer, nothing
from engine.api.errors import fault
from engine.api.resource import Endpoint, bearer_of
from engine.api.shape import list_of
from engine.errors import BadInput, Denied, Unauthenticated
from engine.records.access import Token
from engine.specs.right import Right


def create_token(call: Call) -> Response:
    """Basic authentication, `Bearer` with a token of others, or a header of the proxy in front of us.

    The body may be a form, as Hubot sends it: then it is empty.
    """
    body = call.object()
    ttl_s = body.get("ttl")
    if ttl_s is not None and (isinstance(ttl_s, bool) or not isinstance(ttl_s, int)):
        raise BadInput("'ttl' must be a whole number of seconds.")
    act_as = body.get("impersonate_user") or body.get("user") or ""
    if not isinstance(act_as, str):
        raise BadInput("'user' must be a string.")
    try:
        clear, token = _made(call, ttl_s, act_as)
    except Unauthenticated as error:
        return fault(401, error.message, {"WWW-Authenticate": 'Basic realm="stormcrow"'})
    return json_answer(wire.token_document(token, secret=clear), status=201)


def _made(call: Call, ttl_s: int | None, act_as: str) -> tuple[str, Token]:
    """For what the request shows: a token of others, name and password, or the word of a proxy."""
    logins, header = call.engine.logins, call.headers.get(b"authorization", b"")
    bearer = bearer_of(call.headers)
    if not bearer and header:
        name, password = _basic(header)
        return logins.with_password(name, password, address=call.address, ttl_s=ttl_s, act_as=act_as)
    if act_as:
        raise Denied("Only who logs in with a password may act for others here.", hint="Leave `user` out.")
    if bearer:
        return logins.with_token(bearer, ttl_s=ttl_s)
    return logins.with_proxy(call.raw_headers, address=call.peer, ttl_s=ttl_s)


def list_ways(call: Call) -> Response:
    """How people can log in with an issuer from a terminal; nothing secret is among it."""
    return json_answer([wire.sign_in_document(one) for one in call.engine.outside.sign_ins.ways])


def validate_token(call: Call) -> Response:
    token: Any = call.object().get("token")
    if not isinstance(token, str) or not token:
        raise BadInput("'token' is a required property")
    try:
        call.engine.authenticate(token=token, address=call.address)
    except Unauthenticated:
        return json_answer({"valid": False})
    return json_answer({"valid": True})


def end_token(call: Call) -> Response:
    """Ours: the token that this request came with, and nothing else, counts no more."""
    requester = call.requester
    if requester.method != TOKEN or not requester.key_id:
        raise BadInput(
            "This ends a token that somebody has logged in for; the request has none.",
            hint="Send it as X-Auth-Token. An API key is revoked: stormcrow apikey revoke ID.",
        )
    call.engine.access.end_token(requester.key_id)
    return nothing()


def end_logins(call: Call) -> Response:
    """Ours: everything that `user` (by default the caller) has logged in for, but API keys."""
    requester = call.requester
    user = call.object().get("user") or requester.user
    if not isinstance(user, str):
        raise BadInput("'user' must be a string.")
    rights = call.engine.rights
    may = requester.user in (user, ADMIN)
    if not may and rights.has_roles:
        may = rights.allows(requester.user, Right.API_KEY_DELETE).may
    if not (may and requester.is_person):
        raise Denied(
            f"You may not end the logins of {user[:64]!r}.",
            hint=f"The administrator may, and who has {Right.API_KEY_DELETE}.",
        )
    return json_answer({"user": user, "tokens": call.engine.access.end_logins(user)})


def _basic(header: bytes) -> tuple[str, str]:
    """Name and password; two empty texts for another kind of header."""
    scheme, _, value = header.partition(b" ")
    if scheme.lower() != b"basic":
        return "", ""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    name, _, password = text.partition(":")
    return name, password


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/logins",
        handler=list_ways,
        right=None,
        is_open=True,
        gives=list_of(site_shapes.SIGN_IN),
    ),
    Endpoint(
        method="POST",
        path="/tokens",
        handler=create_token,
        right=None,
        is_open=True,
        takes=site_shapes.TOKEN_BODY,
        gives=site_shapes.TOKEN,
    ),
    Endpoint(method="DELETE", path="/tokens", handler=end_token, right=None),
    Endpoint(
        method="POST",
        path="/tokens/end_all",
        handler=end_logins,
        right=None,
        takes=site_shapes.LOGIN_ENDS,
        gives=site_shapes.LOGINS_ENDED,
        status=200,
    ),
    Endpoint(
        method="POST",
        path="/tokens/validate",
        handler=validate_token,
        right=None,
        is_open=True,
        takes=site_shapes.TOKEN_QUESTION,
        gives=site_shapes.VALIDITY,
        status=200,
    ),
)
