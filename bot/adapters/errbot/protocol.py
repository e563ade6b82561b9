"""What server and child say to each other: one JSON object a line, over a socket pair.

The server says Start, then Send, Ack, Stop; the child says State, Heard, Begun, Progress, Done.
Both sides use this file; it imports the standard library only, so that a child may run in another
environment than the server. The end of the pipe is the end of the other: a child leaves then.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, BinaryIO

# Far above what a chat takes in one message; a longer line is no message of ours.
LINE_LIMIT_BYTES = 4 * 1024 * 1024


class Outcome(StrEnum):
    """What became of a Send."""

    SENT = "sent"
    LATER = "later"
    """Nothing more of it was handed over; it may be sent again, from `lines_taken` on."""
    UNKNOWN = "unknown"
    """The connection broke before the chat had confirmed what came after `lines_taken`."""
    REFUSED = "refused"
    """This chat will not take it; `reason` says why."""


# The server says


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The first line: all that the child needs to know, the password too."""

    network: str
    backend: str
    server: str = ""
    port: int = 0
    tls: bool = True
    ca_file: str = ""
    nickname: str = ""
    account: str = ""
    password: str = ""
    login: str = ""
    channels: tuple[str, ...] = ()
    lines_per_s: float = 1.0
    prefix: str = "!"
    names: tuple[str, ...] = ()
    """Besides the nickname, what calls us by name."""
    repeat_after_s: float = 10.0
    """What is not acknowledged is said again after so long."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Attributes of Errbot's own configuration, for backends that are not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Lines for a channel, or for one person."""

    id: int
    to: str
    """A channel, or the id of a person as in `Heard.person`."""
    is_person: bool = False
    lines: tuple[str, ...]
    token: str = ""
    """The same for the same lines, also after a restart: where a chat keeps it, nothing is said twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """A Heard is committed."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Leave the network, and end."""


# The child says


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How it stands with the network; said at every change."""

    is_connected: bool
    nickname: str = ""
    channels: tuple[str, ...] = ()
    """Those that we are in."""
    knows_accounts: bool = False
    """Whether the chat says itself who somebody is."""
    problem: str = ""
    """Why it is not connected, or which channel it cannot enter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Something said to us. Repeated until it is acknowledged; the same key is the same."""

    key: str
    channel: str
    """Empty: said to us alone."""
    person: str
    """The stable id of who said it: the account where the chat vouches for it, else their address."""
    name: str
    """What people read; a hint."""
    is_vouched: bool = False
    is_bot: bool = False
    is_called: bool = False
    """Our name stood before it, and is taken away."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """From now on something of a Send may have reached the chat."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """So many lines of a Send are in the chat for certain."""

    id: int
    lines_taken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    id: int
    outcome: Outcome
    lines_taken: int = 0
    reason: str = ""
    retry_after_s: float = 0.0


Said = Start | Send | Ack | Stop | State | Heard | Begun | Progress | Done
_KINDS: Mapping[str, type[Said]] = {
    kind.__name__.lower(): kind for kind in (Start, Send, Ack, Stop, State, Heard, Begun, Progress, Done)
}


class NotUnderstood(ValueError):
    """A line that is no message of ours."""


def line_of(said: Said) -> bytes:
    """One line with its end; line breaks inside of texts are escaped."""
    return json.dumps({"op": type(said).__name__.lower(), **asdict(said)}).encode("ascii") + b"\n"


def said_in(line: bytes) -> Said:
    """Raises NotUnderstood."""
    try:
        given = json.loads(line)
        kind = _KINDS[given.pop("op")]
        known = {one.name for one in fields(kind)}
        values = {name: _frozen(value) for name, value in given.items() if name in known}
        if kind is Done:
            values["outcome"] = Outcome(values["outcome"])
        return kind(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotUnderstood(f"no message: {line[:80]!r}") from error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def next_line(stream: BinaryIO) -> bytes:
    """The next whole line; empty at the end of the pipe. Raises NotUnderstood for one that is too long."""
    line = stream.readline(LINE_LIMIT_BYTES)
    if line and not line.endswith(b"\n"):
        if len(line) >= LINE_LIMIT_BYTES:
            raise NotUnderstood(f"a line of more than {LINE_LIMIT_BYTES} bytes")
        # The other side died while it wrote.
        return b""
    return line
