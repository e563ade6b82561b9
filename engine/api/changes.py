"""A wait for something to change, for requests that want to be answered then."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from engine.api.call import Call
from engine.records.execution import Execution
from engine.records.journal import JournalEntry

T = TypeVar("T")
Wake = Callable[[], None]


async def changed(
    call: Call,
    read: Callable[[], T],
    *,
    is_new: Callable[[T], bool],
    attach: Callable[[Wake], Callable[[], None]],
    wait_s: float,
) -> T:
    """What `read` gives as soon as it is new; after the time, or when the server stops, as it is then.

    `read` runs in a thread. `attach` has what it is given called, from any thread, whenever there may be
    something new, and gives what ends that.
    """
    wake = asyncio.Event()
    loop = asyncio.get_running_loop()

    def wake_soon() -> None:
        loop.call_soon_threadsafe(wake.set)

    detach = attach(wake_soon)
    let_go = call.stream.hold(wake)
    try:
        give_up_at = loop.time() + wait_s
        found = await run_in_threadpool(read)
        while not is_new(found) and not call.stream.is_stopping:
            async with asyncio.timeout_at(give_up_at):
                await wake.wait()
            wake.clear()
            found = await run_in_threadpool(read)
    except TimeoutError:
        pass
    finally:
        let_go()
        detach()
    return found


async def moved(call: Call, execution: Execution, seen: str, wait_s: float) -> Execution:
    """The execution once its status is another one than `seen`."""

    def attach(wake: Wake) -> Callable[[], None]:
        def listener(entries: list[JournalEntry]) -> None:
            if any(entry.subject == execution.id for entry in entries):
                wake()

        return call.engine.attach(listener)

    read = partial(call.engine.execution, execution.id)
    return await changed(call, read, is_new=lambda now: now.status != seen, attach=attach, wait_s=wait_s)
