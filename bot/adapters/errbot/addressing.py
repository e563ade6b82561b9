"""Whether something said in a channel is for us. It imports the standard library only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    text: str
    """Without our name."""
    is_called: bool


def addressed(text: str, *, prefix: str, names: Sequence[str]) -> Addressed | None:
    """What is said to us: it begins with the prefix, or calls us by one of `names`; None: it does neither."""
    said = text.strip()
    if prefix and said.startswith(prefix) and said[len(prefix) :].strip():
        return Addressed(text=said, is_called=False)
    for name in filter(None, names):
        called = re.match(rf"@{re.escape(name)}(?!\w)[:,]?|{re.escape(name)}[:,]", said, re.IGNORECASE)
        if called:
            return Addressed(text=said[called.end() :].strip() or "help", is_called=True)
    return None


def without_name(text: str, *, names: Sequence[str]) -> str:
    """What is said to us alone, where our name may stand before it as well."""
    found = addressed(text, prefix="", names=names)
    return text if found is None else found.text
