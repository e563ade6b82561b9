"""Times as StackStorm writes them: aware, in UTC."""

import datetime as dt
import re

__all__ = ["add_utc_tz", "convert_to_utc", "get_datetime_utc_now", "parse"]

ISO_8601 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?\s*(Z|UTC|[+-]\d\d(?::?\d\d)?)?$",
    re.IGNORECASE,
)


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
    return parse_text(value) if isinstance(value, str) else convert_to_utc(value)


def parse_text(value, preserve_original_tz=False):
    """An aware datetime, in UTC unless its zone is to be kept. Raises ValueError."""
    found = ISO_8601.match(value.strip())
    if not found:
        raise ValueError('Invalid datetime "%s".' % value)
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    micro = int(((fraction or "0") + "000000")[:6])
    moment = dt.datetime(
        int(year), int(month), int(day), int(hour), int(minute), int(second), micro, tzinfo=_zone(zone)
    )
    return moment if preserve_original_tz else moment.astimezone(dt.timezone.utc)


def _zone(text):
    if not text or text.upper() in ("Z", "UTC"):
        return dt.timezone.utc
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    return dt.timezone(dt.timedelta(minutes=-minutes if text[0] == "-" else minutes))
