"""What the files of rights say: roles and who has them, in StackStorm's format, and limits of ours."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantSpec:
    """An entry of a role's `permission_grants`."""

    permissions: tuple[str, ...]
    resource: str = ""
    """action:core:local, pack:core ...; empty: the permissions are about no object in particular."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSpec:
    name: str
    where: str
    """The file."""
    description: str = ""
    enabled: bool = True
    grants: tuple[GrantSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentSpec:
    """The roles of one user."""

    username: str
    where: str
    roles: tuple[str, ...] = ()
    description: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingSpec:
    """The roles of everybody in a group."""

    group: str
    """Of the section `people`, or of a chat: slack:@oncall."""
    where: str
    roles: tuple[str, ...] = ()
    description: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSpec:
    """Some aliases and actions are for these people, at these places, and for nobody else.

    It holds on top of what roles grant. Who: whoever is in one of users, roles, groups; all empty:
    everybody. Where: one of the channels; empty: anywhere.
    """

    where: str
    """file:number of the entry"""
    aliases: tuple[str, ...] = ()
    """Refs; * and ? stand for any characters."""
    actions: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    """#ops, slack:C0123, web:@*; `api` is the REST API and the command line."""
    reason: str = ""
    """What whoever is refused is told besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsSpec:
    """All files of rights together."""

    roles: tuple[RoleSpec, ...] = ()
    assignments: tuple[AssignmentSpec, ...] = ()
    mappings: tuple[MappingSpec, ...] = ()
    limits: tuple[LimitSpec, ...] = ()
    is_broken: bool = False
    """A file could not be used: nobody may gain by that."""

    @property
    def has_roles(self) -> bool:
        """From the first file of a role, an assignment or a mapping on, nobody may what no role grants."""
        return bool(self.roles or self.assignments or self.mappings)
