"""How rights hang together: which imply others, and the roles that are always there."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from engine.specs.right import RESOURCE_TYPES as KINDS
from engine.specs.right import Right

IMPERSONATE = Right.IMPERSONATE
"""Acting for other users by naming them. No role has it by itself, not even admin."""
RESOURCE_TYPES = (*KINDS, "user")
PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {right.value: right.resource_type or "user" for right in Right}
)
"""Permission type -> the resource type that it is about."""

SYSTEM_ADMIN, ADMIN, OBSERVER = "system_admin", "admin", "observer"
SYSTEM_ROLES: Mapping[str, str] = MappingProxyType(
    {
        SYSTEM_ADMIN: "May do everything; limits do not bind it.",
        ADMIN: "May do everything within the limits.",
        OBSERVER: "May see everything, and change nothing.",
    }
)
# What a pack holds: who has a permission on the pack has it on these.
IN_PACKS = frozenset({"action", "action_alias", "execution", "policy", "rule", "sensor_type", "trigger"})
# Who may do one of these with an object may see it.
_SHOW = ("create", "modify", "delete", "execute", "set", "send", "respond", "rerun", "stop")
# Of executions of an action that somebody may run.
_OF_EXECUTIONS = frozenset({Right.EXECUTION_VIEW, Right.EXECUTION_RERUN, Right.EXECUTION_STOP})


def implying(permission: str) -> Iterator[str]:
    """The permissions that include this one, itself first."""
    yield permission
    kind = PERMISSIONS[permission]
    if permission == f"{kind}_view":
        yield from (name for show in _SHOW if (name := f"{kind}_{show}") in PERMISSIONS)
    if f"{kind}_all" in PERMISSIONS:
        yield f"{kind}_all"
    if permission in _OF_EXECUTIONS:
        yield from (Right.ACTION_EXECUTE, Right.ACTION_ALL)
    if kind in IN_PACKS:
        yield Right.PACK_ALL


def is_observed(permission: str) -> bool:
    """Whether it only shows something; the audit is for those to whom a role gives it."""
    return PERMISSIONS[permission] != "audit" and permission.endswith(
        ("_list", "_view", "_match", "_help", "_search", "_views_index_health")
    )
