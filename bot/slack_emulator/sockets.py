"""Socket Mode: the WebSockets of the app, each delivery to one of them, and how they end."""

import asyncio
import contextlib
import json
import secrets
import socket
import struct
from collections.abc import Callable

from aiohttp import WSMsgType, web

from bot.slack_emulator.deliveries import Deliveries, Delivery
from bot.slack_emulator.faults import Faults, Hello
from bot.slack_emulator.switches import Limits
from bot.slack_emulator.world import Json

_LINGER_NOT = struct.pack("ii", 1, 0)


class Socket:
    """One connection of the app."""

    def __init__(self, ws: web.WebSocketResponse, request: web.Request, *, app_id: str) -> None:
        self.ws = ws
        self.app_id = app_id
        self.is_leaving = False
        """A refresh was asked for: nothing new goes over it."""
        self.is_deaf = False
        """A fault: what comes is not read, what goes out is not sent, and the connection stays."""
        self._transport = request.transport

    async def send(self, frame: Json) -> None:
        if not self.is_deaf:
            # The other end may be gone at any moment; then nobody acknowledges, and that is seen.
            with contextlib.suppress(ConnectionError, RuntimeError):
                await self.ws.send_str(json.dumps(frame))

    def reset(self) -> None:
        """End it with a TCP reset, as a broken network does."""
        if self._transport is not None:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            self._transport.abort()


class Sockets:
    """All of them; a `Carrier` of deliveries."""

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        faults: Faults,
        limits: Limits,
        touch: Callable[[], None],
    ) -> None:
        self._deliveries = deliveries
        self._faults = faults
        self._limits = limits
        self._touch = touch
        self._open: list[Socket] = []
        self._next = 0
        self._tickets: dict[str, str] = {}
        self._changed = asyncio.Condition()

    @property
    def count(self) -> int:
        return len(self._open)

    def _count_of(self, app_id: str) -> int:
        return sum(each.app_id == app_id for each in self._open)

    def new_ticket(self, app_id: str) -> str:
        """What apps.connections.open hands out: the right to connect once."""
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = app_id
        return ticket

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket endpoint; returns when the connection has ended."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets or self._faults.refuse_sockets:
            return web.Response(status=503 if self._faults.refuse_sockets else 404)
        app_id = self._tickets.pop(ticket)
        heartbeat = self._deliveries.timing.ping_s or None
        ws = web.WebSocketResponse(autoping=False, heartbeat=heartbeat)
        await ws.prepare(request)
        opened = Socket(ws, request, app_id=app_id)
        if self._count_of(app_id) >= self._limits.sockets:
            await opened.send({"type": "disconnect", "reason": "too_many_websockets"})
            await ws.close()
            return ws
        if self._faults.hellos:
            await self._spoil_hello(opened, self._faults.hellos.pop(0))
            return ws
        await self._enter(opened)
        try:
            await self._read(opened)
        finally:
            await self._leave(opened)
        return ws

    async def _spoil_hello(self, opened: Socket, how: Hello) -> None:
        if how == "close":
            await opened.ws.close()
        elif how == "reset":
            opened.reset()
        else:
            # Until the app gives up.
            async for _frame in opened.ws:
                pass

    async def _enter(self, opened: Socket) -> None:
        await opened.send(
            {
                "type": "hello",
                "num_connections": self._count_of(opened.app_id) + 1,
                "debug_info": {
                    "host": "applink-emulator",
                    "build_number": 1,
                    "approximate_connection_time": 18060,
                },
                "connection_info": {"app_id": opened.app_id},
            }
        )
        async with self._changed:
            self._open.append(opened)
            self._changed.notify_all()
        self._touch()

    async def _leave(self, opened: Socket) -> None:
        if opened in self._open:
            self._open.remove(opened)
        self._touch()

    async def _read(self, opened: Socket) -> None:
        async for frame in opened.ws:
            if opened.is_deaf:
                continue
            if frame.type is WSMsgType.PING and not self._faults.ignore_pings:
                with contextlib.suppress(ConnectionError, RuntimeError):
                    await opened.ws.pong(frame.data)
            if frame.type is WSMsgType.TEXT:
                self._acknowledged(frame.data)

    def _acknowledged(self, data: str) -> None:
        try:
            body = json.loads(data)
        except ValueError:
            return
        if isinstance(body, dict) and body.get("envelope_id"):
            self._deliveries.acknowledge(str(body["envelope_id"]), body.get("payload"))

    # carrying

    async def carry(self, delivery: Delivery, envelope_id: str, *, retry: int, reason: str) -> str:
        limit_s = self._deliveries.timing.ack_s
        chosen = self._choose(delivery.app_id) or await self._wait_for_one(delivery.app_id, limit_s)
        if chosen is None:
            return "connection_failed"
        frame: Json = {
            "envelope_id": envelope_id,
            "payload": delivery.payload,
            "type": delivery.kind,
            "accepts_response_payload": delivery.accepts_answer,
        }
        if delivery.kind == "events_api":
            frame |= {"retry_attempt": retry, "retry_reason": reason}
        await chosen.send(frame)
        if self._faults.cut_deliveries:
            self._faults.cut_deliveries -= 1
            chosen.is_leaving = True
            chosen.reset()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(delivery.ended.wait(), limit_s)
        return "" if delivery.ended.is_set() else "timeout"

    def _choose(self, app_id: str) -> Socket | None:
        usable = [
            each
            for each in self._open
            if each.app_id == app_id and not each.is_leaving and not each.ws.closed
        ]
        if not usable:
            return None
        self._next += 1
        return usable[self._next % len(usable)]

    async def _wait_for_one(self, app_id: str, limit_s: float) -> Socket | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s), self._changed:
                await self._changed.wait_for(lambda: self._choose(app_id) is not None)
                return self._choose(app_id)
        return None

    # endings

    async def close(self, count: int) -> int:
        """End the first `count` of them in order, with a close frame."""
        chosen = self._open[:count]
        for each in chosen:
            each.is_leaving = True
            await each.ws.close()
        return len(chosen)

    def reset(self, count: int) -> int:
        chosen = self._open[:count]
        for each in chosen:
            each.is_leaving = True
            each.reset()
        return len(chosen)

    def deafen(self, count: int) -> int:
        """Nothing more goes in or out, and nobody is told: a cable that was pulled."""
        chosen = [each for each in self._open if not each.is_deaf][:count]
        for each in chosen:
            each.is_deaf = True
        return len(chosen)

    async def refresh(self, count: int, reason: str = "refresh_requested") -> int:
        """Warn, ask for new connections, and end these: what Slack does every few hours."""
        chosen = [each for each in self._open if not each.is_leaving][:count]
        pause_s = self._deliveries.timing.refresh_s
        for each in chosen:
            if reason == "refresh_requested":
                await each.send(
                    {"type": "disconnect", "reason": "warning", "debug_info": {"host": "emulator"}}
                )
        for each in chosen:
            await each.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "emulator"}})
            each.is_leaving = True
            asyncio.get_running_loop().call_later(pause_s, self._end_soon, each)
        return len(chosen)

    def _end_soon(self, leaving: Socket) -> None:
        if not leaving.ws.closed:
            leaving.reset()

    async def stop(self) -> None:
        for each in list(self._open):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    await each.ws.close()
            if not each.ws.closed or each.is_deaf:
                each.reset()
