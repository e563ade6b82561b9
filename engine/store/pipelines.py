"""SQL of pipelines."""

from functools import cache
from typing import Any, cast

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Connection, insert, select, update

from engine.records.pipeline import CHANGED, Pipeline, PipelinePlan, PipelineRow, PipelineState, Stage
from engine.store import journal
from engine.store.vault import Vault

_T = PipelineRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy


def plan_place(pipeline_id: str) -> str:
    """Where a plan stands, for the vault."""
    return f"pipeline:{pipeline_id}"


def add(connection: Connection, vault: Vault, pipeline: Pipeline) -> bool:
    """False: it is there already."""
    known = connection.execute(select(_T.c.id).where(_T.c.id == pipeline.id)).scalar()
    if known is not None:
        return False
    plan = _codec(PipelinePlan).dump_json(pipeline.plan)
    values = {
        "id": pipeline.id,
        "adapter": pipeline.adapter,
        "made_at": pipeline.made_at,
        "plan": vault.seal(plan, place=plan_place(pipeline.id)),
        **_values(pipeline),
    }
    connection.execute(insert(_T), values)
    _tell(connection, pipeline)
    return True


def step(connection: Connection, pipeline: Pipeline, *, version: int) -> bool:
    """Write a newer state of one; False: somebody else has gone on from `version`."""
    changed = connection.execute(
        update(_T).where(_T.c.id == pipeline.id, _T.c.version == version).values(**_values(pipeline))
    )
    if not changed.rowcount:
        return False
    _tell(connection, pipeline)
    return True


def get(connection: Connection, vault: Vault, pipeline_id: str) -> Pipeline | None:
    row = connection.execute(select(_T).where(_T.c.id == pipeline_id)).first()
    if row is None:
        return None
    return Pipeline(
        id=row.id,
        adapter=row.adapter,
        state=cast(PipelineState, row.state),
        version=row.version,
        position=row.position,
        plan=_codec(PipelinePlan).validate_json(vault.unseal(row.plan, place=plan_place(row.id))),
        stages=_codec(tuple[Stage, ...]).validate_json(row.stages),
        output=None if row.output is None else orjson.loads(row.output),
        error=row.error,
        hint=row.hint,
        made_at=row.made_at,
        ended_at=row.ended_at,
    )


def _values(pipeline: Pipeline) -> dict[str, Any]:
    return {
        "state": pipeline.state,
        "version": pipeline.version,
        "position": pipeline.position,
        "stages": _codec(tuple[Stage, ...]).dump_json(pipeline.stages),
        "output": None if pipeline.output is None else orjson.dumps(pipeline.output, default=str),
        "error": pipeline.error,
        "hint": pipeline.hint,
        "ended_at": pipeline.ended_at,
    }


def _tell(connection: Connection, pipeline: Pipeline) -> None:
    journal.append(connection, CHANGED, pipeline.id, {"adapter": pipeline.adapter, "state": pipeline.state})


@cache
def _codec(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
