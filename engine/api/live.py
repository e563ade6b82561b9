"""Output while it comes: a chunked answer that ends with the execution."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from engine.api.wire_stream import output_frames
from engine.records.execution import Execution, OutputChunk
from engine.records.journal import JournalEntry
from engine.service import Engine


@dataclass(frozen=True, slots=True)
class Shape:
    """How output is written; `end` closes it."""

    content_type: bytes
    render: Callable[[Execution, Sequence[OutputChunk]], bytes]
    end: bytes = b""


def _text(_execution: Execution, chunks: Sequence[OutputChunk]) -> bytes:
    return "".join(chunk.data for chunk in chunks).encode(errors="replace")


def _events(execution: Execution, chunks: Sequence[OutputChunk]) -> bytes:
    return b"".join(frame.body for frame in output_frames(execution, chunks))


PLAIN = Shape(b"text/plain; charset=utf-8", _text)
EVENTS = Shape(b"text/event-stream; charset=UTF-8", _events, end=b"event: EOF\ndata: ''\n\n")


class LiveOutput:
    """`kind`: stdout, stderr, or None for both. Woken by commits; a reader that lags is waited for."""

    def __init__(
        self, engine: Engine, execution_id: str, kind: str | None, *, shape: Shape | None = None
    ) -> None:
        self._shape = shape or PLAIN
        self._engine = engine
        self._execution_id = execution_id
        self._kind = kind

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        wake = asyncio.Event()

        def listener(entries: list[JournalEntry]) -> None:
            if any(entry.subject == self._execution_id for entry in entries):
                loop.call_soon_threadsafe(wake.set)

        detach = self._engine.attach(listener)
        gone = asyncio.ensure_future(_disconnected(receive, wake))
        try:
            await self._follow(send, wake, gone)
        finally:
            gone.cancel()
            detach()

    async def _follow(self, send: Send, wake: asyncio.Event, gone: "asyncio.Future[None]") -> None:
        headers = [(b"content-type", self._shape.content_type), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        after = 0
        while not gone.done():
            wake.clear()
            execution, chunks = await run_in_threadpool(self._read, after)
            if chunks:
                after = chunks[-1].seq
                body = self._shape.render(execution, chunks)
                await send({"type": "http.response.body", "body": body, "more_body": True})
            elif execution.is_finished:
                break
            else:
                await wake.wait()
        await send({"type": "http.response.body", "body": self._shape.end, "more_body": False})

    def _read(self, after: int) -> tuple[Execution, list[OutputChunk]]:
        # The status first: what was printed before the end is then among the chunks.
        execution = self._engine.execution(self._execution_id)
        return execution, self._engine.output(self._execution_id, after=after, kind=self._kind)


async def _disconnected(receive: Receive, wake: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    wake.set()
