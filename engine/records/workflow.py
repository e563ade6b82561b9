"""Workflows that run or have run: the row, its steps, and what is stored once for all of them."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table


class WorkflowRow(Table, table=True):
    """The state is the snapshot with all later deltas applied; `version` counts the steps.

    Whoever takes a step names the version that the step starts from, so that of two one wins.
    Bytes are sealed: inputs and contexts may hold secrets.
    """

    __tablename__ = "workflow"
    __table_args__ = (
        Index("workflow_by_execution", "execution_id"),
        Index("workflow_by_end", "is_ended"),
        Index("workflow_by_wake", "wake_at"),
    )

    id: str = Field(primary_key=True, max_length=24)
    execution_id: str = Field(max_length=24)
    """The execution that it works for; after a re-run, the new one."""
    definition: str
    """The digest of what it was written as when it started."""
    status: str
    is_ended: bool = False
    version: int = 0
    wake_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    """When it wants to be looked at: a timeout, say."""
    head: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """What never changes: application context, notify list, secrets."""
    snapshot: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    snapshot_version: int = 0


class WorkflowDefinitionRow(Table, table=True):
    """A definition's text: a running workflow goes on with the one it started with."""

    __tablename__ = "workflow_definition"

    digest: str = Field(primary_key=True)
    language: str
    """orquesta or action-chain"""
    text: str


class WorkflowDeltaRow(Table, table=True):
    """What one step changed."""

    __tablename__ = "workflow_delta"
    __table_args__ = (UniqueConstraint("workflow_id", "version"),)

    seq: int | None = Field(default=None, primary_key=True)
    workflow_id: str = Field(max_length=24)
    version: int
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class WorkflowValueRow(Table, table=True):
    """A large value, stored once per workflow."""

    __tablename__ = "workflow_value"
    __table_args__ = (UniqueConstraint("workflow_id", "digest"),)

    seq: int | None = Field(default=None, primary_key=True)
    workflow_id: str = Field(max_length=24)
    digest: str
    data: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
