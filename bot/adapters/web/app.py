"""The routes of the web chat under /chat: the page, JSON, and the stream of events."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.adapters.web import completion, detail, exchange, prompts, sign_in, wire
from bot.adapters.web.adapter import WebAdapter, message_id
from bot.adapters.web.exchange import Answer
from bot.adapters.web.guard import Guard, Session, address_of
from bot.adapters.web.hub import Page
from bot.allowed import runnable_by
from bot.chat import Author, BadAnswer, Message
from bot.identities import Identities
from engine.errors import (
    BadInput,
    Conflict,
    Denied,
    EngineError,
    NotFound,
    StoreFailure,
    TooOften,
    Unauthenticated,
)
from engine.records.execution import Execution
from engine.rights.place import Where
from engine.store import chat as store
from engine.store import journal
from engine.withdrawals import Standing

_STATIC = Path(__file__).with_name("static")
_MEDIA = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# No inline script, no other host, no frame: what data manages to say in a page stays text.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
# A stream that has nothing to say says so this often, so that nobody in between cuts it.
HEARTBEAT_S = 15.0
# Who has too many open comes back after so long.
RETRY_S = 5.0
_STATUS: tuple[tuple[type[EngineError], int], ...] = (
    (BadInput, 400),
    (Unauthenticated, 401),
    (Denied, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooOften, 429),
    (StoreFailure, 503),
)


def mount(app: Starlette, adapter: WebAdapter) -> None:
    """Serve the chat at /chat."""
    app.router.routes.extend(routes(adapter))


def routes(adapter: WebAdapter) -> list[Route]:
    chat = _Chat(adapter)
    return [
        Route("/chat", chat.door(chat.page), methods=["GET"]),
        Route("/chat/static/{name}", chat.door(chat.static), methods=["GET"]),
        Route("/chat/session", chat.door(chat.session), methods=["GET", "POST", "DELETE"]),
        Route("/chat/channels", chat.door(chat.channels), methods=["GET", "POST"]),
        Route("/chat/channels/{name}/messages", chat.door(chat.history), methods=["GET"]),
        Route("/chat/messages", chat.door(chat.say), methods=["POST"]),
        Route("/chat/events", chat.door(chat.events), methods=["GET"]),
        Route("/chat/commands", chat.door(chat.commands), methods=["GET"]),
        *prompts.routes(adapter, guard=chat.guard, door=chat.door),
        *sign_in.routes(adapter.engine, guard=chat.guard, door=chat.door),
        Route("/chat/executions/{id}", chat.door(chat.execution), methods=["GET"]),
        Route("/chat/executions/{id}/events", chat.door(chat.execution_events), methods=["GET"]),
        Route("/chat/executions/{id}/output", chat.door(chat.execution_output), methods=["GET"]),
    ]


class _Chat:
    def __init__(self, adapter: WebAdapter) -> None:
        self._adapter = adapter
        self._engine = adapter.engine
        self.guard = Guard(adapter.engine)
        self._identities = Identities(adapter.engine)
        self._files = {path.name: path.read_bytes() for path in _STATIC.iterdir() if path.suffix in _MEDIA}

    def door(self, answer: Answer) -> Answer:
        """Checks where a request comes from, and turns the engine's errors into answers."""

        async def through(request: Request) -> Response:
            try:
                self.guard.check(request)
                response = await answer(request)
            except EngineError as error:
                status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
                told: dict[str, Any] = await run_in_threadpool(self._told, error)
                if isinstance(error, BadAnswer):
                    told["problems"] = error.problems
                response = exchange.json(told, status)
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return through

    def _told(self, error: EngineError) -> dict[str, Any]:
        names = self._engine.names
        return {"error": names.in_text(error.message), "hint": names.in_text(error.hint)}

    # the page

    async def page(self, _request: Request) -> Response:
        return _file("index.html", self._files["index.html"])

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._files:
            raise NotFound(f"There is no file {name!r}.")
        return _file(name, self._files[name])

    # who is there

    async def session(self, request: Request) -> Response:
        if request.method == "DELETE":
            response = exchange.json({"signed_in": False, "login": self.guard.needs_login})
            self.guard.take(response)
            return response
        if request.method == "POST":
            given = await exchange.body(request)
            if given.get("key"):
                session = await run_in_threadpool(
                    self.guard.verified, exchange.text(given, "key"), address_of(request)
                )
            else:
                session = self.guard.named(exchange.text(given, "name"))
            response = self._about(session)
            self.guard.give(response, session)
            return response
        fresh = await run_in_threadpool(self.guard.of_proxy, request)
        try:
            found = self.guard.session(request)
            if fresh is None or fresh.user == found.user:
                return self._about(found)
        except Unauthenticated:
            fresh = fresh or self.guard.default()
        response = self._about(fresh)
        if fresh is not None:
            self.guard.give(response, fresh)
        return response

    def _about(self, session: Session | None) -> Response:
        settings = self._engine.settings.chat
        return exchange.json(
            {
                "signed_in": session is not None,
                "login": self.guard.needs_login,
                "logins": [
                    {"name": one.entry.name, "title": one.entry.title or one.entry.name}
                    for one in self._engine.outside.sign_ins.ways
                ],
                "user": session.user if session else None,
                "name": session.name if session else None,
                "verified": session.is_verified if session else False,
                "direct": session.direct_channel if session else None,
                "bot": wire.BOT,
                "home": settings.channels[0] if settings.channels else None,
                "prefix": settings.prefix,
                "limit_bytes": settings.text_limit_bytes,
            }
        )

    # channels and messages

    async def channels(self, request: Request) -> Response:
        session = self.guard.session(request)
        if request.method == "POST":
            name = exchange.channel(exchange.text(await exchange.body(request), "name"), session)
            await run_in_threadpool(self._adapter.ensure_channel, name, made_by=session.user)
            return exchange.json({"name": name}, 201)

        def read() -> list[dict[str, Any]]:
            with self._engine.database.read() as connection:
                found = store.channels(connection, self._adapter.name)
            return [
                {"name": one.name, "newest_seq": one.newest_seq}
                for one in found
                if not one.name.startswith("@") or one.name == session.direct_channel
            ]

        return exchange.json({"channels": await run_in_threadpool(read), "direct": session.direct_channel})

    async def history(self, request: Request) -> Response:
        session = self.guard.session(request)
        channel = exchange.channel(request.path_params["name"], session)
        before = exchange.number(request, "before")
        limit = min(exchange.number(request, "limit") or 50, 200)

        def read() -> dict[str, Any]:
            with self._engine.database.read() as connection:
                # The cursor first: what comes in between is then shown twice, never left out.
                cursor = journal.newest(connection)
                found, more = store.history(
                    connection, self._adapter.name, channel, before=before, limit=limit
                )
            return {"messages": [wire.message(one) for one in found], "more": more, "cursor": cursor}

        return exchange.json(await run_in_threadpool(read))

    async def say(self, request: Request) -> Response:
        session = self.guard.session(request)
        given = await exchange.body(request)
        channel = exchange.channel(exchange.text(given, "channel"), session)
        key = exchange.delivery_key(given)
        text = exchange.text(given, "text")
        if not text.strip():
            raise BadInput("There is nothing to send.")
        author = replace(
            session.author(exchange.text(given, "name", default="")[:40]),
            zone=exchange.text(given, "zone", default="")[:60],
        )
        thread = exchange.text(given, "thread", default="") or None
        is_direct = bool(given.get("direct")) or channel == session.direct_channel
        message = Message(
            adapter=self._adapter.name,
            id=message_id(f"{self._adapter.name}:{author.id}:{key}"),
            channel=channel,
            thread=thread,
            author=author,
            text=text,
            is_direct=is_direct,
            delivery_key=key,
        )
        await run_in_threadpool(self._deliver, message)
        return exchange.json({"id": message.id}, 201)

    def _deliver(self, message: Message) -> None:
        if message.thread is not None:
            with self._engine.database.read() as connection:
                first = store.messages(connection, [message.thread])
            if not first or first[0].channel != message.channel or first[0].thread_id is not None:
                raise BadInput("There is no such thread in this channel.")
        self._adapter.ensure_channel(message.channel, made_by=message.author.id)
        self._adapter.deliver(message)

    async def events(self, request: Request) -> Response:
        session = self.guard.session(request)
        most = self._engine.settings.limits.streams
        if self._adapter.hub.open_of(session.direct_channel) >= most:
            raise TooOften(f"There are {most} open pages of yours already.", retry_after_s=RETRY_S)
        after = request.headers.get("last-event-id") or request.query_params.get("after") or ""

        def newest() -> int:
            with self._engine.database.read() as connection:
                return journal.newest(connection)

        cursor = int(after) if after.isdecimal() and len(after) < 19 else await run_in_threadpool(newest)
        page = Page(direct_channel=session.direct_channel, after=cursor, loop=asyncio.get_running_loop())
        return _stream(self._events(page, request))

    async def _events(self, page: Page, request: Request) -> AsyncIterator[bytes]:
        may = self.guard.standing(request, page.look, beat_s=HEARTBEAT_S, check=self.guard.session)
        self._adapter.hub.join(page)
        loop = asyncio.get_running_loop()
        beat = loop.time() + HEARTBEAT_S
        try:
            yield b"retry: 1000\n\n"
            while await may.may_go_on():
                try:
                    async with asyncio.timeout_at(min(beat, may.look_at)):
                        frame = await page.queue.get()
                except TimeoutError:
                    frame = b": still here\n\n" if loop.time() >= beat else b""
                if frame is None:
                    return
                if frame:
                    yield frame
                    beat = loop.time() + HEARTBEAT_S
        finally:
            may.end()
            self._adapter.hub.leave(page)

    async def commands(self, request: Request) -> Response:
        found = await run_in_threadpool(self._commands, self.guard.session(request).author())
        # Of one person: rights may change although no content does.
        tag = f'"{hashlib.sha256(orjson.dumps(found)).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304)
        response = exchange.json(found)
        response.headers["etag"] = tag
        response.headers["cache-control"] = "no-cache"
        return response

    def _commands(self, author: Author) -> list[dict[str, Any]]:
        """What this person may run in some channel."""
        identity = self._identities.of(self._adapter.name, author)
        return completion.commands(self._engine.registry, runnable_by(self._engine, identity, None))

    # executions

    async def execution(self, request: Request) -> Response:
        one = await run_in_threadpool(self._looked_at, request)
        return exchange.json(await run_in_threadpool(detail.about, self._engine, one))

    async def execution_events(self, request: Request) -> Response:
        one = await run_in_threadpool(self._looked_at, request)

        def standing(wake: Callable[[], None]) -> Standing:
            return self.guard.standing(request, wake, beat_s=HEARTBEAT_S, check=self._looked_at)

        return _stream(detail.follow(self._engine, self._adapter.hub, one.id, standing=standing))

    def _looked_at(self, request: Request) -> Execution:
        """Whoever may read the channel where it was asked may look at it. Raises NotFound, Denied ..."""
        session = self.guard.session(request)
        user = self._identities.of(self._adapter.name, session.author()).user
        wanted = self._engine.execution(request.path_params["id"])
        where = Where.of(wanted.context)
        is_read = where.platform == self._adapter.name and (
            not where.channel.startswith("@") or where.channel == session.direct_channel
        )
        return self._engine.viewed(wanted.id, user=user, where=where if is_read else Where())

    async def execution_output(self, request: Request) -> Response:
        one = await run_in_threadpool(self._looked_at, request)
        name, text = await run_in_threadpool(detail.output_file, self._engine, one)
        disposition = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(text, media_type="text/plain; charset=utf-8", headers=disposition)


def _file(name: str, content: bytes) -> Response:
    return Response(content, media_type=_MEDIA[Path(name).suffix], headers={"cache-control": "no-cache"})


def _stream(frames: AsyncIterator[bytes]) -> StreamingResponse:
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(frames, media_type="text/event-stream", headers=headers)
