"""The first schema: executions, journal, keys, datastore, chat."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _id() -> "sa.Column[str]":
    return sa.Column("id", sa.String(24), nullable=False, unique=True)


def upgrade() -> None:
    op.create_table(
        "execution",
        sa.Column("seq", sa.Integer, primary_key=True),
        _id(),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("runner", sa.String, nullable=False),
        sa.Column("pack", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("parent_id", sa.String),
        sa.Column("requested_at", sa.BigInteger, nullable=False),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("delay_ms", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("claimed_by", sa.String),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("parameters", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("context", sa.LargeBinary, nullable=False),
        sa.Column("result", sa.LargeBinary),
        sa.Column("result_size", sa.Integer, nullable=False),
        sa.Column("log", sa.LargeBinary, nullable=False),
        sa.Column("idempotency_key", sa.String, unique=True),
    )
    op.create_index("execution_by_start", "execution", ["requested_at", "id"])
    op.create_index("execution_by_status", "execution", ["status", "not_before", "seq"])
    op.create_index("execution_by_action", "execution", ["action", "requested_at"])
    op.create_index("execution_by_parent", "execution", ["parent_id"])
    op.create_table(
        "execution_output",
        sa.Column("execution_id", sa.String(24), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("data", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "journal_cursor",
        sa.Column("reader", sa.String, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(24), primary_key=True),
        sa.Column("user", sa.String, nullable=False),
        sa.Column("key_hash", sa.String, nullable=False, unique=True),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("meta", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "datastore",
        _id(),
        sa.Column("scope", sa.String, primary_key=True),
        sa.Column("user", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("secret", sa.Boolean, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
    )
    op.create_table(
        "chat_message",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("adapter", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("thread_id", sa.String),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("is_bot", sa.Boolean, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("delivery_key", sa.String, nullable=False, unique=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("edited_at", sa.BigInteger),
    )
    op.create_index("chat_message_by_channel", "chat_message", ["adapter", "channel", "thread_id", "seq"])
    op.create_index("ix_chat_message_thread_id", "chat_message", ["thread_id"])
    op.create_table(
        "chat_channel",
        sa.Column("adapter", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("made_by", sa.String, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "chat_posting",
        sa.Column("adapter", sa.String, primary_key=True),
        sa.Column("execution_id", sa.String(24), primary_key=True),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("thread_id", sa.String),
        sa.Column("message_id", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
    op.create_index("chat_posting_by_status", "chat_posting", ["adapter", "status"])
