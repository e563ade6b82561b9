"""Policies: those of files to read and to switch, those of the API to write too; and their types."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from engine.api import listing
from engine.api import wire_content_shapes as content_shapes
from engine.api.call import Call, json_answer, nothing
from engine.api.resource import Endpoint
from engine.api.shape import Listed
from engine.api.wire import Document, content_id
from engine.api.wire_policies import policy_type_document
from engine.errors import AlreadyThere, BadInput, Conflict, NotFound, nearest
from engine.specs.policy import PolicySpec
from engine.specs.policy_type import policy_type, usable_policy_types
from engine.specs.right import Right

_WRITTEN = ("name", "pack", "description", "enabled", "resource_ref", "policy_type", "parameters")


# policies


def list_policies(call: Call) -> Response:
    kind = call.query.text("policy_type")
    found = [
        document
        for document in call.documents.all("policies").values()
        if listing.fits(document, call.query) and kind in (None, document["policy_type"])
    ]
    return listing.paged(call, listing.ordered(found, call.query.names("sort")))


def get_policy(call: Call) -> Response:
    return json_answer(listing.selected(call.documents.one("policies", call.path["ref_or_id"]), call.query))


def create_policy(call: Call) -> Response:
    """201, and in force."""
    written = _written(call.object())
    ref = f"{written.get('pack') or 'default'}.{written.get('name')}"
    if ref in call.engine.registry.policies:
        raise AlreadyThere(
            f'Policy "{ref}" already exists.',
            hint="Change it with PUT, or take another name.",
            existing_id=call.documents.one("policies", ref)["id"],
        )
    _check_action(call, written)
    spec = call.engine.stored.put("policy", written, user=call.requester.user)
    return json_answer(call.documents.one("policies", spec.ref), status=201)


def update_policy(call: Call) -> Response:
    """A policy of the API is replaced; one of a file can only be switched on and off."""
    ref = call.documents.ref("policies", call.path["ref_or_id"])
    old = call.engine.registry.policies[ref]
    written = {"pack": old.pack, **_written(call.object())}
    enabled = written.get("enabled", old.enabled)
    if not isinstance(enabled, bool):
        raise BadInput("'enabled' must be true or false.")
    if _same(written, old):
        call.engine.stored.set_enabled("policy", ref, enabled=enabled, user=call.requester.user)
        return json_answer(call.documents.one("policies", ref))
    if not call.engine.stored.is_stored("policy", ref):
        raise Conflict(
            f'The policy "{ref}" is the file {old.pack}/{old.metadata_file}.',
            hint="Only `enabled` can be changed here. Change the file and reload.",
        )
    _check_action(call, written)
    spec = call.engine.stored.replace("policy", ref, written, user=call.requester.user)
    return json_answer(call.documents.one("policies", spec.ref))


def delete_policy(call: Call) -> Response:
    call.engine.stored.remove("policy", call.documents.ref("policies", call.path["ref_or_id"]))
    return nothing()


def _written(body: Mapping[str, Any]) -> Document:
    """What a caller may say of a policy; clients send back the whole document that they were given."""
    given = {name: body[name] for name in _WRITTEN if name in body}
    unknown = sorted(set(body) - set(given) - {"id", "ref", "uid", "metadata_file"})
    if unknown:
        raise BadInput(
            f"Additional properties are not allowed ('{unknown[0]}' was unexpected)",
            hint=nearest(unknown[0], _WRITTEN),
        )
    return given


def _same(written: Document, policy: PolicySpec) -> bool:
    """Whether nothing but `enabled` differs."""
    parameters = written.get("parameters") or {}
    if not isinstance(parameters, Mapping):
        return False
    defaults = policy_type(policy.policy_type).defaults
    pairs = (
        (written.get("name"), policy.name),
        (written["pack"], policy.pack),
        (written.get("description", policy.description) or "", policy.description),
        (written.get("resource_ref"), policy.resource_ref),
        (written.get("policy_type"), policy.policy_type),
        ({**defaults, **parameters}, dict(policy.parameters)),
    )
    return all(given == known for given, known in pairs)


def _check_action(call: Call, written: Document) -> None:
    """A file's action may come later with its pack; a caller means one that is there."""
    ref = written.get("resource_ref")
    if isinstance(ref, str) and ref not in call.engine.registry.actions:
        raise BadInput(
            f'Action "{ref}" cannot be found.',
            hint=nearest(ref, call.engine.registry.actions),
            where="resource_ref",
        )


# types


def list_types(call: Call) -> Response:
    resource = call.query.text("resource_type")
    found = [
        document
        for document in map(policy_type_document, usable_policy_types().values())
        if listing.fits(document, call.query) and resource in (None, document["resource_type"])
    ]
    return listing.paged(call, listing.ordered(found, call.query.names("sort")))


def get_type(call: Call) -> Response:
    wanted = call.path["ref_or_id"]
    for name, kind in usable_policy_types().items():
        if wanted in (name, content_id("policy_type", name)):
            return json_answer(policy_type_document(kind))
    raise NotFound(
        f'Resource with a reference or id "{wanted}" not found', hint=nearest(wanted, usable_policy_types())
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/policies",
        handler=list_policies,
        right=Right.POLICY_LIST,
        query=(*listing.CONTENT, "policy_type"),
        gives=Listed(content_shapes.POLICY),
    ),
    Endpoint(
        method="POST",
        path="/policies",
        handler=create_policy,
        right=Right.POLICY_CREATE,
        takes=content_shapes.POLICY_BODY,
        gives=content_shapes.POLICY,
    ),
    Endpoint(
        method="GET",
        path="/policies/{ref_or_id}",
        handler=get_policy,
        right=Right.POLICY_VIEW,
        query=listing.SELECTION,
        gives=content_shapes.POLICY,
    ),
    Endpoint(
        method="PUT",
        path="/policies/{ref_or_id}",
        handler=update_policy,
        right=Right.POLICY_MODIFY,
        takes=content_shapes.POLICY_BODY,
        gives=content_shapes.POLICY,
    ),
    Endpoint(method="DELETE", path="/policies/{ref_or_id}", handler=delete_policy, right=Right.POLICY_DELETE),
    Endpoint(
        method="GET",
        path="/policytypes",
        handler=list_types,
        right=Right.POLICY_TYPE_LIST,
        query=(*listing.CONTENT, "resource_type"),
        gives=Listed(content_shapes.POLICY_TYPE),
    ),
    Endpoint(
        method="GET",
        path="/policytypes/{ref_or_id}",
        handler=get_type,
        right=Right.POLICY_TYPE_VIEW,
        gives=content_shapes.POLICY_TYPE,
    ),
)
