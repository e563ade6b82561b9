"""The SQL of removing what is old of chats, alerts, pipelines and the like: never what is still needed.

A table is looked through from its oldest rows in small pages, by readers, until a page has nothing old;
what was found is removed in a transaction of its own, if it still may go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, delete, exists, func, or_, select

from engine.records.alert import AlertRow, AlertStatus
from engine.records.callback import CallbackAttemptRow, CallbackRow, CallbackState
from engine.records.chat import ChatMessageRow, ChatNoticeRow, PostingRow
from engine.records.deliveries import DeliveryRow
from engine.records.execution import ExecutionRow
from engine.records.inquiry import InquiryRow, InquiryState
from engine.records.outbox import OutgoingRow, OutgoingState
from engine.records.pipeline import PipelineRow
from engine.records.schedule import ScheduleRow
from engine.status import FINISHED


def _table(row: Any) -> Table:
    found: Table = row.__table__
    return found


_MESSAGE, _OUTGOING, _NOTICE = _table(ChatMessageRow), _table(OutgoingRow), _table(ChatNoticeRow)
_ALERT, _PIPELINE, _CALLBACK = _table(AlertRow), _table(PipelineRow), _table(CallbackRow)
_DELIVERY = _table(DeliveryRow)
_M, _O, _N, _A, _P, _C, _D = (
    table.c for table in (_MESSAGE, _OUTGOING, _NOTICE, _ALERT, _PIPELINE, _CALLBACK, _DELIVERY)
)
_SCHEDULE = _table(ScheduleRow)
_S = _SCHEDULE.c
_TRY, _X = _table(CallbackAttemptRow).c, _table(ExecutionRow).c
_POSTING, _INQUIRY = _table(PostingRow).c, _table(InquiryRow).c
_OVER = sorted(status.value for status in FINISHED)
_INQUIRY_KEY = "inquiry:"

Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """Which rows of a table may go. `order` pages through it; `is_old` takes the moment."""

    order: Column[Any]
    is_old: Callable[[datetime], Condition]
    is_over: Callable[[], Condition]
    is_by_age: bool = True
    """The order is that of age, so that a page without old rows is the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    orders: Sequence[Any]
    """Of the rows that may go."""
    last: Any
    """Where the next page begins; None at the end."""


# what is still needed


def _open_notices() -> Condition:
    """Messages that are edited when their alert, storm or question goes on."""
    opened = _A.status != AlertStatus.RESOLVED.value
    waits = select(_INQUIRY.id).where(_INQUIRY.state == InquiryState.PENDING.value)
    begins = len(_INQUIRY_KEY) + 1
    return or_(
        _N.generation.in_(select(_A.id).where(opened)),
        _N.generation.in_(select(_A.digest).where(opened, _A.digest != "")),
        and_(_N.key.startswith(_INQUIRY_KEY), func.substr(_N.key, begins, 24).in_(waits)),
    )


def _is_settled(ours: Column[Any]) -> Condition:
    """No message of ours, by our id of it, that will be edited."""
    running = select(_POSTING.message_id).where(_POSTING.status.not_in(_OVER))
    noticed = select(_N.message_id).where(_open_notices())
    return and_(ours.not_in(running), ours.not_in(noticed))


def _message_is_over() -> Condition:
    # A thread goes from its end, so that nobody sees a part of it without its beginning.
    answers = _MESSAGE.alias()
    running = select(_X.message_id).where(_X.message_id.is_not(None), _X.status.not_in(_OVER))
    piped = select(_P.adapter + ":pipeline:" + _P.id).where(_P.state == "running")
    return and_(
        ~exists().where(answers.c.thread_id == _M.id),
        _M.id.not_in(running),
        _M.delivery_key.not_in(piped),
        _is_settled(_M.id),
        _M.seq < select(func.max(_MESSAGE.alias().c.seq)).scalar_subquery(),
    )


def _outgoing_is_over() -> Condition:
    waiting = _OUTGOING.alias()
    needed = select(waiting.c.thread_id).where(
        waiting.c.state == OutgoingState.WAITING.value, waiting.c.thread_id.is_not(None)
    )
    piped = select("pipeline:" + _P.id).where(_P.state == "running")
    return and_(
        _O.state != OutgoingState.WAITING.value,
        _O.id.not_in(needed),
        _O.key.not_in(piped),
        _is_settled(_O.id),
        _O.seq < select(func.max(_OUTGOING.alias().c.seq)).scalar_subquery(),
    )


def _alert_is_over() -> Condition:
    others = _ALERT.alias()
    storms = select(others.c.digest).where(
        others.c.status != AlertStatus.RESOLVED.value, others.c.digest != ""
    )
    return and_(_A.status == AlertStatus.RESOLVED.value, _A.digest.not_in(storms))


_ENDED_CALLS = (CallbackState.DELIVERED.value, CallbackState.GIVEN_UP.value)
# Messages before notices, which say which of them are still needed.
KINDS: Mapping[str, tuple[Old, ...]] = MappingProxyType(
    {
        "messages": (
            Old(
                order=_M.seq,
                is_old=lambda before: func.coalesce(_M.edited_at, _M.created_at) < before,
                is_over=_message_is_over,
            ),
            Old(
                order=_O.seq,
                is_old=lambda before: and_(
                    _O.queued_at < before, or_(_O.sent_at.is_(None), _O.sent_at < before)
                ),
                is_over=_outgoing_is_over,
            ),
            Old(
                order=_N.key,
                is_old=lambda before: _N.updated_at < before,
                is_over=lambda: ~_open_notices(),
                is_by_age=False,
            ),
        ),
        "deliveries": (
            Old(
                order=_D.seq,
                is_old=lambda before: _D.received_at < before,
                is_over=lambda: _D.is_handled.is_(True),
            ),
        ),
        "alerts": (
            Old(
                order=_A.seq,
                is_old=lambda before: and_(_A.resolved_at < before, _A.last_seen_at < before),
                is_over=_alert_is_over,
            ),
        ),
        "pipelines": (
            Old(
                order=_P.id,
                is_old=lambda before: _P.ended_at < before,
                is_over=lambda: _P.state != "running",
                is_by_age=False,
            ),
        ),
        "callbacks": (
            Old(
                order=_C.seq,
                is_old=lambda before: _C.ended_at < before,
                is_over=lambda: _C.state.in_(_ENDED_CALLS),
            ),
        ),
        "schedules": (
            Old(
                order=_S.number,
                is_old=lambda before: _S.ended_at < before,
                is_over=lambda: _S.number < select(func.max(_SCHEDULE.alias().c.number)).scalar_subquery(),
                is_by_age=False,
            ),
        ),
    }
)


def page(connection: Connection, old: Old, *, before: datetime, after: Any, limit: int) -> Page:
    """The next rows behind `after` (None: the first), and which of them may go."""
    is_old = old.is_old(before)
    query = select(old.order, is_old.label("is_old")).order_by(old.order).limit(limit)
    rows = connection.execute(query if after is None else query.where(old.order > after)).all()
    orders = [row[0] for row in rows]
    aged = [row[0] for row in rows if row.is_old]
    may_go = select(old.order).where(old.order.in_(aged), old.is_over())
    found = connection.execute(may_go).scalars().all() if aged else []
    is_end = len(rows) < limit or (old.is_by_age and not aged)
    return Page(orders=found, last=None if is_end else orders[-1])


def remove(connection: Connection, old: Old, orders: Sequence[Any], *, before: datetime) -> int:
    """How many of them went: those that still may."""
    chosen = and_(old.order.in_(orders), old.is_old(before), old.is_over())
    if old.order is _C.seq:
        calls = select(_C.id).where(chosen)
        connection.execute(delete(_TRY.number.table).where(_TRY.callback_id.in_(calls)))
    return connection.execute(delete(old.order.table).where(chosen)).rowcount


def count(connection: Connection, kind: str, *, before: datetime) -> int:
    """How many rows of a kind may go now; of threads their ends at first."""
    total = 0
    for old in KINDS[kind]:
        query = select(func.count()).select_from(old.order.table).where(old.is_old(before), old.is_over())
        total += connection.execute(query).scalar_one()
    return total
