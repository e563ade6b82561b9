"""The notify section: who is told of an execution's end, in files and in requests alike."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.content import shape
from engine.content.shape import Field, is_table, take

_NOTIFICATION = {
    "message": Field("string"),
    "data": Field("object"),
    "routes": Field("array", check=shape.TEXTS),
    "channels": Field("array", check=shape.TEXTS),
}
_NOTIFY: Mapping[str, Field] = MappingProxyType(
    {
        name: Field("object", check=is_table(_NOTIFICATION))
        for name in ("on-complete", "on-success", "on-failure")
    }
)


def check_notify(value: Any, path: shape.Path) -> None:
    """Raises WrongShape."""
    take(value, _NOTIFY, path=path)
