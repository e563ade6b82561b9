"""One execution for the detail view: what it is, what it printed, and how it goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool

from bot import formatting, workflows
from bot.adapters.web import wire
from bot.adapters.web.hub import Hub
from engine.records.execution import Execution, OutputChunk
from engine.records.journal import JournalEntry
from engine.service import Engine
from engine.withdrawals import Standing

# More output than this is read as a file.
_SHOWN_CHARACTERS = 400_000
_HEARTBEAT_S = 15.0
# Output that comes in a flood is shown this often.
_PAUSE_S = 0.2
_TREE_PAUSE_S = 1.0


def about(engine: Engine, execution: Execution) -> dict[str, Any]:
    return wire.execution(engine, execution)


def output_file(engine: Engine, one: Execution) -> tuple[str, str]:
    """A name for the file, and everything that was printed."""
    text = "".join(chunk.data for chunk in engine.output(one.id))
    return f"{formatting.short_id(one.id)}.txt", text


async def follow(
    engine: Engine,
    hub: Hub,
    execution_id: str,
    *,
    standing: Callable[[Callable[[], None]], Standing],
) -> AsyncIterator[bytes]:
    """Frames `output` and `changed` until the execution has ended, then `end`, or until one may not go on."""
    loop = asyncio.get_running_loop()
    wake = asyncio.Event()
    may = standing(wake.set)

    def seen(entries: list[JournalEntry]) -> None:
        if any(execution_id in (entry.subject, entry.data.get("parent")) for entry in entries):
            loop.call_soon_threadsafe(wake.set)

    def stopping() -> None:
        loop.call_soon_threadsafe(wake.set)

    undo = (engine.attach(seen), hub.at_stop(stopping), may.end)
    after = shown = 0
    status = ""
    try:
        while not hub.is_stopping and await may.may_go_on():
            wake.clear()
            one = await run_in_threadpool(engine.execution, execution_id)
            chunks = await run_in_threadpool(partial(engine.output, execution_id, after=after))
            if chunks and shown < _SHOWN_CHARACTERS:
                shown += sum(len(chunk.data) for chunk in chunks)
                yield wire.frame("output", _shown(chunks))
            after = chunks[-1].seq if chunks else after
            if one.status.value != status or workflows.is_workflow(one):
                status = one.status.value
                yield wire.frame("changed", wire.execution(engine, one))
            if one.is_finished:
                yield wire.frame("end", {"is_cut": shown >= _SHOWN_CHARACTERS})
                return
            await asyncio.sleep(_TREE_PAUSE_S if workflows.is_workflow(one) else _PAUSE_S)
            try:
                async with asyncio.timeout_at(min(loop.time() + _HEARTBEAT_S, may.look_at)):
                    await wake.wait()
            except TimeoutError:
                yield b": still here\n\n"
    finally:
        for call in undo:
            call()


def _shown(chunks: list[OutputChunk]) -> list[dict[str, Any]]:
    left = _SHOWN_CHARACTERS
    shown = []
    for chunk in chunks:
        text = formatting.clean(chunk.data[:left])
        shown.append({**wire.chunk(chunk), "data": text})
        left -= len(text)
        if left <= 0:
            break
    return shown
