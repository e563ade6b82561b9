"""A sensor and a trigger type: where events come from, and what they carry."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine.refs import make_ref

# The key of a pack's configuration under which several sensors of one class stand.
INSTANCES = "x-instances"


class TriggerTypeSpec(BaseModel):
    model_config = ConfigDict(frozen=True)

    pack: str
    name: str
    description: str = ""
    parameters_schema: Mapping[str, Any] = Field(default_factory=dict)
    payload_schema: Mapping[str, Any] = Field(default_factory=dict)
    tags: tuple[Mapping[str, Any], ...] = ()
    metadata_file: str = ""

    @property
    def ref(self) -> str:
        return make_ref(self.pack, self.name)


class SensorInstance(BaseModel):
    """One of several sensors of the same class, as `x-instances` of a pack's configuration says."""

    model_config = ConfigDict(frozen=True)

    name: str
    config: Mapping[str, Any] = Field(default_factory=dict)
    """Laid over the pack's configuration."""
    poll_interval: float | None = None
    enabled: bool = True


class SensorSpec(BaseModel):
    model_config = ConfigDict(frozen=True)

    pack: str
    class_name: str
    entry_point: str
    description: str = ""
    enabled: bool = True
    poll_interval: float | None = None
    trigger_types: tuple[TriggerTypeSpec, ...] = ()
    metadata_file: str = ""
    pack_folder: Path = Path()

    @property
    def ref(self) -> str:
        return make_ref(self.pack, self.class_name)

    @property
    def entry_path(self) -> Path:
        return self.pack_folder / "sensors" / self.entry_point
