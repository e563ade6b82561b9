"""Requests that come twice, and requests that wait for the end."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update

from engine.clock import utcnow
from engine.records.execution import ExecutionRow
from engine.steps import IDEMPOTENCY_WINDOW
from tests.engine.api.running import Running
from tests.engine.world import wait_until

EXECUTIONS = ExecutionRow.__table__


def test_the_same_idempotency_key_is_the_same_execution(server: Running) -> None:
    headers = {"Idempotency-Key": "once-1"}
    first, second = (
        server.post("/executions", {"action": "core.noop"}, headers=headers).json()["id"] for _ in range(2)
    )
    assert first == second


def test_a_repeated_request_gets_the_first_execution_and_is_told_so(server: Running) -> None:
    body = {"action": "probe.say", "parameters": {"text": "once"}}
    headers = {"Idempotency-Key": "once-2"}
    first, second = (server.post("/executions", body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"


def test_a_key_with_another_body_is_refused(server: Running) -> None:
    headers = {"Idempotency-Key": "once-3"}
    server.post("/executions", {"action": "probe.say", "parameters": {"text": "a"}}, headers=headers)
    other = {"action": "probe.say", "parameters": {"text": "b"}}
    answer = server.post("/executions", other, headers=headers)
    assert answer.status_code == 422
    assert "another request" in answer.json()["faultstring"]


def test_a_key_that_is_being_stored_is_not_stored_twice(server: Running) -> None:
    body = {"action": "core.noop"}
    headers = {"Idempotency-Key": "once-4"}
    held = threading.Event()
    # The writer is busy: the first request cannot be stored yet.
    busy = server.engine.database.submit(lambda _connection: held.wait(90))
    with ThreadPoolExecutor(4) as people:
        asked = [people.submit(server.post, "/executions", body, headers=headers) for _ in range(4)]
        try:
            wait_until(lambda: sum(one.done() for one in asked) == 3)
        finally:
            held.set()
        busy.result(90)
        answers = [one.result(90) for one in asked]
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
    assert server.post("/executions", body, headers=headers).headers["Idempotency-Replayed"] == "true"


def test_a_rerun_may_come_twice_too(server: Running) -> None:
    old = server.run("core.noop")["id"]
    headers = {"Idempotency-Key": "again-1"}
    first, second = (server.post(f"/executions/{old}/re_run", {}, headers=headers) for _ in range(2))
    assert first.json()["id"] == second.json()["id"] != old
    assert second.headers["Idempotency-Replayed"] == "true"
    # The same key and body, and yet another request.
    assert server.post(f"/executions/{first.json()['id']}/re_run", {}, headers=headers).status_code == 422


@pytest.mark.parametrize("query", [True, False])
def test_a_request_may_ask_to_wait_for_the_end(server: Running, query: bool) -> None:
    body = {"action": "probe.slow", "parameters": {"seconds": 1.5}}
    headers = {} if query else {"Prefer": "respond-async, wait=20"}
    answer = server.post(f"/executions{'?wait=20' if query else ''}", body, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["status"] == "succeeded"
    assert answer.headers["Preference-Applied"] == "wait=20"


def test_who_waits_for_longer_than_they_wanted_is_told_where_to_ask_again(server: Running) -> None:
    answer = server.post("/executions?wait=1", {"action": "probe.slow", "parameters": {"seconds": 20}})
    made = answer.json()["id"]
    assert answer.status_code == 202
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Location"] == f"{server.url}/v1/executions/{made}"
    assert server.get(f"/executions/{made}?wait=1").status_code == 202
    assert server.get(f"/executions/{made}").status_code == 200
    server.ask("DELETE", f"/executions/{made}")
    assert server.get(f"/executions/{made}?wait=20").status_code == 200


def test_waiting_for_another_status_ends_with_it(server: Running) -> None:
    made = server.start("core.ask")["id"]
    wait_until(lambda: server.engine.execution(made).status == "pending")
    assert server.get(f"/executions/{made}?wait=20&seen=running").json()["status"] == "pending"
    with ThreadPoolExecutor(1) as people:
        asked = people.submit(server.get, f"/executions/{made}?wait=30&seen=pending")
        server.ask("PUT", f"/inquiries/{made}", json={"response": {"continue": True}})
        answer = asked.result(90)
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")


def test_a_request_may_ask_not_to_wait(server: Running) -> None:
    answer = server.post("/executions?wait=0", {"action": "probe.slow", "parameters": {"seconds": 20}})
    assert answer.json()["status"] in ("requested", "running")
    server.ask("DELETE", f"/executions/{answer.json()['id']}")


def test_a_wait_that_is_no_number_is_refused(server: Running) -> None:
    assert server.post("/executions?wait=long", {"action": "core.noop"}).status_code == 400


# commands of a chat


def command(text: str, **more: object) -> dict[str, object]:
    return {"command": text, "user": "", "source_channel": "ci", **more}


def named(text: str, **more: object) -> dict[str, object]:
    return command(text, name="say", format="say {{text}}", **more)


def test_a_command_may_come_twice(server: Running) -> None:
    headers = {"Idempotency-Key": "command-1"}
    first, second = (server.post("/aliasexecution", named("say a"), headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["execution"]["id"] == second.json()["execution"]["id"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    other = server.post("/aliasexecution", named("say b"), headers=headers)
    assert other.status_code == 422


def test_a_matched_command_may_come_twice(server: Running) -> None:
    path, headers = "/aliasexecution/match_and_execute", {"Idempotency-Key": "command-2"}
    first, second = (server.post(path, command("say a"), headers=headers) for _ in range(2))
    ids = [answer.json()["results"][0]["execution"]["id"] for answer in (first, second)]
    assert ids[0] == ids[1]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert server.post(path, command("say b"), headers=headers).status_code == 422
    # Another request has another fingerprint, whatever its body.
    assert server.post("/aliasexecution", named("say a"), headers=headers).status_code == 422


def test_a_command_may_ask_to_wait_for_the_end(server: Running) -> None:
    answer = server.post("/aliasexecution?wait=20", named("say waited"))
    assert answer.status_code == 200
    assert answer.json()["execution"]["result"]["stdout"] == "waited"
    assert answer.headers["Preference-Applied"] == "wait=20"
    matched = server.post("/aliasexecution/match_and_execute?wait=20", command("say waited"))
    assert matched.status_code == 200
    assert matched.json()["results"][0]["execution"]["status"] == "succeeded"


def test_keys_of_two_people_never_meet(server: Running) -> None:
    headers = {"Idempotency-Key": "shared"}
    mine = server.post("/executions", {"action": "core.noop"}, headers=headers).json()
    key, _ = server.engine.access.create_key(user="ann", metadata={})
    theirs = server.post("/executions", {"action": "core.noop"}, headers={**headers, "St2-Api-Key": key})
    assert theirs.status_code == 201, theirs.text
    assert theirs.json()["id"] != mine["id"]


def test_a_key_counts_for_a_day(server: Running) -> None:
    headers = {"Idempotency-Key": "yesterday"}
    first = server.post("/executions", {"action": "core.noop"}, headers=headers).json()["id"]
    long_ago = utcnow() - IDEMPOTENCY_WINDOW - timedelta(seconds=1)
    server.engine.database.write(
        lambda connection: connection.execute(
            update(EXECUTIONS).where(EXECUTIONS.c.id == first).values(requested_at=long_ago)
        )
    )
    other = {"action": "core.local", "parameters": {"cmd": "true"}}
    answer = server.post("/executions", other, headers=headers)
    assert answer.status_code == 201
    assert answer.json()["id"] != first
