"""Which message of the outbox is the answer to an execution: its trace ends where the chat has it."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("chat_outgoing", sa.Column("answers", sa.String, nullable=False, server_default=""))
