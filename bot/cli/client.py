"""A client of the running server, on the standard library alone so that a command starts quickly."""

import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from bot.cli.exits import Code, CommandError
from bot.credentials import header_of

TIMEOUT_S = 30.0


# Longest silence of a stream of events: the server says something every 25 s.
SILENCE_S = 60.0


class ServerEvent(NamedTuple):
    id: str
    name: str
    data: str


class Client:
    """`url` is the server's, without /api; `key` is an API key, or the token of a login.

    `token`: gives a token that proves who a job is, in the place of a key; it is asked again when the
    server does not take the one that it gave last.
    """

    def __init__(self, url: str, key: str = "", *, token: Callable[[], str] | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CommandError(Code.WRONG, f"{url!r} is not a URL.", hint="Write http://HOST:PORT.")
        self.url = url
        self._is_tls = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._base = parts.path.rstrip("/")
        self._token = token
        self._headers = {"Accept": "application/json"}
        if token is None:
            self._headers[header_of(key)] = key
        else:
            self._renew(token)

    def get(self, *path: str, query: Mapping[str, Any] | None = None, timeout_s: float = TIMEOUT_S) -> Any:
        """What the server answers, from JSON. Raises CommandError."""
        return self._json("GET", _path(path, query), timeout_s=timeout_s)

    def post(
        self,
        *path: str,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Any:
        return self._json("POST", _path(path, query), body=body, headers=headers, timeout_s=timeout_s)

    def put(self, *path: str, body: Any = None) -> Any:
        return self._json("PUT", _path(path, None), body=body)

    def delete(self, *path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        return self._json("DELETE", _path(path, query), body=body)

    def answer(self, *path: str, timeout_s: float = TIMEOUT_S) -> tuple[int, Any]:
        """The status, whichever it is, and the JSON of a GET; None where the body is none."""
        with _Exchange(self, timeout_s) as exchange:
            response = exchange.ask("GET", _path(path, None))
            raw = response.read()
        try:
            return response.status, json.loads(raw)
        except ValueError:
            return response.status, None

    def text(self, *path: str, query: Mapping[str, Any] | None = None) -> Iterator[str]:
        """The body in pieces, as they come, without a time limit between them."""
        with self._exchange(None, "GET", _path(path, query)) as response:
            while piece := response.read1(65_536):
                yield piece.decode("utf-8", "replace")

    def events(
        self, *path: str, query: Mapping[str, Any] | None = None, last_id: str = ""
    ) -> Iterator[ServerEvent]:
        """Server-sent events until the server closes. Raises CommandError, also where it breaks off."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
        with self._exchange(SILENCE_S, "GET", _path(path, query), None, headers) as response:
            yield from _events(response)

    @contextmanager
    def _exchange(
        self,
        timeout_s: float | None,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer; a token that is not taken (any more) is renewed once."""
        for is_last in (self._token is None, True):
            with _Exchange(self, timeout_s) as exchange:
                try:
                    response = exchange.send(method, target, body, headers)
                except CommandError as error:
                    if self._token is None or error.status != 401:
                        raise
                    if is_last:
                        raise CommandError(
                            error.code,
                            f"The server does not take this job's token: {error.message}",
                            hint="auth.oidc_callers says which jobs may come in; its log says why not.",
                            status=error.status,
                        ) from error
                    self._renew(self._token)
                    continue
                yield response
                return

    def _renew(self, token: Callable[[], str]) -> None:
        self._headers["Authorization"] = f"Bearer {token()}"

    def _json(
        self,
        method: str,
        target: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Any:
        with self._exchange(timeout_s, method, target, body, headers) as response:
            raw = response.read()
        try:
            return json.loads(raw) if raw else None
        except ValueError as error:
            raise CommandError(
                Code.NO_SERVER, f"{self.url} does not answer as Stormcrow does.", hint="Check the URL."
            ) from error

    def connection(self, timeout_s: float | None) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._is_tls else http.client.HTTPConnection
        return kind(self._host, self._port, timeout=timeout_s)

    def target(self, path: str) -> str:
        return f"{self._base}/api/v1{path}"

    def headers(self, more: Mapping[str, str] | None) -> dict[str, str]:
        return {**self._headers, **(more or {})}


class _Exchange:
    """One request on one connection; what the network does wrong becomes a CommandError."""

    def __init__(self, client: Client, timeout_s: float | None) -> None:
        self._client = client
        self._connection = client.connection(timeout_s)

    def __enter__(self) -> "_Exchange":
        return self

    def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> http.client.HTTPResponse:
        """Raises CommandError for what the server refuses."""
        response = self.ask(method, path, body, headers)
        if response.status >= 400:
            raise refusal(response.status, response.read())
        return response

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> http.client.HTTPResponse:
        raw = None if method == "GET" else json.dumps(body if body is not None else {})
        more = {**(headers or {}), **({"Content-Type": "application/json"} if raw else {})}
        self._connection.request(method, self._client.target(path), raw, self._client.headers(more))
        return self._connection.getresponse()

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._connection.close()
        if isinstance(error, OSError | http.client.HTTPException):
            raise no_answer(self._client.url, error) from error


def no_answer(url: str, error: OSError | http.client.HTTPException) -> CommandError:
    """Why no answer came. A certificate that is not trusted will not be at the next try either."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return CommandError(
            Code.WRONG,
            f"The certificate of {url} is not trusted: {error.verify_message}.",
            hint="If an authority of your own signed it: SSL_CERT_FILE names the file with that one.",
        )
    if isinstance(error, ssl.SSLError):
        return CommandError(
            Code.NO_SERVER,
            f"No server answers at {url} with TLS: {error.reason or error}.",
            hint="If it speaks plain HTTP, write http://.",
        )
    why, hint = "", "Start it: stormcrow up. If it runs elsewhere, name it: --url URL."
    if isinstance(error, TimeoutError):
        why = " in time"
    elif isinstance(error, socket.gaierror):
        why, hint = ": nobody knows that name", "Correct the name: --url URL or STORMCROW_URL."
    elif isinstance(error, http.client.BadStatusLine) and not isinstance(error, ConnectionError):
        why, hint = " with HTTP", "If it speaks TLS, write https://."
    return CommandError(Code.NO_SERVER, f"No server answers at {url}{why}.", hint=hint)


def refusal(status: int, raw: bytes) -> CommandError:
    """The server's own words, with the exit code for its status."""
    try:
        text = str(json.loads(raw)["faultstring"])
    except (ValueError, KeyError, TypeError):
        text = f"The server answered with HTTP status {status}."
    if status == 404:
        return CommandError(Code.NOT_FOUND, text, status=status)
    if status in (401, 403):
        hint = "The key is in STORMCROW_API_KEY, or in admin.key of the data folder."
        return CommandError(Code.NO_SERVER, text, hint=hint, status=status)
    return CommandError(Code.WRONG if status < 500 else Code.NO_SERVER, text, status=status)


def _events(response: http.client.HTTPResponse) -> Iterator[ServerEvent]:
    """An event without a name is a sign of life, and left out."""
    event_id = name = data = ""
    while line := response.readline():
        field, _, value = line.decode("utf-8", "replace").rstrip("\r\n").partition(": ")
        if field == "id":
            event_id = value
        elif field == "event":
            name = value
        elif field == "data":
            data = value
        elif not field and name:
            yield ServerEvent(event_id, name, data)
            name = data = ""


def _path(parts: tuple[str, ...], query: Mapping[str, Any] | None) -> str:
    path = "".join(f"/{quote(part, safe='')}" for part in parts)
    given = {name: value for name, value in (query or {}).items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path
