"""Callbacks through the API: asked for, signed, tried again, refused; and what their log shows."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from engine.callbacks.message import headers_of, signing_key
from engine.clock import utcnow
from engine.notices import NOTICE
from engine.records.callback import CallbackState, NewCallback
from engine.records.execution import ExecutionRequest
from engine.records.journal import JournalRow
from engine.service import Engine
from engine.settings.callbacks import CallbackSettings
from engine.store import callbacks as store
from tests.engine.api.running import Running, running
from tests.engine.callbacks.receiver import Received, Receiver, receiving
from tests.engine.world import wait_until

JOURNAL = JournalRow.__table__
SECRET = f"whsec_{base64.b64encode(b'k' * 32).decode()}"


@pytest.fixture(scope="module")
def calling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that may call 127.0.0.1 back, with a secret in its datastore."""
    allowed = CallbackSettings(hosts=["127.0.0.1", "169.254.*"], timeout_s=30)
    with running(tmp_path_factory.mktemp("calling"), sections={"callbacks": allowed}) as made:
        made.engine.datastore.put("system", "ci.secret", SECRET, secret=True)
        made.engine.datastore.put("user", "mine", SECRET, user="ann", secret=True)
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def ask(server: Running, url: str, *, action: str = "core.noop", **more: Any) -> Any:
    body = {
        "action": action,
        "parameters": more.pop("parameters", {}),
        "callback_url": url,
        "callback_secret_ref": more.pop("ref", "st2kv.system.ci.secret"),
    }
    return server.post("/executions", body, **more)


def settled(server: Running, execution_id: str) -> Any:
    found: dict[str, Any] = {}

    def is_settled() -> bool:
        found.update(server.get(f"/executions/{execution_id}/callback").json())
        return found["state"] in ("delivered", "given_up")

    wait_until(is_settled, timeout_s=60)
    return found


def is_signed(one: Received) -> bool:
    at = datetime.fromtimestamp(int(one.headers["webhook-timestamp"]), UTC)
    right = headers_of(one.headers["webhook-id"], one.body, key=signing_key(SECRET), at=at)
    return right["webhook-signature"] == one.headers["webhook-signature"]


def test_the_end_is_told_signed_and_once(calling: Running, receiver: Receiver) -> None:
    made = ask(calling, f"{receiver.url}/hook?token=hunter-9f3").json()
    found = settled(calling, made["id"])
    (one,) = receiver.came
    assert one.path == "/hook?token=hunter-9f3"
    assert is_signed(one)
    said = json.loads(one.body)
    assert said["type"] == "execution.succeeded"
    assert (said["data"]["id"], said["data"]["status"]) == (made["id"], "succeeded")
    assert (found["state"], found["attempts"]) == ("delivered", 1)
    assert found["id"] == one.headers["webhook-id"]
    assert [(step["number"], step["status_code"]) for step in found["log"]] == [(1, 200)]
    assert "hunter-9f3" not in json.dumps(found)
    assert made["context"]["callback"] == {"id": found["id"]}


def test_a_failure_is_told_with_its_result_and_no_secret(calling: Running, receiver: Receiver) -> None:
    command = {"text": "it is hunter-7aa", "password": "hunter-7aa"}
    made = ask(calling, receiver.url, action="probe.say", parameters=command).json()
    settled(calling, made["id"])
    (one,) = receiver.came
    assert b"hunter-7aa" not in one.body
    assert json.loads(one.body)["data"]["result"]["stdout"] == "it is ********"


def test_a_receiver_in_trouble_is_asked_again_with_the_same_id(calling: Running, receiver: Receiver) -> None:
    receiver.statuses = [500, 302]
    made = ask(calling, receiver.url).json()
    found = settled(calling, made["id"])
    assert found["state"] == "delivered"
    assert [step["status_code"] for step in found["log"]] == [500, 302, 200]
    assert len({one.headers["webhook-id"] for one in receiver.came}) == 1
    assert all(map(is_signed, receiver.came))
    # Nobody went where they were sent.
    assert {one.path for one in receiver.came} == {"/"}


def test_who_says_that_it_is_gone_is_left_alone(calling: Running, receiver: Receiver) -> None:
    receiver.statuses = [410]
    found = settled(calling, ask(calling, receiver.url).json()["id"])
    assert (found["state"], found["attempts"]) == ("given_up", 1)


def test_the_story_says_who_was_told_after_how_many_tries(calling: Running, receiver: Receiver) -> None:
    receiver.statuses = [503, 200]
    told = ask(calling, receiver.url).json()["id"]
    settled(calling, told)
    assert f"told {receiver.url} after 2 tries" in [
        step["text"] for step in calling.get(f"/stories/{told}").json()["steps"] if step["what"] == "posted"
    ]
    receiver.statuses = [410]
    gone = ask(calling, receiver.url).json()["id"]
    settled(calling, gone)
    last = calling.get(f"/stories/{gone}").json()["steps"][-1]
    assert last["text"].startswith(f"gave up telling {receiver.url}: ")


def test_the_end_of_a_command_is_told_too(calling: Running, receiver: Receiver) -> None:
    asked = {
        "command": "say hello",
        "user": "",
        "source_channel": "ci",
        "callback_url": f"{receiver.url}/hook",
        "callback_secret_ref": "st2kv.system.ci.secret",
    }
    answer = calling.post("/aliasexecution/match_and_execute", asked).json()
    (made,) = (one["execution"]["id"] for one in answer["results"])
    assert settled(calling, made)["state"] == "delivered"
    (one,) = receiver.came
    assert is_signed(one)
    assert json.loads(one.body)["data"]["id"] == made


def test_a_rerun_has_a_callback_of_its_own_only(calling: Running, receiver: Receiver) -> None:
    first = ask(calling, receiver.url).json()
    settled(calling, first["id"])
    plain = calling.post(f"/executions/{first['id']}/re_run", {}).json()
    assert calling.get(f"/executions/{plain['id']}/callback").status_code == 404
    body = {"callback_url": f"{receiver.url}/again", "callback_secret_ref": "st2kv.system.ci.secret"}
    again = calling.post(f"/executions/{first['id']}/re_run", body).json()
    settled(calling, again["id"])
    assert [one.path for one in receiver.came] == ["/", "/again"]


def test_a_repeated_request_has_one_callback(calling: Running, receiver: Receiver) -> None:
    headers = {"Idempotency-Key": "called-once"}
    made = [ask(calling, receiver.url, headers=headers).json()["id"] for _ in range(2)]
    settled(calling, made[0])
    assert made[0] == made[1]
    assert len(receiver.came) == 1


@pytest.mark.parametrize(
    ("url", "ref", "status", "word"),
    [
        ("http://localhost:1/", "st2kv.system.ci.secret", 403, "callbacks.hosts"),
        ("http://2130706433:1/", "st2kv.system.ci.secret", 403, "callbacks.hosts"),
        ("gopher://127.0.0.1/", "st2kv.system.ci.secret", 400, "http or https"),
        ("http://a:b@127.0.0.1/", "st2kv.system.ci.secret", 400, "password"),
        ("http://127.0.0.1:1/", "st2kv.system.nothing", 400, "no datastore key"),
        ("http://127.0.0.1:1/", "st2kv.user.mine", 400, "no datastore key"),
        ("http://127.0.0.1:1/", "ci.secret", 400, "st2kv.system.NAME"),
        ("http://127.0.0.1:1/", None, 400, "belong together"),
    ],
)
def test_what_may_not_be_asked_for_runs_nothing(
    calling: Running, url: str, ref: str | None, status: int, word: str
) -> None:
    before = calling.get("/executions?limit=1").headers["X-Total-Count"]
    answer = ask(calling, url, ref=ref)
    assert answer.status_code == status, answer.text
    assert word in answer.json()["faultstring"]
    assert calling.get("/executions?limit=1").headers["X-Total-Count"] == before


def test_a_blocked_network_is_not_reached_although_its_host_may_be_named(calling: Running) -> None:
    made = ask(calling, "http://169.254.169.254/latest/meta-data").json()["id"]
    found: dict[str, Any] = {}

    def was_tried() -> bool:
        found.update(calling.get(f"/executions/{made}/callback").json())
        return bool(found["log"])

    wait_until(was_tried, timeout_s=60)
    assert "may not reach" in found["log"][0]["error"]
    assert found["state"] == "due"


def test_callbacks_are_listed_by_state(calling: Running, receiver: Receiver) -> None:
    made = ask(calling, receiver.url, action="probe.slow", parameters={"seconds": 30}).json()["id"]
    waiting = calling.get("/callbacks?state=waiting").json()
    assert made in [one["execution"] for one in waiting]
    calling.ask("DELETE", f"/executions/{made}")
    assert settled(calling, made)["state"] == "delivered"
    assert json.loads(receiver.came[0].body)["type"] == "execution.canceled"
    assert calling.get("/callbacks?state=lost").status_code == 400


def test_it_is_claimed_once_and_again_after_the_lease(engine_of_each_kind: Engine) -> None:
    engine = engine_of_each_kind
    # Its own sender is out of the way.
    engine.callbacks.stop()
    wanted = NewCallback(
        id="msg_1", url="http://127.0.0.1:1/", place="x", key_scope="system", key_user="", key_name="k"
    )
    made = engine.request(ExecutionRequest(action="core.noop", user="ann", callback=wanted))
    engine.wait(made.id, timeout_s=60)
    now, lease = utcnow(), timedelta(seconds=30)

    def claim(server: str, at: Any) -> list[str]:
        found = engine.database.write(
            lambda connection: store.claim(connection, server=server, now=at, lease=lease, limit=9)
        )
        return [one.id for one in found]

    assert claim("a", now) == ["msg_1"]
    assert claim("b", now) == []
    assert claim("b", now + timedelta(seconds=31)) == ["msg_1"]
    engine.database.write(lambda connection: store.release(connection, "b"))
    assert claim("b", utcnow()) == ["msg_1"]
    found = engine.callbacks.of_execution(made.id)
    assert found is not None
    assert (found.attempts, found.state) == (3, CallbackState.DUE)


# told again by hand


def notices(server: Running) -> list[Any]:
    with server.engine.database.read() as connection:
        rows = connection.execute(select(JOURNAL.c.data).where(JOURNAL.c.kind == NOTICE)).scalars()
        return [json.loads(row) for row in rows]


def test_one_that_is_given_up_is_told_in_the_chat_and_may_be_told_again(
    calling: Running, receiver: Receiver
) -> None:
    receiver.statuses = [410]
    made = ask(calling, f"{receiver.url}/hook").json()["id"]
    assert settled(calling, made)["state"] == "given_up"
    (notice,) = [one for one in notices(calling) if ["execution", made] in one["fields"]]
    assert notice["title"] == "A callback is given up"
    assert f"stormcrow callback retry {made}" in notice["text"]
    answer = calling.post(f"/executions/{made}/callback", {})
    assert answer.status_code == 200, answer.text
    found = settled(calling, made)
    assert (found["state"], found["attempts"]) == ("delivered", 2)
    assert [one["status_code"] for one in found["log"]] == [410, 200]
    first, second = receiver.came
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert is_signed(second)
    (listed,) = [one for one in calling.get("/callbacks").json() if one["execution"] == made]
    assert listed["last"]["status_code"] == 200
    (act,) = calling.get("/audit?kind=callback.retried").json()
    assert (act["object"], act["user"]) == (found["id"], "admin")


def test_what_waits_for_its_next_try_is_told_at_once(calling: Running, receiver: Receiver) -> None:
    receiver.statuses = [500] * 4
    made = ask(calling, f"{receiver.url}/hook").json()["id"]
    # After the fourth one it would wait for seconds.
    wait_until(lambda: len(receiver.came) == 4, timeout_s=60)
    wait_until(lambda: len(calling.get(f"/executions/{made}/callback").json()["log"]) == 4)
    calling.post(f"/executions/{made}/callback", {})
    assert settled(calling, made)["state"] == "delivered"


def test_nothing_is_told_again_before_the_end(calling: Running, receiver: Receiver) -> None:
    made = ask(calling, f"{receiver.url}/hook", action="probe.slow").json()["id"]
    refused = calling.post(f"/executions/{made}/callback", {})
    assert refused.status_code == 409
    calling.ask("DELETE", f"/executions/{made}")
    assert settled(calling, made)["state"] == "delivered"
    assert calling.post("/executions", {"action": "core.noop"}).status_code == 201
    assert calling.post("/executions/last/callback", {}).status_code == 404
