"""The server's log: one record a line, without secrets, with what the work in hand is for."""

import json
import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

import orjson

from engine import log_facts
from engine.clock import isoformat, utcnow
from engine.settings.server import LogSettings

Hide = Callable[[str], str]

# The same warning is said `log.repeat_limit` times in so long.
REPEAT_WINDOW_S = 60.0
# So many different warnings are told apart.
_KEPT = 1000
# Libraries speak up only when something is wrong.
_QUIET = (
    "uvicorn",
    "alembic",
    "paramiko",
    "watchfiles",
    "urllib3",
    "slack_sdk",
    "slack_bolt",
    "aiohttp",
    "opentelemetry",
)
_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up_logging(settings: LogSettings) -> Callable[[Hide], None]:
    """Gives what takes the function that hides secrets in each record."""
    form = _as_json if settings.format == "json" else _as_text
    handler = _Lines(sys.stderr, form, Repeats(settings.repeat_limit) if settings.repeat_limit else None)
    logging.basicConfig(level=settings.level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler.hide_with


class _Lines(logging.Handler):
    """Writes records; what goes wrong with one is said in a line of its own, and nowhere else."""

    def __init__(
        self, stream: TextIO, form: Callable[[logging.LogRecord], str], repeats: "Repeats | None"
    ) -> None:
        super().__init__()
        self._repeats = repeats
        self._stream = stream
        self._form = form
        self._hide: Hide = str
        # Under the handler's lock.
        self._is_writing = False

    def hide_with(self, hide: Hide) -> None:
        self._hide = hide

    def emit(self, record: logging.LogRecord) -> None:
        if self._is_writing:
            # Somebody logs while they are being logged: it would never end.
            return
        self._is_writing = True
        try:
            if self._repeats is None or self._repeats.lets_pass(record):
                self._stream.write(f"{self._line(record)}\n")
                self._stream.flush()
        except (OSError, ValueError):
            # Standard error is gone or closed: there is nobody left to tell.
            return
        finally:
            self._is_writing = False

    def _line(self, record: logging.LogRecord) -> str:
        try:
            return self._hide(self._form(record))
        except Exception as error:  # noqa: BLE001 - whatever an argument does when it is shown: it must end here
            # Nothing of the arguments: one of them is what went wrong.
            bare = logging.makeLogRecord(
                {
                    "name": record.name,
                    "levelno": record.levelno,
                    "levelname": record.levelname,
                    "msg": "a record of %s:%d could not be written: %s",
                    "args": (record.pathname, record.lineno, type(error).__name__),
                }
            )
            return self._form(bare)


def _as_text(record: logging.LogRecord) -> str:
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
    message = record.getMessage()
    facts = "".join(
        f" {name}={value}"
        for name, value in {**log_facts.known(), **_said_of_repeats(record)}.items()
        # Many messages say themselves what they are about.
        if value not in message
    )
    line = f"{moment},{record.msecs:03.0f} {record.levelname:<7} {record.name}: {message}"
    # Marked, because the text of an exception may have lines of its own.
    trace = [f"  | {_inert(one)}" for one in _exception(record).splitlines()]
    return "\n".join([_inert(f"{line}{f'  [{facts[1:]}]' if facts else ''}"), *trace])


def _as_json(record: logging.LogRecord) -> str:
    line: dict[str, Any] = {
        "at": isoformat(utcnow()),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
        **log_facts.known(),
        **{key: value for key, value in vars(record).items() if key not in _KNOWN},
    }
    if record.exc_info:
        line["exception"] = _exception(record)
    try:
        text = orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # Halves of surrogate pairs, say, which are in no UTF-8.
        text = json.dumps(line, default=repr)
    return text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)


def _exception(record: logging.LogRecord) -> str:
    return logging.Formatter().formatException(record.exc_info) if record.exc_info else ""


def _said_of_repeats(record: logging.LogRecord) -> dict[str, str]:
    found = {name: getattr(record, name, 0) for name in ("left_out", "muted_s")}
    return {name: str(value) for name, value in found.items() if value}


def _inert(text: str) -> str:
    """Control characters of data forge no second line, and do nothing to a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _escaped(character: str) -> str:
    """As JSON writes it, in halves beyond the first 65536."""
    return json.dumps(character)[1:-1]


@dataclass(slots=True)
class _Heard:
    since: float
    times: int = 0


class Repeats:
    """Lets the same warning or error pass `limit` times a minute. Under the lock of a handler.

    The last of them says for how long it is not said any more (`muted_s`), and the next one how many
    were left out (`left_out`).
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._heard: OrderedDict[tuple[str, int, str], _Heard] = OrderedDict()

    def lets_pass(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        try:
            key = (record.name, record.levelno, record.getMessage())
        except Exception:  # noqa: BLE001 - whatever an argument does when it is shown: it is said when it is written
            return True
        now = time.monotonic()
        heard = self._heard.get(key)
        if heard is None or now - heard.since >= REPEAT_WINDOW_S:
            left_out = max(0, heard.times - self._limit) if heard is not None else 0
            heard = self._heard[key] = _Heard(since=now)
            while len(self._heard) > _KEPT:
                self._heard.popitem(last=False)
            if left_out:
                record.left_out = left_out
        heard.times += 1
        if heard.times == self._limit:
            record.muted_s = round(REPEAT_WINDOW_S)
        return heard.times <= self._limit
