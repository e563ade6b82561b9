"""Content that people made through the API, and switches over content of files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table


class StoredContentRow(Table, table=True):
    """A rule, trigger type or policy that has no file."""

    __tablename__ = "stored_content"

    kind: str = Field(primary_key=True)
    ref: str = Field(primary_key=True)
    document: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """What a file would hold, as JSON."""
    user: str
    """Who made it: what it starts runs as this user."""
    changed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class ContentSwitchRow(Table, table=True):
    """Somebody switched a piece of content on or off; this counts over its file."""

    __tablename__ = "content_switch"

    kind: str = Field(primary_key=True)
    ref: str = Field(primary_key=True)
    enabled: bool
    user: str
    changed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    kind: str
    """rule, trigger, policy"""
    ref: str
    document: Mapping[str, Any]
    user: str
