"""Accounts in chats, ours: codes that link one, what is linked, and by hand of an administrator."""

from typing import Any

from starlette.responses import Response

from engine.access import ADMIN
from engine.api import listing
from engine.api import wire_site_shapes as site_shapes
from engine.api.call import Call, json_answer, nothing
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.clock import isoformat
from engine.errors import BadInput, Denied, NotFound
from engine.records.account import Account, Link

_PARTS = 3


def list_accounts(call: Call) -> Response:
    """The requester's own; all of them for the administrator. `all=true`: those that are over too."""
    _check_person(call)
    with_ended = call.query.flag("all")
    found = [
        _document(link)
        for link in call.engine.accounts.all()
        if (with_ended or link.ended_at is None) and (_is_admin(call) or link.user == call.requester.user)
    ]
    return listing.paged(call, found)


def create_code(call: Call) -> Response:
    """A code for the requester, shown this once; `account`: the only one that may say it."""
    _check_person(call)
    account = call.object().get("account") or ""
    if not isinstance(account, str):
        raise BadInput("'account' must be a string.")
    if account:
        _account(account)
    code, made = call.engine.accounts.new_code(call.requester.user, account=account)
    document = {"code": code, "user": made.user, "account": account, "expires_at": isoformat(made.expires_at)}
    return json_answer(document, status=201)


def link(call: Call) -> Response:
    """By hand: `account` is from now on `user`. Only the administrator."""
    _check_person(call)
    if not _is_admin(call):
        raise Denied(
            "Only the administrator links accounts by hand.", hint="Use a code: stormcrow account code"
        )
    body = call.object()
    account, user = body.get("account"), body.get("user")
    if not isinstance(account, str) or not isinstance(user, str) or not user:
        raise BadInput(
            "'account' and 'user' are required", hint='For example {"account": "slack.T1.U7", "user": "ann"}.'
        )
    made = call.engine.accounts.link(_account(account), user=user, by=call.requester.user)
    return json_answer(_document(made), status=201)


def unlink(call: Call) -> Response:
    """One's own, or anybody's for the administrator."""
    _check_person(call)
    account = _account(call.path["account"])
    if not _is_admin(call) and call.engine.accounts.owner(account.ref) != call.requester.user:
        # Not even whether it is somebody else's.
        raise NotFound(f"{account.ref} is no account of yours.", hint="stormcrow account list")
    call.engine.accounts.unlink(account, by=call.requester.user)
    return nothing()


def _account(ref: str) -> Account:
    """From slack.T1.U7. Raises BadInput."""
    platform, *rest = ref.split(".")
    team, id_ = rest[0] if len(rest) > 1 else "", ".".join(rest[1:])
    if len(rest) < _PARTS - 1 or not platform or not id_:
        raise BadInput(f"{ref!r} is no account.", hint="Write CHAT.TEAM.ID, for example slack.T1.U7.")
    return Account(platform=platform, team=team, id=id_)


def _is_admin(call: Call) -> bool:
    return call.requester.user == ADMIN


def _check_person(call: Call) -> None:
    """A running action must not make somebody its user's, nor a key that is limited."""
    if not call.requester.is_person:
        raise Denied("Accounts are linked by a person, with a token or a key of their own without limits.")


def _document(link: Link) -> dict[str, Any]:
    return {
        "account": link.account.ref,
        "user": link.user,
        "how": link.how.value,
        "name": link.name,
        "at": isoformat(link.at),
        "by": link.by,
        "ended_at": isoformat(link.ended_at) if link.ended_at else None,
        "ended_by": link.ended_by,
    }


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/accounts",
        handler=list_accounts,
        right=None,
        query=(*listing.LIST, "all"),
        gives=Listed(site_shapes.ACCOUNT),
    ),
    Endpoint(
        method="POST",
        path="/accounts",
        handler=link,
        right=None,
        takes=site_shapes.ACCOUNT_BODY,
        gives=site_shapes.ACCOUNT,
    ),
    Endpoint(
        method="POST",
        path="/accounts/codes",
        handler=create_code,
        right=None,
        takes=site_shapes.CODE_BODY,
        gives=site_shapes.CODE,
    ),
    Endpoint(method="DELETE", path="/accounts/{account}", handler=unlink, right=None),
)
