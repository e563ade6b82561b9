"""Rights as one reload has them: which role grants what, and which limits are about what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from engine.content.registry import Registry
from engine.specs.permissions import ADMIN, IMPERSONATE, OBSERVER, SYSTEM_ADMIN, implying, is_observed
from engine.specs.rights import LimitSpec, RightsSpec, RoleSpec

_PACKED = 3


@dataclass(frozen=True, slots=True)
class _Grants:
    """What a role grants: pairs of permission and resource, and those whose resource is a pattern."""

    exact: frozenset[tuple[str, str]]
    patterns: tuple[tuple[str, str], ...]

    def has(self, permission: str, resource: str) -> bool:
        return (permission, resource) in self.exact or any(
            name == permission and fnmatchcase(resource, pattern) for name, pattern in self.patterns
        )


class Book:
    """`is_closed`: nobody but the administrators may anything, as a file could not be used at the start."""

    def __init__(
        self, spec: RightsSpec, registry: Registry, *, named: Mapping[str, list[str]], is_closed: bool = False
    ) -> None:
        """`named`: role -> the users whom the settings give it."""
        self.spec = spec
        self.is_closed = is_closed
        self.has_roles = spec.has_roles or is_closed
        self._grants = {role.name: _grants(role) for role in spec.roles if role.enabled}
        self._roles: dict[str, list[str]] = {}
        for role, users in named.items():
            for user in users:
                self._roles.setdefault(user, []).append(role)
        for assigned in spec.assignments:
            if assigned.enabled:
                self._roles.setdefault(assigned.username, []).extend(assigned.roles)
        self.mapped = tuple(one for one in spec.mappings if one.enabled)
        self._limits = {
            **{("action", ref): _about(spec.limits, ref, "actions") for ref in registry.actions},
            **{("alias", ref): _about(spec.limits, ref, "aliases") for ref in registry.aliases},
        }

    def roles_of(self, names: frozenset[str]) -> list[str]:
        """Those that are given to one of these users by name."""
        return [role for name in names for role in self._roles.get(name, ())]

    def users_by_role(self) -> Mapping[str, list[str]]:
        """What the files give, for whoever asks who has a role."""
        found: dict[str, list[str]] = {}
        for one in self.spec.assignments:
            for role in one.roles if one.enabled else ():
                found.setdefault(role, []).append(one.username)
        return found

    def groups_by_role(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for one in self.mapped:
            for role in one.roles:
                found.setdefault(role, []).append(one.group)
        return found

    def granting(self, roles: Sequence[str], permission: str, resource: str) -> str:
        """The first of the roles that grants it; empty: none does."""
        wanted = [(name, uid) for name in implying(permission) for uid in _uids(resource)]
        return next((role for role in roles if self._grants_one(role, permission, wanted)), "")

    def _grants_one(self, role: str, permission: str, wanted: list[tuple[str, str]]) -> bool:
        if role in (ADMIN, SYSTEM_ADMIN):
            return permission != IMPERSONATE
        if role == OBSERVER:
            return is_observed(permission)
        known = self._grants.get(role)
        return known is not None and any(known.has(name, uid) for name, uid in wanted)

    def limits(self, kind: str, ref: str) -> tuple[LimitSpec, ...]:
        """Those about an action or alias."""
        return self._limits.get((kind, ref), ())


def _grants(role: RoleSpec) -> _Grants:
    pairs = [(name, grant.resource) for grant in role.grants for name in grant.permissions]
    return _Grants(
        frozenset(pair for pair in pairs if "*" not in pair[1]),
        tuple(pair for pair in pairs if "*" in pair[1]),
    )


def _uids(resource: str) -> tuple[str, ...]:
    """The resource, the pack that it belongs to, and what is about nothing in particular."""
    parts = resource.split(":", 2)
    return (resource, f"pack:{parts[1]}", "") if len(parts) == _PACKED else (resource, "")


def _about(limits: tuple[LimitSpec, ...], ref: str, kind: str) -> tuple[LimitSpec, ...]:
    return tuple(one for one in limits if any(fnmatchcase(ref, pattern) for pattern in getattr(one, kind)))
