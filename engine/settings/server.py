"""The server itself: where it listens, what it keeps, what it logs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.settings.key import key


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where the server listens, and how it answers."""

    host: str = key(
        "127.0.0.1", "Address to listen on. Anything but loopback puts the web chat behind a login."
    )
    port: int = key(9101, "TCP port of the API and the web chat; 0 takes a free one.", at_most=65_535)
    auth_port: int = key(
        0, "A second port for logins alone, as StackStorm's clients expect (9100); 0: none.", at_most=65_535
    )
    stream_port: int = key(
        0,
        "A third port for the stream alone, as StackStorm's clients expect (9102); 0: none.",
        at_most=65_535,
    )
    allow_origins: list[str] = key(
        [],
        "Origins of pages of other sites that may read the API (CORS), for example https://console.example.com.",
    )
    public_url: str = key("", "How people and clients reach us, for links; empty: http://HOST:PORT.")
    trusted_proxies: list[str] = key(
        [],
        "Addresses and networks of the proxies in front of us, for example [127.0.0.1, 10.1.0.0/24]. Where a "
        "request comes from (in the audit and the log, for the networks of keys and webhooks, for rates and "
        "pauses) is then the last address of their X-Forwarded-For that is none of these; nobody else's "
        "counts.",
    )
    answer_wait_ms: int = key(
        300, "How long POST /executions waits for the end before it answers, in milliseconds; 0 never waits."
    )
    body_limit_bytes: int = key(1_048_576, "Largest request body, in bytes.", at_least=1_024)
    shutdown_s: float = key(
        10.0, "How long a stop waits for work in hand, in seconds; local actions go on without us."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Where everything is kept."""

    data: Path = key(Path("data"), "Folder of the database, the keys and the spool; mode 0700.")
    url: str = key(
        "",
        "SQLAlchemy URL, for example postgresql+psycopg://user@host/name; empty: SQLite in the data folder.",
        secret=True,
    )
    durability: Literal["full", "normal"] = key(
        "full", "full: a commit survives a power cut; normal: it survives kill -9, and is faster."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What the server logs."""

    level: Literal["debug", "info", "warning", "error"] = key(
        "info", "Least severe messages that are logged."
    )
    format: Literal["text", "json"] = key(
        "text", "text for people, json for collectors; both on standard error."
    )
    access: bool = key(
        False, "Log each HTTP request: who, what, status, time; secrets in its query are hidden."
    )
    repeat_limit: int = key(
        10, "How often the same warning is logged in a minute; the rest is counted. 0: always."
    )
