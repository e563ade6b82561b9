"""Brings the database to the newest schema, one transaction per migration.

A start that is killed in between leaves whole migrations behind; the next start goes on.
"""

import re
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import Engine as SqlEngine

from engine.errors import StoreFailure

_FOLDER = Path(__file__).with_name("migrations")
_REVISION = re.compile(r"(\d{4})_\w+\.py")


def known_revisions() -> list[str]:
    """All revisions, oldest first; a revision is the number its file name begins with."""
    found = (_REVISION.fullmatch(path.name) for path in (_FOLDER / "versions").iterdir())
    return sorted(match[1] for match in found if match)


def current_revision(database: SqlEngine) -> str | None:
    with database.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def to_head(database: SqlEngine) -> None:
    """Raises StoreFailure when the database was written by a newer Stormcrow."""
    revisions = known_revisions()
    current = current_revision(database)
    if current == revisions[-1]:
        return
    if current is not None and current not in revisions:
        raise StoreFailure(
            f"The database is at revision {current}, and this Stormcrow knows {revisions[-1]} at most.",
            hint="Install the newer Stormcrow again, or restore a backup made before it.",
        )
    # Alembic takes a quarter of a second to import: only when there is something to do.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    with database.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
