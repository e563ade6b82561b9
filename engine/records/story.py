"""A story: what happened from a chat message or event to the answer, one line after the other."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    at: datetime
    what: str
    """said, event, rule, begun, started, ended, asked, vote, answered, act or posted"""
    text: str
    """One sentence; data of others in it is neither markup nor a template."""
    who: str = ""
    """The user, where somebody did it."""
    id: str = ""
    """Of what it is about: an execution, event, act or message."""
    depth: int = 0
    """How many workflows lie above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    traces: tuple[str, ...]
    tag: str
    steps: tuple[Step, ...]
    """By time."""
