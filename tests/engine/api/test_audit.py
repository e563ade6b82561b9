"""The audit at the API: who did what through it, for whom it is, and as a file that can be verified."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import requests

from engine.audit_files import verify
from engine.errors import BadInput
from engine.rights.place import Where
from tests.engine.api.running import Running
from tests.engine.rights.site import write_rights

SECRET = "open-sesame-7731"


def settle(server: Running) -> None:
    """Denials and failed logins are written soon, and nobody waits for them: here, until they are."""
    server.engine.database.write(lambda _connection: None)


def newest(server: Running, kind: str, **query: str) -> dict[str, Any]:
    settle(server)
    found: list[dict[str, Any]] = server.get("/audit", params={"kind": kind, **query}).json()
    return found[0]


def key_of(server: Running, user: str) -> dict[str, str]:
    clear, _ = server.engine.access.create_key(user=user, metadata={})
    return {"St2-Api-Key": clear}


def ask(server: Running, path: str, headers: dict[str, str], **query: str) -> requests.Response:
    return requests.get(f"{server.url}/api/v1{path}", params=query, headers=headers, timeout=20)


def test_a_request_tells_who_asked_from_where_and_with_which_masked_parameters(server: Running) -> None:
    made = server.post(
        "/executions", {"action": "probe.say", "parameters": {"text": "hi", "password": SECRET}}
    ).json()
    act = newest(server, "execution.requested")
    assert act["execution_id"] == act["trace_id"] == made["id"]
    assert (act["user"], act["object"], act["via"]) == ("admin", "probe.say", "API key")
    assert act["address"] == "127.0.0.1"
    assert act["key_id"] in {key.id for key in server.engine.access.keys.all()}
    assert act["details"]["parameters"]["password"] == "********"
    assert act["details"]["parameters"]["text"] == "hi"


def test_a_cancellation_tells_who_cancelled(server: Running) -> None:
    made = server.post("/executions", {"action": "probe.slow"}).json()
    assert server.ask("DELETE", f"/executions/{made['id']}").status_code == 200
    act = newest(server, "execution.cancelled")
    assert (act["execution_id"], act["user"]) == (made["id"], "admin")


def test_keys_of_the_datastore_are_named_and_their_values_are_not(server: Running) -> None:
    body = {"name": "audited", "value": SECRET, "secret": True}
    server.ask("PUT", "/keys/audited", json=body)
    server.get("/keys/audited", params={"decrypt": "true"})
    server.ask("DELETE", "/keys/audited")
    found = server.get("/audit", params={"object": "audited"}).json()
    assert [act["kind"] for act in found] == ["key.removed", "key.read", "key.set"]
    assert SECRET not in str(found)
    assert found[1]["details"] == {"scope": "system"}


def test_content_api_keys_and_configurations_are_told(server: Running) -> None:
    rule = {
        "name": "told",
        "pack": "probe",
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "t"}},
    }
    made = server.post("/rules", {**rule, "action": {"ref": "core.noop"}})
    assert made.status_code == 201, made.text
    server.ask("DELETE", "/rules/probe.told")
    key = server.post("/apikeys", {"user": "bob"}).json()
    server.ask("DELETE", f"/apikeys/{key['id']}")
    server.post("/packs/register", {})
    kinds = [act["kind"] for act in server.get("/audit", params={"limit": 20}).json()]
    for kind in ("content.created", "content.removed", "api_key.made", "api_key.revoked", "content.reloaded"):
        assert kind in kinds
    assert newest(server, "content.created")["object"] == "rule:probe.told"
    assert newest(server, "content.removed")["user"] == "admin"
    assert key["key"] not in str(server.get("/audit", params={"limit": 50}).json())


def test_what_a_rule_does_is_the_rules_act(server: Running) -> None:
    rule = {
        "name": "fires",
        "enabled": True,
        "pack": "probe",
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "fires"}},
        "action": {"ref": "core.noop"},
    }
    server.post("/rules", rule)
    server.post("/webhooks/fires", {"a": 1})
    act = newest(server, "rule.fired", object="probe.fires")
    assert (act["via"], act["details"]["action"]) == ("rule", "core.noop")
    assert act["trace_id"] == act["details"]["event"]
    server.ask("DELETE", "/rules/probe.fires")


def test_a_wrong_password_is_told_once_a_minute_and_never_a_name_that_nobody_has(server: Running) -> None:
    for _ in range(3):
        auth = ("hunter2-typed-as-a-name", "wrong")
        assert requests.post(f"{server.url}/auth/v1/tokens", auth=auth, timeout=20).status_code == 401
    settle(server)
    found = server.get("/audit", params={"kind": "login.failed"}).json()
    assert [act["object"] for act in found] == ["an unknown name"]
    assert found[0]["address"] == "127.0.0.1"


def test_without_roles_the_audit_is_for_the_administrator(server: Running) -> None:
    bob = key_of(server, "bob")
    for path in ("/audit", "/audit/1", "/audit/export", "/audit/verify"):
        assert ask(server, path, bob).status_code == 403
    assert newest(server, "right.denied")["user"] == "bob"


def test_with_roles_it_is_for_those_who_have_the_right(server: Running) -> None:
    root = Path(server.engine.settings.root)
    grants = "[{permission_types: [audit_list, audit_export]}]"
    write_rights(
        root,
        {
            "roles/auditor.yaml": f"{{name: auditor, permission_grants: {grants}}}",
            "assignments/olga.yaml": "{username: olga, roles: [auditor]}",
            "assignments/otto.yaml": "{username: otto, roles: [observer]}",
        },
    )
    try:
        server.engine.reload()
        olga, otto = key_of(server, "olga"), key_of(server, "otto")
        assert [ask(server, path, olga).status_code for path in ("/audit", "/audit/export")] == [200, 200]
        assert ask(server, "/audit/1", olga).json()["number"] == 1
        assert [ask(server, path, otto).status_code for path in ("/audit", "/audit/export")] == [403, 403]
        changed = newest(server, "rights.changed")
        assert changed["details"]["assignments"]["olga"] == ["auditor"]
    finally:
        for path in (root / "rbac").rglob("*.yaml"):
            path.unlink()
        server.engine.reload()


def exported(server: Running, **query: str) -> str:
    found = server.get("/audit/export", params=query)
    assert found.status_code == 200, found.text
    return found.content.decode()


@pytest.fixture
def acts(server: Running) -> None:
    for name in ("=cmd|' /C calc'!A0", "+1", "@x", "'quoted'", "plain"):
        server.ask("PUT", "/keys/cell", json={"name": "cell", "value": name, "description": name})
        server.engine.denials.note(
            BadInput(name), user=name, name="", where=Where(), verb="ask", what=f"{name} of the test"
        )


@pytest.mark.usefixtures("acts")
@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
def test_an_export_is_verified_without_the_server(server: Running, file_format: str) -> None:
    text = exported(server, format=file_format)
    verdict = verify(io.StringIO(text, newline=""))
    assert verdict.flaws == ()
    assert (verdict.first, verdict.count) == (1, verdict.last)
    assert newest(server, "audit.exported")["number"] == verdict.last


@pytest.mark.usefixtures("acts")
def test_no_cell_of_the_csv_is_a_formula(server: Running) -> None:
    rows = list(csv.reader(io.StringIO(exported(server, format="csv"), newline="")))
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert "'=cmd|' /C calc'!A0" in cells


@pytest.mark.usefixtures("acts")
@pytest.mark.parametrize("file_format", ["jsonl", "csv"])
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda lines: lines[:3] + lines[4:], "missing before it"),
        (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], "out of order"),
        (lambda lines: [*lines[:3], lines[3].replace("admin", "bob"), *lines[4:]], "not what was written"),
        (lambda lines: lines[:-1], "its last line is missing"),
        (lambda lines: [*lines[:-2], lines[-1]], "the newest acts are missing"),
        (lambda lines: [*lines[:4], lines[3], *lines[4:]], "twice"),
    ],
)
def test_a_file_that_somebody_changed_is_found_out(
    server: Running, file_format: str, change: Any, problem: str
) -> None:
    rows = exported(server, format=file_format).splitlines(keepends=True)
    # An act by admin stands where the changes are made.
    start = next(number for number, row in enumerate(rows) if "admin" in row and number > 6) - 3
    changed = rows[:start] + change(rows[start:])
    problems = [flaw.problem for flaw in verify(io.StringIO("".join(changed), newline="")).flaws]
    assert any(problem in one for one in problems), problems


@pytest.mark.usefixtures("acts")
def test_a_filtered_file_says_so_and_its_acts_are_still_checked(server: Running) -> None:
    text = exported(server, kind="key.*")
    verdict = verify(io.StringIO(text))
    assert (verdict.flaws, dict(verdict.filter)) == ((), {"kind": "key.*"})
    changed = text.replace('"object":"cell"', '"object":"sell"', 1)
    assert "not what was written" in verify(io.StringIO(changed)).flaws[0].problem


@pytest.mark.parametrize(
    "text", ["", "hello\n", "{}\n", '{"kind":"audit.export","details":{}}\n', '"number"\n']
)
def test_what_is_no_export_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        verify(io.StringIO(text))


def test_the_chain_of_everything_that_these_tests_did_is_sound(server: Running) -> None:
    found = server.get("/audit/verify").json()
    assert (found["is_sound"], found["flaws"]) == (True, [])
    assert found["count"] == found["head"]["number"]


def test_a_configuration_is_told_before_and_after_it_is_written(server: Running) -> None:
    done = server.ask("PUT", "/configs/probe", json={"size": 3, "token": SECRET})
    assert done.status_code == 200, done.text
    found = server.get("/audit", params={"kind": "config.*", "limit": 2}).json()
    assert [(one["kind"], one["object"]) for one in found] == [
        ("config.written", "probe"),
        ("config.writing", "probe"),
    ]
    assert {one["user"] for one in found} == {"admin"}
    assert SECRET not in str(found)


def test_an_event_of_a_client_is_an_act_and_that_which_fires_a_rule_is_told_with_it(server: Running) -> None:
    rule = {
        "name": "sent",
        "pack": "probe",
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": "sent"}},
        "criteria": {"trigger.body.go": {"type": "equals", "pattern": True}},
        "action": {"ref": "core.noop"},
        "enabled": True,
    }
    assert server.post("/rules", rule).status_code == 201
    for go in (False, True):
        done = server.ask("POST", "/webhooks/sent", json={"go": go})
        assert done.status_code == 202, done.text
    fired = newest(server, "rule.fired")
    assert (fired["object"], fired["details"]["sent_by"]) == ("probe.sent", "admin")
    assert fired["key_id"]
    steps = server.engine.stories.get(fired["trace_id"]).steps
    assert [(step.what, step.who) for step in steps[:3]] == [
        ("event", "admin"),
        ("rule", ""),
        ("begun", fired["user"]),
    ]
    # One row for each: the event that began something has none of its own.
    told = server.get("/audit", params={"kind": "event.sent"}).json()
    (silent,) = [one for one in told if one["details"]["source"] == "webhook:sent"]
    assert (silent["user"], silent["object"], silent["via"]) == ("admin", "core.st2.webhook", "API key")
    assert silent["trace_id"] == silent["details"]["event"]
    assert [step.what for step in server.engine.stories.get(silent["request_id"]).steps] == ["event"]
    server.ask("DELETE", "/rules/probe.sent")
