"""A client of the running server, on the standard library alone so that a command starts quickly."""

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from bot.cli.exits import Code, CommandError

TIMEOUT_S = 30.0


class Client:
    """`url` is the server's, without /api; `key` is an API key."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CommandError(Code.WRONG, f"{url!r} is not a URL.", hint="Write http://HOST:PORT.")
        self.url = url
        self._is_tls = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port
        self._base = parts.path.rstrip("/")
        self._headers = {"St2-Api-Key": key, "Accept": "application/json"}

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

    def text(self, *path: str, query: Mapping[str, Any] | None = None) -> Iterator[str]:
        """The body in pieces, as they come, without a time limit between them."""
        with _Exchange(self, None) as exchange:
            response = exchange.send("GET", _path(path, query))
            while piece := response.read1(65_536):
                yield piece.decode("utf-8", "replace")

    def _json(
        self,
        method: str,
        target: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Any:
        with _Exchange(self, timeout_s) as exchange:
            raw = exchange.send(method, target, body, headers).read()
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
        raw = None if method == "GET" else json.dumps(body if body is not None else {})
        more = {**(headers or {}), **({"Content-Type": "application/json"} if raw else {})}
        self._connection.request(method, self._client.target(path), raw, self._client.headers(more))
        response = self._connection.getresponse()
        if response.status >= 400:
            raise refusal(response.status, response.read())
        return response

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._connection.close()
        if isinstance(error, TimeoutError | socket.gaierror | OSError | http.client.HTTPException):
            why = "in time" if isinstance(error, TimeoutError) else ""
            raise CommandError(
                Code.NO_SERVER,
                f"No server answers at {self._client.url}{' ' + why if why else ''}.",
                hint="Start it: stormcrow up. If it runs elsewhere, name it: --url URL.",
            ) from error


def refusal(status: int, raw: bytes) -> CommandError:
    """The server's own words, with the exit code for its status."""
    try:
        text = str(json.loads(raw)["faultstring"])
    except (ValueError, KeyError, TypeError):
        text = f"The server answered with HTTP status {status}."
    if status == 404:
        return CommandError(Code.NOT_FOUND, text)
    if status in (401, 403):
        return CommandError(
            Code.NO_SERVER, text, hint="The key is in STORMCROW_API_KEY, or in admin.key of the data folder."
        )
    return CommandError(Code.WRONG if status < 500 else Code.NO_SERVER, text, status=status)


def _path(parts: tuple[str, ...], query: Mapping[str, Any] | None) -> str:
    path = "".join(f"/{quote(part, safe='')}" for part in parts)
    given = {name: value for name, value in (query or {}).items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path
