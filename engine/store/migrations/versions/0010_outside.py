"""What others said about people who logged in."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "outside_groups",
        sa.Column("user", sa.String, primary_key=True),
        sa.Column("source", sa.String, primary_key=True),
        sa.Column("groups", sa.LargeBinary, nullable=False),
        sa.Column("said_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "taken_token",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("taken_token_by_expiry", "taken_token", ["expires_at"])
