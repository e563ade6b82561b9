"""Pipelines of commands: how far each has come, and what its stages are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Column, LargeBinary
from sqlmodel import Field

from engine.records.columns import UtcDateTime
from engine.records.tables import Table

# The journal's kind; the subject is the pipeline's id.
CHANGED = "pipeline.changed"

PipelineState = Literal["running", "succeeded", "failed", "canceled"]


class PipelineRow(Table, table=True):
    """JSON columns are bytes made by orjson."""

    __tablename__ = "pipeline"

    id: str = Field(primary_key=True, max_length=24)
    adapter: str
    state: str
    version: int = 0
    """Counts the steps; whoever makes one names the version that it starts from."""
    position: int = 0
    """The stage that runs, or was the last."""
    plan: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """Sealed: what was typed may hold a secret."""
    stages: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    output: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    error: str = ""
    hint: str = ""
    made_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStage:
    """What a stage does. Without an alias it is a filter."""

    text: str
    """As it was typed, secrets in clear."""
    shown: str
    alias: str = ""
    representation: str = ""
    given: Mapping[str, Any]
    parameter: str = ""
    """What takes the value of the stage before; empty in the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelinePlan:
    """Everything that is needed to start a stage."""

    user: str
    chat_user: str
    context: Mapping[str, Any]
    stages: tuple[PlannedStage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How far a stage is."""

    shown: str
    status: str = ""
    """StackStorm's word; empty: it has not begun."""
    execution_id: str = ""
    """Empty for a filter."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    id: str
    adapter: str
    state: PipelineState
    version: int
    position: int
    plan: PipelinePlan
    stages: tuple[Stage, ...]
    output: Any = None
    """What the last stage gave, where that was a filter: a list."""
    error: str = ""
    hint: str = ""
    made_at: datetime
    ended_at: datetime | None = None

    @property
    def is_running(self) -> bool:
        return self.state == "running"
