"""The journal: one row per thing that happened, written in the transaction of its fact."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table


class JournalRow(Table, table=True):
    __tablename__ = "journal"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    kind: str
    subject: str
    """The id of what it happened to."""
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CursorRow(Table, table=True):
    """How far a reader of the journal has come."""

    __tablename__ = "journal_cursor"

    reader: str = Field(primary_key=True)
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """`kind` is `execution.requested`, or `execution.changed` with {"status": word}."""

    id: int
    at: datetime
    kind: str
    subject: str
    data: Mapping[str, Any]
