"""Accounts in chats, and the users of the engine that they belong to."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table


class How(StrEnum):
    """Why an account belongs to a user."""

    CONFIG = "config"
    """people.linked names it."""
    CODE = "code"
    """A one-time code of the user was said by the account, or an administrator linked it."""
    EMAIL = "email"
    """The chat has verified an address that people.emails gives to the user."""


class AccountRow(Table, table=True):
    __tablename__ = "chat_account"

    number: int | None = Field(default=None, primary_key=True)
    platform: str
    team: str
    account_id: str
    user: str
    how: str
    name: str
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    by: str
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_by: str


class LinkCodeRow(Table, table=True):
    __tablename__ = "link_code"

    digest: str = Field(primary_key=True)
    """Made with a key of the vault: who reads the database cannot try codes."""
    user: str
    account: str
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class DenialRow(Table, table=True):
    __tablename__ = "denial"

    number: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    user: str
    name: str
    platform: str
    channel: str
    verb: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody in a chat: the chat's own ids, which names cannot change."""

    platform: str
    team: str
    id: str

    @property
    def ref(self) -> str:
        """As settings spell it, and the user that it is while nobody links it."""
        return f"{self.platform}.{self.team}.{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """That an account is, or was, a user's."""

    number: int
    account: Account
    user: str
    how: How
    name: str
    """What the person was called there when it was made; only a hint."""
    at: datetime
    by: str
    """The user who made it."""
    ended_at: datetime | None = None
    ended_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCode:
    """A code that makes the account that says it the user's; the code itself is nowhere."""

    user: str
    account: str
    """The one account that may say it; empty: any."""
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """Something that somebody wanted, and may not."""

    at: datetime
    user: str
    name: str
    """What they are called where they asked; only a hint."""
    platform: str
    """Empty: by API or command line."""
    channel: str
    verb: str
    what: str
    reason: str
    number: int = 0
