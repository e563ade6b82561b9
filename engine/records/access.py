"""Who asks: API keys and tokens of users, hashed, and the requester."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel

from engine.records.columns import UtcDateTime

USER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
"""What may be the name of somebody who logs in."""


class ApiKeyRow(SQLModel, table=True):
    __tablename__ = "api_key"

    id: str = Field(primary_key=True, max_length=24)
    user: str
    key_hash: str = Field(unique=True)
    """SHA-256 of the key: it is 256 random bits, so a slow hash would add nothing."""
    enabled: bool = True
    # Named so because SQLModel keeps `metadata` for itself.
    meta: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class TokenRow(SQLModel, table=True):
    __tablename__ = "auth_token"

    id: str = Field(primary_key=True, max_length=24)
    token_hash: str = Field(unique=True)
    """SHA-256 of the token: it is 128 random bits."""
    user: str
    stamp: str
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What somebody logged in for. `stamp`: of the password that it was given for."""

    id: str
    user: str
    stamp: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    id: str
    user: str
    enabled: bool
    metadata: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who is behind a request, and how that was shown."""

    user: str
    method: str
    """API key, or authentication token"""
    expires_at: datetime | None = None
    execution_id: str | None = None
    is_lent: bool = False
    """It is a process that this server started, such as a sensor, and ends with it."""
    details: Mapping[str, Any] = field(default_factory=dict)
