"""Lists of executions in their order, read from an index: of all, of an action, of those without a parent."""

from alembic import op

revision = "0015"
down_revision = "0014"

_INDEXES = {
    "execution_by_start": ["requested_at", "seq"],
    "execution_by_action": ["action", "requested_at", "seq", "status"],
    "execution_by_parent": ["parent_id", "requested_at", "seq"],
}


def upgrade() -> None:
    for name, columns in _INDEXES.items():
        op.drop_index(name, "execution")
        op.create_index(name, "execution", columns)
