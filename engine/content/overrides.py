"""StackStorm's overrides: overrides/_global.yaml and PACK.yaml switch content on and off.

    actions: {defaults: {enabled: false}, exceptions: {NAME: {enabled: true}}}

The same for sensors (by class name), rules and aliases. The pack's file comes after the global
one; exceptions count in the pack's file only. A file that cannot be understood switches off all
that it could have spoken about: what somebody wanted off must not run because of a typing error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from engine.content.shape import Field, expect, take

_SWITCH = MappingProxyType({"enabled": Field("boolean", required=True)})
_SECTION = MappingProxyType({"defaults": Field("object"), "exceptions": Field("object")})
OVERRIDABLE_KINDS = ("actions", "sensors", "rules", "aliases")


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """What one file says about one kind."""

    default: bool | None = None
    exceptions: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What one file says; `broken` switches everything off."""

    kinds: Mapping[str, Switches] = field(default_factory=dict)
    broken: bool = False

    def decide(self, kind: str, name: str, *, enabled: bool) -> bool:
        """Whether the content is on, given whether it was before this file."""
        if self.broken:
            return False
        switches = self.kinds.get(kind)
        if switches is None:
            return enabled
        before = enabled if switches.default is None else switches.default
        return switches.exceptions.get(name, before)


def read_override(content: Any, *, is_global: bool) -> Override:
    """Raises WrongShape. Kinds that StackStorm does not know are let through, as it does."""
    if content is None:
        return Override()
    expect(content, "object", ())
    kinds = {
        kind: _switches(content[kind], kind, is_global=is_global)
        for kind in OVERRIDABLE_KINDS
        if content.get(kind)
    }
    return Override(kinds=kinds)


def _switches(value: Any, kind: str, *, is_global: bool) -> Switches:
    taken = take(value, _SECTION, path=(kind,), is_open=True)
    defaults = taken.values.get("defaults")
    exceptions = {} if is_global else taken.values.get("exceptions", {})
    return Switches(
        default=_enabled(defaults, (kind, "defaults")) if defaults else None,
        exceptions={
            str(name): _enabled(switch, (kind, "exceptions", name)) for name, switch in exceptions.items()
        },
    )


def _enabled(switch: Any, path: tuple[str | int, ...]) -> bool:
    taken = take(switch, _SWITCH, path=path, null_is_absent=False)
    return bool(taken.values["enabled"])
