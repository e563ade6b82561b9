"""Workflows: their definitions, the steps they took, large values; and questions to people."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _workflows()
    _inquiries()


def _workflows() -> None:
    op.create_table(
        "workflow",
        sa.Column("id", sa.String(24), primary_key=True),
        sa.Column("execution_id", sa.String(24), nullable=False),
        sa.Column("definition", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("is_ended", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("wake_at", sa.BigInteger),
        sa.Column("head", sa.LargeBinary, nullable=False),
        sa.Column("snapshot", sa.LargeBinary),
        sa.Column("snapshot_version", sa.Integer, nullable=False),
    )
    op.create_index("workflow_by_execution", "workflow", ["execution_id"])
    op.create_index("workflow_by_end", "workflow", ["is_ended"])
    op.create_index("workflow_by_wake", "workflow", ["wake_at"])
    op.create_table(
        "workflow_definition",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("text", sa.String, nullable=False),
    )
    op.create_table(
        "workflow_delta",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("workflow_id", sa.String(24), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("workflow_id", "version"),
    )
    op.create_table(
        "workflow_value",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("workflow_id", sa.String(24), nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("workflow_id", "digest"),
    )


def _inquiries() -> None:
    op.create_table(
        "inquiry",
        sa.Column("id", sa.String(24), primary_key=True),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("raised_at", sa.BigInteger, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("level_at", sa.BigInteger, nullable=False),
        sa.Column("deadline_at", sa.BigInteger),
        sa.Column("reminders", sa.Integer, nullable=False),
        sa.Column("wake_at", sa.BigInteger),
        sa.Column("asked", sa.LargeBinary, nullable=False),
        sa.Column("outcome", sa.LargeBinary),
        sa.Column("sealed", sa.LargeBinary),
    )
    op.create_index("inquiry_by_wake", "inquiry", ["wake_at"])
    op.create_index("inquiry_by_state", "inquiry", ["state", "raised_at"])
    op.create_table(
        "inquiry_vote",
        sa.Column("inquiry_id", sa.String(24), primary_key=True),
        sa.Column("user", sa.String, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("vote", sa.LargeBinary, nullable=False),
    )
