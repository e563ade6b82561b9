"""Forms that are asked one question at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "chat_dialogue",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("adapter", sa.String, nullable=False),
        sa.Column("person", sa.String, nullable=False),
        sa.Column("prompt_id", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("delivery_key", sa.String, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
    op.create_index("chat_dialogue_by_person", "chat_dialogue", ["adapter", "person"], unique=True)
