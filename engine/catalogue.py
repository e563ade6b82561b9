"""Names to objects: "module:Object", imported when it is first used.

Other people's parts come from entry points; they are added and never replace a built-in one.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any


class Catalogue:
    """One kind of part, for example the runners."""

    def __init__(self, built_in: Mapping[str, str], *, group: str) -> None:
        """`group`: the entry point group, for example `stormcrow.runners`."""
        self._targets = dict(built_in)
        for entry in entry_points(group=group):
            self._targets.setdefault(entry.name, entry.value)

    def names(self) -> list[str]:
        return sorted(self._targets)

    def __contains__(self, name: str) -> bool:
        return name in self._targets

    def load(self, name: str) -> Any:
        """The object; KeyError for an unknown name, ImportError when its module cannot be imported."""
        module, _, attribute = self._targets[name].partition(":")
        return getattr(import_module(module), attribute)
