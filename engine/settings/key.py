"""One key of a section: a default, and its sentence for the reference."""

from dataclasses import field
from typing import Any


def key(
    default: Any, help: str, *, secret: bool = False, at_least: float = 0, at_most: float | None = None
) -> Any:
    """A dataclass field with its sentence for the reference; lists and dicts are copied.

    `at_least` and `at_most` bound numbers, also those inside a dict.
    """
    metadata = {"help": help, "secret": secret, "at_least": at_least, "at_most": at_most}
    if isinstance(default, list | dict):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)
