"""The sockets on which Slack delivers: several at once, each replaced before or as soon as it ends.

Slack gives every delivery to one of them, so that the end of one leaves no gap. A socket that Slack is about
to close is replaced first and read to its end; one that breaks is noticed at once by its error, and one that
is silently dead by a ping without answer.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack import troubles
from bot.adapters.slack.health import PAUSE_FOR_PEOPLE_S, Health

log = logging.getLogger(__name__)

# Also finds a peer that is gone without a word: no pong after half of it ends the socket.
HEARTBEAT_S = 5.0
HELLO_TIMEOUT_S = 10.0
# Between the starts of two sockets, so that Slack does not renew them together.
STAGGER_S = 0.3
# How long a socket that was replaced is still read; Slack closes it about ten seconds after its warning.
LINGER_S = 20.0
# A socket that ended sooner is no reason to connect again at once.
SHORT_LIFE_S = 2.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
TOO_MANY_PAUSE_S = 10.0
STOP_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One delivery of Slack."""

    id: str
    kind: str
    """events_api, slash_commands or interactive."""
    payload: Mapping[str, Any]


Deliver = Callable[[Envelope], Awaitable[Mapping[str, Any] | None]]
"""For each delivery, in their order; gives the body of its acknowledgement. An exception: there is none."""


@dataclass(slots=True, eq=False)
class _Socket:
    """One connection, from its hello to its end."""

    ws: aiohttp.ClientWebSocketResponse
    leaving: "asyncio.Future[str]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """Done when it must be replaced; Slack's reason."""

    def leave(self, reason: str) -> None:
        if not self.leaving.done():
            self.leaving.set_result(reason)


class Sockets:
    """Keeps `health.sockets_wanted` sockets open from `run` to its cancellation."""

    def __init__(
        self,
        web: AsyncWebClient,
        session: aiohttp.ClientSession,
        *,
        app_token: str,
        deliver: Deliver,
        health: Health,
    ) -> None:
        self._web = web
        self._session = session
        self._app_token = app_token
        self._deliver = deliver
        self._health = health
        self._open: set[_Socket] = set()
        """Those that count: said hello, and are not to be replaced."""
        self._read: dict[_Socket, asyncio.Task[None]] = {}
        self._answers: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self._health.sockets_wanted):
                    group.create_task(self._keep(number))
        finally:
            await self._end()

    async def _end(self) -> None:
        """What was taken is acknowledged before the sockets close; nothing new is read."""
        for reader in self._read.values():
            reader.cancel()
        if self._answers:
            await asyncio.wait(self._answers, timeout=STOP_S)
        for socket in list(self._read):
            await socket.ws.close()
        self._open.clear()
        self._count()

    async def _keep(self, number: int) -> None:
        """One socket after the other."""
        await asyncio.sleep(number * STAGGER_S)
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                socket = await self._connected()
            except (SlackClientError, *troubles.AWAY) as error:
                least_s = self._health.failed("sockets", error)
                await asyncio.sleep(max(least_s, _some_of(pause_s)))
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
                continue
            began = asyncio.get_running_loop().time()
            self._is_up(socket, number)
            reason = await socket.leaving
            self._open.discard(socket)
            self._count()
            log.info("Slack: socket %d ends (%s), and is replaced", number + 1, reason)
            lived_s = asyncio.get_running_loop().time() - began
            if reason in ("too_many_websockets", "link_disabled"):
                await asyncio.sleep(self._told_to_leave(reason))
            elif lived_s < SHORT_LIFE_S:
                await asyncio.sleep(_some_of(pause_s))
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
            else:
                pause_s = FIRST_PAUSE_S

    async def _connected(self) -> _Socket:
        """A socket that has said hello; it reads until its end. Raises what says that there is none."""
        answer = await self._web.apps_connections_open(app_token=self._app_token)
        ws = await self._session.ws_connect(
            str(answer["url"]),
            heartbeat=HEARTBEAT_S,
            max_msg_size=16 * 1024 * 1024,
            proxy=self._web.proxy,
        )
        try:
            hello = _object(await ws.receive(timeout=HELLO_TIMEOUT_S))
            if hello.get("type") != "hello":
                reason = hello.get("reason") or hello.get("type") or "closed"
                raise ConnectionResetError(f"a socket begins with {reason} instead of hello")
        except BaseException:  # also when we are cancelled: nobody else would close this one
            await ws.close()
            raise
        self._health.app_id = str((hello.get("connection_info") or {}).get("app_id", ""))
        socket = _Socket(ws)
        self._read[socket] = asyncio.create_task(self._read_to_end(socket))
        return socket

    async def _read_to_end(self, socket: _Socket) -> None:
        try:
            while True:
                frame = await socket.ws.receive()
                if frame.type in (
                    aiohttp.WSMsgType.CLOSE,
                    aiohttp.WSMsgType.CLOSING,
                    aiohttp.WSMsgType.CLOSED,
                    aiohttp.WSMsgType.ERROR,
                ):
                    socket.leave(str(frame.data) if isinstance(frame.data, Exception) else "closed")
                    return
                self._take(socket, _object(frame))
        except asyncio.CancelledError:
            # At the end of us: the socket stays open for the acknowledgements under way.
            return
        finally:
            socket.leave("lost")
        await socket.ws.close()
        del self._read[socket]

    def _take(self, socket: _Socket, said: Mapping[str, Any]) -> None:
        if said.get("type") == "disconnect":
            socket.leave(str(said.get("reason", "")))
            # Slack goes on delivering on it for a while, and closes it itself.
            asyncio.get_running_loop().call_later(LINGER_S, _close_soon, socket.ws)
        elif "envelope_id" in said:
            envelope = Envelope(
                id=str(said["envelope_id"]), kind=str(said.get("type", "")), payload=said.get("payload") or {}
            )
            answer = asyncio.create_task(self._answer(socket, envelope))
            self._answers.add(answer)
            answer.add_done_callback(self._answers.discard)

    async def _answer(self, socket: _Socket, envelope: Envelope) -> None:
        try:
            body = await self._deliver(envelope)
        except Exception:  # one delivery must not end the socket; Slack sends it again
            log.exception("Slack: a delivery could not be kept, and is not acknowledged")
            return
        said = {"envelope_id": envelope.id, **({"payload": body} if body else {})}
        try:
            await socket.ws.send_str(orjson.dumps(said).decode())
        except (ConnectionError, aiohttp.ClientError):
            log.info("Slack: a socket ended before its acknowledgement; the delivery is kept")

    def _is_up(self, socket: _Socket, number: int) -> None:
        self._health.mended("sockets")
        self._open.add(socket)
        self._count()
        log.info("Slack: socket %d is up", number + 1)

    def _count(self) -> None:
        self._health.sockets_up = len(self._open)

    def _told_to_leave(self, reason: str) -> float:
        """Say it when no socket is left; the seconds to wait."""
        words = troubles.WRONG_TOKEN.get(
            reason, "too many sockets are open: does another server use this app?"
        )
        if not self._open:
            self._health.is_wrong("sockets", f"Slack says {reason}: {words}", needs_people=True)
        return PAUSE_FOR_PEOPLE_S if reason == "link_disabled" else TOO_MANY_PAUSE_S


def _some_of(pause_s: float) -> float:
    """So that sockets that ended together do not come back together."""
    return pause_s * random.uniform(0.5, 1)  # noqa: S311 - no secret


def _close_soon(ws: aiohttp.ClientWebSocketResponse) -> None:
    if not ws.closed:
        asyncio.ensure_future(ws.close())  # noqa: RUF006 - its reader waits for that end


def _object(frame: aiohttp.WSMessage) -> dict[str, Any]:
    """A frame's JSON object; empty for anything else."""
    if frame.type != aiohttp.WSMsgType.TEXT:
        return {}
    try:
        read = orjson.loads(frame.data)
    except orjson.JSONDecodeError:
        return {}
    return read if isinstance(read, dict) else {}
