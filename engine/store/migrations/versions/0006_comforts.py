"""Comforts of the chat: what a thread is about, offers, defaults of channels, pipelines."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "chat_trail",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("adapter", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("thread_id", sa.String, nullable=False),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("execution_id", sa.String(24), nullable=False),
    )
    op.create_index("chat_trail_by_execution", "chat_trail", ["adapter", "execution_id"], unique=True)
    op.create_index("chat_trail_by_thread", "chat_trail", ["adapter", "thread_id", "seq"])
    op.create_index("chat_trail_by_person", "chat_trail", ["adapter", "channel", "person", "seq"])
    op.create_table(
        "chat_offer",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(24), nullable=False, unique=True),
        sa.Column("adapter", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("taken_at", sa.BigInteger),
        sa.Column("taken_by", sa.String, nullable=False),
        sa.Column("taken_with", sa.String, nullable=False),
    )
    op.create_index("chat_offer_by_person", "chat_offer", ["adapter", "channel", "person", "seq"])
    op.create_index("chat_offer_by_age", "chat_offer", ["made_at"])
    op.create_table(
        "chat_default",
        sa.Column("adapter", sa.String, primary_key=True),
        sa.Column("channel", sa.String, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
        sa.Column("set_by", sa.String, nullable=False),
        sa.Column("set_at", sa.BigInteger, nullable=False),
    )
