"""A pack: what pack.yaml says, and where the pack is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine.specs.sensor import SensorInstance


class PackSpec(BaseModel):
    model_config = ConfigDict(frozen=True)

    ref: str
    name: str
    description: str = ""
    keywords: tuple[str, ...] = ()
    version: str = "0.0.0"
    stackstorm_version: str | None = None
    python_versions: tuple[str, ...] = ()
    author: str = ""
    email: str = ""
    contributors: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    # Keys that we do not know; shown, never used.
    extra: Mapping[str, Any] = Field(default_factory=dict)
    # x-python: the interpreter of the pack's virtual environment, a path or a version such as "3.10".
    interpreter: str = ""
    folder: Path = Path()
    # Shipped with Stormcrow: needs no virtual environment of its own.
    is_system: bool = False
    # config.schema.yaml, as written: name -> property.
    config_schema: Mapping[str, Any] = Field(default_factory=dict)
    # configs/PACK.yaml, as written; templates are rendered when an action starts.
    config: Mapping[str, Any] = Field(default_factory=dict)
    # x-instances of the configuration: class of a sensor -> its instances.
    sensor_instances: Mapping[str, tuple[SensorInstance, ...]] = Field(default_factory=dict)
    # Why the configuration cannot be used, with file and line; empty when it can, or there is none.
    config_trouble: str = ""


SYSTEM_PACKS = frozenset({"alerts", "core", "linux", "chatops", "packs", "default", "examples"})
