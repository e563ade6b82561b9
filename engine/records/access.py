"""Who asks: API keys and tokens of users, hashed, what limits a key, and the requester."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table

ACCESS_CHANGED = "access.changed"
"""In the journal: a key or token ends, or what somebody may changes; the subject is its id, or a user."""

USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
"""What may be the name of somebody who logs in."""


class ApiKeyRow(Table, table=True):
    __tablename__ = "api_key"

    id: str = Field(primary_key=True, max_length=24)
    user: str
    key_hash: str = Field(unique=True)
    """SHA-256 of the key: it is 256 random bits, so a slow hash would add nothing. Of a key that was made by
    StackStorm its own digest, which is longer."""
    enabled: bool = True
    # Named so because SQLModel keeps `metadata` for itself.
    meta: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    prefix: str = ""
    scope: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    """JSON of a Scope; NULL: the key is not limited."""
    networks: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    """JSON: a list; NULL: from everywhere."""
    expires_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    last_used_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    last_used_from: str = ""
    acting_user: str = ""


class TokenRow(Table, table=True):
    __tablename__ = "auth_token"

    id: str = Field(primary_key=True, max_length=24)
    token_hash: str = Field(unique=True)
    """SHA-256 of the token: it is 128 random bits."""
    user: str
    stamp: str
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    acting_user: str = ""


class LoginEndRow(Table, table=True):
    __tablename__ = "login_end"

    user: str = Field(primary_key=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    """What they logged in for before counts no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What somebody logged in for. `stamp`: of the password that it was given for.

    `acting_user`: who logged in to act for `user`; empty: the user themselves.
    """

    id: str
    user: str
    stamp: str
    created_at: datetime
    expires_at: datetime
    acting_user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """All that a limited key opens, and that only within the rights of its user."""

    actions: tuple[str, ...] = ()
    """Refs, to run and to see their executions; * and ? stand for any characters."""
    webhooks: tuple[str, ...] = ()
    """URLs, to post to; * and ? as above."""
    rights: tuple[str, ...] = ()
    """Permission types, on everything; `read`: all that only show something."""

    def has_action(self, ref: str) -> bool:
        return any(fnmatchcase(ref, pattern) for pattern in self.actions)

    def has_webhook(self, url: str) -> bool:
        return any(fnmatchcase(url, pattern) for pattern in self.webhooks)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """What bounds a key. Nothing given: it is its user's in everything, everywhere, until it is revoked."""

    scope: Scope | None = None
    networks: tuple[str, ...] = ()
    """10.0.0.0/8, 2001:db8::/32 ...: where it may be used from; empty: everywhere."""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    id: str
    user: str
    enabled: bool
    metadata: Mapping[str, Any]
    created_at: datetime
    prefix: str = ""
    """The beginning of the key, by which people tell keys apart; empty for old ones and StackStorm's."""
    limits: KeyLimits = KeyLimits()
    last_used_at: datetime | None = None
    last_used_from: str = ""
    acting_user: str = ""
    """Who made it to act for `user`; empty: it is the user's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who is behind a request, and how that was shown."""

    user: str
    method: str
    """API key, or authentication token"""
    expires_at: datetime | None = None
    execution_id: str | None = None
    key_id: str = ""
    """Of the API key or of the token that somebody logged in for."""
    is_lent: bool = False
    """It is a process that this server started, such as a sensor, and ends with it."""
    scope: Scope | None = None
    """What its key is limited to; None: it is not."""
    acting_user: str = ""
    """Who acts for `user`; empty: the user themselves."""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_person(self) -> bool:
        """Whether it is the user themselves: no action, no sensor, no limited key, nobody in their place."""
        return self.execution_id is None and not self.is_lent and self.scope is None and not self.acting_user
