"""Pages of other sites that may read the API: an exact list, empty unless the settings name some (CORS).

Nothing of ours is known by a cookie here, so no answer ever says that credentials are allowed.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.responses import Response

from engine.errors import BadSettings

Headers = list[tuple[bytes, bytes]]

_METHODS = b"GET,POST,PUT,DELETE,OPTIONS"
# StackStorm's, and those that only we read.
_TAKEN = (
    b"Content-Type,Authorization,X-Auth-Token,St2-Api-Key,X-Request-ID,"
    b"Idempotency-Key,If-Modified-Since,If-None-Match,Last-Event-ID,Prefer"
)
_SHOWN = (
    b"Content-Type,X-Limit,X-Total-Count,X-Request-ID,"
    b"Idempotency-Replayed,Location,Preference-Applied,Retry-After,X-Trigger-Instance"
)
# How long a browser may remember the answer to its question, in seconds.
_REMEMBERED_S = b"600"


class Cors:
    """What to add to answers, and the answer to a browser that asks before it sends."""

    def __init__(self, origins: Sequence[str]) -> None:
        """Raises BadSettings: each must be one origin as browsers send it."""
        self._origins = frozenset(_checked(origin) for origin in origins)

    def headers(self, request: Mapping[bytes, bytes]) -> Headers:
        """Of every answer of the API."""
        if not self._origins:
            return []
        # Also where the origin is not known: what is kept must not be shown to another one.
        vary = (b"vary", b"Origin")
        origin = request.get(b"origin", b"")
        if origin not in self._origins:
            return [vary]
        return [
            vary,
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _SHOWN),
        ]

    def asked_before(self, method: str, request: Mapping[bytes, bytes]) -> Response | None:
        """The answer to a browser that asks whether it may send; None: this is no such question."""
        is_question = method == "OPTIONS" and b"access-control-request-method" in request
        if not is_question or request.get(b"origin", b"") not in self._origins:
            return None
        answer = Response(status_code=204)
        answer.raw_headers.extend(
            [
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", _TAKEN),
                (b"access-control-max-age", _REMEMBERED_S),
            ]
        )
        return answer


def _checked(origin: str) -> bytes:
    parts = urlsplit(origin)
    is_whole = f"{parts.scheme}://{parts.netloc}" == origin and bool(parts.hostname)
    is_plain = origin == origin.lower() and not {"*", "@"} & set(origin)
    if parts.scheme not in ("http", "https") or not is_whole or not is_plain:
        raise BadSettings(
            f"{origin!r} is no origin of a page.",
            hint="Write it as browsers do: https://console.example.com, without a path; no *, no null.",
            where="server.allow_origins",
        )
    return origin.encode("ascii")
