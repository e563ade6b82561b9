"""Several sensors of one class: `x-instances` in a pack's configuration.

x-instances:
  IMAPSensor:                     # the class
    support:                      # the instance
      config: {server: imap.example.org}
      poll_interval: 60
    sales: {config: {server: imap.example.com}, enabled: false}
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.content import shape
from engine.content.shape import Field, WrongShape, expect, shown, take
from engine.specs.sensor import SensorInstance

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def check_poll_interval(value: Any, path: shape.Path) -> None:
    # 0 means "not a polling sensor" in StackStorm, as null does.
    if value and value < 1:
        raise WrongShape(f"Minimum possible poll_interval is 1 seconds, not {shown(value)}", path=path)


_INSTANCE: Mapping[str, Field] = MappingProxyType(
    {
        "config": Field("object"),
        "poll_interval": Field("number", check=check_poll_interval),
        "enabled": Field("boolean"),
    }
)


def read_instances(value: Any, path: shape.Path) -> Mapping[str, tuple[SensorInstance, ...]]:
    """Class -> its instances, in the order of the file. Raises WrongShape."""
    if value is None:
        return {}
    expect(value, "object", path)
    return {
        str(class_name): _instances(instances, (*path, class_name)) for class_name, instances in value.items()
    }


def _instances(value: Any, path: shape.Path) -> tuple[SensorInstance, ...]:
    expect(value, "object", path)
    found = []
    for name, content in value.items():
        if not _NAME.fullmatch(str(name)):
            raise WrongShape(
                f"{shown(name)} cannot be the name of an instance",
                path=(*path, name),
                hint="Use a-z, A-Z, 0-9, _ and -.",
            )
        values = take({} if content is None else content, _INSTANCE, path=(*path, name)).values
        found.append(
            SensorInstance(
                name=str(name),
                config=values.get("config", {}),
                poll_interval=values.get("poll_interval") or None,
                enabled=values.get("enabled", True),
            )
        )
    return tuple(found)
