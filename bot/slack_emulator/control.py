"""The control API: what tests in other languages, scripts and a second terminal do to this Slack, over HTTP.

`GET /control` says what there is, `POST /control/NAME` does something. Bodies and answers are JSON.
"""

import asyncio
import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp import web

from bot.slack_emulator.deliveries import Delivery
from bot.slack_emulator.inputs import NotSent
from bot.slack_emulator.seen import Seen, SeenView
from bot.slack_emulator.world import Json

if TYPE_CHECKING:
    from bot.slack_emulator.emulator import Emulator

_OUR_HOSTS = ("127.0.0.1", "localhost", "::1")

Act = Callable[["Emulator", Json], Any]


def _where(slack: "Emulator", body: Json) -> Seen | SeenView:
    """The message or view that a body names; takes the names out of it."""
    view = body.pop("view", None)
    if view is not None:
        return _view(slack, body["user"], str(view))
    return slack.at(body.pop("channel"), body.pop("ts"))


def _view(slack: "Emulator", user: str, view_id: str) -> SeenView:
    known: list[SeenView | None] = [*slack.views(user), slack.home(user)]
    for view in known:
        if view is not None and view.id == view_id:
            return view
    raise LookupError(f"{user} has no view {view_id} open")


def _in_view(method: str) -> Act:
    def act(slack: "Emulator", body: Json) -> Any:
        view = _view(slack, body["user"], str(body.pop("view")))
        return getattr(slack, method)(body.pop("user"), view, **body)

    return act


def _with_message(method: str, *, of_user: bool = False) -> Act:
    def act(slack: "Emulator", body: Json) -> Any:
        where = slack.at(body.pop("channel"), body.pop("ts"))
        first = (body.pop("user"), where) if of_user else (where,)
        return getattr(slack, method)(*first, **body)

    return act


def _somewhere(method: str) -> Act:
    def act(slack: "Emulator", body: Json) -> Any:
        where = _where(slack, body)
        return getattr(slack, method)(body.pop("user"), where, **body)

    return act


def _plainly(method: str) -> Act:
    return lambda slack, body: getattr(slack, method)(**body)


def _groups(slack: "Emulator", body: Json) -> str:
    return slack.add_group(body.pop("handle"), body.pop("users"), **body)


ACTS: dict[str, Act] = {
    # who and what there is
    **{
        name.replace("_", "-"): _plainly(name)
        for name in (
            "add_team",
            "add_user",
            "add_channel",
            "join",
            "leave",
            "archive",
            "rename",
            "deactivate",
            "make_guest",
            "set_group",
            "set_scopes",
            "revoke_token",
            "use_http",
        )
    },
    "add-group": _groups,
    # what people do
    "say": _plainly("say"),
    "edit": _with_message("edit"),
    "delete": _with_message("delete"),
    "react": _with_message("react", of_user=True),
    "click": _somewhere("click"),
    "options": _somewhere("options"),
    "submit": _in_view("submit"),
    "close": _in_view("close"),
    "command": _plainly("command"),
    "shortcut": _plainly("shortcut"),
    "message-shortcut": _with_message("message_shortcut", of_user=True),
    "open-home": _plainly("open_home"),
    # what can be seen
    "messages": _plainly("messages"),
    "direct-messages": _plainly("direct_messages"),
    "ephemerals": _plainly("ephemerals"),
    "views": _plainly("views"),
    "home": _plainly("home"),
    "calls": _plainly("calls"),
    "deliveries": _plainly("deliveries"),
}
TROUBLES = (
    "fail",
    "answer_status",
    "limit_rate",
    "delay",
    "swallow",
    "reset_answer",
    "duplicate",
    "reorder",
    "lose_acknowledgements",
    "close_sockets",
    "reset_sockets",
    "deafen_sockets",
    "refresh_sockets",
    "refuse_sockets",
    "spoil_hello",
    "cut_deliveries",
    "ignore_pings",
    "clear",
)


class Control:
    def __init__(self, slack: "Emulator") -> None:
        self._slack = slack

    def add_to(self, routes: web.UrlDispatcher) -> None:
        routes.add_get("/control", self._overview)
        routes.add_post("/control/trouble/{name}", self._trouble)
        routes.add_post("/control/{name}", self._act)

    async def _overview(self, request: web.Request) -> web.Response:
        _check(request)
        slack = self._slack

        def overview() -> Json:
            return {
                "base_url": slack.url,
                "bot_token": slack.bot_token,
                "app_token": slack.app_token,
                "signing_secret": slack.signing_secret,
                "sockets": slack.socket_count,
                "names": slack.names(),
                "people": slack.people(),
                "acts": sorted(ACTS),
                "troubles": sorted(name.replace("_", "-") for name in TROUBLES),
            }

        return await self._answer(overview)

    async def _act(self, request: web.Request) -> web.Response:
        body = await _body(request)
        act = ACTS.get(request.match_info["name"])
        if act is None:
            return _refused(404, "there is no such act; GET /control lists them")
        return await self._answer(lambda: act(self._slack, body))

    async def _trouble(self, request: web.Request) -> web.Response:
        body = await _body(request)
        name = request.match_info["name"].replace("-", "_")
        if name not in TROUBLES:
            return _refused(404, f"no trouble is called {name!r}; GET /control lists all")
        return await self._answer(lambda: getattr(self._slack.trouble, name)(**body))

    async def _answer(self, work: Callable[[], Any]) -> web.Response:
        """Not in the loop: what people do waits for the app, and that for the loop."""
        try:
            found = await asyncio.to_thread(work)
        except NotSent as error:
            return _refused(422, str(error), problems=error.problems)
        except (LookupError, TypeError, ValueError) as error:
            return _refused(422, str(error.args[0] if error.args else error))
        return web.json_response({"ok": True, "result": _shown(found)})


def _check(request: web.Request) -> None:
    """A page in a browser is kept out: it may neither guess the port nor rebind a name to it."""
    if urlsplit(f"//{request.host}").hostname not in _OUR_HOSTS:
        raise web.HTTPForbidden(text="only for this machine")


async def _body(request: web.Request) -> Json:
    _check(request)
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send JSON, as application/json")
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body must be a JSON object")
    return body


def _refused(status: int, words: str, **more: Any) -> web.Response:
    return web.json_response({"ok": False, "error": words, **more}, status=status)


def _shown(found: Any) -> Any:
    if isinstance(found, Delivery):
        return {
            "kind": found.kind,
            "type": found.type,
            "payload": found.payload,
            "is_acknowledged": found.is_acknowledged,
            "acked_after_s": found.acked_after_s,
            "answer": found.answer,
            "attempts": len(found.attempts),
            "is_lost": found.is_lost,
        }
    if isinstance(found, list | tuple):
        return [_shown(each) for each in found]
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        return {field.name: _shown(getattr(found, field.name)) for field in dataclasses.fields(found)}
    if isinstance(found, dict):
        return {name: _shown(value) for name, value in found.items()}
    return found
