"""Deaths at chosen moments: inside a commit, and between the claim of an execution and its start."""

import contextlib
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import requests

from tests.conftest import missing
from tests.durability.ledger import assert_sound, ledger_files, ledger_of, settle
from tests.durability.server import START_S, Server, wait_until


def killed_at(call: str, number: int) -> Sequence[str]:
    """strace, that kills the server when a thread of it begins its `number`th `call`."""
    strace = shutil.which("strace")
    if strace is None:
        missing("strace")
    calls = "fdatasync,fsync" if call == "fsync" else call
    inject = f"inject={calls}:signal=SIGKILL:when={number}"
    # Not with --seccomp-bpf: it is faster, but calls of threads are then not counted.
    return (str(strace), "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", inject)


class Life:
    """Commands `append 1`, `append 2` ... over several lives of a server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.accepted = 0
        """How many commands were: all up to this number."""

    def until_death(self, under: Sequence[str]) -> None:
        """Say one command after the other until the server dies of it."""
        process = self._server.spawn(under=under)
        # strace takes a moment until it has started the server.
        wait_until(lambda: self._server.is_process_alive() or process.poll() is not None)
        give_up_at = time.monotonic() + START_S
        try:
            while self._server.is_process_alive():
                assert time.monotonic() < give_up_at, f"it lives: {under}"
                self._say_next()
                time.sleep(0.01)
        finally:
            self._server.kill_all()

    def _say_next(self) -> None:
        number = self.accepted + 1
        with contextlib.suppress(requests.RequestException, FileNotFoundError):
            answer = self._server.post_message(f"append {number} after 0.05", key=f"delivery-{number}")
            self.accepted += answer.status_code == 201


@pytest.mark.slow
def test_a_kill_in_any_of_the_first_commits_leaves_a_state_that_goes_on(tmp_path: Path) -> None:
    server = Server(tmp_path, files=ledger_files(tmp_path))
    life = Life(server)
    try:
        # From the first migration, over the request and the claim, to the result and its post.
        for number in (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20):
            life.until_death(killed_at("fsync", number))
        assert life.accepted >= 3
        server.start()
        settle(server)
        statuses = {one["parameters"]["number"]: one["status"] for one in server.executions()}
        # The last command may be stored without its sender having been told.
        assert set(statuses) - {life.accepted + 1} == set(range(1, life.accepted + 1))
        assert set(statuses.values()) == {"succeeded"}, statuses
        assert ledger_of(tmp_path) == dict.fromkeys(statuses, 1)
        assert server.terminate() == 0
        assert_sound(tmp_path)
    finally:
        server.close()


@pytest.mark.slow
def test_what_was_claimed_and_not_started_is_started_by_the_next_server(tmp_path: Path) -> None:
    server = Server(tmp_path, files=ledger_files(tmp_path))
    try:
        # Workers reach the shim with sendto, and nothing else in the server uses it.
        Life(server).until_death(killed_at("sendto", 1))
        assert ledger_of(tmp_path) == {}
        server.start()
        settle(server)
        executions = server.executions()
        assert executions
        assert {one["status"] for one in executions} == {"succeeded"}
        assert any("running" in [step["status"] for step in one["log"]][:-2] for one in executions)
        assert set(ledger_of(tmp_path).values()) == {1}
        assert len(ledger_of(tmp_path)) == len(executions)
    finally:
        server.close()
