"""Datastore keys: small strings that actions and templates share."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table


class DatastoreRow(Table, table=True):
    __tablename__ = "datastore"
    __table_args__ = (Index("datastore_by_end", "expires_at"),)

    id: str = Field(unique=True, max_length=24)
    scope: str = Field(primary_key=True)
    """system or user"""
    user: str = Field(primary_key=True, default="")
    """Empty in the scope system."""
    name: str = Field(primary_key=True)
    value: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """UTF-8 text; sealed where `secret`."""
    secret: bool = False
    description: str = ""
    expires_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class SealKeyRow(Table, table=True):
    """A key of secret.key that something in this database may be sealed with."""

    __tablename__ = "seal_key"

    id: str = Field(primary_key=True)
    """Hexadecimal."""


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
    description: str = ""
    expires_at: datetime | None

    @property
    def stored_scope(self) -> str:
        """StackStorm's name of the scope."""
        return f"st2kv.{self.scope}"

    @property
    def uid(self) -> str:
        name = f"{self.user}:{self.name}" if self.scope == "user" else self.name
        return f"key_value_pair:{self.stored_scope}:{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFilter:
    """Which keys of one scope to list; None asks nothing of that field."""

    prefix: str = ""
    name: str | None = None
    ids: tuple[str, ...] | None = None
    sort: tuple[str, ...] = ()
    """Names of fields, with a minus in front for the other direction; then by name."""
    offset: int = 0
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a key must hold for a write to happen. `value` None: there must be no such key."""

    value: str | None
