"""Rights, ours: whether somebody may run something and why, and what was denied."""

from typing import Any

from starlette.responses import Response

from engine.api import listing
from engine.api import wire_site_shapes as site_shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.clock import isoformat
from engine.errors import BadInput, Denied, NotFound, nearest
from engine.records.account import Denial
from engine.rights.place import API, Where
from engine.specs.right import Right


def check(call: Call) -> Response:
    """`user` and `what` (an alias or an action), `channel`: slack:C1, web:ops; left out: the API."""
    user = call.query.text("user") or call.requester.user
    _check_may_see(call, user)
    what = call.query.text("what")
    if what is None:
        raise BadInput("'what' is a required property", hint="Name an alias or an action: what=core.local")
    alias, action = _found(call, what)
    where = _place(call.query.text("channel") or API)
    rights = call.engine.rights
    reasons = rights.why(user, action, alias=alias, where=where)
    return json_answer(
        {
            "user": user,
            "person": call.engine.people.person(user),
            "roles": list(rights.roles_of(user)),
            "alias": alias,
            "action": action,
            "place": str(where),
            "may": all(one.may for one in reasons),
            "groups": _groups(call, user),
            "reasons": [{"may": one.may, "reason": one.reason, "hint": one.hint} for one in reasons],
        }
    )


def _groups(call: Call, user: str) -> list[dict[str, Any]]:
    """What LDAP, issuers and proxies said of this person at their last logins."""
    engine = call.engine
    mapped = {one.group: list(one.roles) for one in engine.registry.rights.mappings if one.enabled}
    return [
        {
            "source": said.source,
            "at": isoformat(said.said_at),
            "counts": counts,
            "groups": list(said.groups),
            "roles": sorted(
                {role for group, roles in mapped.items() if said.has(group) for role in roles}
                if counts
                else ()
            ),
        }
        for name in sorted(engine.people.names(user))
        for said, counts in engine.outside.groups.of(name)
    ]


def denials(call: Call) -> Response:
    """The newest first; `user`: of one."""
    user = call.query.text("user") or ""
    _check_may_see(call, user)
    page = call.query.page(limit=50)
    found, total = call.engine.denials.page(user=user, offset=page.offset, limit=page.limit)
    return json_answer([_document(one) for one in found], headers=listing.page_headers(page, total))


def _check_may_see(call: Call, user: str) -> None:
    if user == call.requester.user:
        return
    verdict = call.engine.rights.allows(call.requester.user, Right.ROLE_VIEW)
    if not verdict.may:
        raise Denied("You may see your own rights only.", hint=verdict.reason)


def _found(call: Call, what: str) -> tuple[str, str]:
    """The alias, and its action; the alias empty for an action. Raises NotFound."""
    registry = call.engine.registry
    alias = registry.aliases.get(what)
    alias = alias or next((one for one in registry.aliases.values() if one.name == what), None)
    if alias is not None:
        return alias.ref, alias.action_ref
    if what in registry.actions:
        return "", what
    known = [*registry.aliases, *registry.actions]
    raise NotFound(f'There is no alias and no action "{what}".', hint=nearest(what, known))


def _place(channel: str) -> Where:
    if channel == API:
        return Where()
    platform, colon, name = channel.partition(":")
    return (
        Where(platform=platform, channel=name)
        if colon
        else Where(platform="web", channel=channel.lstrip("#"))
    )


def _document(denial: Denial) -> dict[str, Any]:
    return {
        "at": isoformat(denial.at),
        "user": denial.user,
        "name": denial.name,
        "place": str(Where(platform=denial.platform, channel=denial.channel)),
        "verb": denial.verb,
        "what": denial.what,
        "reason": denial.reason,
    }


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/rights/check",
        handler=check,
        right=None,
        query=("channel", "user", "what"),
        gives=site_shapes.RIGHTS,
    ),
    Endpoint(
        method="GET",
        path="/rights/denials",
        handler=denials,
        right=None,
        query=(*listing.PAGE, "user"),
        gives=Listed(site_shapes.DENIAL),
    ),
)
