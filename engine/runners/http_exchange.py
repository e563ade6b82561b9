"""One HTTP request as StackStorm makes it: what is sent, and the shape of the answer."""

import ast
import codecs
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import requests
from requests.auth import HTTPBasicAuth
from requests.utils import get_encoding_from_headers

from engine.errors import RunnerFailure
from engine.runners.base import RunRequest
from engine.runners.http_guard import Guard, guarded_adapter

# What servers that know StackStorm's client see; the version whose behaviour we have.
USER_AGENT = "st2/v3.9.0"
DEFAULT_TIMEOUT_S = 60.0
_REDIRECTS = 5
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    method: str
    url: str
    timeout_s: float
    body: bytes | dict[str, Any] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Handed to requests as they are: params, cookies, auth, files, proxies, verify, allow_redirects."""


def plan(request: RunRequest) -> Exchange:
    """From the parameters of the runner and of the action. Raises RunnerFailure."""
    runner, action = request.runner_parameters, request.action_parameters
    files = _files(action)
    body = action.get("body")
    headers = {str(name): str(value) for name, value in (runner.get("headers") or {}).items()}
    # Exactly so: with a charset behind it StackStorm sends the text as it is.
    data = _body(body, is_json=_header(headers, "content-type") == "application/json")
    headers["User-Agent"] = USER_AGENT
    headers["X-Stanley-Action"] = request.action.name
    return Exchange(
        method=str(action.get("method") or ("POST" if body or files else "GET")).upper(),
        url=str(runner.get("url") or ""),
        timeout_s=_timeout_s(action.get("timeout")),
        body=data,
        headers=headers,
        options={
            "params": action.get("params") or None,
            "cookies": runner.get("cookies") or None,
            "auth": _auth(runner, action),
            "files": files,
            "proxies": _proxies(runner),
            "verify": runner.get("verify_ssl_cert") is not False,
            "allow_redirects": bool(runner.get("allow_redirects")),
        },
    )


def perform(exchange: Exchange, guard: Guard, *, limit_bytes: int) -> dict[str, Any]:
    """{status_code, body, parsed, headers}; blocks. Raises requests' own errors and RunnerFailure."""
    with requests.Session() as session:
        # The server's own proxies, .netrc and certificates are not the action's.
        session.trust_env = False
        session.max_redirects = _REDIRECTS
        adapter = guarded_adapter(guard)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        guard.check_url(exchange.url)
        with session.request(
            exchange.method,
            exchange.url,
            data=exchange.body,
            headers=dict(exchange.headers),
            timeout=exchange.timeout_s,
            stream=True,
            **exchange.options,
        ) as response:
            return _answer(response, limit_bytes)


def _answer(response: requests.Response, limit_bytes: int) -> dict[str, Any]:
    kept, is_truncated = _read(response, limit_bytes)
    headers = dict(response.headers)
    encoding = get_encoding_from_headers(response.headers) or "utf-8"
    body: Any = kept.decode(_known(encoding), "replace")
    is_parsed = False
    if is_truncated:
        body += f"\n[truncated after {limit_bytes} bytes]"
    elif _header(headers, "content-type").split(";")[0].strip() == "application/json":
        try:
            body = orjson.loads(kept)
            is_parsed = True
        except ValueError:
            # Not what it claims to be; the text is the answer then.
            pass
    return {"status_code": response.status_code, "body": body, "parsed": is_parsed, "headers": headers}


def _read(response: requests.Response, limit_bytes: int) -> tuple[bytes, bool]:
    """The decompressed body up to the limit, and whether there was more."""
    kept = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        kept += chunk
        if len(kept) > limit_bytes:
            return bytes(kept[:limit_bytes]), True
    return bytes(kept), False


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return "utf-8"


def _header(headers: Mapping[str, str], wanted: str) -> str:
    return next((value for name, value in headers.items() if name.lower() == wanted), "")


def _body(body: Any, *, is_json: bool) -> bytes | dict[str, Any] | None:
    """An object without a JSON content type is sent as a form."""
    if body is None or body == "":
        return None
    if is_json:
        return json.dumps(_literal(body)).encode()
    if isinstance(body, str):
        return body.encode("utf-8", "surrogateescape")
    if isinstance(body, Mapping):
        return dict(body)
    return json.dumps(body).encode()


def _literal(body: Any) -> Any:
    """A text is read as JSON, else as a Python literal, as StackStorm does."""
    if not isinstance(body, str):
        return body
    try:
        return json.loads(body)
    except ValueError:
        pass
    try:
        return ast.literal_eval(body)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise RunnerFailure(
            "The body is not JSON, and Content-Type says that it is.",
            hint="Correct the body, or leave the Content-Type out.",
        ) from error


def _files(action: Mapping[str, Any]) -> dict[str, Any] | None:
    name, content = action.get("file_name"), action.get("file_content")
    if not name or not content:
        return None
    content_type = action.get("file_content_type")
    return {str(name): (str(name), content, str(content_type)) if content_type else content}


def _auth(runner: Mapping[str, Any], action: Mapping[str, Any]) -> Any:
    username, password = runner.get("username"), runner.get("password")
    if username or password:
        return HTTPBasicAuth(str(username or ""), str(password or ""))
    given = action.get("auth")
    return tuple(given) if isinstance(given, list) else given or None


def _proxies(runner: Mapping[str, Any]) -> dict[str, str] | None:
    proxies = {
        scheme: str(runner[f"{scheme}_proxy"])
        for scheme in ("http", "https")
        if runner.get(f"{scheme}_proxy")
    }
    return proxies or None


def _timeout_s(value: Any) -> float:
    try:
        timeout_s = float(value or DEFAULT_TIMEOUT_S)
    except (TypeError, ValueError) as error:
        raise RunnerFailure(f"timeout is not a number: {value!r}.") from error
    return timeout_s if timeout_s > 0 else DEFAULT_TIMEOUT_S
