"""The same thing asked by many at once happens once."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.durability.ledger import ledger_files, ledger_of, settle
from tests.durability.server import Server, processes_of, serving, wait_until

CROWD = 30


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("races")
    with serving(folder, files=ledger_files(folder)) as made:
        yield made


def at_once(ask: Callable[[], requests.Response]) -> list[requests.Response]:
    with ThreadPoolExecutor(CROWD) as people:
        return list(people.map(lambda _number: ask(), range(CROWD)))


def test_one_delivery_that_comes_many_times_at_once_is_one_command(server: Server) -> None:
    answers = at_once(lambda: server.post_message("append 1 after 0", key="the-same-delivery"))
    assert {one.status_code for one in answers} == {201}
    assert len({one.json()["id"] for one in answers}) == 1
    settle(server)
    assert ledger_of(server.folder)[1] == 1
    (message_id,) = {one.json()["id"] for one in answers}
    wait_until(lambda: [one.get("status") for one in server.answers(message_id)] == ["succeeded"])


def test_one_idempotency_key_is_one_execution(server: Server) -> None:
    body = {"action": "ledger.append", "parameters": {"number": 2, "seconds": 0}}
    headers = {"Idempotency-Key": "the-same-request"}
    answers = at_once(lambda: server.ask("POST", "/executions", json=body, headers=headers))
    stored = [one for one in answers if one.status_code != 409]
    assert {one.status_code for one in stored} == {201}
    assert len({one.json()["id"] for one in stored}) == 1
    settle(server)
    assert ledger_of(server.folder)[2] == 1


def test_of_many_cancels_one_wins_and_the_end_is_reached_once(server: Server) -> None:
    execution_id = server.request("ledger.append", number=3, seconds=30)
    wait_until(lambda: any("append.sh" in one for one in processes_of(server.folder).values()))
    answers = at_once(lambda: server.ask("DELETE", f"/executions/{execution_id}"))
    assert {one.status_code for one in answers} <= {200, 409}, Counter(one.status_code for one in answers)
    ended = server.ended(execution_id)
    assert ended["status"] == "canceled"
    steps = Counter(step["status"] for step in ended["log"])
    assert steps["canceled"] == 1, ended["log"]
    assert steps["canceling"] <= 1, ended["log"]
    assert ledger_of(server.folder)[3] == 0


def test_a_cancel_that_comes_with_the_end_leaves_one_legal_end(server: Server) -> None:
    ids = [server.request("ledger.append", number=100 + number, seconds=0.05) for number in range(20)]
    with ThreadPoolExecutor(10) as people:
        list(people.map(lambda one: server.ask("DELETE", f"/executions/{one}"), ids))
    for number, execution_id in enumerate(ids):
        ended = server.ended(execution_id)
        assert ended["status"] in ("canceled", "succeeded")
        assert sum(step["status"] in ("canceled", "succeeded") for step in ended["log"]) == 1
        assert ledger_of(server.folder)[100 + number] >= (ended["status"] == "succeeded")


def test_nothing_is_left_behind(server: Server, tmp_path: Path) -> None:
    settle(server)
    wait_until(lambda: not list((server.data / "spool").glob("*.*/")))
    assert "Traceback" not in server.log_text
