"""Ours, beside StackStorm's pack: where it came from, and what its environment holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.api.wire import Document

_SHOWN = ("source", "location", "revision", "commit", "version", "installed_at")


def origin_document(mark: Mapping[str, Any], lock: Sequence[str]) -> Document:
    """`mark`: what its installer wrote down; empty for a pack that somebody put there."""
    installed = {name: mark[name] for name in _SHOWN if mark.get(name)}
    return {**({"installed": installed} if installed else {}), **({"lock": list(lock)} if lock else {})}
