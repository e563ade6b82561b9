"""Output while it comes: an answer that ends with the execution, and goes on where another broke off."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from engine.api.call import Call
from engine.api.resource import standing
from engine.api.scopes import Reach, is_of_execution
from engine.api.wire_stream import output_frames
from engine.errors import BadInput
from engine.records.execution import Execution, OutputChunk
from engine.records.journal import JournalEntry
from engine.service import Engine
from engine.specs.right import Right
from engine.withdrawals import Standing

# So often the credentials are looked at again, and who reads events hears that we are there.
HEARTBEAT_S = 25.0
KINDS = ("stdout", "stderr")
_REACH = Reach(is_of=is_of_execution)
_PLACE = re.compile(r"(\d{1,15})\.(\d{1,15})")


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk, without what was told before. `place`: what was told by its end, as an event's id."""

    chunk: OutputChunk
    place: str


@dataclass(frozen=True, slots=True)
class Shape:
    """How output is written; `end` closes it, `beat` says nothing."""

    content_type: bytes
    render: Callable[[Execution, Sequence[Piece]], bytes]
    end: bytes = b""
    beat: bytes = b""


def _text(_execution: Execution, pieces: Sequence[Piece]) -> bytes:
    return "".join(piece.chunk.data for piece in pieces).encode(errors="replace")


def _events(execution: Execution, pieces: Sequence[Piece]) -> bytes:
    frames = output_frames(execution, [piece.chunk for piece in pieces])
    return b"".join(
        b"id: %s\n%s" % (piece.place.encode(), frame.body)
        for piece, frame in zip(pieces, frames, strict=True)
    )


PLAIN = Shape(b"text/plain; charset=utf-8", _text)
EVENTS = Shape(b"text/event-stream; charset=UTF-8", _events, end=b"event: EOF\ndata: ''\n\n", beat=b"\n")


@dataclass(slots=True)
class Reading:
    """What of an execution's output was told, counted in bytes of each kind.

    Chunks are no measure: after a crash the output is collected again, in other pieces.
    """

    engine: Engine
    execution_id: str
    kind: str | None
    """stdout, stderr, or None for both."""
    told: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    _passed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    _last: OutputChunk | None = None

    def next(self) -> tuple[Execution, list[Piece]]:
        """What there is now behind what was told; blocks."""
        # The status first: what was printed before the end is then among the chunks.
        execution = self.engine.execution(self.execution_id)
        return execution, [piece for chunk in self._chunks() if (piece := self._fresh(chunk)) is not None]

    def _chunks(self) -> list[OutputChunk]:
        last = self._last
        found = self.engine.output(self.execution_id, after=last.seq - 1 if last else 0, kind=self.kind)
        if last is not None:
            if found and (found[0].seq, found[0].at) == (last.seq, last.at):
                found = found[1:]
            else:
                # It was collected anew.
                self._passed = dict.fromkeys(KINDS, 0)
                found = self.engine.output(self.execution_id, kind=self.kind)
        if found:
            self._last = found[-1]
        return found

    def _fresh(self, chunk: OutputChunk) -> Piece | None:
        raw = chunk.data.encode(errors="replace")
        self._passed[chunk.kind] += len(raw)
        count = self._passed[chunk.kind] - self.told[chunk.kind]
        if count <= 0:
            return None
        self.told[chunk.kind] += count
        data = chunk.data if count == len(raw) else raw[-count:].decode(errors="replace")
        return Piece(replace(chunk, data=data), f"{self.told['stdout']}.{self.told['stderr']}")


def told_before(call: Call, kind: str | None) -> dict[str, int]:
    """From `Last-Event-ID`, or `offset=BYTES` of one kind. Raises BadInput."""
    last = call.headers.get(b"last-event-id", b"").decode("latin-1").strip()
    if last:
        found = _PLACE.fullmatch(last)
        if found is None:
            raise BadInput("Last-Event-ID is none of this output.", hint="Leave it out to begin anew.")
        return dict(zip(KINDS, map(int, found.groups()), strict=True))
    offset = call.query.integer("offset", 0)
    if offset < 0 or (offset and kind is None):
        raise BadInput(
            '"offset" counts the bytes of one kind of output.', hint="Give output_type=stdout or stderr too."
        )
    return {one: offset if one == kind else 0 for one in KINDS}


class LiveOutput:
    """Woken by commits; a reader that lags is waited for."""

    def __init__(self, call: Call, reading: Reading, *, shape: Shape = PLAIN) -> None:
        self._call = call
        self._reading = reading
        self._shape = shape

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        wake = asyncio.Event()

        def listener(entries: list[JournalEntry]) -> None:
            if any(entry.subject == self._reading.execution_id for entry in entries):
                loop.call_soon_threadsafe(wake.set)

        detach = self._call.engine.attach(listener)
        gone = asyncio.ensure_future(_disconnected(receive, wake))
        may = standing(self._call, Right.EXECUTION_VIEW, _REACH, wake, beat_s=HEARTBEAT_S)
        try:
            await self._follow(send, wake, gone, may)
        finally:
            may.end()
            gone.cancel()
            detach()

    async def _follow(
        self, send: Send, wake: asyncio.Event, gone: "asyncio.Future[None]", may: Standing
    ) -> None:
        headers = [(b"content-type", self._shape.content_type), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while not gone.done():
            wake.clear()
            if not await may.may_go_on():
                # Without the word for the end.
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            execution, pieces = await run_in_threadpool(self._reading.next)
            if pieces:
                body = self._shape.render(execution, pieces)
                await send({"type": "http.response.body", "body": body, "more_body": True})
            elif execution.is_finished:
                break
            else:
                await self._wait(send, wake, may)
        await send({"type": "http.response.body", "body": self._shape.end, "more_body": False})

    async def _wait(self, send: Send, wake: asyncio.Event, may: Standing) -> None:
        loop = asyncio.get_running_loop()
        beat = loop.time() + HEARTBEAT_S
        try:
            async with asyncio.timeout_at(min(beat, may.look_at)):
                await wake.wait()
        except TimeoutError:
            if self._shape.beat and loop.time() >= beat:
                await send({"type": "http.response.body", "body": self._shape.beat, "more_body": True})


def wants_events(headers: Mapping[bytes, bytes]) -> bool:
    return b"text/event-stream" in headers.get(b"accept", b"").lower()


async def _disconnected(receive: Receive, wake: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    wake.set()
