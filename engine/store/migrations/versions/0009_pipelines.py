"""Pipelines of commands."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "pipeline",
        sa.Column("id", sa.String(24), primary_key=True),
        sa.Column("adapter", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("plan", sa.LargeBinary, nullable=False),
        sa.Column("stages", sa.LargeBinary, nullable=False),
        sa.Column("output", sa.LargeBinary),
        sa.Column("error", sa.String, nullable=False),
        sa.Column("hint", sa.String, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
    )
