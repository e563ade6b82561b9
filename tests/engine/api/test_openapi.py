"""The description of our API: nothing is missing from it, and what it says is so."""

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from engine.api import listing
from engine.api.app import ENDPOINTS
from engine.api.openapi import description, statuses
from engine.api.parameters import PARAMETERS
from engine.api.resource import Endpoint
from engine.api.shape import Listed, Raw, Shape
from tests.engine.api.reading import reads
from tests.engine.api.running import Running

# Of the caller, wherever it asks: the description says them as ways to authenticate.
CREDENTIALS = {"x-auth-token", "st2-api-key"}
OF_FITTING = {"id": "array", "enabled": "boolean"}


def name(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(description(ENDPOINTS)))
    return made


def operation(document: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    path = re.sub(r"\{(\w+):path\}", r"{\1}", endpoint.path)
    found: dict[str, Any] = document["paths"][path][endpoint.method.lower()]
    return found


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name)
def test_a_route_declares_just_the_parameters_that_it_reads(endpoint: Endpoint) -> None:
    read = dict(sorted(one for one in reads(endpoint.handler) if one[0] not in CREDENTIALS))
    assert set(endpoint.query) == set(read)
    if set(listing.FITTED) <= set(read):
        read.update(OF_FITTING)
    assert {one: PARAMETERS[one].kind for one in endpoint.query} == read


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name)
def test_a_route_is_described_with_its_right_parameters_and_answers(
    document: dict[str, Any], endpoint: Endpoint
) -> None:
    said = operation(document, endpoint)
    assert said.get("x-right") == endpoint.right
    in_query = {one["name"] for one in said["parameters"] if one["in"] == "query"}
    in_path = {one["name"] for one in said["parameters"] if one["in"] == "path"}
    assert in_query == set(endpoint.query)
    assert in_path == set(re.findall(r"\{(\w+)", endpoint.path))
    assert set(said["responses"]) == {str(status) for status in statuses(endpoint)}
    assert ("requestBody" in said) == (endpoint.takes is not None)
    assert ("content" in said["responses"][str(endpoint.ok_status)]) == (endpoint.gives is not None)
    assert said["summary"]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=name)
def test_a_route_that_answers_with_something_says_what(endpoint: Endpoint) -> None:
    assert (endpoint.gives is None) == (endpoint.ok_status == 204)
    if endpoint.method == "GET":
        assert endpoint.takes is None


def test_no_parameter_is_explained_that_nothing_reads() -> None:
    assert set(PARAMETERS) == {one for endpoint in ENDPOINTS for one in endpoint.query}


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    assert len(names) == len(set(names)) == len(ENDPOINTS)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for path in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))):
        found: Any = document
        for part in path.split("/"):
            found = found[part]
        assert found


def test_the_schemas_are_schemas(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", ["/openapi.json", "/v1/openapi.json", "/api/v1/openapi.json"])
def test_the_description_is_served_to_everybody(server: Running, document: dict[str, Any], path: str) -> None:
    answer = server.get(path, key="")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == document


# what it says of answers


def lists() -> list[Endpoint]:
    """Lists, each of documents of one kind, that need no name in the path."""
    return [one for one in ENDPOINTS if isinstance(one.gives, Listed) and "{" not in one.path]


@pytest.mark.parametrize("endpoint", [one for one in lists() if one.method == "GET"], ids=name)
def test_the_documents_of_a_list_are_as_described(
    server: Running, document: dict[str, Any], endpoint: Endpoint
) -> None:
    server.run("probe.say", text="for the list")
    answer = server.get(f"/api/v1{endpoint.path}")
    assert answer.status_code == 200
    assert isinstance(endpoint.gives, Listed)
    is_counted = "X-Total-Count" in answer.headers
    assert is_counted == endpoint.gives.is_counted
    for one in answer.json():
        check(document, endpoint.gives.items, one)


def check(document: dict[str, Any], items: Any, one: Any) -> None:
    """Whole: all that must be there is, each of its type, and nothing that is not described."""
    assert isinstance(items, Shape)
    schema = {**document["components"]["schemas"][items.name], "components": document["components"]}
    Draft202012Validator(schema).validate(one)
    # Alerts carry what their senders say, packs what their authors wrote, rules their extensions.
    if items.name not in ("Alert", "Pack", "Rule"):
        assert set(one) <= set(items.properties)


def test_an_execution_is_as_described(server: Running, document: dict[str, Any]) -> None:
    made = server.run("probe.say", text="described")
    found = next(one.gives for one in ENDPOINTS if name(one) == "GET /executions/{id}")
    check(document, found, server.get(f"/executions/{made['id']}").json())


# the page


def test_the_documentation_is_a_page_that_fetches_nothing_from_elsewhere(server: Running) -> None:
    answer = server.get("/docs", key="")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    for part in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
        assert part.startswith("/")
        assert server.get(part, key="").status_code == 200


def test_the_documentation_gives_no_other_files(server: Running) -> None:
    for path in ("/docs/nothing.js", "/docs/..%2fapp.py", "/docs/%2e%2e/app.py"):
        assert server.get(path, key="").status_code == 404


def test_a_shape_has_one_name() -> None:
    def named(given: Any) -> list[Shape]:
        items = given.items if isinstance(given, Listed) else given
        return [items] if isinstance(items, Shape) else []

    found = [
        shape
        for one in ENDPOINTS
        for given in (one.takes, one.gives)
        if not isinstance(given, Raw)
        for shape in named(given)
    ]
    by_name: dict[str, Shape] = {}
    for shape in found:
        assert by_name.setdefault(shape.name, shape) is shape
