"""The Web API's endpoint: arguments, token, rates, the method, and the faults that were armed."""

import asyncio
import json
import socket
import struct

from aiohttp import web

from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.faults import AnswerFault
from bot.slack_emulator.methods import METHODS
from bot.slack_emulator.methods.call import Call
from bot.slack_emulator.site import Site
from bot.slack_emulator.sockets import Sockets
from bot.slack_emulator.world import Json, Team

_LINGER_NOT = struct.pack("ii", 1, 0)
_TEXT_OF_STATUS = {500: "internal_error", 503: "service_unavailable", 429: "ratelimited"}


class WebApi:
    """`POST /api/METHOD`, as slack_sdk calls it."""

    def __init__(self, site: Site, sockets: Sockets) -> None:
        self._site = site
        self._sockets = sockets
        self.stopping = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        arguments = await _arguments(request)
        fault = self._site.faults.take(name)
        if fault is not None and fault.effect == "answer":
            self._note(name, fault.error or str(fault.status))
            return _failure(fault)
        response = self.perform(name, arguments, _token(request, arguments))
        if fault is not None:
            await self._spoil(request, fault)
        return response

    async def _spoil(self, request: web.Request, fault: AnswerFault) -> None:
        """The method has done its work; the answer comes late, or not at all."""
        try:
            await asyncio.wait_for(self.stopping.wait(), fault.delay_s)
        except TimeoutError:
            pass
        if fault.effect == "delay" or request.transport is None:
            return
        if fault.effect == "reset":
            raw = request.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        request.transport.abort()

    def perform(self, name: str, arguments: Json, token: str) -> web.Response:
        """One call, at once and whole."""
        team = self._site.world.team_of_token(token)
        headers = {"x-slack-req-id": self._site.world.new_id("R")}
        if team is not None:
            headers["x-oauth-scopes"] = ",".join(sorted(team.scopes))
            wait_s = self._site.rates.wait_s(name, team.id, self._channel_of(arguments))
            if wait_s:
                self._note(name, "ratelimited")
                headers["Retry-After"] = str(wait_s)
                return _json({"ok": False, "error": "ratelimited"}, headers, status=429)
        try:
            body = self._run(name, arguments, token, team)
        except SlackError as error:
            self._note(name, error.code)
            return _json(error.answer(), headers)
        self._note(name, "ok")
        return _json(body, headers)

    def _channel_of(self, arguments: Json) -> str:
        named = str(arguments.get("channel") or "")
        found = self._site.world.channel_named(named)
        return found.id if found else named

    def _run(self, name: str, arguments: Json, token: str, team: Team | None) -> Json:
        if name == "apps.connections.open":
            return self._open_connection(token)
        if not token:
            raise SlackError("not_authed")
        if team is None:
            known = self._site.world.app_of_token(token)
            raise SlackError("not_allowed_token_type" if known else "invalid_auth")
        method = METHODS.get(name)
        if method is None:
            raise SlackError("unknown_method", req_method=name)
        if method.scopes and not team.scopes.intersection(method.scopes):
            provided = ",".join(sorted(team.scopes))
            raise SlackError("missing_scope", needed=method.scopes[0], provided=provided)
        return method.run(Call(site=self._site, team=team, arguments=arguments, token=token))

    def _open_connection(self, token: str) -> Json:
        world = self._site.world
        if not token:
            raise SlackError("not_authed")
        app = world.app_of_token(token)
        if app is None:
            raise SlackError("not_allowed_token_type" if world.team_of_token(token) else "invalid_auth")
        if self._site.faults.refuse_sockets:
            raise SlackError("internal_error")
        address = self._site.url.replace("http://", "ws://", 1)
        return {
            "ok": True,
            "url": f"{address}link/?ticket={self._sockets.new_ticket(app.id)}&app_id={app.id}",
        }

    def _note(self, name: str, outcome: str) -> None:
        self._site.calls.append((name, outcome))
        self._site.world.touch()


async def _arguments(request: web.Request) -> Json:
    found: Json = dict(request.query)
    if request.content_type == "application/json":
        raw = await request.read()
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            body = {}
        return found | (body if isinstance(body, dict) else {})
    if request.method == "POST":
        found |= dict(await request.post())
    return found


def _token(request: web.Request, arguments: Json) -> str:
    header = request.headers.get("Authorization", "")
    return header.removeprefix("Bearer ").strip() or str(arguments.get("token") or "")


def _failure(fault: AnswerFault) -> web.Response:
    headers = {"Retry-After": str(fault.retry_after_s)} if fault.retry_after_s else {}
    error = fault.error or _TEXT_OF_STATUS.get(fault.status, "fatal_error")
    if fault.status in (200, 429):
        return _json({"ok": False, "error": error}, headers, status=fault.status)
    return web.Response(status=fault.status, text=error, headers=headers)


def _json(body: Json, headers: dict[str, str], *, status: int = 200) -> web.Response:
    return web.json_response(body, status=status, headers=headers)
