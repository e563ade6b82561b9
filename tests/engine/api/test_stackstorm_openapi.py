"""StackStorm's own description of its API, operation by operation, against our routes."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from engine.api.app import ENDPOINTS
from engine.api.openapi import statuses
from engine.api.resource import Endpoint
from engine.api.shape import Listed, Shape
from tests.conftest import CONFORMANCE

ROOT = Path(__file__).resolve().parents[3]
PLACE = "## What StackStorm's API has and ours has not"


class Operation(NamedTuple):
    method: str
    path: str
    said: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def document() -> dict[str, Any]:
    path = CONFORMANCE / "stackstorm-openapi.json"
    if not path.is_file():
        return {"paths": {}, "definitions": {}}
    made: dict[str, Any] = json.loads(path.read_text())
    return made


def operations() -> list[Operation]:
    return [
        Operation(method.upper(), re.sub(r"^/(api|auth|stream)/v1", "", path) or "/", said)
        for path, item in document()["paths"].items()
        for method, said in item.items()
    ]


def bare(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def ours() -> dict[tuple[str, str], Endpoint]:
    return {(one.method, bare(one.path)): one for one in ENDPOINTS}


def listed() -> dict[str, set[str]]:
    """What docs/differences.md says we have not: an operation, and its parameters (none: all of it)."""
    text = (ROOT / "docs/differences.md").read_text(encoding="utf-8")
    chapter = text.split(PLACE, 1)[1].split("\n## ", 1)[0]
    found: dict[str, set[str]] = {}
    for line in chapter.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 3 and cells[2]:
            for one in re.findall(r"`([^`]+)`", cells[0]):
                found.setdefault(one, set()).update(re.findall(r"`([^`]+)`", cells[1]))
    return found


def missing(operation: Operation) -> set[str]:
    named = listed()
    return named.get(str(operation), set()) | named.get("any", set())


def shape_of(endpoint: Endpoint) -> Shape | None:
    given = endpoint.gives.items if isinstance(endpoint.gives, Listed) else endpoint.gives
    return given if isinstance(given, Shape) else None


def test_the_description_is_there(conformance: Path) -> None:
    assert (conformance / "stackstorm-openapi.json").is_file()
    assert len(operations()) == 121


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_an_operation_is_served_or_listed_as_a_difference(operation: Operation) -> None:
    is_served = (operation.method, bare(operation.path)) in ours()
    is_listed = str(operation) in listed() and not listed()[str(operation)]
    assert is_served != is_listed


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_its_parameters_are_read_or_listed(operation: Operation) -> None:
    endpoint = ours().get((operation.method, bare(operation.path)))
    if endpoint is None:
        return
    wanted = {one["name"] for one in operation.said.get("parameters", ()) if one["in"] == "query"}
    left = wanted - set(endpoint.query)
    assert left <= missing(operation)
    assert not missing(operation) & set(endpoint.query)


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_it_is_answered_with_the_same_status(operation: Operation) -> None:
    endpoint = ours().get((operation.method, bare(operation.path)))
    if endpoint is None:
        return
    wanted = {int(status) for status in operation.said["responses"] if status != "default"}
    assert endpoint.ok_status in wanted
    assert wanted <= set(statuses(endpoint))


@pytest.mark.parametrize("operation", operations(), ids=str)
def test_its_answer_has_the_attributes_that_are_always_there(operation: Operation) -> None:
    endpoint = ours().get((operation.method, bare(operation.path)))
    shape = shape_of(endpoint) if endpoint else None
    if endpoint is None or shape is None:
        return
    schema = operation.said["responses"][str(endpoint.ok_status)].get("schema") or {}
    assert required(schema) <= {*shape.required, *shape.properties}


def required(schema: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        return required(document()["definitions"][schema["$ref"].rpartition("/")[2]])
    if "items" in schema:
        return required(schema["items"])
    found = set(schema.get("required", ()))
    return found.union(*(required(part) for part in schema.get("allOf", ())))


def test_only_operations_of_stackstorm_are_listed() -> None:
    if operations():
        assert set(listed()) - {"any"} <= {str(one) for one in operations()}
