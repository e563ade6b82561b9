"""One request, as a handler sees it: who asks, the query, the body, and how to answer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson
from starlette.responses import Response

from engine.api.documents import Documents
from engine.api.errors import HttpError
from engine.api.landing import Landing
from engine.api.throttle import Throttle
from engine.errors import BadInput, Denied
from engine.records.access import Requester
from engine.records.execution import AGENT, ORIGIN_KEY
from engine.service import Engine
from engine.specs.permissions import IMPERSONATE
from engine.tracing.ids import SpanRef

if TYPE_CHECKING:
    from engine.api.stream_hub import StreamHub

DEPTH_LIMIT = 64
ORIGIN_HEADER = b"stormcrow-origin"
_TRUE = frozenset({"true", "1", "yes", "y"})
_FALSE = frozenset({"false", "0", "no", "n"})
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[\sT]\d{2}:\d{2}:\d{2}(\.\d{3,6})?(Z|\+00|\+0000|\+00:00)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list; `limit` None: all of it."""

    offset: int
    limit: int | None


@dataclass(slots=True)
class Crowd:
    """The requests of this server that wait; the event loop's alone."""

    throttle: Throttle
    waiting: int = 0
    """How many wait for the end of an execution."""
    landing: Landing = field(default_factory=Landing)
    """Where they wait for a commit."""
    storing: set[tuple[str, str]] = field(default_factory=set)
    """User and idempotency key of what is being stored."""


@dataclass(slots=True, kw_only=True)
class Call:
    """`location` says where the credentials were: header or query string."""

    engine: Engine
    documents: Documents
    crowd: Crowd
    stream: "StreamHub"
    requester: Requester
    location: str
    path: Mapping[str, str]
    query: "Query"
    headers: Mapping[bytes, bytes]
    raw_headers: Sequence[tuple[bytes, bytes]] = ()
    """As they came; in `headers` the last of a name counts."""
    address: str = ""
    """Where it comes from: the other end of the connection, or whom a proxy of ours there names."""
    peer: str = ""
    """The other end of the connection."""
    body: bytes = b""
    request_id: str = ""
    span: SpanRef | None = None
    """Of this request; None while traces are off."""
    is_on_stream: bool = False
    """It came on the address of the event stream, which StackStorm has on a port of its own."""

    def object(self) -> dict[str, Any]:
        """The JSON object in the body; an empty body, or `null`, is an empty object."""
        value = read_json(self.body, self.headers.get(b"content-type", b""))
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise BadInput("The body must be a JSON object.")
        return value

    @property
    def is_agent(self) -> bool:
        """A program that decides by itself asks: it says so, or it is an action that such a one began."""
        if self.headers.get(ORIGIN_HEADER, b"").strip().lower() == AGENT.encode():
            return True
        execution_id = self.requester.execution_id
        return execution_id is not None and self.engine.inquiries.is_of_agent(execution_id)

    def origin(self) -> dict[str, str]:
        """What the context of an execution says of what kind of client asked for it."""
        return {ORIGIN_KEY: AGENT} if self.is_agent else {}

    def own_user(self, asked: Any) -> str:
        """The requester, or whom they may act for. Raises Denied when the body asks for another user."""
        if asked is not None and asked not in ("", self.requester.user):
            if isinstance(asked, str) and self.may_impersonate(asked):
                return asked
            raise Denied(f'User "{self.requester.user}" may not act as "{asked}".', hint="Leave `user` out.")
        return self.requester.user

    def may_impersonate(self, user: str) -> bool:
        """Whether the requester may act for this user; the token of a running action never may."""
        requester = self.requester
        scope = requester.scope
        may_at_all = (
            requester.is_person
            if scope is None
            else IMPERSONATE in scope.rights and not requester.acting_user
        )
        return may_at_all and not self.is_agent and self.engine.rights.may_impersonate(requester.user, user)

    def impersonated(self, user: str) -> dict[str, str]:
        """What the context of an execution says of who acts for its user."""
        acting = self.requester.acting_user or self.requester.user
        return {} if user == acting else {"impersonated_by": acting}


@dataclass(frozen=True, slots=True)
class Query:
    """The query string; of a name that stands there twice, the last counts."""

    values: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: bytes) -> "Query":
        if not raw:
            return cls()
        try:
            values = dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=100))
        except ValueError as error:
            raise BadInput("The query string cannot be read.") from error
        if any("\0" in text for pair in values.items() for text in pair):
            # No file and no text in a database has one.
            raise BadInput("The query string holds a NUL character.")
        return cls(values)

    def text(self, name: str) -> str | None:
        """None also for an empty value: clients send `name=` for what they do not ask."""
        return self.values.get(name) or None

    def names(self, name: str) -> list[str]:
        """A comma separated list."""
        return [item.strip() for item in self.values.get(name, "").split(",") if item.strip()]

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.values.get(name, "").lower()
        if not value:
            return default
        if value in _TRUE or value in _FALSE:
            return value in _TRUE
        raise BadInput(f'Parameter "{name}" is not of type boolean')

    def integer(self, name: str, default: int) -> int:
        value = self.values.get(name, "")
        if not value:
            return default
        if not _INTEGER.fullmatch(value):
            raise BadInput(f'Parameter "{name}" is not of type integer')
        return int(value)

    def moment(self, name: str) -> datetime | None:
        value = self.text(name)
        return moment(value, name) if value else None

    def page(self, *, limit: int = 100) -> Page:
        asked = self.integer("limit", limit)
        offset = self.integer("offset", 0)
        if asked == 0 or asked < -1:
            raise BadInput(f'Limit "{asked}" specified, must be a positive number, or -1 for all.')
        if offset < 0:
            raise BadInput(f'Offset "{offset}" specified, must be a positive number.')
        return Page(offset=offset, limit=None if asked == -1 else asked)


def moment(value: str, name: str) -> datetime:
    """An aware datetime from StackStorm's spelling of one. Raises BadInput."""
    # A plus in a query string arrives as a space.
    text = re.sub(r" (00|0000|00:00)$", r"+\1", value)
    if not _TIMESTAMP.fullmatch(text):
        raise BadInput(
            f'Parameter "{name}" is not a timestamp: {value}', hint="Write 2026-01-01T00:00:00.000000Z."
        )
    bare = re.sub(r"(Z|\+00|\+0000|\+00:00)$", "", text)
    try:
        return datetime.fromisoformat(bare.replace(" ", "T")).replace(tzinfo=UTC)
    except ValueError as error:
        raise BadInput(f'Parameter "{name}" is not a timestamp: {value}') from error


def read_json(body: bytes, content_type: bytes) -> Any:
    """The body's value; None for an empty one, whatever kind it says it is.

    Raises HttpError 415 for another kind of content, BadInput for what is not JSON.
    """
    if not body or body.isspace():
        return None
    kind = content_type.partition(b";")[0].strip().lower()
    if kind not in (b"", b"application/json") and not kind.endswith(b"+json"):
        raise HttpError(415, f"The body must be application/json, not {kind.decode('latin-1')}.")
    # Only a body with that many brackets can be nested too deeply.
    if body.count(b"[") + body.count(b"{") > DEPTH_LIMIT and _depth(body) > DEPTH_LIMIT:
        raise BadInput(f"The body is nested more than {DEPTH_LIMIT} levels deep.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(f"The body is not JSON: {error}") from error


def _depth(body: bytes) -> int:
    """How deep brackets are nested, outside of strings."""
    deepest = depth = 0
    for token in re.finditer(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', body, re.DOTALL):
        first = body[token.start()]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest


def plain(value: Any) -> Any:
    """What orjson does not know: read-only mappings, sets, paths."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def dump(value: Any, option: int = 0) -> bytes:
    return orjson.dumps(value, default=plain, option=orjson.OPT_NON_STR_KEYS | option)


def json_answer(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(dump(value), status_code=status, headers=headers, media_type="application/json")


def text_answer(text: str) -> Response:
    return Response(text.encode(errors="replace"), media_type="text/plain")


def nothing() -> Response:
    return Response(status_code=204)
