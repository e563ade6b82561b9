"""Forms that are asked one question at a time, where a chat has no forms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table


class DialogueRow(Table, table=True):
    """Where somebody stands in a form; each person is in one at most."""

    __tablename__ = "chat_dialogue"

    __table_args__ = (Index("chat_dialogue_by_person", "adapter", "person", unique=True),)

    seq: int | None = Field(default=None, primary_key=True)
    adapter: str
    person: str
    prompt_id: str
    channel: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """The values so far: JSON, sealed, for some may be secret."""
    step: int
    delivery_key: str
    changed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    adapter: str
    person: str
    """The account."""
    prompt_id: str
    channel: str
    """Where the prompt stands."""
    values: Mapping[str, str]
    """Question's name -> what was answered so far."""
    step: int
    """The number of the question that is being asked, from 0."""
    delivery_key: str
    """What brought it here: the same delivery again brings it no further."""
    changed_at: datetime
