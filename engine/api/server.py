"""The HTTP server under the application: uvicorn, bounded in time where it is not by itself."""

import asyncio
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from engine.settings import Settings

# The first byte of a connection to the end of its first headers, in seconds.
HEADER_TIME_S = 15.0
KEEP_ALIVE_S = 30
CONNECTIONS = 1000
# The address and all headers of a request.
HEADER_LIMIT_BYTES = 64 * 1024
_TOO_LARGE = f"The headers are larger than {HEADER_LIMIT_BYTES} bytes."


class JoinedWrites:
    """A transport that sends the head of an answer and its body in one system call.

    uvicorn writes them one after the other, and each would wake the reader. A piece waits for the next
    one, and no longer than to the end of this turn of the loop.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""

    def write(self, data: bytes) -> None:
        if self._held:
            data, self._held = self._held + data, b""
            self._send(data)
        elif data:
            self._held = data
            self._loop.call_soon(self._let_go)

    def close(self) -> None:
        self._let_go()
        self._transport.close()

    def is_closing(self) -> bool:
        closing: bool = self._transport.is_closing()
        return closing

    def _let_go(self) -> None:
        if self._held:
            data, self._held = self._held, b""
            self._send(data)

    def _send(self, data: bytes) -> None:
        # Whoever asked may be gone meanwhile.
        if not self._transport.is_closing():
            self._transport.write(data)


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose headers do not come in time.

    uvicorn bounds the time between two requests; before the first, and inside the headers,
    a client could hold a connection for ever.
    """

    _header_timer: asyncio.TimerHandle | None = None
    _is_in_headers = True
    """The headers of a request, or the first ones of a connection, are not complete yet."""
    _header_bytes = 0
    """Of the address and the headers that are complete, and of trailers."""
    _unfinished_bytes = 0
    """Since the headers began that are not complete yet."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # uvicorn would log each request with its query, and so a key, wherever a handler listens.
        self.access_log = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.transport = JoinedWrites(transport, self.loop)  # type: ignore[assignment]  # all that uvicorn asks of it from here on
        self._header_timer = self.loop.call_later(HEADER_TIME_S, self._too_slow)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._is_in_headers or self.transport is None or self.transport.is_closing():
            self._unfinished_bytes = 0
            return
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(HEADER_TIME_S, self._too_slow)
        # A single header may never end; the parser keeps what it has of it.
        self._unfinished_bytes += len(data)
        if self._unfinished_bytes > HEADER_LIMIT_BYTES:
            self.send_400_response(_TOO_LARGE)

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def _count(self, size_bytes: int) -> None:
        self._header_bytes += size_bytes
        if self._header_bytes > HEADER_LIMIT_BYTES:
            # The parser hands it on as a fault of the request, which is answered with 400.
            raise ValueError(_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        # The timer starts where they end in the middle; mostly they come at once.
        self._is_in_headers = True

    def on_headers_complete(self) -> None:
        self._is_in_headers = False
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        # The door need not watch over a body that is here already.
        self.scope["state"]["is_complete"] = True
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _too_slow(self) -> None:
        self._header_timer = None
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()


def server_config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """For `uvicorn.Server(server_config(app, settings))`; logging stays as the caller set it up.

    The door logs requests, without their query, at the level debug.
    """
    return uvicorn.Config(
        app,
        host=settings.server.host,
        port=settings.server.port,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=max(1, round(settings.server.shutdown_s)),
    )
