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


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose headers do not come in time.

    uvicorn bounds the time between two requests; before the first, and inside the headers,
    a client could hold a connection for ever.
    """

    _header_timer: asyncio.TimerHandle | None = None

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # uvicorn would log each request with its query, and so a key, wherever a handler listens.
        self.access_log = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._header_timer = self.loop.call_later(HEADER_TIME_S, self._too_slow)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(HEADER_TIME_S, self._too_slow)

    def on_headers_complete(self) -> None:
        self._stop_timer()
        super().on_headers_complete()

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
