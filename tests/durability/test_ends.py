"""SIGTERM under load, a shim that dies, a second server: each ends as it should, and says so."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durability.ledger import (
    assert_answered_once,
    assert_nothing_left,
    assert_sound,
    ledger_files,
    ledger_of,
    settle,
)
from tests.durability.server import Server, processes_of, shims_of, text_of, wait_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path, files=ledger_files(tmp_path))
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.mark.slow
def test_what_a_stopped_server_had_accepted_is_finished_by_the_next(server: Server) -> None:
    message_ids: dict[int, str] = {}

    def send(first: int) -> None:
        for number in range(first, 40, 4):
            message_ids[number] = server.say(f"append {number} after 0.7")

    people = [threading.Thread(target=send, args=(first,)) for first in range(4)]
    for one in people:
        one.start()
    wait_until(lambda: len(message_ids) > 15)
    assert server.terminate() == 0
    server.start()
    for one in people:
        one.join(60)
    settle(server)
    assert_answered_once(server, message_ids.values())
    assert ledger_of(server.folder) == dict.fromkeys(range(40), 1)
    assert server.terminate() == 0
    assert_nothing_left(server.folder)
    assert_sound(server.folder)
    assert "Traceback" not in server.log_text


def test_a_killed_shim_abandons_its_actions_at_once_and_the_next_is_started(server: Server) -> None:
    message_ids = [server.say(f"append {number} after 60") for number in range(3)]
    ids = [one["id"] for one in server.executions()]
    wait_until(lambda: sum("append.sh" in one for one in processes_of(server.folder).values()) >= 3)
    (shim,) = shims_of(server.folder)
    os.kill(shim, signal.SIGKILL)
    for execution_id in ids:
        execution = server.ended(execution_id, timeout_s=60)
        assert execution["status"] == "abandoned"
        assert "how far it had come is not known" in execution["result"]["error"]
    wait_until(lambda: all(server.answers(one)[-1]["status"] == "abandoned" for one in message_ids))
    assert "not known" in text_of(server.answers(message_ids[0])[-1])
    wait_until(lambda: not any("append.sh" in one for one in processes_of(server.folder).values()))
    assert server.answer("append 7 after 0")["status"] == "succeeded"
    assert ledger_of(server.folder) == {7: 1}


def test_a_second_server_is_refused_and_the_first_goes_on(server: Server) -> None:
    command = [sys.executable, "-m", "bot.cli", "up", "--config", str(server.config), "--port", "0"]
    second = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode == 8
    assert (
        f"Another Stormcrow (process {server.pid}) is using the data folder {server.data}." in second.stderr
    )
    assert "--data" in second.stderr
    assert "Traceback" not in second.stderr
    assert server.answer("append 1 after 0")["status"] == "succeeded"


def test_a_taken_port_is_refused_with_a_way_out(server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bot.cli", "up", "--data", str(tmp_path / "other")]
    second = subprocess.run(
        [*command, "--port", str(server.port)], capture_output=True, text=True, timeout=120, check=False
    )
    assert second.returncode == 8
    assert "--port" in second.stderr
    assert "Traceback" not in second.stderr


def test_an_action_runs_on_while_no_server_is_there(server: Server) -> None:
    message_id = server.say("append 5 after 1.0")
    wait_until(lambda: any("append.sh" in one for one in processes_of(server.folder).values()))
    server.kill()
    wait_until(lambda: ledger_of(server.folder) == {5: 1})
    server.start()
    settle(server)
    assert_answered_once(server, [message_id])
    assert ledger_of(server.folder) == {5: 1}


def test_a_cancel_reaches_an_action_that_an_earlier_server_started(server: Server) -> None:
    server.say("append 9 after 30")
    wait_until(lambda: any("append.sh" in one for one in processes_of(server.folder).values()))
    (execution,) = server.executions()
    server.kill()
    server.start()
    assert server.ask("DELETE", f"/executions/{execution['id']}").ok
    assert server.ended(execution["id"])["status"] == "canceled"
    wait_until(lambda: not any("append.sh" in one for one in processes_of(server.folder).values()))
    assert ledger_of(server.folder) == {}
