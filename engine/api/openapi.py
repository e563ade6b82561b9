"""The description of the API in OpenAPI 3.1, made from the routes themselves."""

import inspect
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from engine.api.parameters import PARAMETERS
from engine.api.resource import Endpoint
from engine.api.shape import TEXT, Given, Listed, Parameter, Raw, Schema, Shape
from engine.api.wire import Document
from engine.api.wire_shapes import FAULT

VERSION = "3.1.0"
_PATH_NAME = re.compile(r"\{(\w+)(:path)?\}")
_ABOUT = (
    "StackStorm's REST API v1, and what Stormcrow adds to it. Every path is answered with and without"
    " /api (or /auth, /stream) and /v1 in front of it, and never redirected."
)
_SERVER = "server"
_OF_THE_SERVER = frozenset({"", "docs", "healthz", "metrics", "openapi.json", "readyz", "user"})
_KINDS: Mapping[str, Schema] = MappingProxyType(
    {
        "string": {"type": "string"},
        "integer": {"type": "integer"},
        "boolean": {"type": "boolean"},
        "moment": {"type": "string", "format": "date-time"},
        "array": {"type": "array", "items": {"type": "string"}},
    }
)
# What any request may be answered with, and what only some may.
_ALWAYS = (400, 403, 429, 500, 503)
_OF_BODIES = (404, 408, 409, 413, 415, 422)
_SECURITY: Mapping[str, Document] = MappingProxyType(
    {
        "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
        "key": {"type": "apiKey", "in": "header", "name": "St2-Api-Key"},
        "tokenInQuery": {"type": "apiKey", "in": "query", "name": "x-auth-token"},
        "keyInQuery": {"type": "apiKey", "in": "query", "name": "st2-api-key"},
        "bearer": {"type": "http", "scheme": "bearer"},
    }
)


def description(endpoints: Iterable[Endpoint]) -> Document:
    """The whole document."""
    shelf = _Shelf()
    paths: dict[str, Document] = {}
    for endpoint in endpoints:
        path = _PATH_NAME.sub(r"{\1}", endpoint.path)
        paths.setdefault(path, {})[endpoint.method.lower()] = _operation(endpoint, shelf)
    return {
        "openapi": VERSION,
        "info": {"title": "Stormcrow", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/api/v1"}],
        "security": [{name: []} for name in _SECURITY],
        "paths": paths,
        "components": {
            "schemas": shelf.schemas,
            "responses": {str(status): _fault(status, shelf) for status in sorted(shelf.faults)},
            "securitySchemes": dict(_SECURITY),
        },
    }


def statuses(endpoint: Endpoint) -> tuple[int, ...]:
    """All that it may answer with: the good one, its others, and then the faults."""
    found = {*_ALWAYS}
    may_ask_for_key = endpoint.right is not None or endpoint.method == "POST" or endpoint.path == "/"
    if not endpoint.is_open or may_ask_for_key:
        found.add(401)
    if "{" in endpoint.path or endpoint.query:
        found.add(404)
    if endpoint.method != "GET":
        found.update(_OF_BODIES)
    return (endpoint.ok_status, *endpoint.also, *sorted(found))


class _Shelf:
    """The shapes and faults that have been named."""

    def __init__(self) -> None:
        self.schemas: dict[str, Document] = {}
        self.faults: set[int] = set()

    def schema(self, given: Schema | Shape | Listed, *, is_selected: bool = False) -> Document:
        """`is_selected`: the caller may leave attributes out, so that none is sure to be there."""
        if isinstance(given, Listed):
            return {"type": "array", "items": self.schema(given.items, is_selected=is_selected)}
        if isinstance(given, Shape):
            return self._shape(given, is_selected=is_selected)
        return {name: self._inner(value) for name, value in given.items()}

    def _inner(self, value: Any) -> Any:
        return self.schema(value) if isinstance(value, Shape | Mapping) else value

    def _shape(self, shape: Shape, *, is_selected: bool) -> Document:
        if is_selected:
            # The whole one is described too, for the reader.
            self._shape(shape, is_selected=False)
        name = f"{shape.name}Selection" if is_selected else shape.name
        if name not in self.schemas:
            made: Document = {"type": "object", "properties": {}}
            self.schemas[name] = made
            made["properties"] = {key: self.schema(one) for key, one in shape.properties.items()}
            if shape.required and not is_selected:
                made["required"] = list(dict.fromkeys(shape.required))
        return {"$ref": f"#/components/schemas/{name}"}

    def fault(self, status: int) -> Document:
        self.faults.add(status)
        return {"$ref": f"#/components/responses/{status}"}


def _operation(endpoint: Endpoint, shelf: _Shelf) -> Document:
    words = [endpoint.method.lower(), *re.findall(r"\w+", _PATH_NAME.sub(r"\1", endpoint.path))]
    summary, more = _said(endpoint)
    made: Document = {
        "operationId": "_".join(words),
        "tags": [_tag(endpoint.path)],
        "summary": summary,
        "parameters": _parameters(endpoint),
        "responses": {str(endpoint.ok_status): _answer(endpoint, shelf)},
    }
    if more:
        made["description"] = more
    if endpoint.takes is not None:
        made["requestBody"] = _body(endpoint.takes, shelf)
    for status in endpoint.also:
        # The same document, or, of 304 and 307, none.
        phrase = {"description": HTTPStatus(status).phrase}
        is_document = status < HTTPStatus.MULTIPLE_CHOICES
        made["responses"][str(status)] = {**_answer(endpoint, shelf), **phrase} if is_document else phrase
    for status in statuses(endpoint)[1 + len(endpoint.also) :]:
        made["responses"][str(status)] = shelf.fault(status)
    if endpoint.right is not None:
        made["x-right"] = str(endpoint.right)
    if endpoint.is_open:
        made["security"] = [{}, *({name: []} for name in _SECURITY)]
    return made


def _tag(path: str) -> str:
    """Its first word; what is about the server itself stands together."""
    first = path.split("/")[1]
    return _SERVER if first in _OF_THE_SERVER else first


def _said(endpoint: Endpoint) -> tuple[str, str]:
    """A line, and what the handler's own words say beside it."""
    text = inspect.getdoc(endpoint.handler) or ""
    name = " ".join(re.findall(r"[A-Za-z0-9]+", getattr(endpoint.handler, "__name__", "")))
    name = name.capitalize() if " " in name else f"{name.capitalize()} {endpoint.path.split('/')[1]}".strip()
    return name, text


def _parameters(endpoint: Endpoint) -> list[Document]:
    inside = [
        {"name": name, "in": "path", "required": True, "schema": dict(TEXT)}
        for name, _rest in _PATH_NAME.findall(endpoint.path)
    ]
    return inside + [_parameter(name, PARAMETERS[name]) for name in endpoint.query]


def _parameter(name: str, parameter: Parameter) -> Document:
    schema = dict(_KINDS[parameter.kind])
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    commas = {"style": "form", "explode": False} if parameter.kind == "array" else {}
    return {"name": name, "in": "query", "description": parameter.about, "schema": schema, **commas}


def _body(takes: Shape | Raw | Schema, shelf: _Shelf) -> Document:
    if isinstance(takes, Raw):
        return {"content": {kind: {"schema": dict(TEXT)} for kind in takes.kinds}}
    needs = isinstance(takes, Shape) and bool(takes.required)
    return {"required": needs, "content": {"application/json": {"schema": shelf.schema(takes)}}}


def _answer(endpoint: Endpoint, shelf: _Shelf) -> Document:
    gives: Given = endpoint.gives
    said: Document = {"description": HTTPStatus(endpoint.ok_status).phrase}
    if isinstance(gives, Raw):
        said["content"] = {kind: {"schema": {}} for kind in gives.kinds}
    elif gives is not None:
        is_selected = "include_attributes" in endpoint.query
        schema = shelf.schema(gives, is_selected=is_selected)
        said["content"] = {"application/json": {"schema": schema}}
    if isinstance(gives, Listed) and gives.is_counted:
        count = {"schema": {"type": "integer"}}
        said["headers"] = {"X-Total-Count": count, "X-Limit": count}
    return said


def _fault(status: int, shelf: _Shelf) -> Document:
    content = {"application/json": {"schema": shelf.schema(FAULT)}}
    return {"description": HTTPStatus(status).phrase, "content": content}
