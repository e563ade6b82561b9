"""Everything in the database that is sealed: whether our keys open it, and sealing it anew with another key.

A key is changed while we work. First the new key is in the file beside the old one, then the database
knows it, then it is used, then what the old one sealed is sealed anew, in small transactions. Killed at
any moment, the next start goes on; the old key leaves the file only when nothing needs it.
"""

import logging
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Table, delete, func, insert, select, update

from engine.errors import StoreFailure
from engine.records.audit import Act
from engine.records.callback import CallbackRow
from engine.records.comforts import OfferRow
from engine.records.datastore import DatastoreRow, SealKeyRow
from engine.records.deliveries import DeliveryRow
from engine.records.dialogue import DialogueRow
from engine.records.execution import ExecutionRow
from engine.records.inquiry import InquiryRow
from engine.records.pipeline import PipelineRow
from engine.records.trigger import TriggerInstanceRow
from engine.records.workflow import WorkflowDeltaRow, WorkflowRow, WorkflowValueRow
from engine.store import (
    audit,
    callbacks,
    comforts,
    datastore,
    deliveries,
    dialogues,
    executions,
    inquiries,
    pipelines,
    triggers,
    workflows,
)
from engine.store.database import Database
from engine.store.key_ring import KeyRing
from engine.store.vault import ID_BYTES, Vault

log = logging.getLogger(__name__)

# How many values are sealed anew in one transaction: others must not wait long for theirs.
BATCH = 100
_KEY = SealKeyRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedColumn:
    """A column with sealed values. `order` is unique; `place` names where a row's value stands."""

    table: Table
    order: Column[Any]
    column: Column[Any]
    needed: tuple[Column[Any], ...]
    place: Callable[[Row[Any]], str]
    is_sealed: ColumnElement[bool]


_B = CallbackRow.__table__  # type: ignore[attr-defined]  # as above
_C = DeliveryRow.__table__  # type: ignore[attr-defined]  # as above
_E = ExecutionRow.__table__  # type: ignore[attr-defined]  # as above
_A = DialogueRow.__table__  # type: ignore[attr-defined]  # as above
_D = DatastoreRow.__table__  # type: ignore[attr-defined]  # as above
_O = OfferRow.__table__  # type: ignore[attr-defined]  # as above
_P = PipelineRow.__table__  # type: ignore[attr-defined]  # as above
_Q = InquiryRow.__table__  # type: ignore[attr-defined]  # as above
_T = TriggerInstanceRow.__table__  # type: ignore[attr-defined]  # as above
_W = WorkflowRow.__table__  # type: ignore[attr-defined]  # as above
_WD = WorkflowDeltaRow.__table__  # type: ignore[attr-defined]  # as above
_WV = WorkflowValueRow.__table__  # type: ignore[attr-defined]  # as above
SEALED = (
    SealedColumn(
        table=_W,
        order=_W.c.id,
        column=_W.c.head,
        needed=(_W.c.id,),
        place=lambda row: workflows.head_place(row.id),
        is_sealed=_W.c.head.is_not(None),
    ),
    SealedColumn(
        table=_W,
        order=_W.c.id,
        column=_W.c.snapshot,
        needed=(_W.c.id,),
        place=lambda row: workflows.snapshot_place(row.id),
        is_sealed=_W.c.snapshot.is_not(None),
    ),
    SealedColumn(
        table=_WD,
        order=_WD.c.seq,
        column=_WD.c.data,
        needed=(_WD.c.workflow_id, _WD.c.version),
        place=lambda row: workflows.delta_place(row.workflow_id, row.version),
        is_sealed=_WD.c.data.is_not(None),
    ),
    SealedColumn(
        table=_WV,
        order=_WV.c.seq,
        column=_WV.c.data,
        needed=(_WV.c.workflow_id, _WV.c.digest),
        place=lambda row: workflows.value_place(row.workflow_id, row.digest),
        is_sealed=_WV.c.data.is_not(None),
    ),
    SealedColumn(
        table=_D,
        order=_D.c.id,
        column=_D.c.value,
        needed=(_D.c.scope, _D.c.user, _D.c.name),
        place=lambda row: datastore.seal_place(row.scope, row.user, row.name),
        is_sealed=_D.c.secret,
    ),
    SealedColumn(
        table=_T,
        order=_T.c.seq,
        column=_T.c.sealed,
        needed=(_T.c.id,),
        place=lambda row: triggers.seal_place(row.id),
        is_sealed=_T.c.sealed.is_not(None),
    ),
    SealedColumn(
        table=_E,
        order=_E.c.seq,
        column=_E.c.sealed,
        needed=(_E.c.id,),
        place=lambda row: executions.seal_place(row.id),
        is_sealed=_E.c.sealed.is_not(None),
    ),
    SealedColumn(
        table=_Q,
        order=_Q.c.id,
        column=_Q.c.sealed,
        needed=(_Q.c.id,),
        place=lambda row: inquiries.seal_place(row.id),
        is_sealed=_Q.c.sealed.is_not(None),
    ),
    SealedColumn(
        table=_C,
        order=_C.c.seq,
        column=_C.c.body,
        needed=(_C.c.adapter, _C.c.key),
        place=lambda row: deliveries.seal_place(row.adapter, row.key),
        is_sealed=_C.c.body.is_not(None),
    ),
    SealedColumn(
        table=_B,
        order=_B.c.seq,
        column=_B.c.url,
        needed=(_B.c.id,),
        place=lambda row: callbacks.seal_place(row.id),
        is_sealed=_B.c.url.is_not(None),
    ),
    SealedColumn(
        table=_P,
        order=_P.c.id,
        column=_P.c.plan,
        needed=(_P.c.id,),
        place=lambda row: pipelines.plan_place(row.id),
        is_sealed=_P.c.plan.is_not(None),
    ),
    SealedColumn(
        table=_O,
        order=_O.c.seq,
        column=_O.c.body,
        needed=(_O.c.id,),
        place=lambda row: comforts.offer_place(row.id),
        is_sealed=_O.c.body.is_not(None),
    ),
    SealedColumn(
        table=_A,
        order=_A.c.seq,
        column=_A.c.body,
        needed=(_A.c.adapter, _A.c.person),
        place=lambda row: dialogues.seal_place(row.adapter, row.person),
        is_sealed=_A.c.body.is_not(None),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What a change of the key did."""

    key_id: str
    resealed: int
    failed: int
    """Values that their own key does not open; they are left as they are."""


class Seals:
    """`open` at the start, before anything is sealed; `rotate` at any time."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring
        self._turn = threading.Lock()

    def open(self) -> None:
        """Raises StoreFailure when the database holds secrets that none of our keys opens."""
        with self._database.read() as connection:
            known = _registered(connection)
            lost = known - set(self._ring.ids)
            count = sum(_count(connection, column, lost) for column in SEALED) if lost else 0
        if count:
            raise self._refusal(lost, count)
        self._ring.keep()
        first, *older = self._ring.ids
        if first not in known or lost:
            self._database.write(lambda connection: _register(connection, [first], lost))
        needed: set[bytes] = set()
        if known & set(older):
            # A rotation was killed, or has just been: nothing can be on its way now that is sealed
            # with an old key.
            outcome = self._reseal()
            needed = self._in_use(older) if outcome.failed else set()
            gone = set(older) - needed
            self._database.write(lambda connection: _register(connection, [first], gone))
        self._ring.drop_old(still_used=needed)

    def rotate(self, *, is_leaked: bool = False) -> Rotation:
        """Change the key, and seal everything anew; done when it returns."""
        with self._turn:
            fresh = self._ring.add(is_leaked=is_leaked)
            self._database.write(partial(_register_new, key=fresh, is_leaked=is_leaked))
            self._ring.renew()
            outcome = self._reseal()
            log.info("the secret key was changed", extra={"resealed": outcome.resealed})
            return outcome

    def _reseal(self) -> Rotation:
        vault = self._ring.vault
        resealed = failed = 0
        for column in SEALED:
            after: Any = None
            while True:
                batch = partial(_reseal_batch, column=column, vault=vault, after=after)
                step = self._database.write(batch)
                resealed += step.done
                failed += step.failed
                if step.last is None:
                    break
                after = step.last
        return Rotation(key_id=vault.key_id.hex(), resealed=resealed, failed=failed)

    def _in_use(self, keys: Collection[bytes]) -> set[bytes]:
        with self._database.read() as connection:
            return {key for key in keys if any(_count(connection, column, {key}) for column in SEALED)}

    def _refusal(self, lost: Collection[bytes], count: int) -> StoreFailure:
        names = ", ".join(sorted(key_id.hex() for key_id in lost))
        path = self._ring.path
        what = f"{path} is missing" if self._ring.is_new else f"{path} is another key file"
        return StoreFailure(
            f"{what}, and the database holds secrets ({count}) that are sealed with the key {names}.",
            hint=f"Put {path.name} back from a backup, or copy it from the data folder that this database "
            "had before. Without it these secrets are lost: begin with a new data folder.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    done: int
    failed: int
    last: Any
    """Where the next batch begins; None at the end."""


def _key_of(column: SealedColumn) -> ColumnElement[bytes]:
    return func.substr(column.column, 1, ID_BYTES)


def _reseal_batch(connection: Connection, *, column: SealedColumn, vault: Vault, after: Any) -> _Step:
    query = (
        select(column.order.label("position"), column.column.label("sealed"), *column.needed)
        .where(column.is_sealed, _key_of(column) != vault.key_id)
        .order_by(column.order)
        .limit(BATCH)
    )
    rows = connection.execute(query if after is None else query.where(column.order > after)).all()
    failed = 0
    for row in rows:
        place = column.place(row)
        try:
            sealed = vault.seal(vault.unseal(row.sealed, place=place), place=place)
        except StoreFailure as error:
            failed += 1
            log.error("a secret is left as it is: %s", error)
            continue
        connection.execute(
            update(column.table).where(column.order == row.position).values({column.column: sealed})
        )
    last = rows[-1].position if len(rows) == BATCH else None
    return _Step(done=len(rows) - failed, failed=failed, last=last)


def _count(connection: Connection, column: SealedColumn, keys: Collection[bytes]) -> int:
    query = select(func.count()).select_from(column.table)
    return connection.execute(query.where(column.is_sealed, _key_of(column).in_(keys))).scalar_one()


def _registered(connection: Connection) -> set[bytes]:
    return {bytes.fromhex(row.id) for row in connection.execute(select(_KEY.c.id))}


def _register_new(connection: Connection, *, key: bytes, is_leaked: bool) -> None:
    _register(connection, [key], ())
    act = Act(kind="secret_key.changed", object=key.hex(), details={"leaked": is_leaked})
    audit.record(connection, act)


def _register(connection: Connection, keys: Collection[bytes], gone: Collection[bytes]) -> None:
    """The keys that the database needs: `keys` are added, `gone` taken out."""
    known = _registered(connection)
    for key_id in set(keys) - known:
        connection.execute(insert(_KEY), {"id": key_id.hex()})
    if gone:
        connection.execute(delete(_KEY).where(_KEY.c.id.in_([key_id.hex() for key_id in gone])))
