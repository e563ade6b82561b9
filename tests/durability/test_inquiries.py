"""Questions to people over kills: each is asked once, keeps its votes, and ends once."""

import contextlib
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.durability.server import FINISHED, Server, wait_until

YES = {"continue": True}
LIVES = 2
EACH = 8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all: each test leaves it running, with nothing that waits."""
    made = Server(tmp_path_factory.mktemp("inquiries"), files={})
    made.start()
    yield made
    made.close()


def status(server: Server, execution_id: str) -> str:
    return str(server.get(f"/executions/{execution_id}")["status"])


def ask(server: Server, **parameters: Any) -> str:
    given = {name.replace("x_", "x-"): value for name, value in parameters.items()}
    execution_id = server.request("core.ask", **given)
    wait_until(lambda: status(server, execution_id) == "pending")
    return execution_id


def respond(server: Server, inquiry_id: str, *, key: str = "") -> int:
    """The code of the answer; 0: nobody answered, and it may have been taken all the same."""
    with contextlib.suppress(requests.RequestException):
        headers = {"St2-Api-Key": key} if key else {}
        body = {"id": inquiry_id, "response": YES}
        return server.ask("PUT", f"/inquiries/{inquiry_id}", json=body, headers=headers).status_code
    return 0


def key_of(server: Server, user: str) -> str:
    return str(server.ask("POST", "/apikeys", json={"user": user}).json()["key"])


def told(server: Server) -> dict[str, list[str]]:
    """What the journal says of each inquiry; for a server that is down or quiet."""
    found = defaultdict(list)
    with contextlib.closing(sqlite3.connect(server.data / "stormcrow.db")) as connection:
        rows = connection.execute("SELECT subject, data FROM journal WHERE kind LIKE 'inquiry.%' ORDER BY id")
        for subject, data in rows:
            found[subject].append(json.loads(data)["change"])
    return found


def make_older(server: Server, *, minutes: int) -> None:
    """As if all had been asked so much earlier; for a server that is down."""
    with contextlib.closing(sqlite3.connect(server.data / "stormcrow.db")) as connection, connection:
        for column in ("raised_at", "level_at", "deadline_at", "wake_at"):
            connection.execute(f"UPDATE inquiry SET {column} = {column} - ?", (minutes * 60_000_000,))


def test_a_question_waits_over_a_kill_and_is_answered_after_it(server: Server) -> None:
    inquiry_id = ask(server)
    server.kill()
    server.start()
    assert inquiry_id in [one["id"] for one in server.get("/inquiries")]
    assert respond(server, inquiry_id) == 200
    execution = server.ended(inquiry_id)
    assert (execution["status"], execution["result"]["response"]) == ("succeeded", YES)
    assert Counter(step["status"] for step in execution["log"])["pending"] == 1
    assert told(server)[inquiry_id] == ["raised", "answered"]


def test_votes_are_kept_over_a_kill_between_them(server: Server) -> None:
    bob, eve = key_of(server, "bob"), key_of(server, "eve")
    inquiry_id = ask(server, x_quorum=2)
    assert respond(server, inquiry_id, key=bob) == 200
    server.kill()
    server.start()
    assert server.get(f"/inquiries/views/detail/{inquiry_id}")["progress"] == "1/2 (bob)"
    assert respond(server, inquiry_id, key=bob) == 400
    assert respond(server, inquiry_id, key=eve) == 200
    votes = server.ended(inquiry_id)["result"]["decision"]["votes"]
    assert [vote["user"] for vote in votes] == ["bob", "eve"]
    assert told(server)[inquiry_id] == ["raised", "vote", "answered"]


def test_time_passes_while_the_server_is_down(server: Server) -> None:
    failing = ask(server, ttl=15)
    rejected = ask(server, ttl=15, on_timeout="reject", x_quorum=2)
    assert respond(server, rejected) == 200
    escalated = ask(
        server, ttl=15, on_timeout="escalate", users=["bob"], escalate={"users": ["lead"], "ttl": 10}
    )
    waiting = ask(server, ttl=60, remind=10)
    server.kill()
    make_older(server, minutes=20)
    server.start()
    assert server.ended(failing)["status"] == "timeout"
    ended = server.ended(rejected)
    assert (ended["status"], ended["result"]["response"]) == ("failed", {"continue": False})
    view = f"/inquiries/views/detail/{escalated}"
    wait_until(lambda: server.get(view)["escalated_at"] is not None)
    assert status(server, escalated) == "pending"
    wait_until(lambda: server.get(f"/inquiries/views/detail/{waiting}")["reminders"] == 2)
    server.kill()
    server.start()
    assert [respond(server, one) for one in (waiting, escalated)] == [200, 403]
    assert respond(server, escalated, key=key_of(server, "lead")) == 200
    entries = told(server)
    assert {one: entries[one] for one in (failing, rejected, escalated, waiting)} == {
        failing: ["raised", "expired"],
        rejected: ["raised", "vote", "expired"],
        escalated: ["raised", "escalation", "answered"],
        waiting: ["raised", "reminder", "answered"],
    }


@pytest.mark.slow
def test_each_is_asked_once_and_ends_once_wherever_the_kill_falls(server: Server) -> None:
    accepted: list[str] = []
    for _life in range(LIVES):
        for _number in range(EACH):
            with contextlib.suppress(requests.RequestException):
                accepted.append(server.request("core.ask"))
        with ThreadPoolExecutor(4) as people:
            for inquiry_id in accepted[::2]:
                people.submit(respond, server, inquiry_id)
            server.kill()
        server.start()
    wait_until(lambda: all(status(server, one) in {"pending", *FINISHED} for one in accepted), timeout_s=60)
    for inquiry_id in accepted:
        assert respond(server, inquiry_id) in (200, 400)
    assert {server.ended(one)["status"] for one in accepted} == {"succeeded"}
    entries = told(server)
    assert [entries[one] for one in accepted] == [["raised", "answered"]] * len(accepted)
