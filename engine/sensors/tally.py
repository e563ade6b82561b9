"""What is counted of one sensor since the server started."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Tally:
    """Written by the sensor's thread alone."""

    events: int = 0
    refused: int = 0
    restarts: int = 0
    failures: int = 0
    """In a row."""
    last_event_at: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None
