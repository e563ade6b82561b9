"""What was asked with an idempotency key."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("execution", sa.Column("fingerprint", sa.String))
