"""StackStorm's permission types, which of them imply others, and its roles that are always there."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

# By resource type, what can be done with it; the permission is TYPE_VERB.
_VERBS: Mapping[str, str] = MappingProxyType(
    {
        "action": "list view create modify delete execute all",
        "action_alias": "list view create modify match help delete all",
        "api_key": "list view create modify delete all",
        "execution": "list view rerun stop all views_filters_list",
        "inquiry": "list view respond all",
        "key_value_pair": "list view set delete all",
        "pack": "list view create modify delete install uninstall register config search "
        "views_index_health all",
        "policy": "list view create modify delete all",
        "policy_type": "list view all",
        "rule": "list view create modify delete all",
        "rule_enforcement": "list view",
        "runner_type": "list view modify all",
        "sensor_type": "list view modify all",
        "stream": "view",
        "timer": "list view all",
        "trace": "list view all",
        "trigger": "list view all",
        "webhook": "list view create send delete all",
    }
)
IMPERSONATE = "impersonate"
"""Ours: acting for other users by naming them. No role has it by itself, not even admin."""

PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {
        **{f"{kind}_{verb}": kind for kind, verbs in _VERBS.items() for verb in verbs.split()},
        IMPERSONATE: "user",
    }
)
"""Permission type -> resource type."""

RESOURCE_TYPES = (*_VERBS, "user")
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


def implying(permission: str) -> Iterator[str]:
    """The permissions that include this one, itself first."""
    yield permission
    kind = PERMISSIONS[permission]
    verb = permission.removeprefix(f"{kind}_")
    if verb == "view":
        yield from (name for show in _SHOW if (name := f"{kind}_{show}") in PERMISSIONS)
    if f"{kind}_all" in PERMISSIONS:
        yield f"{kind}_all"
    if kind == "execution" and verb in ("view", "rerun", "stop"):
        # Of executions of an action that somebody may run.
        yield from ("action_execute", "action_all")
    if kind in IN_PACKS:
        yield "pack_all"


def is_observed(permission: str) -> bool:
    """Whether it only shows something."""
    return permission.endswith(("_list", "_view", "_match", "_help", "_search", "_views_index_health"))
