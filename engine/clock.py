"""The time, in one place, so that a test can hold it."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


def isoformat(moment: datetime) -> str:
    """StackStorm's spelling: 2026-01-01T00:00:00.000000Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
