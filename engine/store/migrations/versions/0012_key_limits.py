"""What limits API keys, when they were last used, and who acts for somebody else."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("api_key", sa.Column("prefix", sa.String, nullable=False, server_default=""))
    op.add_column("api_key", sa.Column("scope", sa.LargeBinary))
    op.add_column("api_key", sa.Column("networks", sa.LargeBinary))
    op.add_column("api_key", sa.Column("expires_at", sa.BigInteger))
    op.add_column("api_key", sa.Column("last_used_at", sa.BigInteger))
    op.add_column("api_key", sa.Column("last_used_from", sa.String, nullable=False, server_default=""))
    op.add_column("api_key", sa.Column("acting_user", sa.String, nullable=False, server_default=""))
    op.add_column("auth_token", sa.Column("acting_user", sa.String, nullable=False, server_default=""))
