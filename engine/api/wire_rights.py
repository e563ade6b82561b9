"""Roles, who has them, and the groups of services, in StackStorm's shapes."""

from collections.abc import Callable, Collection, Mapping

from engine.api.wire import Document, content_id
from engine.specs.permissions import PERMISSIONS, SYSTEM_ROLES
from engine.specs.rights import GrantSpec, RightsSpec, RoleSpec

SETTINGS = "config.yaml"


def role_documents(spec: RightsSpec, named: Mapping[str, list[str]]) -> list[Document]:
    """The system's, those of files, and those that the settings alone know; by name within each."""
    known = [_role(name, said, is_system=True) for name, said in SYSTEM_ROLES.items()]
    known += [_role_of(role) for role in sorted(spec.roles, key=lambda role: role.name)]
    names = {document["name"] for document in known}
    return known + [_role(name, "") for name in sorted(named) if name not in names]


def _role_of(role: RoleSpec) -> Document:
    grants = [_grant(role, place, grant) for place, grant in enumerate(role.grants)]
    return {**_role(role.name, role.description), "enabled": role.enabled, "permission_grants": grants}


def _grant(role: RoleSpec, place: int, grant: GrantSpec) -> Document:
    return {
        "id": content_id("grant", f"{role.name}.{place}"),
        "resource_uid": grant.resource or None,
        "permission_types": [str(one) for one in grant.permissions],
    }


def _role(name: str, description: str, *, is_system: bool = False) -> Document:
    return {
        "id": content_id("role", name),
        "name": name,
        "description": description,
        "enabled": True,
        "system": is_system,
        "permission_grants": [],
    }


def assignment_documents(
    spec: RightsSpec, named: Mapping[str, list[str]], *, members: Callable[[str], Collection[str]]
) -> list[Document]:
    """Those of files, then those of the settings; `is_remote`: through a group.

    `members`: who is in a group of a mapping, by what logins said.
    """
    found = [
        _assignment(one.username, role, one.where, one.description)
        for one in spec.assignments
        for role in (one.roles if one.enabled else ())
    ]
    found += [
        {**_assignment(name, role, one.where, one.description), "is_remote": True}
        for one in spec.mappings
        if one.enabled
        for name in (one.group, *sorted(members(one.group)))
        for role in one.roles
    ]
    return found + [_assignment(user, role, SETTINGS, "") for role in named for user in named[role]]


def _assignment(user: str, role: str, source: str, description: str) -> Document:
    return {
        "id": content_id("assignment", f"{source} {user} {role}"),
        "user": user,
        "role": role,
        "source": source,
        "is_remote": False,
        "description": description,
    }


def permission_types() -> dict[str, list[str]]:
    """By the type of resource."""
    found: dict[str, list[str]] = {}
    for name, kind in PERMISSIONS.items():
        found.setdefault(kind, []).append(name)
    return found


def member_document(group: str, *, host: str, pid: int) -> Document:
    return {
        "group_id": group,
        "member_id": f"{host}_{pid}",
        "capabilities": {"hostname": host, "pid": pid, "name": group},
    }
