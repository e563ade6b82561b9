"""The audit, which the database itself keeps append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_TEXTS = ("via", "key_id", "account", "address", "request_id", "reason", "approved_by", "execution_id")
_SQLITE = (
    """
    CREATE TRIGGER audit_no_change BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END
    """,
    """
    CREATE TRIGGER audit_no_removal BEFORE DELETE ON audit
    WHEN OLD.number > (SELECT anchor_number FROM audit_head WHERE id = 1)
    BEGIN SELECT RAISE(ABORT, 'the audit is removed from its oldest part only, behind the anchor'); END
    """,
)
_POSTGRESQL = (
    """
    CREATE FUNCTION audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            RAISE EXCEPTION 'the audit is never changed';
        END IF;
        IF OLD.number > (SELECT anchor_number FROM audit_head WHERE id = 1) THEN
            RAISE EXCEPTION 'the audit is removed from its oldest part only, behind the anchor';
        END IF;
        RETURN OLD;
    END $$
    """,
    """
    CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_kept()
    """,
)


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("object", sa.String, nullable=False),
        sa.Column("user", sa.String, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in _TEXTS),
        sa.Column("trace_id", sa.String, nullable=False),
        sa.Column("details", sa.LargeBinary, nullable=False),
        sa.Column("before", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_index("audit_by_kind", "audit", ["kind", "number"])
    op.create_index("audit_by_user", "audit", ["user", "number"])
    op.create_index("audit_by_trace", "audit", ["trace_id"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("anchor_number", sa.BigInteger, nullable=False),
        sa.Column("anchor_hash", sa.LargeBinary, nullable=False),
    )
    nothing = bytes(32)
    op.bulk_insert(
        head, [{"id": 1, "number": 0, "hash": nothing, "anchor_number": 0, "anchor_hash": nothing}]
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(sa.text(statement))
