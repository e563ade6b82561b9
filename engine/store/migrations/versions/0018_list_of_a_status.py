"""Lists of executions of one status in their order, read from an index."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_index("execution_by_status_and_start", "execution", ["status", "requested_at", "seq"])
