"""The event stream: server-sent events, with filters, a heartbeat, and ids that outlive a restart."""

import asyncio
from collections.abc import Iterable
from fnmatch import fnmatchcase

from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from engine.api.call import Call
from engine.api.resource import Answering, Endpoint, standing
from engine.api.scopes import NARROWED, has_execution, narrowed
from engine.api.shape import Raw
from engine.api.stream_hub import Happening, StreamHub
from engine.api.throttle import owner_of
from engine.api.wire_stream import DEFAULT, EXECUTION, OUTPUT_EVENT, UPDATE_EVENT, UPDATES, Frame
from engine.errors import BadInput, Denied
from engine.records.access import Scope as KeyScope
from engine.specs.right import Right
from engine.withdrawals import Standing

# As in StackStorm. At each beat the credentials are looked at again, whatever we have heard of them.
HEARTBEAT_S = 25.0
# Of a limited key: so many executions are known as its own.
REMEMBERED = 10_000
_LONGEST_ID = 18
_HEADERS = (
    (b"content-type", b"text/event-stream; charset=UTF-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


class Stream:
    """One open stream, as an ASGI answer."""

    def __init__(self, call: Call, hub: StreamHub, *, heartbeat_s: float) -> None:
        query = call.query
        self._call = call
        self._hub = hub
        self._heartbeat_s = heartbeat_s
        self._globs = tuple(query.names("events")) or DEFAULT
        self._known: dict[str, bool] = {}
        self._actions = frozenset(query.names("action_refs"))
        self._executions = frozenset(query.names("execution_ids"))
        self._end_event = query.text("end_event") or UPDATE_EVENT
        self._end_execution = query.text("end_execution_id") or ""
        self._seen = _last_event_id(call)
        """The entry of the journal that this client saw last."""
        self._number: int | None = None
        """The next happening in the hub's ring; None: it reads the journal."""
        self._scope = narrowed(call, Right.STREAM_VIEW)
        self._own: dict[str, None] = {}
        """Of a limited key: executions that it may see, the newest last."""
        self._printed: dict[str, int] = {}
        """Of executions whose output was told at the start: the last piece of that."""
        self.wake = asyncio.Event()
        self.owner = owner_of(call.requester)

    def wants(self, event: str) -> bool:
        if self._scope is not None and event.startswith(EXECUTION):
            # By these we know what is a task of what.
            return True
        return self._shows(event) or (event == self._end_event and bool(self._end_execution))

    def _shows(self, event: str) -> bool:
        known = self._known.get(event)
        if known is None:
            known = self._known[event] = any(fnmatchcase(event, glob) for glob in self._globs)
        return known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
            await send({"type": "http.response.body", "body": b""})
            return
        gone = asyncio.ensure_future(_disconnected(receive, self.wake))
        try:
            first = await self._hub.join(self)
            opening = b"\n"
            if self._seen is None:
                self._seen, self._number = self._hub.position, first
                # Else who loses the connection before the first event could not say from where to go on.
                opening = b"\nid: %d\n\n" % self._seen
            # Before the answer begins: an execution that is not there is 404.
            frames, is_over = await self._so_far()
            await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
            await _write(send, [opening, *(frame.body for frame in frames)])
            if not is_over:
                await self._follow(send, gone)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            self._hub.leave(self)

    async def _so_far(self) -> tuple[list[Frame], bool]:
        """Of the execution that ends the stream: it may be over before the stream began."""
        if not self._end_execution:
            return [], False
        if self._scope is not None:
            await run_in_threadpool(self._check_end, self._scope)
        frames, is_over = await run_in_threadpool(self._hub.so_far, self._end_execution, self.wants)
        for frame in frames:
            if frame.seq:
                self._printed[frame.execution_id] = frame.seq
        is_over = is_over and self._end_event in UPDATES
        return [frame for frame in frames if self._fits(frame)], is_over

    def _check_end(self, scope: KeyScope) -> None:
        """Raises NotFound, Denied."""
        execution = self._call.engine.execution(self._end_execution)
        if not has_execution(self._call, scope, execution):
            raise Denied("This key is limited: the execution is not of an action that it names.")
        self._own[execution.id] = None

    async def _follow(self, send: Send, gone: "asyncio.Future[None]") -> None:
        may = standing(self._call, Right.STREAM_VIEW, NARROWED, self.wake, beat_s=self._heartbeat_s)
        try:
            await self._tell(send, gone, may)
        finally:
            may.end()

    async def _tell(self, send: Send, gone: "asyncio.Future[None]", may: Standing) -> None:
        loop = asyncio.get_running_loop()
        beat = loop.time() + self._heartbeat_s
        while not gone.done() and not self._hub.is_stopping:
            self.wake.clear()
            # A key that was revoked, a token that has expired, a role that is gone: it ends here.
            if not await may.may_go_on():
                return
            happenings = await self._next()
            chunks, is_over = self._shown(happenings)
            await _write(send, chunks)
            if is_over:
                return
            if happenings or self._number is None:
                continue
            try:
                async with asyncio.timeout_at(min(beat, may.look_at)):
                    await self.wake.wait()
            except TimeoutError:
                if loop.time() >= beat:
                    await _write(send, [b"\n"])
                    beat = loop.time() + self._heartbeat_s

    async def _next(self) -> list[Happening]:
        """What comes next, in memory or from the journal."""
        if self._number is not None:
            found = self._hub.after(self._number)
            if found is not None:
                self._number += len(found)
                return found
            return await self._missed_output()
        # Both of the same moment: what comes later than `end` has a number from `number` on.
        end, number = self._hub.position, self._hub.next_number
        seen = self._seen or 0
        if seen >= end:
            self._number = number
            return []
        missed, seen = await run_in_threadpool(self._hub.read, seen, end, self.wants)
        self._seen = seen
        self._number = number if seen >= end else None
        return missed

    async def _missed_output(self) -> list[Happening]:
        """Too slow for the ring: what it lost of the journal is read there, output only of its execution."""
        self._number = None
        if not self._end_execution or not self.wants(OUTPUT_EVENT):
            return []
        printed = self._printed.get(self._end_execution, 0)
        return await run_in_threadpool(self._hub.output_after, self._end_execution, printed)

    def _shown(self, happenings: Iterable[Happening]) -> tuple[list[bytes], bool]:
        """What to write, and whether the end that was asked for is in it."""
        chunks: list[bytes] = []
        for happening in happenings:
            self._seen = max(self._seen or 0, happening.entry_id)
            frames = [frame for frame in happening.frames if self._fits(frame) and not self._is_old(frame)]
            for place, frame in enumerate(frames, start=1):
                # The id stands with the last event of an entry: whoever has it has them all.
                if happening.entry_id and place == len(frames):
                    chunks.append(b"id: %d\n" % happening.entry_id)
                chunks.append(frame.body)
                if frame.seq and frame.execution_id == self._end_execution:
                    self._printed[frame.execution_id] = frame.seq
            if any(self._is_the_end(frame) for frame in happening.frames):
                return chunks, True
        return chunks, False

    def _fits(self, frame: Frame) -> bool:
        return (
            (self._scope is None or self._is_own(frame, self._scope))
            and self._shows(frame.event)
            and (not self._actions or frame.action in self._actions)
            and (not self._executions or frame.execution_id in self._executions)
        )

    def _is_own(self, frame: Frame, scope: KeyScope) -> bool:
        """Of an action that the key names, or a task of what this stream has seen of them."""
        if not frame.execution_id:
            return False
        if frame.execution_id in self._own:
            return True
        if not (scope.has_action(frame.action) or frame.parent_id in self._own):
            return False
        self._own[frame.execution_id] = None
        if len(self._own) > REMEMBERED:
            self._own.pop(next(iter(self._own)))
        return True

    def _is_old(self, frame: Frame) -> bool:
        return 0 < frame.seq <= self._printed.get(frame.execution_id, 0)

    def _is_the_end(self, frame: Frame) -> bool:
        return frame.is_end and frame.execution_id == self._end_execution and frame.event == self._end_event


def _last_event_id(call: Call) -> int | None:
    given = call.headers.get(b"last-event-id", b"")
    if not given:
        return None
    if not given.isdigit() or len(given) > _LONGEST_ID:
        raise BadInput("Last-Event-ID is none of our ids.", hint="Leave it out to begin now.")
    return int(given)


async def _write(send: Send, chunks: Iterable[bytes]) -> None:
    body = b"".join(chunks)
    if body:
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _disconnected(receive: Receive, wake: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    wake.set()


async def get_stream(call: Call) -> Answering:
    return Stream(call, call.stream, heartbeat_s=HEARTBEAT_S)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/stream",
        handler=get_stream,
        right=Right.STREAM_VIEW,
        query=("action_refs", "end_event", "end_execution_id", "events", "execution_ids"),
        gives=Raw(("text/event-stream",)),
    ),
)
