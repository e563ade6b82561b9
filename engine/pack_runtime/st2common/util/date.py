"""Times as StackStorm writes them: aware, in UTC."""

import datetime as dt

__all__ = ["add_utc_tz", "convert_to_utc", "get_datetime_utc_now", "parse"]


def get_datetime_utc_now():
    return dt.datetime.now(dt.timezone.utc)


def add_utc_tz(value):
    """The same wall clock, called UTC; a time that has a zone already is refused by ValueError."""
    if value.tzinfo is not None:
        raise ValueError("Not naive datetime (tzinfo is already set)")
    return value.replace(tzinfo=dt.timezone.utc)


def convert_to_utc(value):
    """The same moment in UTC; a naive time is taken as UTC."""
    if value.tzinfo is None:
        return add_utc_tz(value)
    return value.astimezone(dt.timezone.utc)


def parse(value):
    """An aware time from ISO 8601 text, or from a datetime."""
    from st2common.util import isotime

    return isotime.parse(value) if isinstance(value, str) else convert_to_utc(value)
