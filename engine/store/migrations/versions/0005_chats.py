"""Chats that are not our own: what they delivered, and what is on its way to them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "chat_delivery",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("adapter", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("lane", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("is_handled", sa.Boolean, nullable=False),
        sa.Column("error", sa.String, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
    )
    op.create_index("chat_delivery_by_key", "chat_delivery", ["adapter", "key"], unique=True)
    op.create_index("chat_delivery_by_state", "chat_delivery", ["adapter", "is_handled", "seq"])
    op.create_index("chat_delivery_by_age", "chat_delivery", ["received_at"])
    op.create_table(
        "chat_outgoing",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(24), nullable=False, unique=True),
        sa.Column("adapter", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("thread_id", sa.String),
        sa.Column("reply_to", sa.String),
        sa.Column("only_for", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("sent_version", sa.Integer, nullable=False),
        sa.Column("message_id", sa.String),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("error", sa.String, nullable=False),
        sa.Column("queued_at", sa.BigInteger, nullable=False),
        sa.Column("sent_at", sa.BigInteger),
    )
    op.create_index(
        "chat_outgoing_by_state", "chat_outgoing", ["adapter", "state", "channel", "queued_at", "seq"]
    )
    op.create_index("chat_outgoing_by_message", "chat_outgoing", ["adapter", "channel", "message_id"])
