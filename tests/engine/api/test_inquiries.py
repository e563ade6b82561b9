"""Inquiries on the API: StackStorm's shapes, codes and texts, and ours beside them."""

from typing import Any

import pytest

from tests.engine.api.running import Running
from tests.engine.world import wait_until

YES = {"continue": True}


def ask(server: Running, **parameters: Any) -> str:
    """The id of an inquiry that waits."""
    given = {name.replace("x_", "x-"): value for name, value in parameters.items()}
    execution_id = str(server.start("core.ask", **given)["id"])
    wait_until(lambda: server.engine.execution(execution_id).status == "pending")
    return execution_id


def key_of(server: Running, user: str) -> str:
    clear, _key = server.engine.access.create_key(user=user, metadata={})
    return clear


def respond(server: Running, inquiry_id: str, response: Any, *, key: str | None = None, **more: Any) -> Any:
    body = {"id": inquiry_id, "response": response, **more}
    return server.ask("PUT", f"/inquiries/{inquiry_id}", json=body, key=key)


def fault(answer: Any) -> str:
    return str(answer.json()["faultstring"])


def test_an_inquiry_has_stackstorms_six_members(server: Running) -> None:
    inquiry_id = ask(server, route="developers", users=["ann"], roles=["approver"], ttl=60)
    document = server.get(f"/inquiries/{inquiry_id}").json()
    assert set(document) == {"id", "route", "ttl", "users", "roles", "schema"}
    assert (document["id"], document["route"], document["ttl"]) == (inquiry_id, "developers", 60)
    assert (document["users"], document["roles"]) == (["ann"], ["approver"])
    assert document["schema"]["title"] == "response_data"


def test_the_list_has_those_that_wait_the_newest_first(server: Running) -> None:
    first, second = ask(server), ask(server)
    answer = server.get("/inquiries/?limit=50")
    ids = [one["id"] for one in answer.json()]
    assert ids.index(second) < ids.index(first)
    assert (answer.headers["X-Total-Count"], answer.headers["X-Limit"]) == (str(len(ids)), "50")
    respond(server, first, YES)
    assert first not in [one["id"] for one in server.get("/inquiries?limit=50").json()]


def test_only_who_asks_for_a_limit_is_told_of_one(server: Running) -> None:
    answer = server.get("/inquiries")
    assert "X-Limit" not in answer.headers
    assert "X-Total-Count" in answer.headers
    assert len(answer.json()) <= 20


def test_the_list_has_pages(server: Running) -> None:
    wanted = [ask(server) for _ in range(3)]
    assert [one["id"] for one in server.get("/inquiries?limit=2").json()] == [wanted[2], wanted[1]]
    assert server.get("/inquiries?limit=1&offset=2").json()[0]["id"] == wanted[0]
    assert server.get("/inquiries?limit=0").status_code == 400


def test_the_old_prefix_still_leads_there(server: Running) -> None:
    inquiry_id = ask(server)
    for path in (f"/exp/inquiries/{inquiry_id}", f"/api/exp/inquiries/{inquiry_id}/"):
        assert server.get(path).json()["id"] == inquiry_id


def test_an_answer_is_given_back(server: Running) -> None:
    inquiry_id = ask(server)
    answer = respond(server, inquiry_id, YES)
    assert (answer.status_code, answer.json()) == (200, {"id": inquiry_id, "response": YES})
    execution = server.get(f"/executions/{inquiry_id}").json()
    assert (execution["status"], execution["result"]["response"]) == ("succeeded", YES)
    assert execution["result"]["decision"]["user"] == "admin"


def test_a_secret_is_given_back_masked(server: Running) -> None:
    schema = {"type": "object", "properties": {"pin": {"type": "string", "secret": True}}}
    inquiry_id = ask(server, schema=schema)
    assert respond(server, inquiry_id, {"pin": "47114711"}).json()["response"] == {"pin": "********"}
    for path in (f"/executions/{inquiry_id}", f"/inquiries/views/detail/{inquiry_id}"):
        assert "47114711" not in server.get(path).text


def test_faults_are_stackstorms_in_its_order(server: Running) -> None:
    key = key_of(server, "bob")
    inquiry_id = ask(server, users=["ann"])
    unknown = respond(server, "0" * 24, YES)
    assert unknown.status_code == 404
    no_inquiry = server.run("probe.say", text="x")["id"]
    for answer in (respond(server, no_inquiry, YES), server.get(f"/inquiries/{no_inquiry}")):
        assert answer.status_code == 400
        assert fault(answer) == f'Action execution "{no_inquiry}" is not an inquiry.'
    denied = respond(server, inquiry_id, {"wrong": 1}, key=key)
    assert denied.status_code == 403
    assert fault(denied).startswith(
        f'User "bob" does not have permission to respond to inquiry "{inquiry_id}".'
    )
    ann = key_of(server, "ann")
    unfit = respond(server, inquiry_id, {"wrong": 1}, key=ann)
    assert unfit.status_code == 400
    assert fault(unfit) == (
        f'Response for inquiry "{inquiry_id}" did not pass schema validation. '
        "'continue' is a required property"
    )
    assert respond(server, inquiry_id, YES, key=ann).status_code == 200
    for answer in (respond(server, inquiry_id, YES, key=key), server.get(f"/inquiries/{inquiry_id}")):
        assert answer.status_code == 400
        assert fault(answer).startswith(f'Inquiry "{inquiry_id}" has already been responded to.')
    assert server.get(f"/inquiries/{inquiry_id}", key="").status_code == 401


def test_an_answer_needs_a_response(server: Running) -> None:
    inquiry_id = ask(server)
    answer = server.ask("PUT", f"/inquiries/{inquiry_id}", json={"id": inquiry_id})
    assert answer.status_code == 400
    assert fault(answer).startswith("'response' is a required property")
    assert respond(server, inquiry_id, YES, reason=7).status_code == 400
    wrong = server.ask("PUT", f"/inquiries/{inquiry_id}", json={"decision": "perhaps"})
    assert fault(wrong) == "'decision' must be approve or reject."


def test_ours_takes_a_decision_with_a_reason(server: Running) -> None:
    inquiry_id = ask(server, x_separate=True, reason="required")
    bob = key_of(server, "bob")
    path = f"/inquiries/{inquiry_id}"
    assert server.ask("PUT", path, json={"decision": "approve"}, key=bob).status_code == 400
    body = {"decision": "approve", "reason": "CVE fix"}
    assert server.ask("PUT", path, json=body).status_code == 403
    assert server.ask("PUT", path, json=body, key=bob).json() == {"id": inquiry_id, "response": YES}
    detail = server.get(f"/inquiries/views/detail/{inquiry_id}").json()
    assert detail["outcome"]["text"] == "Approved by bob: CVE fix"


def test_ours_shows_all_that_one_needs_to_decide(server: Running) -> None:
    approves = {"action": "probe.say", "parameters": {"text": "x", "password": "sesame-9-open"}}
    inquiry_id = ask(server, text="Say it?", x_quorum=2, ttl=60, approves=approves)
    respond(server, inquiry_id, YES, key=key_of(server, "bob"))
    detail = server.get(f"/inquiries/views/detail/{inquiry_id}").json()
    assert (detail["state"], detail["text"], detail["wanted"]) == ("pending", "Say it?", "2 people")
    assert (detail["progress"], detail["at_deadline"]) == ("1/2 (bob)", "fail")
    assert detail["subject"]["parameters"] == {"text": "x", "password": "********"}
    assert len(detail["subject"]["digest"]) == 64
    assert detail["requested_by"]["user"] == "admin"
    assert [vote["user"] for vote in detail["votes"]] == ["bob"]
    assert detail["outcome"] is None


def test_ours_lists_those_that_are_over_too(server: Running) -> None:
    inquiry_id = ask(server)
    respond(server, inquiry_id, YES)
    assert inquiry_id not in [one["id"] for one in server.get("/inquiries/views/detail?limit=-1").json()]
    found = server.get("/inquiries/views/detail?state=all&include_attributes=state").json()
    assert {"id": inquiry_id, "state": "approved"} in found
    assert server.get("/inquiries/views/detail?state=odd").status_code == 400


@pytest.mark.parametrize("path", ["/inquiries/0", "/inquiries/views/detail/nothing-like-it"])
def test_an_unknown_one_is_not_found(server: Running, path: str) -> None:
    assert server.get(path).status_code == 404


def test_a_running_action_answers_as_whom_it_runs(server: Running) -> None:
    inquiry_id = ask(server, x_separate=True)
    execution = server.start("probe.slow", seconds=20)
    wait_until(lambda: server.engine.execution(execution["id"]).status == "running")
    token = server.engine.access.run_token(execution["id"], 1)
    answer = server.ask(
        "PUT",
        f"/inquiries/{inquiry_id}",
        json={"response": YES},
        key="",
        headers={"X-Auth-Token": token},
    )
    assert answer.status_code == 403
    server.ask("DELETE", f"/executions/{execution['id']}")
