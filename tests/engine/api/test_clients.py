"""The fields that StackStorm's own command line cannot do without (recorded by leaving each out)."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.api.app import ENDPOINTS
from tests.engine.api.running import Running
from tests.engine.world import wait_until

# Belongs to workflows, rules, the stream: other issues.
LATER = ("result.output", "context.orquesta", "context.parent")


def asked(server: Running) -> dict[str, Any]:
    """Our answer for each recorded route that we have."""
    execution = server.run("probe.say", text="x")
    key = server.post("/apikeys", {"metadata": {"used_by": "x"}})
    put = server.ask("PUT", "/keys/client", json={"name": "client", "value": "x"})
    assert put.status_code == 200
    inquiry = server.start("core.ask")["id"]
    wait_until(lambda: server.engine.execution(inquiry).status == "pending")
    response = {"id": inquiry, "response": {"continue": True}}
    command = {"command": "say x", "user": "", "source_channel": "cli"}
    return {
        "GET /inquiries": server.get("/inquiries/?limit=50").json(),
        "PUT /inquiries/{id}": server.ask("PUT", f"/inquiries/{inquiry}", json=response).json(),
        "GET /user": server.get("/user").json(),
        "GET /apikeys": server.get("/apikeys").json(),
        "POST /apikeys": key.json(),
        "GET /apikeys/{id}": server.get(f"/apikeys/{key.json()['id']}").json(),
        "GET /actions/{ref}": server.get("/actions/probe.say").json(),
        "GET /runnertypes": server.get("/runnertypes/?name=local-shell-script").json(),
        "POST /executions": execution,
        "GET /executions/{id}": server.get(f"/executions/{execution['id']}").json(),
        "GET /executions": server.get("/executions/?limit=50").json(),
        "POST /executions/{id}/re_run": server.post(f"/executions/{execution['id']}/re_run", {}).json(),
        "GET /actionalias/{ref}": server.get("/actionalias/probe.say").json(),
        "POST /actionalias/match": server.post("/actionalias/match", {"command": "say x"}).json(),
        "POST /aliasexecution/match_and_execute": server.post(
            "/aliasexecution/match_and_execute", command
        ).json(),
        "GET /rules": server.get("/rules/?limit=50").json(),
        "GET /rules/{ref}": server.get("/rules/probe.on_file").json(),
        "GET /triggertypes/{ref}": server.get("/triggertypes/core.st2.webhook").json(),
        "GET /packs": server.get("/packs").json(),
        "GET /keys/{ref}": server.get("/keys/client").json(),
        "GET /keys": server.get("/keys/?decrypt=false&scope=all&limit=50").json(),
    }


def missing(value: Any, path: list[str], *, may_be_null: bool) -> bool:
    if isinstance(value, list):
        return any(
            missing(item, path[1:] if path[0] == "*" else path, may_be_null=may_be_null) for item in value
        )
    if path[0] not in value:
        return True
    inner = value[path[0]]
    if inner is None:
        return not (may_be_null and len(path) == 1)
    return len(path) > 1 and missing(inner, path[1:], may_be_null=may_be_null)


def test_every_field_that_the_st2_client_needs_is_there(server: Running, conformance: Path) -> None:
    required = json.loads((conformance / "st2-cli.json").read_text())["required_fields"]
    for route, answer in asked(server).items():
        for field, rule in required[route].items():
            if not field.startswith(LATER) and rule["if_missing"]:
                assert not missing(answer, field.split("."), may_be_null=not rule["if_null"]), (route, field)


@pytest.mark.parametrize("page", ["api.md"])
def test_the_reference_names_every_endpoint(page: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / "reference" / page).read_text(encoding="utf-8")
    for endpoint in ENDPOINTS:
        path = endpoint.path.replace(":path}", "}")
        assert f"`{endpoint.method} {path}`" in text, f"{endpoint.method} {path}"
