"""Who may talk to the web chat: the host names, the origins, the sessions.

Listening on loopback only, everybody at this machine may chat under a name of their own choice;
such a name is marked as unverified. Listening elsewhere, or with `chat.login: always`, a person
gives an API key once and gets a session cookie that is signed, unreadable for scripts, and never
sent by another site. A program gives its API key with each request.
"""

import base64
import binascii
import getpass
import ipaddress
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import orjson
from starlette.requests import Request
from starlette.responses import Response

from bot.adapters.web import wire
from bot.chat import Author
from bot.identities import UNVERIFIED
from engine.errors import BadInput, Denied, Unauthenticated
from engine.records.access import Requester
from engine.service import Engine
from engine.withdrawals import Standing

COOKIE = "stormcrow_session"
SESSION_S = 12 * 3600
_PURPOSE = "web chat session"
_NAME = re.compile(r"[^\W_][\w .-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    user: str
    """The engine's user when `is_verified`; else the name that was picked, behind a ~."""
    name: str
    is_verified: bool
    expires: int
    """Seconds since 1970."""
    key_id: str = ""
    """Of the API key that it began with: it ends with that."""
    began: float = 0.0
    """Seconds since 1970."""

    @property
    def direct_channel(self) -> str:
        return f"@{self.user}"

    def author(self, name: str = "") -> Author:
        """`name`: what a program says about its user; shown, never believed."""
        return Author(
            id=self.user,
            name=name or self.name,
            is_vouched=self.is_verified,
            engine_user=self.user if self.is_verified else "",
        )


class Guard:
    """Made once; every request of the chat passes `check`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        settings = engine.settings
        self._is_local = is_loopback(settings.server.host)
        public = urlsplit(settings.public_url)
        self._public_host = (public.hostname or "").lower()
        self._public_origin = f"{public.scheme}://{public.netloc}".lower()
        # A public address means a proxy in front of us: what comes through it is not only from here.
        is_published = not is_loopback(self._public_host)
        self.needs_login = settings.chat.login == "always" or not self._is_local or is_published

    def standing(
        self, request: Request, wake: Callable[[], None], *, beat_s: float, check: Callable[[Request], object]
    ) -> Standing:
        """Whether a stream may go on: it ends with its session and key, and when `check` raises Denied."""

        def look() -> datetime:
            check(request)
            return self._end_of(self.session(request))

        until = datetime.fromtimestamp(self.session(request).expires, UTC)
        return Standing(self._engine.access.withdrawals, look, wake, until=until, beat_s=beat_s)

    def _end_of(self, session: Session) -> datetime:
        end = datetime.fromtimestamp(session.expires, UTC)
        key_end = self._engine.access.keys.end_of(session.key_id) if session.key_id else None
        return end if key_end is None else min(end, key_end)

    # where a request comes from

    def check(self, request: Request) -> None:
        """Raises Denied for a foreign host name, and for a change that another site asks for."""
        self._check_host(request)
        if request.method not in ("GET", "HEAD"):
            self._check_origin(request)

    def _check_host(self, request: Request) -> None:
        """A foreign page can make a browser call a name of its own that leads here (DNS rebinding)."""
        if not self._is_local:
            return
        host = (urlsplit(f"//{request.headers.get('host', '')}").hostname or "").lower()
        if not (is_loopback(host) or host == self._public_host):
            raise Denied(
                f"This server does not answer to the host name {host!r}.",
                hint="Use 127.0.0.1, or set server.public_url.",
            )

    def _check_origin(self, request: Request) -> None:
        origin = request.headers.get("origin")
        ours = {self._public_origin, f"{request.url.scheme}://{request.headers.get('host', '')}".lower()}
        if origin is not None and origin.lower() not in ours:
            raise Denied("This request comes from a page of another site.")
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Denied("This request comes from a page of another site.")

    # who sends it

    def session(self, request: Request) -> Session:
        """By API key or token in a header, or by cookie. Raises Unauthenticated."""
        api_key, token = request.headers.get("st2-api-key"), request.headers.get("x-auth-token")
        if token:
            return self._of(self._engine.authenticate(token=token, address=address_of(request)))
        if api_key:
            return self.verified(api_key, address_of(request))
        found = self._opened(request.cookies.get(COOKIE, ""), address_of(request))
        if found is None or (self.needs_login and not found.is_verified):
            raise Unauthenticated("You are not signed in.", hint="Open /chat and sign in with an API key.")
        return found

    def verified(self, api_key: str, address: str) -> Session:
        """The session of the key's user. Raises Unauthenticated."""
        return self._of(self._engine.authenticate(api_key=api_key, address=address))

    def _of(self, requester: Requester) -> Session:
        if not requester.is_person:
            raise Unauthenticated("This key is limited, and the chat takes one that is not.")
        session = self.of_user(requester.user)
        end = requester.expires_at
        expires = session.expires if end is None else min(session.expires, int(end.timestamp()))
        return replace(session, key_id=requester.key_id, expires=expires)

    def of_user(self, user: str) -> Session:
        """Of somebody who has shown that they are this user."""
        return Session(user=user, name=user, is_verified=True, expires=_end(), began=time.time())

    def of_proxy(self, request: Request) -> Session | None:
        """Of whom a proxy in front of us has logged in; None: nobody."""
        headers = request.scope["headers"]
        person = self._engine.logins.of_proxy(headers, address=request.scope["state"]["peer"])
        return self.of_user(person.user) if person else None

    def named(self, name: str) -> Session:
        """A session under a name that nobody checks. Raises Denied where a login is needed, BadInput."""
        if self.needs_login:
            raise Denied("This chat needs a login.", hint="Sign in with an API key.")
        name = name.strip()
        if not _NAME.fullmatch(name) or name.lower() == wire.BOT:
            raise BadInput(
                f"{name[:60]!r} cannot be a name.",
                hint="Use up to 40 letters, digits, spaces, dots, dashes and underscores.",
            )
        return Session(
            user=f"{UNVERIFIED}{name}", name=name, is_verified=False, expires=_end(), began=time.time()
        )

    def default(self) -> Session | None:
        """Where no login is needed: the account that runs the server."""
        if self.needs_login:
            return None
        try:
            return self.named(getpass.getuser())
        except (KeyError, OSError, BadInput):
            return self.named("me")

    # the cookie

    def give(self, response: Response, session: Session) -> None:
        payload = base64.urlsafe_b64encode(orjson.dumps(asdict(session))).decode()
        response.set_cookie(
            COOKIE,
            f"{payload}.{self._engine.vault.sign(_PURPOSE, payload)}",
            max_age=SESSION_S,
            path="/chat",
            secure=self._public_origin.startswith("https:"),
            httponly=True,
            samesite="strict",
        )

    def take(self, response: Response) -> None:
        response.delete_cookie(COOKIE, path="/chat", httponly=True, samesite="strict")

    def _opened(self, cookie: str, address: str) -> Session | None:
        payload, _, signature = cookie.rpartition(".")
        if not payload or not self._engine.vault.is_signed(_PURPOSE, payload, signature):
            return None
        try:
            session = Session(**orjson.loads(base64.urlsafe_b64decode(payload)))
        except (TypeError, ValueError, binascii.Error):
            return None
        keys = self._engine.access.keys
        if session.key_id and not keys.is_good(session.key_id, address=address):
            return None
        if session.is_verified and self._engine.access.is_over(session.user, session.began):
            return None
        return session if session.expires > time.time() else None


def address_of(request: Request) -> str:
    """Where it comes from, as the door has found it; empty where that is nowhere."""
    return request.client.host if request.client is not None else ""


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _end() -> int:
    return int(time.time()) + SESSION_S
