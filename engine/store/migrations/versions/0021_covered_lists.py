"""Counting what a list shows reads the index alone, also of those without a parent, of a user or a runner."""

from alembic import op

revision = "0021"
down_revision = "0020"

_INDEXES = {
    "execution_by_start": ["requested_at", "seq", "user", "runner"],
    "execution_by_status_and_start": ["status", "requested_at", "seq", "parent_id"],
    "execution_by_action": ["action", "requested_at", "seq", "status", "parent_id"],
    "execution_by_parent": ["parent_id", "requested_at", "seq", "user"],
}


def upgrade() -> None:
    for name, columns in _INDEXES.items():
        op.drop_index(name, "execution")
        op.create_index(name, "execution", columns)
