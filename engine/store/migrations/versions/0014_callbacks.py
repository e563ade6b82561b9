"""Callbacks: whom the end of an execution is told."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "callback",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("execution_id", sa.String(24), nullable=False),
        sa.Column("url", sa.LargeBinary, nullable=False),
        sa.Column("place", sa.String, nullable=False),
        sa.Column("key_scope", sa.String, nullable=False),
        sa.Column("key_user", sa.String, nullable=False),
        sa.Column("key_name", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("claimed_by", sa.String),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("first_due_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_index("callback_by_state", "callback", ["state", "due_at"])
    op.create_index("callback_by_execution", "callback", ["execution_id"])
    op.create_table(
        "callback_attempt",
        sa.Column("callback_id", sa.String(32), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("status_code", sa.Integer),
        sa.Column("error", sa.String, nullable=False),
        sa.Column("took_ms", sa.Integer, nullable=False),
    )
