"""Whether an answer is one that our own description of the API tells of: its status, its kind, its shape."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from jsonschema import Draft202012Validator
from starlette.routing import compile_path

from engine.api.app import ENDPOINTS
from engine.api.door import plain_path
from engine.api.openapi import description
from engine.api.resource import Endpoint
from engine.api.shape import Listed, Shape

NOUNS = frozenset(endpoint.path.split("/")[1] for endpoint in ENDPOINTS) - {""}
# Of every path: of the door, or of a method that a path has not.
OF_THE_DOOR = {405, 408, 413, 431}
# Alerts carry what their senders say, packs what their authors wrote, rules their extensions.
OPEN = ("Alert", "Pack", "Rule")


@cache
def document() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(description(ENDPOINTS)))
    return made


def endpoint_of(method: str, path: str) -> Endpoint | None:
    plain = plain_path(path, NOUNS)
    for endpoint, pattern in _patterns():
        if endpoint.method == method and pattern.match(plain):
            return endpoint
    return None


@cache
def _patterns() -> list[tuple[Endpoint, re.Pattern[str]]]:
    return [(endpoint, compile_path(endpoint.path)[0]) for endpoint in ENDPOINTS]


def flaws(answer: requests.Response) -> Iterator[str]:
    """What the answer has that the description has not, or the other way round."""
    asked, address = answer.request, urlsplit(str(answer.request.url))
    endpoint = endpoint_of(str(asked.method), address.path)
    if endpoint is None or answer.status_code in OF_THE_DOOR:
        return
    said = document()["paths"][re.sub(r":path\}", "}", endpoint.path)][endpoint.method.lower()]
    response = said["responses"].get(str(answer.status_code))
    if response is None:
        yield f"the status {answer.status_code} is not described"
        return
    if "$ref" in response:
        response = document()["components"]["responses"][response["$ref"].rpartition("/")[2]]
    kinds = response.get("content", {})
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if not kinds:
        yield from (["there is a body where none is described"] if answer.content else [])
    elif kind not in kinds:
        yield f"the kind {kind!r} is not described, only {sorted(kinds)}"
    elif kind == "application/json":
        yield from _of_schema(kinds[kind]["schema"], answer.json())
        if answer.ok and "include_attributes" not in parse_qs(address.query):
            yield from _of_names(endpoint, answer)


def _of_schema(schema: dict[str, Any], value: Any) -> Iterator[str]:
    validator = Draft202012Validator({**schema, "components": document()["components"]})
    for error in validator.iter_errors(value):
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"


def _of_names(endpoint: Endpoint, answer: requests.Response) -> Iterator[str]:
    """All that must be there is, and nothing is there that is not described."""
    gives = endpoint.gives
    shape = gives.items if isinstance(gives, Listed) else gives
    if not isinstance(shape, Shape):
        return
    excluded = "exclude_attributes" in str(answer.request.url)
    for one in answer.json() if isinstance(gives, Listed) else [answer.json()]:
        if shape.name not in OPEN and set(one) - set(shape.properties):
            yield f"not described in {shape.name}: {sorted(set(one) - set(shape.properties))}"
        if not excluded and set(shape.required) - set(one):
            yield f"not there, of {shape.name}: {sorted(set(shape.required) - set(one))}"


def check_described(answer: requests.Response) -> None:
    found = list(flaws(answer))
    assert not found, f"{answer.request.method} {answer.request.path_url}: {found[:5]}"
