"""The SQL behind the metrics: each number from an index, whatever the tables hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text, update

from engine.records.execution import ExecutionRow
from engine.records.inquiry import InquiryRow, InquiryState
from engine.records.journal import CursorRow
from engine.records.outbox import OutgoingRow, OutgoingState
from engine.status import FINISHED, Status

_X = ExecutionRow.__table__.c  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_O = OutgoingRow.__table__.c  # type: ignore[attr-defined]  # as above
_J = CursorRow.__table__.c  # type: ignore[attr-defined]  # as above
_I = InquiryRow.__table__.c  # type: ignore[attr-defined]  # as above

OPEN = tuple(status for status in Status if status not in FINISHED)
QUEUED = (Status.REQUESTED, Status.SCHEDULED, Status.DELAYED)

# Index execution_by_status, which covers them.
_OPEN = (
    select(_X.status, func.count())
    .where(_X.status.in_([status.value for status in OPEN]))
    .group_by(_X.status)
)
_OLDEST = {status: select(func.min(_X.not_before)).where(_X.status == status.value) for status in QUEUED}
# Index inquiry_by_state.
_INQUIRIES = select(func.count(), func.min(_I.raised_at)).where(_I.state == InquiryState.PENDING.value)

_NO_ROW = update(CursorRow).where(_J.reader == "").values(position=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many wait, and since when the oldest does."""

    count: int
    oldest_at: datetime | None


def open_executions(connection: Connection) -> dict[str, int]:
    """By status, what has not ended."""
    counted = {row[0]: row[1] for row in connection.execute(_OPEN)}
    return {status.value: counted.get(status.value, 0) for status in OPEN}


def queue_starts(connection: Connection) -> Mapping[Status, datetime | None]:
    """When the oldest that waits was due, by status; it may be in the future."""
    return {status: connection.execute(query).scalar() for status, query in _OLDEST.items()}


def inquiries(connection: Connection) -> Waiting:
    count, oldest_at = connection.execute(_INQUIRIES).one()
    return Waiting(count=count, oldest_at=oldest_at)


def outbox(connection: Connection, adapter: str) -> Waiting:
    """What waits to be sent there. Index chat_outgoing_by_state."""
    query = select(func.count(), func.min(_O.queued_at)).where(
        _O.adapter == adapter, _O.state == OutgoingState.WAITING.value
    )
    count, oldest_at = connection.execute(query).one()
    return Waiting(count=count, oldest_at=oldest_at)


def try_to_write(connection: Connection) -> None:
    """Changes nothing, and fails where a change would: on a database that is read-only, say."""
    connection.execute(_NO_ROW)


def size_bytes(connection: Connection) -> int:
    """Of a PostgreSQL database."""
    return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
