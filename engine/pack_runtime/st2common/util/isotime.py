"""ISO 8601 as StackStorm writes it: 2026-01-01T00:00:00.000000Z."""

import datetime as dt

from st2common.util import date

__all__ = ["format", "parse", "validate"]


def format(value, usec=True, offset=True):  # noqa: A001  (the name that packs call)
    """Text for a datetime, for seconds since 1970, or for nanoseconds (above 10**12).

    `usec`: with microseconds. `offset`: with `+00:00` behind it; else with `Z`.
    """
    moment = date.convert_to_utc(_moment(value))
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    if usec:
        text += ".%06d" % moment.microsecond
    return text + ("+00:00" if offset else "Z")


def _moment(value):
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, (int, float)):
        seconds = value / 1e9 if value > 10**12 else value
        return dt.datetime.fromtimestamp(seconds, dt.timezone.utc)
    if isinstance(value, str):
        return parse(value)
    raise ValueError("%r is no time." % (value,))


def validate(value, raise_exception=True):
    """Whether `value` is a time in this form; ValueError instead of False, where asked for."""
    if isinstance(value, dt.datetime) or (isinstance(value, str) and date.ISO_8601.match(value.strip())):
        return True
    if raise_exception:
        raise ValueError('Invalid datetime "%s".' % (value,))
    return False


def parse(value, preserve_original_tz=False):
    """An aware datetime, in UTC unless its zone is to be kept. Raises ValueError."""
    return date.parse_text(value, preserve_original_tz)
