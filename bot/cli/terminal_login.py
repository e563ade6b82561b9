"""An id_token for the person at this terminal: through the browser, or by a code that they type in elsewhere.

The browser comes back to an address of this machine alone (RFC 8252), with PKCE; or the issuer is asked
until the person has said yes (RFC 8628).
"""

import time
import webbrowser
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from engine.errors import Untrusted
from engine.outside.fetching import ask, check_address, fetch
from engine.outside.issuers import Issuer
from engine.outside.sign_ins import Flow, Return, authorization_url
from engine.outside.signed import claim_of

PATIENCE_S = 300.0
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_DONE = b"You are logged in, or will be told in the terminal what is wrong. You may close this page.\n"


class TerminalLogin:
    """`tell` says something to the person. Whatever goes wrong is an Untrusted."""

    def __init__(
        self, issuer: str, *, client_id: str, scopes: Sequence[str], tell: Callable[[str], None]
    ) -> None:
        check_address(issuer)
        self._issuer = Issuer(issuer)
        self._client_id = client_id
        self._scopes = scopes
        self._tell = tell

    @property
    def knows_devices(self) -> bool:
        return bool(self._issuer.metadata().get("device_authorization_endpoint"))

    # the browser on this machine

    def by_browser(self) -> str:
        with _Door() as door:
            place, flow = authorization_url(
                self._issuer.metadata(),
                name="",
                client_id=self._client_id,
                scopes=self._scopes,
                redirect_uri=door.url,
                ends_at=time.time() + PATIENCE_S,
            )
            self._tell(f"Log in at: {place}")
            webbrowser.open(place)
            back = door.wait(flow)
        if back.issuer and back.issuer != self._issuer.url:
            raise Untrusted(f"the answer is from {back.issuer[:200]!r}, not from {self._issuer.url}")
        if back.error or not back.code:
            raise Untrusted(f"{self._issuer.url} says {back.error[:100]!r}")
        form = {
            "grant_type": "authorization_code",
            "code": back.code,
            "redirect_uri": door.url,
            "code_verifier": flow.verifier,
            "client_id": self._client_id,
        }
        token = _id_token(fetch(check_address(self._issuer.metadata().get("token_endpoint")), form=form))
        if claim_of(token, "nonce") != flow.nonce:
            raise Untrusted("the id_token was made for another login")
        return token

    # a browser elsewhere

    def by_device(self) -> str:
        metadata = self._issuer.metadata()
        if not self.knows_devices:
            raise Untrusted(f"{self._issuer.url} has no login by a code (device flow)")
        form = {"client_id": self._client_id, "scope": " ".join(self._scopes)}
        begun = fetch(check_address(metadata["device_authorization_endpoint"]), form=form)
        self._tell(f"Open {begun.get('verification_uri')} and type in: {begun.get('user_code')}")
        pause_s = max(1.0, _number(begun.get("interval"), 5.0))
        end = time.monotonic() + min(PATIENCE_S * 2, _number(begun.get("expires_in"), PATIENCE_S))
        wanted = {
            "grant_type": _DEVICE_GRANT,
            "device_code": str(begun.get("device_code")),
            "client_id": self._client_id,
        }
        place = check_address(metadata.get("token_endpoint"))
        while time.monotonic() < end:
            time.sleep(pause_s)
            status, answer = ask(place, form=wanted)
            if status == 200:
                return _id_token(answer)
            if answer.get("error") == "slow_down":
                pause_s += 5.0
            elif answer.get("error") != "authorization_pending":
                raise Untrusted(f"{self._issuer.url} says {str(answer.get('error'))[:100]!r}")
        raise Untrusted("nobody has typed in the code in time")


class _Door:
    """Where the browser comes back to: a port of this machine, open until it has."""

    def __init__(self) -> None:
        self._back: Return | None = None
        self._wanted = ""
        door = self

        class Handler(BaseHTTPRequestHandler):
            # Browsers open connections ahead, and say nothing on them.
            timeout = 10

            def do_GET(self) -> None:
                self.send_response(200 if door.heard(self.path) else 404)
                self.send_header("content-type", "text/plain")
                self.send_header("content-length", str(len(_DONE)))
                self.end_headers()
                self.wfile.write(_DONE)

            def log_message(self, *_given: Any) -> None:
                """Nothing: the line would hold the code."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/callback"

    def __enter__(self) -> "_Door":
        return self

    def __exit__(self, *_given: object) -> None:
        self._server.server_close()

    def wait(self, flow: Flow) -> Return:
        """What came back for this flow; whatever else calls is not heard."""
        self._wanted = flow.state
        end = time.monotonic() + PATIENCE_S
        while self._back is None:
            left_s = end - time.monotonic()
            if left_s <= 0:
                raise Untrusted("nobody has logged in in time")
            self._server.timeout = left_s
            self._server.handle_request()
        return self._back

    def heard(self, target: str) -> bool:
        """Whether this request is the one that is waited for."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        if parts.path != "/callback" or query.get("state") != self._wanted:
            return False
        self._back = Return(
            code=query.get("code", ""),
            state=query["state"],
            issuer=query.get("iss", ""),
            error=query.get("error", ""),
        )
        return True


def _id_token(answer: dict[str, Any]) -> str:
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise Untrusted("the issuer gave no id_token")
    return token


def _number(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else default
