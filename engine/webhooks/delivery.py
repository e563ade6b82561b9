"""One delivery, as it came in: headers, the raw body, and where it came from."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from engine.specs.webhook import IdSource

# Who we are to the sender, and what only belongs between the two of us: never part of an event.
HIDDEN = frozenset({"st2-api-key", "x-auth-token", "cookie", "st2-trace-tag"})

# Why a delivery is refused, for counting: our API key, the sender's own proof, where it comes from,
# its age, a hook that cannot verify anything, something that could not be fetched for it.
RefusalKind = Literal["key", "credentials", "address", "stale", "setup", "fetch"]


class Refused(Exception):
    """The delivery could not be verified. The reason is for our log, never for the sender."""

    def __init__(self, reason: str, *, kind: RefusalKind = "credentials") -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`headers` by lower-case name; what stood there several times is joined with commas."""

    headers: Mapping[str, str]
    body: bytes
    received_at: float
    """Unix time in seconds."""
    query: Mapping[str, str] = field(default_factory=dict)
    address: str = ""
    """Where it comes from."""
    repeated: frozenset[str] = frozenset()
    """Names of headers that stood there more than once."""

    def one(self, name: str) -> str | None:
        """The value of a header that may stand there once. Raises Refused when there are two.

        Who checks must see the same value as who uses it; of two, nobody knows which that is.
        """
        if name in self.repeated:
            raise Refused(f"the header {name} stands there twice")
        return self.headers.get(name)


def headers_of(pairs: Iterable[tuple[bytes, bytes]]) -> tuple[dict[str, str], frozenset[str]]:
    """Headers by lower-case name, and which of them stood there more than once."""
    found: dict[str, str] = {}
    repeated: set[str] = set()
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name in found:
            repeated.add(name)
            found[name] = f"{found[name]},{value}"
        else:
            found[name] = value
    return found, frozenset(repeated)


@lru_cache(maxsize=1024)
def titled(name: str) -> str:
    """StackStorm's spelling of a header: X-GitHub-Event arrives as X-Github-Event."""
    return name.title()


def payload(headers: Mapping[str, str], body: Any, *, hidden: frozenset[str] = HIDDEN) -> dict[str, Any]:
    """What rules see as `trigger`: without the headers named in `hidden`."""
    lower = {name: value for name, value in headers.items() if name not in hidden}
    return {
        "headers": {titled(name): value for name, value in lower.items()},
        "headers_lower": lower,
        "body": body,
    }


def delivery_id(sources: Iterable[IdSource], delivery: Delivery, body: Any) -> str:
    """What the sender calls this delivery, from the first source that it has; empty: nothing."""
    for source in sources:
        found = _named(source, delivery, body)
        if found:
            return found
    return ""


def _named(source: IdSource, delivery: Delivery, body: Any) -> str:
    if source.header:
        found = delivery.headers.get(source.header, "")
    elif source.fields:
        values = [_field(body, path) for path in source.fields]
        found = "" if "" in values else ":".join(values)
    else:
        found = hashlib.sha256(delivery.body).hexdigest()
    if found and source.within_s:
        return f"{int(delivery.received_at) // source.within_s}:{found}"
    return found


def _field(value: Any, path: str) -> str:
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ""
    return str(value) if isinstance(value, str | int | float) else ""
