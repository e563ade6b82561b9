"""Which chat message an execution was asked for with, found by the message however long ago that was."""

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_EXECUTION = sa.table("execution", sa.column("id"), sa.column("context"), sa.column("message_id"))
_TRAIL = sa.table("chat_trail", sa.column("execution_id"))


def upgrade() -> None:
    op.add_column("execution", sa.Column("message_id", sa.String))
    _fill(op.get_bind())
    is_said = sa.text("message_id IS NOT NULL")
    op.create_index(
        "execution_by_message",
        "execution",
        ["message_id"],
        sqlite_where=is_said,
        postgresql_where=is_said,
    )


def _fill(connection: sa.Connection) -> None:
    """Of those that a thread is about, which are few beside all that rules and callers began."""
    answered = sa.select(_TRAIL.c.execution_id)
    query = sa.select(_EXECUTION.c.id, _EXECUTION.c.context).where(_EXECUTION.c.id.in_(answered))
    for row in connection.execute(query).all():
        said = orjson.loads(row.context).get("chat")
        message = said.get("message") if isinstance(said, dict) else None
        if isinstance(message, str) and message:
            change = sa.update(_EXECUTION).where(_EXECUTION.c.id == row.id)
            connection.execute(change.values(message_id=message))
