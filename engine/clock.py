"""The time, in one place, so that a test can hold it."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


def isoformat(moment: datetime) -> str:
    """StackStorm's spelling: 2026-01-01T00:00:00.000000Z."""
    # Without the words for the zone; strftime takes three times as long.
    return f"{moment.astimezone(UTC).isoformat(timespec='microseconds')[:-6]}Z"
