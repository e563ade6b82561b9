"""A real slack-bolt app in a thread of its own, connected by Socket Mode."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack_emulator.emulator import Emulator

T = TypeVar("T")


class Bolt:
    """`with Bolt(slack) as bolt:`; listeners are added to `bolt.app` by `listen`, before that."""

    def __init__(
        self,
        slack: Emulator,
        listen: Callable[[AsyncApp], None] | None = None,
        *,
        team: str = "",
        count: int = 1,
    ) -> None:
        self._slack = slack
        self._listen = listen
        self._token = slack.bot_token_of(team)
        self._app_token = slack.app_of(team).token
        self._count = count
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.handlers: list[AsyncSocketModeHandler] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Something of the app's, in its loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def __enter__(self) -> Self:
        self._before = self._slack.socket_count
        self.run(self._start())
        self._slack.wait_for(lambda: self._slack.socket_count >= self._before + self._count)
        return self

    async def _start(self) -> None:
        self.client = AsyncWebClient(token=self._token, base_url=self._slack.url)
        self.app = AsyncApp(client=self.client)
        if self._listen:
            self._listen(self.app)
        for _ in range(self._count):
            web = AsyncWebClient(token=self._app_token, base_url=self._slack.url)
            handler = AsyncSocketModeHandler(self.app, self._app_token, web_client=web, ping_interval=1)
            await handler.connect_async()
            self.handlers.append(handler)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        for handler in self.handlers:
            with contextlib.suppress(asyncio.CancelledError):
                await handler.close_async()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
