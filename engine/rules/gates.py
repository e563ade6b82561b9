"""What may hold a matched rule back: decided in the transaction of its event."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from engine.notices import Notice
from engine.specs.rule import RuleSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    admitted: bool
    reason: str = ""
    """Why not, for the enforcement."""
    notice: Notice | None = None
    """What people are told with it."""


class Gate(Protocol):
    def admit(self, connection: Connection, *, rule_ref: str, payload: Any, now: datetime) -> Admission:
        """Whether the rule may act on this event; what it counts is written in this transaction."""
        ...


def gates_for(_rule: RuleSpec) -> tuple[Gate, ...]:
    """In the order in which they are asked."""
    return ()
