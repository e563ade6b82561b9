"""An issuer of our own on loopback: OpenID Connect with a generated key, and tokens of any content."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

_RSA = rsa.generate_private_key(65537, 2048)
_EC = ec.generate_private_key(ec.SECP256R1())


class OwnIssuer:
    """`metadata`, `keys` and `person` may be changed while it runs; `asked` counts requests by path."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}
        self.person: dict[str, Any] = {"sub": "u1", "preferred_username": "ann"}
        self.codes: dict[str, dict[str, str]] = {}
        self.devices: dict[str, bool] = {}
        """Device codes, and whether a person has said yes."""
        self.secret = ""
        self.nonce: str | None = None
        """In the place of the nonce that was asked for."""
        self.answer: dict[str, str] = {}
        """What the answer of /authorize has besides."""
        self.status: dict[str, tuple[int, dict[str, str], bytes]] = {}
        """Path -> an answer in the place of the right one."""
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"issuer": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.keys = [public("rsa"), public("ec")]
        self.metadata: dict[str, Any] = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "device_authorization_endpoint": f"{self.url}/device",
        }
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def token(self, *, audience: Any = "us", life_s: float = 300, **claims: Any) -> str:
        """Signed as it should be; a claim of None is left out."""
        now = time.time()
        given = {
            "iss": self.url,
            "aud": audience,
            "sub": "job",
            "iat": now,
            "nbf": now,
            "exp": now + life_s,
            "jti": secrets.token_hex(8),
            **claims,
        }
        return signed({name: value for name, value in given.items() if value is not None})

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


def signed(
    claims: Mapping[str, Any],
    *,
    algorithm: str = "RS256",
    kid: str | None = "rsa",
    key: Any = None,
    **head: Any,
) -> str:
    private = key if key is not None else (_EC if algorithm == "ES256" else _RSA)
    headers = {**({"kid": kid} if kid else {}), **head}
    return jwt.encode(dict(claims), private, algorithm=algorithm, headers=headers)


def public(kid: str, *, key: Any = None, **more: Any) -> dict[str, Any]:
    """A key as it stands in a JWKS; `rsa` and `ec` are those that `signed` uses."""
    used = key or (_EC if kid == "ec" else _RSA)
    algorithm = jwt.algorithms.ECAlgorithm if isinstance(used, ec.EllipticCurvePrivateKey) else None
    made = (algorithm or jwt.algorithms.RSAAlgorithm).to_jwk(used.public_key(), as_dict=True)
    return {**made, "kid": kid, "use": "sig", **more}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_given: Any) -> None:
        """Whoever went away in between."""


class _Handler(BaseHTTPRequestHandler):
    issuer: OwnIssuer

    def log_message(self, *_given: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        path = self._count()
        if path == "/.well-known/openid-configuration":
            self._json(200, self.issuer.metadata)
        elif path == "/jwks":
            self._json(200, {"keys": self.issuer.keys})
        elif path == "/authorize":
            self._authorize(dict(parse_qsl(urlsplit(self.path).query)))
        else:
            self._json(404, {})

    def do_POST(self) -> None:
        path = self._count()
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if path == "/token":
            self._token(form)
        elif path == "/device":
            code = secrets.token_hex(8)
            self.issuer.devices[code] = False
            self._json(
                200,
                {
                    "device_code": code,
                    "user_code": "CROW-7",
                    "verification_uri": f"{self.issuer.url}/activate",
                    "interval": 1,
                    "expires_in": 60,
                },
            )
        else:
            self._json(404, {})

    def _count(self) -> str:
        path = urlsplit(self.path).path
        self.issuer.asked[path] = self.issuer.asked.get(path, 0) + 1
        instead = self.issuer.status.get(path)
        if instead is not None:
            status, headers, body = instead
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return "answered"
        return path

    def _authorize(self, query: dict[str, str]) -> None:
        code = secrets.token_hex(8)
        self.issuer.codes[code] = query
        answer = {"code": code, "state": query["state"], **self.issuer.answer}
        self.send_response(302)
        self.send_header("location", f"{query['redirect_uri']}?{urlencode(answer)}")
        self.send_header("content-length", "0")
        self.end_headers()

    def _token(self, form: dict[str, str]) -> None:
        asked = self.issuer.codes.pop(form.get("code", ""), None)
        if form.get("grant_type") == "urn:ietf:params:oauth:grant-type:device_code":
            if not self.issuer.devices.get(form["device_code"]):
                self._json(400, {"error": "authorization_pending"})
                return
            asked = {"client_id": form["client_id"]}
        elif asked is None or not self._fits(asked, form):
            self._json(400, {"error": "invalid_grant"})
            return
        nonce = self.issuer.nonce if self.issuer.nonce is not None else asked.get("nonce")
        claims = {"nonce": nonce, **self.issuer.person}
        self._json(200, {"id_token": self.issuer.token(audience=asked["client_id"], **claims)})

    def _fits(self, asked: dict[str, str], form: dict[str, str]) -> bool:
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        given = self.headers.get("authorization", "").removeprefix("Basic ")
        right = base64.b64encode(f"{asked['client_id']}:{self.issuer.secret}".encode()).decode()
        return (
            asked.get("code_challenge_method") == "S256"
            and challenge == asked["code_challenge"]
            and form.get("redirect_uri") == asked["redirect_uri"]
            and (not self.issuer.secret or given == right)
        )

    def _json(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
