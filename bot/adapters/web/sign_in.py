"""Logging in to the web chat with an issuer: the browser goes there, and comes back with an answer.

What must be so on the way back stands in a sealed cookie that only this browser has, so nobody is signed
in by a link of somebody else. The way back leads to /chat and nowhere else, and each issuer has its own.
"""

import base64
import binascii
import logging
import time
from dataclasses import asdict

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.adapters.web.exchange import Door
from bot.adapters.web.guard import Guard
from engine.errors import StoreFailure, Untrusted
from engine.outside.sign_ins import Flow, Return, SignIn
from engine.records.audit import Act
from engine.records.outside import OutsidePerson
from engine.service import Engine

log = logging.getLogger(__name__)

COOKIE = "stormcrow_login"
FLOW_S = 600
_PATH = "/chat/login"
_PLACE = "login flow"
# The page says it in words of its own; why is for the log.
_FAILED = "/chat?login=failed"


def routes(engine: Engine, *, guard: Guard, door: Door) -> list[Route]:
    ways = _Ways(engine, guard)
    return [
        Route(f"{_PATH}/{{name}}", door(ways.begin), methods=["GET"]),
        Route(f"{_PATH}/{{name}}/callback", door(ways.finish), methods=["GET"]),
    ]


class _Ways:
    def __init__(self, engine: Engine, guard: Guard) -> None:
        self._engine = engine
        self._guard = guard
        self._url = engine.settings.public_url
        self._sign_ins = engine.outside.sign_ins

    async def begin(self, request: Request) -> Response:
        sign_in = self._sign_ins.named(request.path_params["name"])
        try:
            place, flow = await run_in_threadpool(self._begun, sign_in)
        except Untrusted as error:
            log.error("nobody can log in with %s: %s", sign_in.entry.name, error.message)
            return RedirectResponse(_FAILED, 303)
        response = RedirectResponse(place, 303)
        response.set_cookie(
            COOKIE,
            self._sealed(flow),
            max_age=FLOW_S,
            path=_PATH,
            secure=self._url.startswith("https:"),
            httponly=True,
            # The issuer sends the browser back: `strict` would keep the cookie from that.
            samesite="lax",
        )
        return response

    def _begun(self, sign_in: SignIn) -> tuple[str, Flow]:
        return sign_in.begin(redirect_uri=self._way_back(sign_in), ends_at=time.time() + FLOW_S)

    async def finish(self, request: Request) -> Response:
        sign_in = self._sign_ins.named(request.path_params["name"])
        query = request.query_params
        back = Return(
            code=query.get("code", ""),
            state=query.get("state", ""),
            issuer=query.get("iss", ""),
            error=query.get("error", ""),
        )
        try:
            flow = self._opened(request.cookies.get(COOKIE, ""))
            person = await run_in_threadpool(sign_in.finish, flow, back, redirect_uri=self._way_back(sign_in))
        except Untrusted as error:
            log.warning("a login with %s is refused: %s", sign_in.entry.name, error.message)
            self._engine.audit.login_failed(via="an issuer")
            response = RedirectResponse(_FAILED, 303)
        else:
            await run_in_threadpool(self._keep, person)
            response = RedirectResponse("/chat", 303)
            self._guard.give(response, self._guard.of_user(person.user))
        response.delete_cookie(COOKIE, path=_PATH, httponly=True, samesite="lax")
        return response

    def _keep(self, person: OutsidePerson) -> None:
        """What was said of them, and that they came."""
        self._engine.outside.groups.note(person)
        act = Act(kind="login.ok", object="web chat", user=person.user, details={"source": person.source})
        self._engine.audit.record(act)

    def _way_back(self, sign_in: SignIn) -> str:
        return f"{self._url}{_PATH}/{sign_in.entry.name}/callback"

    # the cookie

    def _sealed(self, flow: Flow) -> str:
        sealed = self._engine.vault.seal(orjson.dumps(asdict(flow)), place=_PLACE)
        return base64.urlsafe_b64encode(sealed).decode()

    def _opened(self, cookie: str) -> Flow:
        """Raises Untrusted."""
        try:
            raw = self._engine.vault.unseal(base64.urlsafe_b64decode(cookie), place=_PLACE)
            flow = Flow(**orjson.loads(raw))
        except (StoreFailure, TypeError, ValueError, binascii.Error) as error:
            raise Untrusted("this browser has not set out to log in") from error
        if flow.ends_at < time.time():
            raise Untrusted("it took too long")
        return flow
