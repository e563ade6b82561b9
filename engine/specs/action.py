"""An action: what actions/*.yaml describes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine.refs import make_ref
from engine.specs.parameter import ParameterSpec

# What an action does to the world, for who decides whether to ask before it runs: people and agents.
EFFECT_KEY = "x-effect"
EFFECTS = ("none", "changes", "destroys")


class ActionSpec(BaseModel):
    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    pack: str
    name: str
    description: str = ""
    enabled: bool = True
    runner_type: str
    entry_point: str = ""
    parameters: Mapping[str, ParameterSpec] = Field(default_factory=dict)
    output_schema: Mapping[str, Any] | None = None
    tags: tuple[Mapping[str, Any], ...] = ()
    notify: Mapping[str, Any] | None = None
    # Our own keys, all written x-...: x-idempotent and the like.
    extensions: Mapping[str, Any] = Field(default_factory=dict)
    # Relative to the pack folder, for example actions/local.yaml.
    metadata_file: str = ""
    pack_folder: Path = Path()

    @property
    def ref(self) -> str:
        return make_ref(self.pack, self.name)

    @property
    def entry_path(self) -> Path:
        """Absolute path of the script or module; entry points are relative to actions/."""
        return self.pack_folder / "actions" / self.entry_point
