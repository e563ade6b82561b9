"""The running server as an agent's tools see it: its API, with the patience to outwait a restart."""

import codecs
import json
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aiohttp
import anyio

# Every request says that an agent asks; see engine/api/call.py.
ORIGIN = {"Stormcrow-Origin": "mcp"}
ANSWER_S = 30.0
# Between two tries while no server answers.
PAUSE_S = 0.3
# What a proxy says while the server behind it starts.
_AWAY = frozenset({502, 503, 504})


class Refused(Exception):
    """The server answered, and refused; the message is its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class NoServer(Exception):
    """None answered until the time was over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """`url` is the server's, without /api; `key`: an API key."""

    url: str
    key: str


class Door:
    """For one event loop: `async with Door(address) as door`."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Door":
        headers = {"St2-Api-Key": self._address.key, "Accept": "application/json", **ORIGIN}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        # A connection that stood over a restart only costs a try.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        self._session = aiohttp.ClientSession(headers=headers, timeout=timeout, connector=connector)
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(
        self,
        method: str,
        *path: str,
        give_up_at: float,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        wait_s: float = 0,
        is_whole: bool = False,
    ) -> Any:
        """The answer from JSON; the same request again and again while no server answers.

        So only for what may be asked twice. `give_up_at`: of time.monotonic(). `wait_s`: how long the
        server itself may wait before it answers. `is_whole`: a request that is under way is not cancelled,
        so that its answer is known. Raises Refused, NoServer.
        """
        while True:
            try:
                with anyio.CancelScope(shield=is_whole), anyio.fail_after(ANSWER_S + wait_s):
                    return await self._once(method, path, query, body, headers)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                if time.monotonic() + PAUSE_S >= give_up_at:
                    raise NoServer(f"No server answers at {self._address.url}.") from error
                await anyio.sleep(PAUSE_S)

    async def _once(
        self,
        method: str,
        path: tuple[str, ...],
        query: Mapping[str, str] | None,
        body: Any,
        headers: Mapping[str, str] | None,
    ) -> Any:
        async with self._open.request(
            method, self._url(path), params=query, json=body, headers=headers, allow_redirects=False
        ) as answer:
            raw = await answer.read()
            if answer.status in _AWAY or (answer.status == 409 and headers is not None):
                # 409: the same request is still being stored, whose answer we did not wait for.
                raise aiohttp.ClientConnectionError(f"HTTP status {answer.status}")
            if answer.status >= 300:
                raise Refused(answer.status, _fault(answer.status, raw))
            return _json(raw)

    async def output(self, execution_id: str) -> AsyncGenerator[str, None]:
        """What it prints, as it comes, until its end or until the server is gone. Raises Refused."""
        url = self._url(("executions", execution_id, "output"))
        try:
            async with self._open.get(url, params={"follow": "true"}) as answer:
                if answer.status >= 300:
                    raise Refused(answer.status, _fault(answer.status, await answer.read()))
                decoder = codecs.getincrementaldecoder("utf-8")("replace")
                async for piece in answer.content.iter_any():
                    yield decoder.decode(piece)
        except (aiohttp.ClientError, OSError):
            return

    async def text(self, *path: str, give_up_at: float, query: Mapping[str, str] | None = None) -> str:
        """A body that is no JSON. Raises as `ask` does."""
        while True:
            try:
                with anyio.fail_after(ANSWER_S):
                    async with self._open.get(self._url(path), params=query) as answer:
                        raw = await answer.read()
                        if answer.status >= 300:
                            raise Refused(answer.status, _fault(answer.status, raw))
                        return raw.decode("utf-8", "replace")
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                if time.monotonic() + PAUSE_S >= give_up_at:
                    raise NoServer(f"No server answers at {self._address.url}.") from error
                await anyio.sleep(PAUSE_S)

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the door is used inside its `async with`")
        return self._session

    def _url(self, path: tuple[str, ...]) -> str:
        return f"{self._address.url}/api/v1/{'/'.join(quote(part, safe='') for part in path)}"


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError as error:
        raise Refused(200, "What answers there is no Stormcrow.") from error


def _fault(status: int, raw: bytes) -> str:
    try:
        return str(json.loads(raw)["faultstring"])
    except (ValueError, KeyError, TypeError):
        return f"The server answered with HTTP status {status}."
