"""Futures of other threads, awaited on the event loop: what is done together wakes the loop once."""

import asyncio
import threading
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Landing:
    """For one event loop. `asyncio.wrap_future` wakes it for every future; under load that is dear."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._landed: list[tuple[asyncio.Future[Any], Future[Any]]] = []

    async def wait(self, future: "Future[T]") -> T:
        """The result. Raises what the future holds; being cancelled does not cancel the future."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[T] = loop.create_future()

        def land(done: "Future[T]") -> None:
            with self._lock:
                self._landed.append((waiter, done))
                is_first = len(self._landed) == 1
            if is_first and not loop.is_closed():
                loop.call_soon_threadsafe(self._clear)

        future.add_done_callback(land)
        return await waiter

    def _clear(self) -> None:
        with self._lock:
            landed, self._landed = self._landed, []
        for waiter, done in landed:
            error = done.exception()
            if waiter.done():
                continue
            if error is not None:
                waiter.set_exception(error)
            else:
                waiter.set_result(done.result())
