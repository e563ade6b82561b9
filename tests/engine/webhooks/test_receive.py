"""POST /webhooks: verified, committed, answered; and StackStorm's own ways."""

import json
import socket
import time
from typing import Any

import pytest
import requests

from engine.records.trigger import EnforcementFilter, InstanceFilter, TriggerInstance
from engine.store import journal
from engine.webhooks.fetched import Fetched
from tests.engine.api.running import Running
from tests.engine.webhooks.conftest import rule, write_hook
from tests.engine.webhooks.senders import SENDERS
from tests.engine.webhooks.test_sns import certificate, key, message
from tests.engine.world import wait_until

__all__ = ["certificate", "key"]

GITHUB = next(one for one in SENDERS if one.preset == "github")


def send(server: Running, url: str, body: bytes, **headers: str) -> requests.Response:
    """Without any key of ours."""
    given = {"Content-Type": "application/json", **headers}
    return requests.post(f"{server.url}/api/v1/webhooks/{url}", data=body, headers=given, timeout=30)


def signed(body: bytes, *, secret: str = "gh-secret", **more: str) -> dict[str, str]:
    return {**GITHUB.headers(body, secret=secret), **more}


def instances(server: Running, url: str) -> list[TriggerInstance]:
    return server.engine.history.instances(InstanceFilter(source=f"webhook:{url}", limit=None))[0]


def of(server: Running, answer: requests.Response) -> TriggerInstance:
    return server.engine.history.instance(answer.headers["X-Trigger-Instance"])


# verified


def test_a_signed_delivery_is_committed_and_its_rule_runs(server: Running) -> None:
    rule(server, "on_github", "github")
    body = b'{"action": "opened"}'
    answer = send(server, "github", body, **signed(body, **{"X-GitHub-Event": "issues"}))
    assert (answer.status_code, answer.content) == (202, body)
    instance = of(server, answer)
    assert instance.payload["body"] == {"action": "opened"}
    assert instance.payload["headers"]["X-Github-Event"] == "issues"
    assert instance.payload["headers_lower"]["x-github-event"] == "issues"
    wanted = EnforcementFilter(instance_id=instance.id)
    (enforcement,) = server.engine.history.enforcements(wanted)[0]
    assert server.engine.wait(enforcement.execution_id or "", timeout_s=60).status == "succeeded"


def test_a_delivery_with_another_secret_is_refused_and_leaves_nothing(server: Running) -> None:
    before = len(instances(server, "github"))
    answer = send(server, "github", b"{}", **signed(b"{}", secret="guess"))
    assert answer.status_code == 401
    assert answer.json()["faultstring"] == (
        "Unauthorized - the delivery could not be verified; the server's log says why."
    )
    assert "signature" not in answer.text
    assert len(instances(server, "github")) == before


def test_an_admin_key_does_not_stand_in_for_a_signature(server: Running) -> None:
    assert server.post("/webhooks/github", {}).status_code == 401


def test_why_a_delivery_was_refused_is_told_to_operators_only(server: Running) -> None:
    send(server, "gitlab", b"{}", **{"X-Gitlab-Token": "guess"})
    found = server.get("/webhooks/gitlab").json()["since_start"]
    assert found["refused"] >= 1
    assert found["last_reason"] == "its token is not one of the hook's"
    assert "guess" not in json.dumps(found)


def test_a_header_that_stands_there_twice_is_refused(server: Running) -> None:
    good = signed(b"{}")["x-hub-signature-256"]
    raw = (
        f"POST /v1/webhooks/github HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n"
        f"X-Hub-Signature-256: sha256=00\r\nX-Hub-Signature-256: {good}\r\nConnection: close\r\n\r\n{{}}"
    )
    assert status_of_raw(server, raw.encode()) == 401


def status_of_raw(server: Running, raw: bytes) -> int:
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(raw)
        found = b""
        while b"\r\n" not in found:
            piece = connection.recv(4096)
            if not piece:
                break
            found += piece
    return int(found.split(b" ")[1])


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
        "Transfer-Encoding: chunked, identity\r\n\r\n{}",
        "X-Hub-Signature-256 : sha256=00\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_a_request_that_two_servers_would_read_differently_is_no_delivery(
    server: Running, framing: str
) -> None:
    before = len(instances(server, "open"))
    raw = f"POST /v1/webhooks/open HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{framing}"
    assert status_of_raw(server, raw.encode()) in (400, 411)
    assert len(instances(server, "open")) == before


def test_a_secret_is_rotated_while_the_server_runs(server: Running) -> None:
    write_hook(server.folder, "rotated", "preset: github\nsecrets: [rot.old, rot.new]\n")
    server.engine.reload()
    try:
        server.engine.datastore.put("system", "rot.old", "first", secret=True)
        assert send(server, "rotated", b"{}", **signed(b"{}", secret="first")).status_code == 202
        server.engine.datastore.put("system", "rot.new", "second", secret=True)
        for secret in ("first", "second"):
            assert send(server, "rotated", b"{}", **signed(b"{}", secret=secret)).status_code == 202
        server.engine.datastore.remove("system", "rot.old")
        assert send(server, "rotated", b"{}", **signed(b"{}", secret="first")).status_code == 401
        assert send(server, "rotated", b"{}", **signed(b"{}", secret="second")).status_code == 202
    finally:
        (server.folder / "webhooks" / "rotated.yaml").unlink()
        server.engine.reload()


def test_a_secret_with_an_end_is_good_until_then(server: Running) -> None:
    write_hook(server.folder, "ending", "preset: github\nsecrets: [end.old]\n")
    server.engine.reload()
    try:
        server.engine.datastore.put("system", "end.old", "first", secret=True, ttl_s=3600)
        assert send(server, "ending", b"{}", **signed(b"{}", secret="first")).status_code == 202
        server.engine.datastore.put("system", "end.old", "first", secret=True, ttl_s=0.5)
        wait_until(lambda: send(server, "ending", b"{}", **signed(b"{}", secret="first")).status_code == 401)
    finally:
        (server.folder / "webhooks" / "ending.yaml").unlink()
        server.engine.reload()


def test_a_hook_without_its_secret_refuses_and_says_so(server: Running) -> None:
    assert send(server, "keyless", b"{}", **signed(b"{}", secret="")).status_code == 401
    assert server.get("/webhooks/keyless").json()["problem"] == 'The datastore has no key "hook.nowhere".'


def test_a_hook_that_does_not_say_how_it_is_verified_is_not_there(server: Running) -> None:
    assert send(server, "broken", b"{}").status_code == 401
    assert server.post("/webhooks/broken", {}).status_code == 404
    broken = [one for one in server.get("/unavailable").json() if one["kind"] == "webhook"]
    assert broken[0]["where"] == "webhooks/broken.yaml:1"


def test_a_hook_with_none_written_out_takes_everything(server: Running) -> None:
    assert send(server, "open", b'{"a": 1}').status_code == 202


def test_a_disabled_hook_is_not_there(server: Running) -> None:
    assert server.post("/webhooks/shut", {}).status_code == 404


def test_a_delivery_from_outside_the_networks_is_refused(server: Running) -> None:
    assert send(server, "near", b"{}", **{"X-Forwarded-For": "192.0.2.1"}).status_code == 401


# once


def test_the_same_delivery_twice_is_one_event(server: Running) -> None:
    body = b'{"once": true}'
    headers = signed(body, **{"X-GitHub-Delivery": "d-1"})
    first, again = (send(server, "github", body, **headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.headers["X-Trigger-Instance"] == again.headers["X-Trigger-Instance"]
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (
        None,
        "true",
    )
    assert again.content == body


def test_a_captured_delivery_sent_again_without_its_name_changes_nothing(server: Running) -> None:
    body = b'{"captured": true}'
    before = len(instances(server, "github"))
    for _ in range(3):
        assert send(server, "github", body, **signed(body)).status_code == 202
    assert len(instances(server, "github")) == before + 1


def test_a_stamped_delivery_is_good_once_and_for_a_while(server: Running) -> None:
    sender = next(one for one in SENDERS if one.header == "webhook-signature" and one.preset == "standard")
    now = time.time()
    headers = sender.headers(b"{}", at=now)
    assert send(server, "standard", b"{}", **headers).status_code == 202
    assert send(server, "standard", b"{}", **headers).headers["Idempotency-Replayed"] == "true"
    old = sender.headers(b"{}", at=now - 400)
    assert send(server, "standard", b"{}", **old).status_code == 401
    assert send(server, "standard", b"{}", **{**headers, "webhook-id": "other"}).status_code == 401


def test_a_delivery_without_a_name_may_bring_a_key(server: Running) -> None:
    key_ = {"Idempotency-Key": "job-7"}
    first, again = (send(server, "open", b'{"job": 7}', **key_) for _ in range(2))
    assert again.headers["X-Trigger-Instance"] == first.headers["X-Trigger-Instance"]
    assert send(server, "open", b'{"job": 7}').headers["X-Trigger-Instance"] != of(server, first).id


# secrets stay out


def test_a_token_is_no_part_of_the_event(server: Running) -> None:
    answer = send(
        server, "gitlab", b'{"a": 1}', **{"X-Gitlab-Token": "gl-token", "X-Gitlab-Event": "Push Hook"}
    )
    payload = of(server, answer).payload
    assert "gl-token" not in json.dumps(payload)
    assert payload["headers"]["X-Gitlab-Event"] == "Push Hook"
    answer = send(server, "prod/alertmanager", b"{}", Authorization="Bearer am-token")
    assert answer.status_code == 202
    assert "am-token" not in json.dumps(of(server, answer).payload)


# bodies


@pytest.mark.parametrize(
    ("kind", "raw", "body"),
    [
        ("application/json", b'{"a": [1, null]}', {"a": [1, None]}),
        ("application/json; charset=utf-8", b'["x"]', ["x"]),
        ("application/vnd.github+json", b"{}", {}),
        ("application/x-www-form-urlencoded", b"a=1&a=2&b=x%20y", {"a": ["1", "2"], "b": ["x y"]}),
        ("text/plain", "grüß".encode(), "grüß"),
        ("application/json", b"", {}),
        ("application/json", b"null", {}),
    ],
)
def test_a_body_is_read_by_its_kind(server: Running, kind: str, raw: bytes, body: Any) -> None:
    answer = send(server, "open", raw, **{"Content-Type": kind})
    assert (answer.status_code, answer.json() if raw != b"" else {}) == (
        202,
        body if raw != b"null" else None,
    )
    assert of(server, answer).payload["body"] == body


def test_a_multipart_form_is_a_list_per_field(server: Running) -> None:
    files = {"a": (None, "1"), "b": (None, "zwei")}
    answer = requests.post(f"{server.url}/v1/webhooks/open", files=files, timeout=30)
    assert of(server, answer).payload["body"] == {"a": ["1"], "b": ["zwei"]}


def test_github_s_form_is_its_json(server: Running) -> None:
    body = b"payload=%7B%22action%22%3A%22opened%22%7D"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = send(server, "github", body, **signed(body, **kind))
    assert of(server, answer).payload["body"] == {"action": "opened"}


@pytest.mark.parametrize(
    ("kind", "raw", "words"),
    [
        ("application/json", b"{", "Failed to parse request body"),
        ("application/json", b"5", "must be an object or an array"),
        ("application/json", b'{"a": NaN}', "Failed to parse request body"),
        ("application/json", b"[" * 100 + b"]" * 100, "nested more than 64 levels"),
        ("application/json", b'{"a": "\xff"}', "Failed to parse request body"),
        ("application/xml", b"<a/>", 'Unsupported Content-Type: "application/xml"'),
        ("text/plain", b"\xff", "not UTF-8"),
        ("multipart/form-data", b"x", "not a form"),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(2000)), "not a form"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(server: Running, kind: str, raw: bytes, words: str) -> None:
    answer = send(server, "open", raw, **{"Content-Type": kind})
    assert answer.status_code == 400
    assert words in answer.json()["faultstring"]


def test_a_body_that_cannot_be_read_is_verified_first(server: Running) -> None:
    assert send(server, "github", b"{", **signed(b"[")).status_code == 401
    assert send(server, "github", b"{", **signed(b"{")).status_code == 400


def test_a_huge_body_is_refused(server: Running) -> None:
    assert send(server, "open", b"[" + b" " * 1_048_576 + b"]").status_code == 413


def test_text_in_a_delivery_is_never_a_template(server: Running) -> None:
    answer = send(server, "open", b'{"a": "{{ 7*7 }} {{ st2kv.system.x }}"}')
    assert of(server, answer).payload["body"]["a"] == "{{ 7*7 }} {{ st2kv.system.x }}"


# StackStorm's way


def test_the_webhook_of_a_rule_takes_an_api_key(server: Running) -> None:
    rule(server, "on_sample", "/a/b/")
    answer = server.post("/api/v1/webhooks/a/b/", {"x": 1}, headers={"X-B3-TraceId": "t"})
    assert (answer.status_code, answer.json()) == (202, {"x": 1})
    payload = of(server, answer).payload
    assert payload["headers"]["X-B3-Traceid"] == payload["headers_lower"]["x-b3-traceid"] == "t"
    assert "st2-api-key" not in payload["headers_lower"]
    assert server.key not in json.dumps(payload)
    query = requests.post(f"{server.url}/v1/webhooks/a/b?st2-api-key={server.key}", json=[1], timeout=30)
    assert (query.status_code, query.json()) == (202, [1])


def test_authorization_is_kept_unless_it_is_our_own_key(server: Running) -> None:
    rule(server, "on_auth", "auth")
    kept = server.post("/webhooks/auth", {}, headers={"Authorization": "Basic abc"})
    assert of(server, kept).payload["headers"]["Authorization"] == "Basic abc"
    ours = server.ask("POST", "/webhooks/auth", key="", headers={"Authorization": f"Bearer {server.key}"})
    assert ours.status_code == 202
    assert "Authorization" not in of(server, ours).payload["headers"]


def test_the_webhook_of_a_rule_is_shut_without_a_key(server: Running) -> None:
    rule(server, "on_shut", "ruled")
    assert send(server, "ruled", b"{}").status_code == 401
    assert server.ask("POST", "/webhooks/ruled", key="wrong", json={}).status_code == 401


def test_an_unknown_webhook_is_told_to_those_with_a_key_only(server: Running) -> None:
    answer = server.post("/webhooks/nowhere", {})
    assert answer.status_code == 404
    assert answer.json()["faultstring"].startswith("Webhook nowhere not registered with st2")
    assert send(server, "nowhere", b"{}").status_code == 401


def test_a_trace_tag_is_the_sender_s_or_a_new_one(server: Running) -> None:
    given = send(server, "open", b"{}", **{"St2-Trace-Tag": "deploy-7"})
    assert of(server, given).trace_tag == "deploy-7"
    assert "st2-trace-tag" not in of(server, given).payload["headers_lower"]
    assert of(server, send(server, "open", b"{}")).trace_tag.startswith("webhook-open-")


def test_the_generic_webhook_takes_any_trigger(server: Running) -> None:
    body = {"trigger": "core.st2.generic.notifytrigger", "payload": {"message": "hi"}}
    answer = server.post("/webhooks/st2", body)
    assert (answer.status_code, answer.json()) == (202, body)
    instance = of(server, answer)
    assert (instance.trigger, instance.payload, instance.user) == (body["trigger"], body["payload"], "admin")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "Trigger not specified."),
        ([], "Webhook body needs to be an object, got: array"),
        ({"trigger": "no.such"}, 'Trigger "no.such" cannot be found.'),
        ({"trigger": "core.st2.generic.inquiry", "payload": {"id": 5}}, "is not valid"),
    ],
)
def test_a_wrong_event_for_the_generic_webhook_is_refused(server: Running, body: Any, words: str) -> None:
    answer = server.post("/webhooks/st2", body)
    assert answer.status_code == 400
    assert words in answer.json()["faultstring"]


def test_the_generic_webhook_needs_a_key_and_knows_keys_by_user(server: Running) -> None:
    assert send(server, "st2", b"{}").status_code == 401
    body = {"trigger": "core.st2.generic.notifytrigger", "payload": {"n": 1}}
    answers = [server.post("/webhooks/st2", body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].headers["X-Trigger-Instance"] == answers[1].headers["X-Trigger-Instance"]


# handshakes


def test_slack_s_question_is_answered_and_no_event(server: Running) -> None:
    sender = next(one for one in SENDERS if one.preset == "slack")
    body = b'{"type": "url_verification", "challenge": "3eZb"}'
    headers = sender.headers(body, secret="slack-secret", at=time.time())
    assert send(server, "slack", body, **headers).json() == {"challenge": "3eZb"}
    assert instances(server, "slack") == []
    assert send(server, "slack", body).status_code == 401


def test_an_sns_subscription_is_confirmed_and_then_heard(
    server: Running, key: Any, certificate: bytes
) -> None:
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return certificate

    now = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription"
    question = message(
        key, Type="SubscriptionConfirmation", Subject=None, SubscribeURL=url, Token="t", Timestamp=now
    )
    text = {"Content-Type": "text/plain; charset=UTF-8"}
    server.engine.webhooks.fetched = Fetched(fetch)
    server.engine.reload()
    try:
        assert send(server, "sns", json.dumps(question).encode(), **text).status_code == 200
        assert url in asked
        answer = send(server, "sns", json.dumps(message(key, Timestamp=now)).encode(), **text)
        assert answer.status_code == 202
        assert of(server, answer).payload["body"]["MessageId"] == "m1"
    finally:
        server.engine.webhooks.fetched = Fetched()
        server.engine.reload()


# answers of one's own


def test_an_action_s_result_answers(server: Running) -> None:
    answer = send(server, "word", b'{"id": 1, "word": "hello; {{ 7 }}"}')
    assert (answer.status_code, answer.text) == (200, "you said hello; {{ 7 }}")
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_a_delivery_that_comes_twice_gets_the_same_answer_from_one_execution(server: Running) -> None:
    count = server.get("/executions?action=probe.say&limit=1").headers["X-Total-Count"]
    answers = [send(server, "word", b'{"id": 2, "word": "twice"}').text for _ in range(2)]
    assert answers == ["you said twice"] * 2
    after = server.get("/executions?action=probe.say&limit=1").headers["X-Total-Count"]
    assert int(after) == int(count) + 1


def test_a_bare_result_answers_as_json(server: Running) -> None:
    assert send(server, "raw", b"{}").status_code == 201


def test_an_action_that_fails_is_a_fault(server: Running) -> None:
    assert send(server, "failing", b"{}").status_code == 500


def test_an_action_that_takes_too_long_is_answered_as_accepted(server: Running) -> None:
    answer = send(server, "late", b'{"a": 1}')
    assert (answer.status_code, answer.json()) == (202, {"a": 1})


def test_a_template_answers(server: Running) -> None:
    answer = send(server, "echo", b'{"a": "{{ 7*7 }}"}')
    assert answer.json() == {"was": {"a": "{{ 7*7 }}"}}


def test_a_template_that_fails_loses_no_event(server: Running) -> None:
    before = len(instances(server, "untrue"))
    assert send(server, "untrue", b"{}").status_code == 400
    assert len(instances(server, "untrue")) == before + 1


# alerts


def test_a_hook_with_a_channel_is_read_as_alerts_in_the_same_event(server: Running) -> None:
    alert = {"status": "firing", "labels": {"alertname": "DiskFull"}, "fingerprint": "f1", "annotations": {}}
    body = json.dumps({"version": "4", "status": "firing", "alerts": [alert]}).encode()
    answer = send(server, "prod/alertmanager", body, Authorization="Bearer am-token")
    instance = of(server, answer)
    found = server.engine.history.instances(InstanceFilter(trace_id=instance.trace_id))[0]
    (alerted,) = [one for one in found if one.trigger == "alerts.alert"]
    assert (alerted.payload["fingerprint"], alerted.payload["channel"], alerted.payload["hook"]) == (
        "f1",
        "alerts",
        "prod/alertmanager",
    )


def test_a_body_that_no_alert_can_be_read_from_is_accepted_all_the_same(server: Running) -> None:
    for body in (b"[]", b'{"alerts": [5, {"labels": 7}]}', b'{"alerts": {"a": 1}}', b'"text"'):
        answer = send(server, "prod/alertmanager", body, Authorization="Bearer am-token")
        assert answer.status_code in (202, 400), answer.text
        assert (answer.status_code == 400) == (body == b'"text"')


# floods


def test_too_many_refusals_are_told_to_the_operations_channel_once(server: Running) -> None:
    write_hook(server.folder, "flooded", "preset: github\nsecrets: [hook.github]\n")
    server.engine.reload()
    limit = server.engine.settings.events.refused_limit
    for _ in range(limit + 5):
        assert send(server, "flooded", b"{}").status_code == 401

    def told() -> list[Any]:
        with server.engine.database.read() as connection:
            notices = journal.entries_after(connection, 0, kinds=("notice",))
        return [one for one in notices if "flooded" in one.data["title"]]

    wait_until(lambda: len(told()) == 1)
    assert "x-hub-signature-256" in told()[0].data["text"]


def test_strangers_cannot_fill_the_memory_with_addresses(server: Running) -> None:
    for number in range(20):
        send(server, f"stranger/{number}", b"{}")
    tallies = server.engine.webhooks.tallies
    assert not [url for url in tallies.known if url.startswith("stranger")]
    assert tallies.others.refused >= 20


def test_a_full_house_answers_try_again(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.engine.triggers, "_queue_limit", 0)
    answer = send(server, "open", b"{}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    monkeypatch.undo()
    monkeypatch.setattr("engine.webhooks.intake.WAITING_LIMIT_BYTES", 1)
    answer = send(server, "open", b"{}")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


# list


def test_webhooks_are_listed_in_stackstorm_s_shape_with_ours_beside_it(server: Running) -> None:
    rule(server, "on_listed", "listed")
    found = {one["parameters"]["url"]: one for one in server.get("/webhooks/?include_attributes=url").json()}
    assert found["listed"]["type"] == "core.st2.webhook"
    assert found["listed"]["verification"] == "api key"
    assert found["prod/alertmanager"]["preset"] == "alertmanager"
    assert found["prod/alertmanager"]["secrets"] == ["hook.am"]
    assert "am-token" not in json.dumps(found)
    assert "shut" not in found
    assert server.get("/webhooks/prod/alertmanager").json()["channel"] == "alerts"
    assert server.get("/webhooks/nowhere").status_code == 404
    assert server.ask("GET", "/webhooks", key="").status_code == 401


def test_deliveries_are_listed_shown_and_replayed(server: Running) -> None:
    rule(server, "on_replay", "replay")
    first = server.post("/webhooks/replay", {"n": 1}).headers["X-Trigger-Instance"]
    (listed,) = server.get("/webhookdeliveries?url=replay").json()
    assert (listed["id"], listed["rules"][0]["rule"]) == (first, "default.on_replay")
    assert "payload" not in listed
    assert server.get(f"/webhookdeliveries/{first}").json()["payload"]["body"] == {"n": 1}
    answer = server.post(f"/webhookdeliveries/{first}/replay")
    assert answer.status_code == 201
    again = answer.json()
    assert again["id"] != first
    assert again["rules"][0]["status"] == "succeeded"
    assert [one["id"] for one in server.get("/webhookdeliveries?url=replay").json()] == [again["id"], first]


def test_what_is_no_delivery_is_not_replayed(server: Running) -> None:
    body = {"trigger": "core.st2.generic.notifytrigger", "payload": {}}
    other = server.post("/webhooks/st2", body).headers["X-Trigger-Instance"]
    assert server.post(f"/webhookdeliveries/{other}/replay").status_code == 404
    assert server.get("/webhookdeliveries/5e" + "0" * 22).status_code == 404
