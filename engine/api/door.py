"""The way into the server: one ASGI layer around every route, ours and the chat page's.

It gives each request an id, refuses hosts that are not ours and bodies that are too large or too
slow, brings StackStorm's many spellings of a path to one, and turns every fault into an answer.
"""

import asyncio
import ipaddress
import logging
import random
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from sqlalchemy.exc import DataError, OperationalError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.api.cors import Cors, Headers
from engine.api.errors import HttpError, answer_for, fault, internal, no_database
from engine.api.scrubbing import scrubbed, scrubbed_path
from engine.errors import EngineError
from engine.log_facts import about
from engine.settings import Settings

log = logging.getLogger(__name__)
access_log = logging.getLogger("stormcrow.access")

# A body must be complete so soon after its headers, in seconds.
BODY_TIME_S = 30.0
NO_DATA = "A text in the request holds a character that the database does not take, such as NUL."
_REQUEST_ID = re.compile(rb"[\w.-]{1,128}")
_STREAM = "/stream"
# What proxies add: then who asks is not who is connected to us.
_FORWARDED = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via"})
Caller = Callable[[Sequence[tuple[bytes, bytes]], str], str]
Opened = Callable[[Scope, Mapping[bytes, bytes]], None]
Answered = Callable[[Scope, int, float], None]
_PREFIXES = ("/api", "/auth", _STREAM)
# What StackStorm serves on the ports of its other two services.
_OF_AUTH = frozenset({"tokens", "sso"})
_OF_STREAM = frozenset({"stream", "executions"})
_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)


class Door:
    """`nouns`: the first segments of the API's paths; only their spellings are brought to one.

    `opened(scope, headers)` is called when a request comes, `answered(scope, status, seconds)` when the
    first line of its answer goes out. `caller(headers, peer)` says where a request comes from.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        nouns: Collection[str],
        caller: Caller,
        answered: Answered,
        opened: Opened | None = None,
    ) -> None:
        self._answered = answered
        self._caller = caller
        self._opened = opened
        self._app = app
        self._nouns = frozenset(nouns)
        self._limit = settings.server.body_limit_bytes
        self._logs_all = settings.log.access
        self._hosts = allowed_hosts(settings)
        self._cors = Cors(settings.server.allow_origins)
        self._ports = {
            settings.server.auth_port: _OF_AUTH,
            settings.server.stream_port: _OF_STREAM,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = dict(scope["headers"])
        answer = _Answer(
            send,
            _request_id(headers),
            lambda status: self._answered(scope, status, time.perf_counter() - started),
        )
        scope.setdefault("state", {})["request_id"] = answer.request_id
        peer, port = scope.get("client") or ("", 0)
        scope["state"]["peer"] = peer
        scope["client"] = (self._caller(scope["headers"], peer), port)
        scope["state"]["is_on_stream"] = scope["path"].startswith(f"{_STREAM}/")
        if self._opened is not None:
            self._opened(scope, headers)
        with about(request_id=answer.request_id):
            await self._let_in(scope, receive, answer, headers)
            self._log(scope, answer, took_s=time.perf_counter() - started)

    async def _let_in(
        self, scope: Scope, receive: Receive, answer: "_Answer", headers: Mapping[bytes, bytes]
    ) -> None:
        scope["path"] = plain_path(scope["path"], self._nouns)
        if "\0" in scope["path"]:
            await answer.instead(fault(400, "There is no path with a NUL character."), scope)
            return
        noun = scope["path"].split("/")[1]
        if noun in self._nouns:
            answer.more = self._cors.headers(headers)
        try:
            self._check(headers)
            self._check_port(scope, noun)
            asked = self._cors.asked_before(scope["method"], headers) if answer.more else None
            if asked is not None:
                await asked(scope, receive, answer)
                return
            body = _Body(receive, self._limit, is_complete=scope["state"].get("is_complete", False))
            await self._app(scope, body, answer)
        except (HttpError, EngineError) as error:
            await answer.instead(answer_for(error, request_id=answer.request_id), scope)
        except DataError as error:
            # A NUL in a text, say, which PostgreSQL does not take.
            log.info("request %s: the database says: %s", answer.request_id, error.orig)
            await answer.instead(fault(400, NO_DATA), scope)
        except OperationalError as error:
            # A disk that is full meets every request: one line each, and no traceback.
            log.error("request %s: the database says: %s", answer.request_id, error.orig)
            await answer.instead(no_database(answer.request_id), scope)
        except Exception:
            path = scrubbed_path(scope["path"])
            log.exception("request %s failed: %s %s", answer.request_id, scope["method"], path)
            await answer.instead(fault(500, internal(answer.request_id)), scope)

    def _log(self, scope: Scope, answer: "_Answer", *, took_s: float) -> None:
        level = logging.INFO if self._logs_all else logging.DEBUG
        if not access_log.isEnabledFor(level):
            return
        path, query = scrubbed_path(scope["path"]), scrubbed(scope["query_string"])
        access_log.log(
            level,
            "%s %s%s %d %.1f ms",
            scope["method"],
            path,
            f"?{query}" if query else "",
            answer.status,
            took_s * 1000,
            extra={
                "method": scope["method"],
                "path": path,
                "query": query,
                "status": answer.status,
                "took_ms": round(took_s * 1000, 1),
                "address": (scope.get("client") or ("",))[0],
            },
        )

    def _check_port(self, scope: Scope, noun: str) -> None:
        """On a port of StackStorm's other services there is only what they do."""
        port = (scope.get("server") or ("", 0))[1]
        known = self._ports.get(port)
        if not port or known is None:
            return
        if noun not in known:
            raise HttpError(404, f"There is nothing at {scope['path']} on this port.")
        scope["state"]["is_on_stream"] = known is _OF_STREAM

    def _check(self, headers: Mapping[bytes, bytes]) -> None:
        host = headers.get(b"host")
        if self._hosts is not None and host is not None and not _is_allowed(host, self._hosts):
            raise HttpError(
                403,
                f"This server does not answer to the host name {host.decode('latin-1')!r}."
                " Use 127.0.0.1, or set server.public_url.",
            )
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self._limit:
            raise HttpError(413, too_large(self._limit))


class _Answer:
    """Passes the response on, with the headers that every response gets."""

    def __init__(self, send: Send, request_id: str, begins: Callable[[int], None]) -> None:
        self._send = send
        self._begins = begins
        self.request_id = request_id
        self.status = 0
        self.more: Headers = []
        """Of this answer alone."""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._begins(self.status)
            headers = message["headers"]
            present = {name for name, _ in headers}
            more = [pair for pair in _SECURITY_HEADERS if pair[0] not in present]
            message["headers"] = [*headers, *more, *self.more, (b"x-request-id", self.request_id.encode())]
        await self._send(message)

    async def instead(self, response: ASGIApp, scope: Scope) -> None:
        """Answer with `response`, unless an answer is already under way: then the connection breaks."""
        if self.status:
            raise ConnectionAbortedError("the answer failed halfway")
        await response(scope, _no_more, self)


class _Body:
    """Counts and times the body; after its end it only reports the disconnect."""

    def __init__(self, receive: Receive, limit: int, *, is_complete: bool) -> None:
        """`is_complete`: the whole body has come, so that nothing of it can be slow."""
        self._receive = receive
        self._left = limit
        self._limit = limit
        self._is_complete = is_complete
        self._deadline: float | None = asyncio.get_running_loop().time() + BODY_TIME_S

    async def __call__(self) -> Message:
        if self._deadline is None:
            return await self._receive()
        try:
            if self._is_complete:
                message = await self._receive()
            else:
                async with asyncio.timeout_at(self._deadline):
                    message = await self._receive()
        except TimeoutError as error:
            raise HttpError(408, f"The body was not complete after {BODY_TIME_S:.0f} s.") from error
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HttpError(413, too_large(self._limit))
        if not message.get("more_body", False):
            self._deadline = None
        return message


async def _no_more() -> Message:
    return {"type": "http.disconnect"}


def too_large(limit: int) -> str:
    return f"The body is larger than {limit} bytes (setting server.body_limit_bytes)."


def _request_id(headers: dict[bytes, bytes]) -> str:
    """The caller's, when it is harmless in a log, else a new one."""
    given = headers.get(b"x-request-id", b"")
    return given.decode() if given and _REQUEST_ID.fullmatch(given) else _new_id()


def _new_id() -> str:
    """A UUID of version 4 in form. It only has to be told from others, so it costs no system call."""
    text = f"{random.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def plain_path(path: str, nouns: Collection[str]) -> str:
    """`path` without /api, /auth, /stream, without /v1 or the old /exp, and without a slash at the end.

    Paths that are not the API's are left alone.
    """
    rest = path
    if path in (_STREAM, f"{_STREAM}/"):
        # The prefix alone is the name of the one thing behind it.
        return _STREAM
    for prefix in _PREFIXES:
        if rest == prefix or rest.startswith(f"{prefix}/"):
            rest = rest[len(prefix) :]
            break
    if rest == "/v1" or rest.startswith("/v1/"):
        rest = rest[3:]
    elif rest.startswith("/exp/"):
        rest = rest[4:]
    rest = rest[:-1] if rest.endswith("/") else rest
    noun, slash, more = rest[1:].partition("/")
    if noun == "actionexecutions":
        return f"/executions{slash}{more}"
    if noun in nouns:
        return rest
    return "/" if not rest else path


def allowed_hosts(settings: Settings) -> frozenset[str] | None:
    """Names besides loopback that may stand in Host; None when we listen beyond loopback.

    A page of another site can make a browser ask a name of its own that leads to 127.0.0.1
    (DNS rebinding); such a request carries that name.
    """
    if not is_loopback(settings.server.host):
        return None
    return frozenset({urlsplit(settings.public_url).hostname or ""})


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_local(address: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether who asks is on this machine: connected from loopback, to loopback, by no proxy."""
    host = headers.get(b"host")
    if host is None or not is_loopback(address) or not _FORWARDED.isdisjoint(headers):
        return False
    return _is_allowed(host, frozenset())


@lru_cache(maxsize=256)
def _is_allowed(host: bytes, names: frozenset[str]) -> bool:
    try:
        name = urlsplit(f"//{host.decode('ascii')}").hostname or ""
    except ValueError:
        return False
    return is_loopback(name) or name in names
