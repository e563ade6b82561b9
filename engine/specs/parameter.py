"""A parameter of an action or of a runner: a JSON schema with StackStorm's own attributes."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

# The marker of a parameter without a default; null is a default of its own.
NO_DEFAULT = "\0no default"


class ParameterSpec(BaseModel):
    """`schema_` is the property as written, with `required: true` inline (JSON schema draft 3)
    and everything that draft 4 knows; the fields repeat what we decide on."""

    model_config = ConfigDict(frozen=True)

    name: str
    schema_: Mapping[str, Any]
    type: str | None = None
    description: str = ""
    default: Any = NO_DEFAULT
    required: bool = False
    immutable: bool = False
    secret: bool = False
    position: int | None = None

    @property
    def has_default(self) -> bool:
        return not (isinstance(self.default, str) and self.default == NO_DEFAULT)

    @classmethod
    def of(cls, name: str, schema: Mapping[str, Any]) -> "ParameterSpec":
        """From the property as written in YAML (already checked by the loader)."""
        return cls(
            name=name,
            schema_=schema,
            type=schema.get("type"),
            description=schema.get("description") or "",
            default=schema.get("default", NO_DEFAULT),
            required=schema.get("required") is True,
            immutable=bool(schema.get("immutable")),
            secret=bool(schema.get("secret")),
            position=schema.get("position"),
        )
