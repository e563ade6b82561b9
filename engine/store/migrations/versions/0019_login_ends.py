"""When all logins of somebody were ended: sessions that began before are over."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "login_end",
        sa.Column("user", sa.String, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
