"""SQL of what makes a chat comfortable: trails of threads, offers, defaults of channels."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, cast

import orjson
from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from engine.clock import utcnow
from engine.records.audit import Act
from engine.records.comforts import (
    ChannelDefault,
    ChannelDefaultRow,
    Footprint,
    Offer,
    OfferKind,
    OfferRow,
    TrailRow,
)
from engine.store import audit
from engine.store.hot import HotStatement
from engine.store.vault import Vault

_T = TrailRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_O = OfferRow.__table__  # type: ignore[attr-defined]  # as above
_D = ChannelDefaultRow.__table__  # type: ignore[attr-defined]  # as above
_KNOWN = HotStatement(
    select(_T.c.seq).where(_T.c.adapter == bindparam("where"), _T.c.execution_id == bindparam("wanted")),
    ("where", "wanted"),
)
_INSERT = HotStatement(insert(_T), [column.name for column in _T.c if column.name != "seq"])
_DEFAULTS = HotStatement(
    select(_D)
    .where(_D.c.adapter == bindparam("where"), _D.c.channel == bindparam("wanted"))
    .order_by(_D.c.name),
    ("where", "wanted"),
)


# trails


def leave(connection: Connection, footprint: Footprint) -> None:
    """Remember that an execution belongs to a thread, unless it is known."""
    known = _KNOWN.first(connection, {"where": footprint.adapter, "wanted": footprint.execution_id})
    if known is not None:
        return
    values = {
        "adapter": footprint.adapter,
        "channel": footprint.channel,
        "thread_id": footprint.thread,
        "person": footprint.person,
        "execution_id": footprint.execution_id,
    }
    _INSERT.run(connection, values)


def newest_in_thread(connection: Connection, adapter: str, threads: Collection[str]) -> str | None:
    """The id of the newest execution in a thread, which may have several names."""
    query = select(_T.c.execution_id).where(_T.c.adapter == adapter, _T.c.thread_id.in_(threads))
    return connection.execute(query.order_by(_T.c.seq.desc()).limit(1)).scalar()


def newest_of_person(connection: Connection, adapter: str, channel: str, person: str) -> str | None:
    query = select(_T.c.execution_id).where(
        _T.c.adapter == adapter, _T.c.channel == channel, _T.c.person == person
    )
    return connection.execute(query.order_by(_T.c.seq.desc()).limit(1)).scalar()


# offers


def offer_place(offer_id: str) -> str:
    """Where the body of an offer stands, for the vault."""
    return f"offer:{offer_id}"


def make_offer(connection: Connection, vault: Vault, offer: Offer) -> None:
    """Store an offer, unless it is there."""
    known = connection.execute(select(_O.c.seq).where(_O.c.id == offer.id)).scalar()
    if known is not None:
        return
    values = {
        "id": offer.id,
        "adapter": offer.adapter,
        "channel": offer.channel,
        "person": offer.person,
        "kind": offer.kind,
        "body": vault.seal(orjson.dumps(offer.body), place=offer_place(offer.id)),
        "made_at": offer.made_at,
        "taken_at": None,
        "taken_by": "",
        "taken_with": "",
    }
    connection.execute(insert(_O), values)


def offer(connection: Connection, vault: Vault, wanted: str) -> Offer | None:
    """By its id, or by the end of it where that is unique."""
    query = select(_O).where(
        _O.c.id == wanted if len(wanted) == 24 else _O.c.id.endswith(wanted, autoescape=True)
    )
    found = connection.execute(query.limit(2)).all()
    return _offer(vault, found[0]) if len(found) == 1 else None


def newest_offer(
    connection: Connection,
    vault: Vault,
    *,
    adapter: str,
    channel: str,
    person: str,
    kinds: Collection[str],
) -> Offer | None:
    """The last one that was made to a person in a channel, taken or not."""
    query = select(_O).where(
        _O.c.adapter == adapter, _O.c.channel == channel, _O.c.person == person, _O.c.kind.in_(kinds)
    )
    row = connection.execute(query.order_by(_O.c.seq.desc()).limit(1)).first()
    return None if row is None else _offer(vault, row)


def take_offer(connection: Connection, offer_id: str, *, by: str, delivery: str) -> bool:
    """Whether it is theirs now, or was with this very delivery."""
    changed = connection.execute(
        update(_O)
        .where(_O.c.id == offer_id, _O.c.taken_at.is_(None))
        .values(taken_at=utcnow(), taken_by=by, taken_with=delivery)
    )
    if changed.rowcount:
        return True
    known = connection.execute(select(_O.c.taken_with).where(_O.c.id == offer_id)).scalar()
    return known == delivery


def give_offer_back(connection: Connection, offer_id: str, *, delivery: str) -> None:
    """Whoever took it with this delivery could not use it."""
    connection.execute(
        update(_O)
        .where(_O.c.id == offer_id, _O.c.taken_with == delivery)
        .values(taken_at=None, taken_by="", taken_with="")
    )


def forget_offers(connection: Connection, *, before: datetime) -> None:
    """Uses the index chat_offer_by_age."""
    connection.execute(delete(_O).where(_O.c.made_at < before))


def _offer(vault: Vault, row: Row[Any]) -> Offer:
    return Offer(
        id=row.id,
        adapter=row.adapter,
        channel=row.channel,
        person=row.person,
        kind=cast(OfferKind, row.kind),
        body=orjson.loads(vault.unseal(row.body, place=offer_place(row.id))),
        made_at=row.made_at,
        taken_by=row.taken_by,
        taken_with=row.taken_with,
    )


# defaults of channels


def defaults(connection: Connection, adapter: str, channel: str) -> list[ChannelDefault]:
    """By name."""
    return [
        ChannelDefault(name=row.name, value=row.value, set_by=row.set_by, set_at=row.set_at)
        for row in _DEFAULTS.all(connection, {"where": adapter, "wanted": channel})
    ]


def set_defaults(
    connection: Connection, adapter: str, channel: str, *, values: Mapping[str, str], by: str
) -> None:
    """At least one; each takes the place of the one of its name."""
    _remove_defaults(connection, adapter, channel, values)
    about = {"adapter": adapter, "channel": channel, "set_by": by, "set_at": utcnow()}
    rows = [{**about, "name": name, "value": value} for name, value in values.items()]
    connection.execute(insert(_D), rows)
    act = Act(kind="defaults.set", object=f"{adapter}#{channel}", details={"values": dict(values)})
    audit.record(connection, act)


def clear_defaults(connection: Connection, adapter: str, channel: str, *, names: Collection[str]) -> int:
    """How many there were of these; without names of all."""
    gone = _remove_defaults(connection, adapter, channel, names)
    if gone:
        details = {"names": list(names)} if names else {}
        act = Act(kind="defaults.cleared", object=f"{adapter}#{channel}", details=details)
        audit.record(connection, act)
    return gone


def _remove_defaults(connection: Connection, adapter: str, channel: str, names: Collection[str]) -> int:
    query = delete(_D).where(_D.c.adapter == adapter, _D.c.channel == channel)
    if names:
        query = query.where(_D.c.name.in_(names))
    return connection.execute(query).rowcount
