"""Lookups of acts by object or request, and of what an answer in a chat is about."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_index("audit_by_object", "audit", ["object", "number"])
    has_request = sa.text("request_id != ''")
    op.create_index(
        "audit_by_request",
        "audit",
        ["request_id", "number"],
        sqlite_where=has_request,
        postgresql_where=has_request,
    )
    op.create_index("chat_outgoing_by_answer", "chat_outgoing", ["message_id"])
    op.create_index("chat_posting_by_message", "chat_posting", ["message_id"])
