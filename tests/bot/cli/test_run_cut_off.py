"""`run` where something is cut off: the reader of its output, the network, the job itself."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.cli.client import no_answer
from bot.cli.exits import Code
from tests.bot.cli.conftest import Shell
from tests.engine.api.running import Running
from tests.engine.world import wait_until

ROOT = Path(__file__).parents[3]


class Road:
    """A way to a server's port. Closed, it breaks off what is under way, and whatever comes."""

    def __init__(self, port: int) -> None:
        self._goal = port
        self._lock = threading.Lock()
        self._is_open = False
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def open(self) -> None:
        with self._lock:
            self._is_open = True

    def close(self) -> None:
        with self._lock:
            self._is_open = False
            for end in self._ends:
                _shut(end)
            self._ends = []

    def end(self) -> None:
        self.close()
        _shut(self._listener)
        self._thread.join(30)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if not self._is_open:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._goal))
                self._ends += [near, far]
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        """Both ways, until both ends are through."""
        back = threading.Thread(target=_pour, args=(far, near), daemon=True)
        back.start()
        _pour(near, far)
        back.join()
        near.close()
        far.close()


def _pour(source: socket.socket, goal: socket.socket) -> None:
    try:
        while piece := source.recv(65_536):
            goal.sendall(piece)
    except OSError:
        pass
    _shut(goal)


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


@pytest.fixture
def road(shared: Running) -> Iterator[Road]:
    made = Road(int(shared.url.rpartition(":")[2]))
    yield made
    made.end()


class Job:
    """The command as a process of its own; what it says on standard error is kept."""

    def __init__(
        self, server: Running, *words: str, url: str = "", out: Any = subprocess.PIPE, before: str = ""
    ) -> None:
        code = f"{before}\nfrom bot.cli.main import main\nmain()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *words],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            env={
                "STORMCROW_URL": url or server.url,
                "STORMCROW_API_KEY": server.key,
                "PATH": "/usr/bin:/bin",
            },
        )
        self._said: list[str] = []
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        self._said.extend(self.process.stderr)

    @property
    def said(self) -> str:
        return "".join(self._said)

    def end(self) -> int:
        code = self.process.wait(90)
        self._thread.join(30)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code


@pytest.mark.parametrize("words", [(), ("--follow",)])
def test_whose_output_nobody_reads_any_more_ends_as_its_action_does(
    shared: Running, words: tuple[str, ...]
) -> None:
    job = Job(shared, "run", "core.local", "seq 1 50000; sleep 0.5; echo last; exit 3", *words)
    assert job.process.stdout is not None
    assert job.process.stdout.readline() == "1\n"
    job.process.stdout.close()
    assert job.end() == 1
    assert "Traceback" not in job.said
    assert "failed after" in job.said


@pytest.mark.parametrize("words", [(), ("--follow",)])
def test_what_cannot_be_written_is_no_success(shared: Running, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        job = Job(shared, "run", "core.local", "echo hi", *words, out=full)
        assert job.end() == Code.WRONG == 2
    assert job.said.endswith("Not all could be written: No space left on device.\n")
    assert "Traceback" not in job.said


def test_who_sets_a_limit_waits_for_a_server_that_is_just_starting(shared: Running, road: Road) -> None:
    job = Job(shared, "run", "core.local", "echo hi", "--timeout", "60s", url=road.url)
    wait_until(lambda: "trying again" in job.said)
    road.open()
    assert job.end() == 0, job.said


def test_who_sets_none_is_told_at_once(shared: Running, road: Road) -> None:
    job = Job(shared, "run", "core.local", "echo hi", url=road.url)
    assert job.end() == Code.WRONG
    assert "trying again" not in job.said


def begun(job: Job, server: Running, mark: str) -> Any:
    """The execution of the job, when it runs and the job waits for it."""
    found: list[Any] = []

    def runs() -> bool:
        executions = server.get("/executions?action=core.local&status=running").json()
        found[:] = [one for one in executions if mark in one["parameters"]["cmd"]]
        return bool(found)

    wait_until(runs)
    wait_until(lambda: "begun" in job.said)
    return found[0]


def test_an_interrupt_while_the_network_is_down_cancels_when_it_is_back(shared: Running, road: Road) -> None:
    road.open()
    job = Job(shared, "run", "core.local", "echo begun; sleep 61", "--follow", "-o", "json", url=road.url)
    execution = begun(job, shared, "sleep 61")
    road.close()
    job.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "it is being cancelled" in job.said)
    road.open()
    assert job.end() == Code.STOPPED == 4, job.said
    assert shared.ended(execution)["status"] == "canceled"


def test_what_an_interrupt_cannot_cancel_is_said_to_go_on(shared: Running, road: Road) -> None:
    road.open()
    hasty = "from bot.cli import watching; watching._CANCEL_S = 0"
    words = ("run", "core.local", "echo begun; sleep 62", "--follow", "-o", "json")
    job = Job(shared, *words, url=road.url, before=hasty)
    execution = begun(job, shared, "sleep 62")
    road.close()
    job.process.send_signal(signal.SIGINT)
    assert job.end() == Code.STILL_WAITING == 6, job.said
    assert f"It goes on. Once the server is back: stormcrow execution cancel {execution['id']}" in job.said
    shared.ask("DELETE", f"/executions/{execution['id']}")


def test_an_interrupt_before_the_answer_says_that_it_may_run(shared: Running, road: Road) -> None:
    job = Job(shared, "run", "core.local", "echo hi", "--timeout", "60s", url=road.url)
    wait_until(lambda: "trying again" in job.said)
    job.process.send_signal(signal.SIGTERM)
    assert job.end() == Code.INTERRUPTED == 130
    assert "it may have been started. See: stormcrow execution list --action core.local" in job.said


def test_who_speaks_tls_to_a_plain_port_is_told_so(shell: Shell) -> None:
    url = shell.server.url.replace("http:", "https:")
    done = shell("execution", "list", STORMCROW_URL=url)
    assert done.exit_code == Code.NO_SERVER
    assert "with TLS" in done.stderr
    assert "write http://" in done.stderr


def test_a_name_that_nobody_knows_is_said() -> None:
    error = no_answer("http://stormcrow.invalid", socket.gaierror(-2, "Name or service not known"))
    assert str(error) == "No server answers at http://stormcrow.invalid: nobody knows that name."
