"""The thread in which this Slack runs, and the way into it from any other."""

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

_LIMIT_S = 60


class LoopThread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._work, name="slack emulator", daemon=True)
        self._changed = threading.Condition()
        self._version = 0

    def start(self) -> None:
        self._thread.start()

    def _work(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_LIMIT_S)
        self.loop.close()

    def call(self, function: Callable[[], R]) -> R:
        """The function's result, run in the loop's thread."""
        if threading.current_thread() is self._thread:
            return function()

        async def run() -> R:
            return function()

        return self.wait(run())

    def wait(self, work: Coroutine[Any, Any, R]) -> R:
        """Run it in the loop, and wait here for its result; never called from the loop itself."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_LIMIT_S)

    # waiting for something to become true

    def touch(self) -> None:
        """Something changed: who waits looks again."""
        with self._changed:
            self._version += 1
            self._changed.notify_all()

    @property
    def version(self) -> int:
        return self._version

    def wait_for_change(self, since: int, timeout_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._version != since, timeout_s)


class OnLoop(Protocol):
    _thread: LoopThread


S = TypeVar("S", bound=OnLoop)


def on_loop(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
    """A method that may be called from any thread, and runs in the loop's."""

    @functools.wraps(method)
    def run(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._thread.call(lambda: method(self, *args, **kwargs))

    return cast("Callable[Concatenate[S, P], R]", run)
