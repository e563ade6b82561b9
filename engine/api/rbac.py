"""Roles and who has them, to read: they are written in files and in the settings."""

from starlette.responses import Response

from engine.api import wire_rights
from engine.api import wire_site_shapes as site_shapes
from engine.api.call import Call, json_answer
from engine.api.resource import Endpoint
from engine.api.shape import MAPPING, TEXTS, Listed
from engine.api.wire import Document
from engine.errors import NotFound, nearest
from engine.specs.right import Right


def list_roles(call: Call) -> Response:
    """`system=true`: those that are always there; `false`: the others."""
    found = _roles(call)
    if "system" in call.query.values:
        wanted = call.query.flag("system")
        found = [role for role in found if role["system"] is wanted]
    return json_answer(found)


def get_role(call: Call) -> Response:
    wanted = call.path["name_or_id"]
    roles = _roles(call)
    for role in roles:
        if wanted in (role["name"], role["id"]):
            return json_answer(role)
    raise NotFound(
        f'Unable to identify resource with id "{wanted}".',
        hint=nearest(wanted, [one["name"] for one in roles]),
    )


def list_assignments(call: Call) -> Response:
    query = call.query
    found = [
        one
        for one in _assignments(call)
        if all(query.text(name) in (None, one[name]) for name in ("user", "role", "source"))
    ]
    if "remote" in query.values:
        wanted = query.flag("remote")
        found = [one for one in found if one["is_remote"] is wanted]
    return json_answer(found)


def get_assignment(call: Call) -> Response:
    wanted = call.path["id"]
    for one in _assignments(call):
        if one["id"] == wanted:
            return json_answer(one)
    raise NotFound(f'Unable to identify resource with id "{wanted}".')


def list_permission_types(_call: Call) -> Response:
    return json_answer(wire_rights.permission_types())


def get_permission_types(call: Call) -> Response:
    wanted, known = call.path["resource_type"], wire_rights.permission_types()
    if wanted not in known:
        raise NotFound(f"Invalid resource type: {wanted}", hint=nearest(wanted, known))
    return json_answer(known[wanted])


def _roles(call: Call) -> list[Document]:
    return wire_rights.role_documents(call.engine.registry.rights, call.engine.settings.named_roles)


def _assignments(call: Call) -> list[Document]:
    engine = call.engine
    return wire_rights.assignment_documents(
        engine.registry.rights, engine.settings.named_roles, members=engine.people.mapped_outside
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/rbac/roles",
        handler=list_roles,
        right=Right.ROLE_LIST,
        query=("system",),
        gives=Listed(site_shapes.ROLE, is_counted=False),
    ),
    Endpoint(
        method="GET",
        path="/rbac/roles/{name_or_id}",
        handler=get_role,
        right=Right.ROLE_VIEW,
        gives=site_shapes.ROLE,
    ),
    Endpoint(
        method="GET",
        path="/rbac/role_assignments",
        handler=list_assignments,
        right=Right.ROLE_LIST,
        query=("remote", "role", "source", "user"),
        gives=Listed(site_shapes.ASSIGNMENT, is_counted=False),
    ),
    Endpoint(
        method="GET",
        path="/rbac/role_assignments/{id}",
        handler=get_assignment,
        right=Right.ROLE_VIEW,
        gives=site_shapes.ASSIGNMENT,
    ),
    Endpoint(
        method="GET",
        path="/rbac/permission_types",
        handler=list_permission_types,
        right=Right.ROLE_LIST,
        gives=MAPPING,
    ),
    Endpoint(
        method="GET",
        path="/rbac/permission_types/{resource_type}",
        handler=get_permission_types,
        right=Right.ROLE_VIEW,
        gives=TEXTS,
    ),
)
