"""Which server runs which sensor, where several share a database."""

from collections.abc import Collection

from sqlalchemy import Connection, delete, func, insert, select

from engine.records.sensor import SensorLeaseRow

_TABLE = SensorLeaseRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy
_C = _TABLE.c


def renew(connection: Connection, server: str, refs: Collection[str], *, lease_s: float) -> frozenset[str]:
    """Take or keep the leases of `refs` for `lease_s` seconds from now; those that this server has.

    A lease of another server is taken when it has run out. Leases of sensors that are not in `refs`
    are let go. For PostgreSQL, whose clock counts and whose writers take turns.
    """
    now = float(connection.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())
    connection.execute(delete(_TABLE).where(_C.server == server))
    taken = set(connection.execute(select(_C.ref).where(_C.until > now)).scalars())
    held = frozenset(refs) - taken
    connection.execute(delete(_TABLE).where(_C.ref.in_(held)))
    if held:
        rows = [{"ref": ref, "server": server, "until": now + lease_s} for ref in sorted(held)]
        connection.execute(insert(_TABLE), rows)
    return held


def release(connection: Connection, server: str) -> None:
    """Let go of all leases: another server may take them at once."""
    connection.execute(delete(_TABLE).where(_C.server == server))
