"""A policy: a limit or a retry put on an action."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine.refs import make_ref


class PolicySpec(BaseModel):
    model_config = ConfigDict(frozen=True)

    pack: str
    name: str
    description: str = ""
    enabled: bool = True
    resource_ref: str
    policy_type: str
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    extensions: Mapping[str, Any] = Field(default_factory=dict)
    metadata_file: str = ""

    @property
    def ref(self) -> str:
        return make_ref(self.pack, self.name)
