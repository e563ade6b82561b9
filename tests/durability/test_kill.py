"""kill -9 of the server while commands come in: nothing is lost, and nothing is done twice."""

import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.durability.ledger import (
    assert_answered_once,
    assert_nothing_left,
    assert_sound,
    ledger_files,
    ledger_of,
    settle,
)
from tests.durability.server import Server

THREADS = 8


class Crowd:
    """People who send numbered commands, each again until it is accepted."""

    def __init__(self, server: Server, count: int) -> None:
        self.message_ids: dict[int, str] = {}
        self.faults: list[BaseException] = []
        self._server = server
        self._count = count
        self._threads = [threading.Thread(target=self._send, args=(first,)) for first in range(THREADS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait_for(self, accepted: int) -> None:
        give_up_at = time.monotonic() + 60
        while len(self.message_ids) < accepted:
            assert not self.faults, self.faults
            assert time.monotonic() < give_up_at, f"{len(self.message_ids)} of {accepted} were accepted"
            time.sleep(0.001)

    def finish(self) -> None:
        for thread in self._threads:
            thread.join(60)
        assert not self.faults, self.faults

    def _send(self, first: int) -> None:
        try:
            for number in range(first, self._count, THREADS):
                word = "note" if number % 4 == 0 else "append"
                self.message_ids[number] = self._server.say(f"{word} {number}")
        except (AssertionError, OSError) as error:  # a thread's failure is the test's
            self.faults.append(error)


def kill_while_they_send(server: Server, *, count: int, kills: int, seed: int) -> list[float]:
    """Kills at random numbers of accepted commands, the last one when all are accepted. Leaves the
    server running; returns how long each start took, in seconds."""
    chance = random.Random(seed)
    moments = [*sorted(chance.sample(range(1, count), kills - 1)), count]
    print(f"seed {seed}: kill -9 after {moments} accepted commands")
    server.make_environment("ledger")
    server.start()
    crowd = Crowd(server, count)
    crowd.start()
    starts = []
    try:
        for moment in moments:
            crowd.wait_for(moment)
            time.sleep(chance.uniform(0, 0.03))
            server.kill()
            began = time.monotonic()
            server.start()
            starts.append(time.monotonic() - began)
        settle(server)
    finally:
        crowd.finish()
    assert_answered_once(server, crowd.message_ids.values())
    return starts


def assert_each_happened_once(server: Server, count: int) -> None:
    executions = server.executions()
    assert {one["id"]: one["status"] for one in executions if one["status"] != "succeeded"} == {}
    assert len(executions) == count
    assert ledger_of(server.folder) == dict.fromkeys(range(count), 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.mark.slow
def test_two_hundred_commands_survive_kills_of_the_server(folder: Path) -> None:
    server = Server(folder, files=ledger_files(folder))
    try:
        starts = kill_while_they_send(server, count=200, kills=5, seed=random.randrange(10**6))
        print("starts took", [f"{one:.1f} s" for one in starts])
        assert_each_happened_once(server, 200)
        assert server.terminate() == 0
        assert_nothing_left(folder)
        assert_sound(folder)
        assert "Traceback" not in server.log_text
        assert list((server.data / "spool").glob("*.*/")) == []
    finally:
        server.close()


@pytest.mark.slow
def test_the_same_holds_over_postgresql(folder: Path, postgresql_url: str) -> None:
    settings: dict[str, dict[str, Any]] = {"store": {"url": postgresql_url}}
    server = Server(folder, files=ledger_files(folder), settings=settings)
    try:
        kill_while_they_send(server, count=40, kills=2, seed=random.randrange(10**6))
        assert_each_happened_once(server, 40)
        assert server.terminate() == 0
        assert_nothing_left(folder)
        assert not (server.data / "stormcrow.db").exists()
    finally:
        server.close()
