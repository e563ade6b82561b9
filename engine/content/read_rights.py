"""The folder `rbac`: roles, assignments and mappings as StackStorm writes them, and our limits.

rbac/roles/*.yaml         {name: deployer, permission_grants: [{resource_uid: "pack:web", permission_types: [pack_all]}]}
rbac/assignments/*.yaml   {username: ann, roles: [deployer]}
rbac/mappings/*.yaml      {group: "slack:@oncall", roles: [deployer]}
rbac/limits.yaml          limits: [{aliases: [web.*], channels: ["#ops"]}]
"""  # noqa: E501 - files as they are written

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.content import shape
from engine.content.folders import FoundFile, content_files, one_file
from engine.content.reading import FileReader, Outcome, unavailable
from engine.content.registry import Unavailable
from engine.content.shape import Field, WrongShape, shown, take
from engine.errors import BadContent, nearest
from engine.specs.permissions import IMPERSONATE, IN_PACKS, PERMISSIONS, RESOURCE_TYPES, SYSTEM_ROLES
from engine.specs.rights import AssignmentSpec, GrantSpec, LimitSpec, MappingSpec, RightsSpec, RoleSpec

LIMITS = "limits.yaml"
# Without an object in particular these say something; of the others it must be said on what.
_ABOUT_NOTHING = frozenset({"stream", "inquiry", "api_key", "timer", "trace"})
_NEEDS_OBJECT = ("view", "modify", "delete", "execute", "all", "rerun", "stop", "set", "send")


def _texts(value: Any, path: shape.Path) -> None:
    shape.TEXTS(value, path)
    for index, text in enumerate(value):
        shape.filled(text, (*path, index))


_NAMED: Mapping[str, Field] = MappingProxyType({"description": Field("string"), "enabled": Field("boolean")})
_ROLE: Mapping[str, Field] = MappingProxyType(
    {
        **_NAMED,
        "name": Field("string", required=True, check=shape.filled),
        "permission_grants": Field("array", check=shape.OBJECTS),
    }
)
_GRANT: Mapping[str, Field] = MappingProxyType(
    {
        "resource_uid": Field("string", check=shape.filled),
        "permission_types": Field("array", required=True, check=_texts),
    }
)
_ASSIGNMENT: Mapping[str, Field] = MappingProxyType(
    {
        **_NAMED,
        "username": Field("string", required=True, check=shape.filled),
        "roles": Field("array", required=True, check=_texts),
    }
)
_MAPPING: Mapping[str, Field] = MappingProxyType(
    {
        **_NAMED,
        "group": Field("string", required=True, check=shape.filled),
        "roles": Field("array", required=True, check=_texts),
    }
)
_WHAT = ("aliases", "actions")
_WHO = ("users", "roles", "groups")
_LIMIT: Mapping[str, Field] = MappingProxyType(
    {
        **{name: Field("array", check=_texts) for name in (*_WHAT, *_WHO, "channels")},
        "reason": Field("string"),
    }
)
_LIMITS: Mapping[str, Field] = MappingProxyType(
    {"limits": Field("array", required=True, check=shape.OBJECTS)}
)


def read_role(content: Any, where: str) -> RoleSpec:
    values = take(content, _ROLE).values
    if values["name"] in SYSTEM_ROLES:
        raise WrongShape(
            f"{values['name']} is one of the roles that are always there",
            path=("name",),
            hint="Give yours another name.",
        )
    grants = values.get("permission_grants", [])
    return RoleSpec(
        name=values["name"],
        where=where,
        description=values.get("description", ""),
        enabled=values.get("enabled", True),
        grants=tuple(_grant(one, ("permission_grants", index)) for index, one in enumerate(grants)),
    )


def _grant(content: Any, path: shape.Path) -> GrantSpec:
    values = take(content, _GRANT, path=path).values
    resource = values.get("resource_uid", "")
    kind, colon, rest = resource.partition(":")
    if resource and resource != "*" and (kind not in RESOURCE_TYPES or not colon or not rest):
        raise WrongShape(
            f"{shown(resource)} is no resource",
            path=(*path, "resource_uid"),
            hint=nearest(kind, RESOURCE_TYPES) or "Write for example pack:core or action:core:local.",
        )
    for index, name in enumerate(values["permission_types"]):
        _check_permission(name, resource, kind, (*path, "permission_types", index))
    return GrantSpec(permissions=tuple(values["permission_types"]), resource=resource)


# Acting for users of that name, or for those who have that role.
_IMPERSONATED = ("user", "role")


def _check_permission(name: str, resource: str, kind: str, path: shape.Path) -> None:
    about = PERMISSIONS.get(name)
    if about is None:
        raise WrongShape(
            f"{shown(name)} is no permission",
            path=path,
            hint=nearest(name, PERMISSIONS) or "See docs/reference/rights.md.",
        )
    verb = name.removeprefix(f"{about}_")
    if not resource:
        if about not in _ABOUT_NOTHING and (verb in _NEEDS_OBJECT or name == IMPERSONATE):
            raise WrongShape(
                f"{name} needs an object", path=path, hint='Write resource_uid, for example "pack:core".'
            )
    elif name == IMPERSONATE:
        if kind not in _IMPERSONATED:
            raise WrongShape(
                f"{name} is about users", path=path, hint='Write resource_uid: "user:NAME", or "role:NAME".'
            )
    elif not _is_about(kind, about):
        raise WrongShape(f"{name} is nothing that can be done with {shown(resource)}", path=path)


def _is_about(kind: str, about: str) -> bool:
    """Whether permissions about one type of resource may be given on another that holds it."""
    return (
        kind in ("*", about)
        or (kind == "pack" and about in IN_PACKS)
        or (kind == "action" and about == "execution")
    )


def read_assignment(content: Any, where: str) -> AssignmentSpec:
    values = take(content, _ASSIGNMENT).values
    return AssignmentSpec(where=where, **{**values, "roles": tuple(values["roles"])})


def read_mapping(content: Any, where: str) -> MappingSpec:
    values = take(content, _MAPPING).values
    return MappingSpec(where=where, **{**values, "roles": tuple(values["roles"])})


def read_limits(content: Any, where: str) -> tuple[LimitSpec, ...]:
    limits = take(content, _LIMITS).values["limits"]
    return tuple(_limit(one, ("limits", index), where) for index, one in enumerate(limits))


def _limit(content: Any, path: shape.Path, where: str) -> LimitSpec:
    values = take(content, _LIMIT, path=path).values
    for name in (*_WHAT, *_WHO, "channels"):
        # An empty list beside another would be read as "nobody" by one, as "everybody" by the next.
        if name in values and not values[name]:
            raise WrongShape(f"{name}: the list is empty", path=(*path, name), hint="Leave it out.")
    if not any(values.get(name) for name in _WHAT):
        raise WrongShape(
            "A limit needs aliases or actions", path=path, hint='For example actions: ["web.*"].'
        )
    if not any(values.get(name) for name in (*_WHO, "channels")):
        raise WrongShape(
            "A limit needs users, roles, groups or channels",
            path=path,
            hint='For example channels: ["#ops"].',
        )
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    number = int(path[1]) + 1
    return LimitSpec(where=f"{where}, limit {number}", reason=values.get("reason", ""), **lists)


class RightsFolder:
    """One reading of the folder; what went wrong stands in `unavailable` and `warnings`."""

    def __init__(self, folder: Path, reader: FileReader) -> None:
        self._folder = folder
        self._root = folder.resolve()
        self._reader = reader
        self.unavailable: list[Unavailable] = []
        self.warnings: list[str] = []

    def read(self) -> RightsSpec:
        roles = self._each("roles", read_role, lambda one: one.name)
        limits_file = one_file(self._folder / LIMITS, root=self._root)
        limits = self._one(limits_file, read_limits) if limits_file else ()
        return RightsSpec(
            roles=roles,
            assignments=self._each("assignments", read_assignment, lambda one: one.username),
            mappings=self._each("mappings", read_mapping, lambda one: one.group),
            limits=limits or (),
            is_broken=bool(self.unavailable),
        )

    def _each(
        self, kind: str, read: Callable[[Any, str], Any], name_of: Callable[[Any], str]
    ) -> tuple[Any, ...]:
        found: dict[str, Any] = {}
        for file in content_files(self._folder / kind, root=self._root):
            spec = self._one(file, read)
            if spec is None:
                continue
            name = name_of(spec)
            if name in found:
                where = self._reader.shown(file.path)
                error = BadContent(f"{name} is in {found[name].where} too.", where=f"{where}:1")
                self._note(Outcome(where=where, name=name, error=error))
                continue
            found[name] = spec
        return tuple(found.values())

    def _one(self, file: FoundFile, read: Callable[[Any, str], Any]) -> Any:
        where = self._reader.shown(file.path)
        outcome = self._reader.read(file, lambda content: read(content, where))
        self.warnings.extend(outcome.warnings)
        if outcome.error is not None:
            self._note(outcome)
        return outcome.spec

    def _note(self, outcome: Outcome) -> None:
        self.unavailable.append(unavailable(outcome, kind="rights", pack=""))


def unknown_roles(spec: RightsSpec, known: Iterable[str]) -> list[str]:
    """A warning for each role that is given and that nobody has described."""
    names = {*known, *SYSTEM_ROLES, *(role.name for role in spec.roles)}
    given = [(one.where, name) for one in spec.assignments for name in one.roles]
    given += [(one.where, name) for one in spec.mappings for name in one.roles]
    given += [(one.where, name) for one in spec.limits for name in one.roles]
    return [
        f"{where}: there is no role {name}. {nearest(name, names)}".rstrip()
        for where, name in given
        if name not in names
    ]
