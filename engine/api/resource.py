"""The frame around every handler: who asks, the body, and the answer to what goes wrong."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from engine.acting import acting_as
from engine.api import gate
from engine.api.auditing import actor_of
from engine.api.call import Call, Crowd, Query
from engine.api.documents import Documents
from engine.api.errors import HttpError, answer_for, fault
from engine.api.scopes import Reach
from engine.api.scrubbing import scrubbed_path
from engine.api.shape import Given, Raw, Schema, Shape
from engine.api.stream_hub import StreamHub
from engine.errors import Denied, EngineError, Unauthenticated
from engine.outside.signed import is_signed
from engine.records.access import Requester
from engine.rights.place import Where
from engine.service import Engine
from engine.specs.right import Right
from engine.withdrawals import Standing

_OK: Mapping[str, int] = MappingProxyType({"GET": 200, "PUT": 200, "POST": 201, "DELETE": 204})
Answering = Callable[[Scope, Receive, Send], Awaitable[None]]
Handler = Callable[[Call], Answering] | Callable[[Call], Awaitable[Answering]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method on one path.

    A handler written `def` runs in a thread and may block; one written `async def` runs on the
    event loop and may not. `right`: what whoever asks needs; None for what is about the caller alone,
    or about nothing of ours. `is_open`: it answers without a key. `is_for_probes`: and to strangers however
    often, for a probe that is refused because others ask too often would have the server restarted.
    """

    method: str
    path: str
    handler: Handler
    right: Right | None
    is_open: bool = False
    is_for_probes: bool = False
    query: tuple[str, ...] = ()
    """What it reads of the query; PARAMETERS says what the names mean."""
    takes: Shape | Raw | Schema | None = None
    """Its body."""
    gives: Given = None
    """Its answer, where it goes well."""
    status: int = 0
    """Of that answer; 0: what StackStorm has for the method."""
    also: tuple[int, ...] = ()
    """Other answers that are no faults."""

    @property
    def ok_status(self) -> int:
        return self.status or _OK[self.method]


class Resource:
    """All methods of one path, as an ASGI application."""

    def __init__(
        self,
        engine: Engine,
        documents: Documents,
        crowd: Crowd,
        stream: StreamHub,
        methods: Mapping[str, Endpoint],
        *,
        reaches: Mapping[str, Reach],
    ) -> None:
        """`reaches`: by method, what is there for limited keys."""
        self._engine = engine
        self._documents = documents
        self._crowd = crowd
        self._stream = stream
        self._methods = methods
        self._reaches = reaches
        self._on_loop = frozenset(
            method for method, endpoint in methods.items() if inspect.iscoroutinefunction(endpoint.handler)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id: str = scope["state"]["request_id"]
        try:
            answer = await self._answer(scope, receive, request_id)
        except (EngineError, HttpError) as error:
            told = self._crowd.throttle.counted(error, _address(scope))
            answer = answer_for(told, request_id=request_id)
        await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, request_id: str) -> Answering:
        method = scope["method"]
        endpoint = self._methods.get("GET" if method == "HEAD" else method)
        if endpoint is None:
            return self._not_allowed()
        headers = dict(scope["headers"])
        query = Query.of(scope["query_string"])
        requester, location = _NOBODY, ""
        address = _address(scope)
        if not endpoint.is_open:
            requester, location = await who(self._engine, headers, query, address)
            self._crowd.throttle.admit(requester)
        elif endpoint.right is None and not endpoint.is_for_probes:
            self._crowd.throttle.admit_stranger(address)
        call = Call(
            engine=self._engine,
            documents=self._documents,
            crowd=self._crowd,
            stream=self._stream,
            requester=requester,
            location=location,
            path=scope["path_params"],
            query=query,
            headers=headers,
            raw_headers=scope["headers"],
            address=address,
            peer=scope["state"]["peer"],
            body=b"" if method in ("GET", "HEAD") else await _read(receive),
            request_id=request_id,
            span=scope["state"].get("span"),
            is_on_stream=scope["state"]["is_on_stream"],
        )
        with acting_as(actor_of(call, requester)):
            return await self._asked(endpoint, call, f"{method} {scrubbed_path(scope['path'])}")

    async def _asked(self, endpoint: Endpoint, call: Call, what: str) -> Answering:
        try:
            return await self._handled(endpoint, call)
        except Denied as error:
            user = call.requester.user
            self._engine.denials.note(error, user=user, name="", where=Where(), verb="ask", what=what)
            raise

    async def _handled(self, endpoint: Endpoint, call: Call) -> Answering:
        if not endpoint.is_open:
            gate.check(call, endpoint.right, self._reaches[endpoint.method])
        if endpoint.method in self._on_loop:
            answer: Answering = await endpoint.handler(call)  # type: ignore[misc]  # it is a coroutine function: asked above
            return answer
        return await run_in_threadpool(endpoint.handler, call)  # type: ignore[arg-type]  # and here it is none

    def _not_allowed(self) -> Response:
        allowed = ", ".join(sorted(self._methods))
        return fault(405, f"Method not allowed; this path knows {allowed}.", {"Allow": allowed})


_NOBODY = Requester(user="", method="")


def _address(scope: Scope) -> str:
    """As the door has found it."""
    address: str = (scope.get("client") or ("",))[0]
    return address


async def _read(receive: Receive) -> bytes:
    """The whole body; the door bounds its size and time."""
    first = await receive()
    body: bytes = first.get("body", b"")
    message: Message = first
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HttpError(400, "The body ended too early.")
        body += message.get("body", b"")
    return body


def bearer_of(headers: Mapping[bytes, bytes]) -> str:
    """What follows `Authorization: Bearer`; empty: another kind of header, or none."""
    scheme, _, bearer = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else ""


def has_credentials(headers: Mapping[bytes, bytes], query: Query) -> bool:
    """Whether a token or key stands where StackStorm looks for one, which then decides."""
    names = ("x-auth-token", "st2-api-key")
    return any(headers.get(name.encode()) or query.text(name) for name in names)


async def who(
    engine: Engine, headers: Mapping[bytes, bytes], query: Query, address: str
) -> tuple[Requester, str]:
    """As `authenticate`, where the issuer of a signed token may have to be asked for its keys."""
    bearer = bearer_of(headers)
    if is_signed(bearer) and not has_credentials(headers, query):
        return await run_in_threadpool(_job, engine, bearer, address, may_ask=True), "header"
    return authenticate(engine, headers, query, address)


def _job(engine: Engine, bearer: str, address: str, *, may_ask: bool) -> Requester:
    """The job of a CI that shows a token of its own system. Raises Unauthenticated."""
    try:
        return engine.outside.callers.requester(bearer, may_ask=may_ask)
    except Unauthenticated as error:
        engine.audit.refused(error.message, via="OIDC token", address=address)
        raise


def standing(call: Call, right: Right, reach: Reach, wake: asyncio.Event, *, beat_s: float) -> Standing:
    """Whether an answer that goes on still may: key or token count, and the user may what the route takes."""

    def look() -> datetime | None:
        requester, _ = authenticate(call.engine, call.headers, call.query, call.address)
        gate.check(replace(call, requester=requester), right, reach)
        return requester.expires_at

    return Standing(
        call.engine.access.withdrawals,
        look,
        wake.set,
        until=call.requester.expires_at,
        beat_s=beat_s,
        run=call.requester.execution_id or "",
    )


def authenticate(
    engine: Engine, headers: Mapping[bytes, bytes], query: Query, address: str
) -> tuple[Requester, str]:
    """The requester, and where the credentials stood: the first source in StackStorm's order decides.

    No cookie is accepted here, so that no other site's page can act for a signed-in person.
    Raises Unauthenticated.
    """
    token = headers.get(b"x-auth-token")
    if token:
        return engine.authenticate(token=token.decode("latin-1"), address=address), "header"
    key = headers.get(b"st2-api-key")
    if key:
        return engine.authenticate(api_key=key.decode("latin-1"), address=address), "header"
    for name in ("x-auth-token", "st2-api-key"):
        value = query.text(name)
        if value:
            given = {"token": value} if name == "x-auth-token" else {"api_key": value}
            return engine.authenticate(**given, address=address), "query string"
    bearer = bearer_of(headers)
    if is_signed(bearer):
        return _job(engine, bearer, address, may_ask=False), "header"
    if bearer:
        return engine.authenticate(api_key=bearer, address=address), "header"
    raise Unauthenticated("One of Token or API key required.")
