"""A wait for the next status of an execution."""

import asyncio

from starlette.concurrency import run_in_threadpool

from engine.api.call import Call
from engine.records.execution import Execution
from engine.records.journal import JournalEntry


async def moved(call: Call, execution: Execution, seen: str, wait_s: float) -> Execution:
    """The execution once its status is another one than `seen`; after the time, as it is then."""
    loop = asyncio.get_running_loop()
    wake = asyncio.Event()

    def listener(entries: list[JournalEntry]) -> None:
        if any(entry.subject == execution.id for entry in entries):
            loop.call_soon_threadsafe(wake.set)

    detach = call.engine.attach(listener)
    try:
        async with asyncio.timeout(wait_s):
            while (execution := await run_in_threadpool(call.engine.execution, execution.id)).status == seen:
                await wake.wait()
                wake.clear()
    except TimeoutError:
        pass
    finally:
        detach()
    return execution
