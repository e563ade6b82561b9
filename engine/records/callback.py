"""Callbacks: whom the end of an execution is told, and every try to do so."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Index, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table

# The key of an execution's context that says that it has one.
CONTEXT_KEY = "callback"


class CallbackState(StrEnum):
    WAITING = "waiting"
    """The execution goes on."""
    DUE = "due"
    """It is to be told, or is being told."""
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    """It could not be told within the time of the settings, or they said that they want no more."""


class CallbackRow(Table, table=True):
    __tablename__ = "callback"
    __table_args__ = (
        Index("callback_by_state", "state", "due_at"),
        Index("callback_by_execution", "execution_id"),
    )

    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True, max_length=32)
    """The receiver's `webhook-id`, the same at each try."""
    execution_id: str = Field(max_length=24)
    url: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """Sealed: an address may hold a secret."""
    place: str
    """The address as it is shown: without its query."""
    key_scope: str
    key_user: str
    key_name: str
    """Where the secret is read that signs it, at each try."""
    state: str
    attempts: int = 0
    due_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    """When it is tried next; while a server tries: when that counts as failed."""
    claimed_by: str | None = None
    made_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    first_due_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class CallbackAttemptRow(Table, table=True):
    __tablename__ = "callback_attempt"

    callback_id: str = Field(primary_key=True, max_length=32)
    number: int = Field(primary_key=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    status_code: int | None = None
    error: str = ""
    took_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCallback:
    """What a request asks for, checked."""

    id: str
    url: str
    place: str
    key_scope: str
    key_user: str
    key_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackAttempt:
    number: int
    at: datetime
    status_code: int | None
    """None: no answer came."""
    error: str
    took_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A callback as it was when it was read."""

    id: str
    execution_id: str
    url: bytes
    place: str
    key_scope: str
    key_user: str
    key_name: str
    state: CallbackState
    attempts: int
    due_at: datetime | None
    made_at: datetime
    first_due_at: datetime | None
    ended_at: datetime | None
    log: tuple[CallbackAttempt, ...] = ()
    """Every try; the last one only, in a list."""
