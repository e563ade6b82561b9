"""A rule: when this trigger fires and the criteria hold, run that action."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine.refs import make_ref
from engine.specs.gates import GateSpec

# What `type` of a criterion may be, exactly so written.
OPERATORS: frozenset[str] = frozenset(
    {
        *("eq", "equals", "neq", "nequals", "ieq", "iequals"),
        *("contains", "icontains", "ncontains", "incontains"),
        *("startswith", "istartswith", "endswith", "iendswith"),
        *("regex", "iregex", "matchregex", "matchwildcard"),
        *("lt", "lessthan", "gt", "greaterthan"),
        *("td_lt", "timediff_lt", "td_gt", "timediff_gt"),
        *("exists", "nexists", "in", "inside", "nin", "ninside", "search"),
    }
)


# The number of the schedule whose command the rule runs.
SCHEDULE_KEY = "x-schedule"


class RuleSpec(BaseModel):
    model_config = ConfigDict(frozen=True)

    pack: str
    name: str
    description: str = ""
    enabled: bool = False
    type: Mapping[str, Any] = Field(default_factory=lambda: {"ref": "standard", "parameters": {}})
    trigger: Mapping[str, Any]
    criteria: Mapping[str, Any] = Field(default_factory=dict)
    action: Mapping[str, Any]
    tags: tuple[Mapping[str, Any], ...] = ()
    context: Mapping[str, Any] = Field(default_factory=dict)
    extensions: Mapping[str, Any] = Field(default_factory=dict)
    """Keys written x-..., as given."""
    gates: tuple[GateSpec, ...] = ()
    """What may hold it back, from the extensions."""
    metadata_file: str = ""
    owner: str = ""
    """Who made it, where it has no file: its actions run as this user."""

    @property
    def ref(self) -> str:
        return make_ref(self.pack, self.name)
