"""The SQL of what executions print."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from engine.records.execution import OutputChunk, OutputRow
from engine.store.hot import HotStatement

_T = OutputRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_INSERT = HotStatement(insert(_T), ("execution_id", "seq", "kind", "data", "at"))


def add(connection: Connection, chunks: Sequence[OutputChunk]) -> None:
    if chunks:
        _INSERT.run_many(
            connection,
            [
                {"execution_id": c.execution_id, "seq": c.seq, "kind": c.kind, "data": c.data, "at": c.at}
                for c in chunks
            ],
        )


def drop(connection: Connection, execution_id: str) -> None:
    connection.execute(_T.delete().where(_T.c.execution_id == execution_id))


def of(
    connection: Connection, execution_id: str, *, after: int = 0, kind: str | None = None
) -> list[OutputChunk]:
    """What comes behind the number `after`, in order; `kind`: stdout or stderr only."""
    query = select(_T).where(_T.c.execution_id == execution_id, _T.c.seq > after).order_by(_T.c.seq)
    if kind is not None:
        query = query.where(_T.c.kind == kind)
    return [
        OutputChunk(execution_id=row.execution_id, seq=row.seq, kind=row.kind, data=row.data, at=row.at)
        for row in connection.execute(query)
    ]
