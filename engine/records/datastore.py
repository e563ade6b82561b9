"""Datastore keys: small strings that actions and templates share."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel

from engine.records.columns import UtcDateTime


class DatastoreRow(SQLModel, table=True):
    __tablename__ = "datastore"

    id: str = Field(unique=True, max_length=24)
    scope: str = Field(primary_key=True)
    """system or user"""
    user: str = Field(primary_key=True, default="")
    """Empty in the scope system."""
    name: str = Field(primary_key=True)
    value: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """UTF-8 text; sealed where `secret`."""
    secret: bool = False
    expires_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


@dataclass(frozen=True, slots=True, kw_only=True)
class DatastoreKey:
    id: str
    scope: str
    user: str
    name: str
    value: str
    """In clear when the reader asked to decrypt it, else sealed text."""
    secret: bool
    encrypted: bool
    """Whether `value` is sealed."""
    expires_at: datetime | None
