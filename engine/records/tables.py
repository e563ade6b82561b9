"""What every table derives from: a description for SQLAlchemy, whose rows nobody makes as objects."""

from pydantic import ConfigDict
from sqlmodel import SQLModel


class Table(SQLModel):
    # Pydantic would build a validator for each: no table validates, and 40 of them are a tenth of a start.
    model_config = ConfigDict(defer_build=True)  # type: ignore[assignment]  # SQLModel names a type of its own
