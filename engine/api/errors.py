"""From an error to an HTTP answer: which status, which text."""

import math
from collections.abc import Mapping
from types import MappingProxyType

import orjson
from starlette.responses import Response

from engine.errors import (
    AlreadyThere,
    BadContent,
    BadInput,
    BadSettings,
    BadTemplate,
    Busy,
    Conflict,
    Denied,
    EngineError,
    KeyReused,
    NotFound,
    RunnerFailure,
    StoreFailure,
    TooOften,
    Unauthenticated,
    sentences,
)

# The first class that fits decides; subclasses stand before their parents.
STATUS_OF: Mapping[type[EngineError], int] = MappingProxyType(
    {
        BadInput: 400,
        BadTemplate: 400,
        BadContent: 400,
        Unauthenticated: 401,
        Denied: 403,
        NotFound: 404,
        KeyReused: 422,
        Conflict: 409,
        TooOften: 429,
        Busy: 503,
        BadSettings: 500,
        RunnerFailure: 500,
        StoreFailure: 503,
    }
)


class HttpError(Exception):
    """What only HTTP knows: a body that is too large, a kind of content that nobody reads."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def status_of(error: EngineError) -> int:
    return next((status for kind, status in STATUS_OF.items() if isinstance(error, kind)), 500)


def fault(
    status: int,
    text: str,
    headers: Mapping[str, str] | None = None,
    *,
    more: Mapping[str, str] | None = None,
) -> Response:
    """StackStorm's error body. `more`: what stands in it beside the text."""
    body = orjson.dumps({"faultstring": text, **(more or {})})
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def answer_for(error: EngineError | HttpError, *, request_id: str) -> Response:
    """Faults of our own side say no more than where to look them up."""
    if isinstance(error, HttpError):
        return fault(error.status, error.message, error.headers)
    status = status_of(error)
    if status == 401:
        return fault(status, unauthorized(error), {"WWW-Authenticate": "Bearer"})
    if isinstance(error, TooOften):
        return fault(status, str(error), {"Retry-After": str(math.ceil(error.retry_after_s))})
    if isinstance(error, Busy):
        return fault(status, str(error), {"Retry-After": "1"})
    if status == 503:
        text = f"The server cannot use its store, or is stopping. Request {request_id}."
        return fault(status, text, {"Retry-After": "5"})
    if status >= 500:
        return fault(status, internal(request_id))
    more = {"conflict-id": error.existing_id} if isinstance(error, AlreadyThere) else None
    return fault(status, sentences(error.message, error.hint), more=more)


def no_database(request_id: str) -> Response:
    """What was asked for is not done; the database itself said no."""
    text = f"The database does not do its work. Request {request_id}; stormcrow status says what is wrong."
    return fault(503, text, {"Retry-After": "5"})


def unauthorized(error: EngineError) -> str:
    return f"Unauthorized - {error.message.removeprefix('Unauthorized - ')}"


def internal(request_id: str) -> str:
    return f"Internal Server Error. Request {request_id}; the server's log says more."
