"""A gate: what may hold a matched rule back, decided in the transaction of its event."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import orjson
from sqlalchemy import Connection

from engine.criteria.paths import compile_path
from engine.notices import Notice
from engine.records.trigger import TriggerInstance

# A longer key is kept as its hash.
_LONGEST_KEY = 120

KeyOf = Callable[[Any], str]
"""From a payload to the key under which a gate counts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    admitted: bool
    reason: str = ""
    """Why not, for the enforcement."""
    notice: Notice | None = None
    """What people are told with it."""


ADMITTED = Admission(admitted=True)


class Gate(Protocol):
    name: str
    """x-throttle ..."""

    def admit(
        self, connection: Connection, *, rule_ref: str, instance: TriggerInstance, now: datetime
    ) -> Admission:
        """Whether the rule may act on this event; what it counts is written in this transaction."""
        ...


def compile_key(paths: Sequence[str]) -> KeyOf:
    """The values at the paths of a payload, as JSON; without paths all events have one key."""
    finds = [compile_path(path) for path in paths]

    def key_of(payload: Any) -> str:
        context: Mapping[str, Any] = {"trigger": payload}
        text = orjson.dumps(
            [_found(find, context) for find in finds], option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS
        ).decode()
        return text if len(text) <= _LONGEST_KEY else hashlib.sha256(text.encode()).hexdigest()

    return key_of


def _found(find: Callable[[Mapping[str, Any]], Any], context: Mapping[str, Any]) -> Any:
    try:
        return find(context)
    except Exception:  # noqa: BLE001  a payload of another shape has no value there, whatever it holds
        return None


def shown_key(key: str) -> str:
    """` for ["db-1"]`, or nothing where all events have one key."""
    return "" if key == "[]" else f" for {key}"


def span(seconds: float) -> str:
    """10m, 90s, 2h: as it is written in a rule."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)}{unit}"
    return f"{seconds:g}s"


def clock(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def later(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)


def anyway(rule_ref: str, instance: TriggerInstance) -> tuple[tuple[str, str], ...]:
    """The chat command that fires a held rule."""
    return (("Run it anyway", f"anyway {rule_ref} {instance.id}"),)
