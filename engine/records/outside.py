"""What others said about people who logged in: their groups, and which tokens were taken already."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table

LDAP = "ldap"
PROXY = "proxy"
_AROUND = re.compile(r"\s*([,=+])\s*")


class OutsideGroupsRow(Table, table=True):
    __tablename__ = "outside_groups"

    user: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    groups: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """A JSON list of names."""
    said_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class TakenTokenRow(Table, table=True):
    __tablename__ = "taken_token"

    digest: str = Field(primary_key=True, max_length=64)
    """SHA-256 of issuer and id of a foreign token that was exchanged for one of ours."""
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The groups that a source named at somebody's last login."""

    user: str
    source: str
    """ldap, proxy, or the name of an entry of auth.oidc_logins"""
    groups: tuple[str, ...]
    said_at: datetime

    def has(self, group: str) -> bool:
        return folded(self.source, group) in {folded(self.source, one) for one in self.groups}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsidePerson:
    """Who somebody is according to others."""

    user: str
    source: str
    groups: tuple[str, ...] | None
    """None: the source says nothing about groups."""


def folded(source: str, group: str) -> str:
    """`CN=Ops, DC=example` and `cn=ops,dc=example` are one group of LDAP; elsewhere names are exact."""
    return _AROUND.sub(r"\1", group).strip().casefold() if source == LDAP else group
