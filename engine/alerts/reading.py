"""Taking texts out of a body that anybody may have sent: nothing here raises."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from engine.records.alert import Severity

TEXT_LIMIT = 2_000
LABELS_LIMIT = 50

_SEVERITIES: Mapping[str, Severity] = {
    "critical": Severity.CRITICAL,
    "page": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
    "disaster": Severity.CRITICAL,
    "high": Severity.ERROR,
    "error": Severity.ERROR,
    "major": Severity.ERROR,
    "average": Severity.WARNING,
    "warning": Severity.WARNING,
    "warn": Severity.WARNING,
    "minor": Severity.WARNING,
    "low": Severity.WARNING,
    "info": Severity.INFO,
    "information": Severity.INFO,
    "informational": Severity.INFO,
    "debug": Severity.INFO,
    "none": Severity.INFO,
}


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path, with indexes as numbers; None when there is nothing."""
    for step in path.split(".") if path else ():
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def text(value: Any, *paths: str, limit: int = TEXT_LIMIT) -> str:
    """The first of `paths` that holds a word, as text, cut to `limit` characters."""
    for path in paths:
        found = at(value, path)
        if isinstance(found, bool) or found is None or isinstance(found, Mapping | list):
            continue
        word = str(found).strip()
        if word:
            return word if len(word) <= limit else f"{word[: limit - 1]}…"
    return ""


def texts(value: Any, path: str, *, limit: int = 200) -> dict[str, str]:
    """A flat object at `path`, its values as text cut to `limit` characters each."""
    found = at(value, path)
    if not isinstance(found, Mapping):
        return {}
    pairs = ((str(name), text(inner, "", limit=limit)) for name, inner in list(found.items())[:LABELS_LIMIT])
    return {name: word for name, word in pairs if word}


def items(value: Any, path: str) -> Iterator[Mapping[str, Any]]:
    """The objects in a list at `path`."""
    found = at(value, path)
    if isinstance(found, list):
        yield from (item for item in found if isinstance(item, Mapping))


def labels(**given: str) -> dict[str, str]:
    """Without what is empty."""
    return {name: value for name, value in given.items() if value}


def severity(word: str, default: Severity = Severity.ERROR) -> Severity:
    return _SEVERITIES.get(word.strip().lower(), default)


def digest(*parts: str) -> str:
    """A fingerprint of 16 characters, for sources that have none."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
