"""What the shim promises: actions survive the server, nothing is lost, nothing happens twice."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.records.execution import new_id
from engine.runners.base import LetGo, RunRequest
from engine.runners.shim_client import Shims
from engine.runners.spool import END, PROCESS, STDOUT, OutputReader, Spool
from engine.status import Status
from tests.engine.runners.local_world import Begun, Heard, World, command_lines, is_running, opened, until

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as found:
        yield found


def _server(folder: Path, commands: dict[str, str]) -> "subprocess.Popen[str]":
    """A server process that has been given `commands`, by execution id; not waited for."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.engine.runners.shim_server", str(folder)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write("".join(f"{key} {command}\n" for key, command in commands.items()))
    process.stdin.close()
    return process


def _begun(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"


def _kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _has(folder: Path, execution_id: str, kind: int) -> bool:
    """Whether the entry of the execution holds a frame of that kind."""
    reader = OutputReader(Spool(folder / "spool"), f"{execution_id}.1")
    return any(found == kind for found, _ in reader.read())


def _again(world: World, execution_id: str, command: str = "") -> RunRequest:
    return dataclasses.replace(world.command(command or ":"), execution_id=execution_id)


def test_an_entry_exists_until_it_is_forgotten(world: World) -> None:
    request = world.command("true")
    world.local.run(request, Heard().control)
    assert world.shims.spool.entries() == [f"{request.execution_id}.1"]
    world.local.forget(request)
    world.local.forget(request)
    assert world.shims.spool.entries() == []


def test_the_spool_is_closed_to_other_accounts(world: World) -> None:
    assert (world.folder / "spool").stat().st_mode & 0o777 == 0o700


def test_the_shim_ends_when_the_server_has_gone_and_leaves_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        world.shell("true")
        assert len(world.shim_pids()) == 1
    assert _names(tmp_path / "spool") == ["shim.log"]
    assert (tmp_path / "spool" / "shim.log").read_text() == ""


def test_actions_survive_the_server_and_are_adopted(tmp_path: Path) -> None:
    ledger, go, key = tmp_path / "ledger", tmp_path / "go", new_id()
    command = f"echo one; while [ ! -e {go} ]; do sleep 0.05; done; echo {key} >> {ledger}; echo two; exit 7"
    server = _server(tmp_path, {key: command})
    _begun(server)
    until(lambda: _has(tmp_path, key, STDOUT), "it has written")
    _kill(server)
    with opened(tmp_path) as world:
        heard = Heard()
        adopted = Begun(lambda: world.local.adopt(_again(world, key), heard.control))
        until(lambda: heard.text() == "one\n", "what it wrote before")
        go.touch()
        result = adopted.result()
        assert result is not None
        assert result.result["return_code"] == 7
        assert result.result["stdout"] == "one\ntwo"
        assert heard.text() == "one\ntwo\n"
    assert ledger.read_text() == f"{key}\n"


def test_a_result_that_came_while_no_server_was_there_is_found(tmp_path: Path) -> None:
    key = new_id()
    server = _server(tmp_path, {key: "sleep 0.5; echo late"})
    _begun(server)
    until((tmp_path / "spool" / f"{key}.1").exists, "it has started")
    _kill(server)
    until(lambda: _has(tmp_path, key, END), "it has ended")
    with opened(tmp_path) as world:
        result = world.local.adopt(_again(world, key), Heard().control)
        assert result is not None
        assert result.result["stdout"] == "late"


def test_an_adopted_action_can_be_cancelled_with_all_below_it(tmp_path: Path) -> None:
    key = new_id()
    server = _server(tmp_path, {key: "echo up; setsid sleep 63.5 & sleep 63.5"})
    _begun(server)
    until(lambda: _has(tmp_path, key, STDOUT), "it has written")
    _kill(server)
    with opened(tmp_path) as world:
        heard = Heard()
        adopted = Begun(lambda: world.local.adopt(_again(world, key), heard.control))
        until(heard.text, "it is adopted")
        heard.control.cancel()
        result = adopted.result()
        assert result is not None
        assert result.status == Status.CANCELED
        assert not is_running("sleep 63.5")


@pytest.mark.parametrize("delay_s", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_a_server_killed_while_it_starts_actions_makes_each_effect_once_or_never(
    tmp_path: Path, delay_s: float
) -> None:
    ledger = tmp_path / "ledger"
    commands = {key: f"echo {key} >> {ledger}; sleep 0.2" for key in (new_id() for _ in range(60))}
    server = _server(tmp_path, commands)
    until((tmp_path / "spool").exists, "the server prepares")
    time.sleep(delay_s)
    _kill(server)
    with opened(tmp_path) as world:
        results = {key: world.local.adopt(_again(world, key), Heard().control) for key in commands}
    happened = ledger.read_text().split() if ledger.exists() else []
    assert sorted(happened) == sorted(key for key, result in results.items() if result is not None)
    assert {result.status for result in results.values() if result} <= {Status.SUCCEEDED}


def test_what_was_never_started_is_known_to_be_so(world: World) -> None:
    assert world.local.adopt(_again(world, new_id()), Heard().control) is None


def test_a_killed_shim_is_told_at_once_and_leaves_no_process(world: World) -> None:
    heard = Heard()
    begun = world.begin(world.command("echo up; setsid sleep 64.5 & sleep 64.5"), heard.control)
    until(heard.text, "it has started")
    os.kill(world.shim_pids()[0], signal.SIGKILL)
    result = begun.result()
    assert result is not None
    assert result.status == Status.ABANDONED
    assert "shim" in result.result["error"]
    assert result.result["stdout"] == "up"
    assert not is_running("sleep 64.5")


def test_a_new_shim_takes_over_after_one_was_killed(world: World) -> None:
    world.shell("true")
    os.kill(world.shim_pids()[0], signal.SIGKILL)
    assert world.shell("echo again").result["stdout"] == "again"


def test_a_shim_killed_after_its_server_leaves_an_abandoned_action(tmp_path: Path) -> None:
    key = new_id()
    server = _server(tmp_path, {key: "env -u ST2_ACTION_EXECUTION_ID setsid -w sleep 65.5"})
    _begun(server)
    until(lambda: _has(tmp_path, key, PROCESS), "its process is noted")
    _kill(server)
    os.kill(World(tmp_path).shim_pids()[0], signal.SIGKILL)
    with opened(tmp_path) as world:
        result = world.local.adopt(_again(world, key), Heard().control)
        assert result is not None
        assert result.status == Status.ABANDONED
        assert not is_running("sleep 65.5")


def test_a_server_that_stops_lets_go_of_what_runs(tmp_path: Path) -> None:
    go = tmp_path / "go"
    first = World(tmp_path)
    first.shims.prepare()
    heard = Heard()
    request = first.command(f"echo up; while [ ! -e {go} ]; do sleep 0.05; done; echo down")
    begun = first.begin(request, heard.control)
    until(heard.text, "it has started")
    first.shims.close()
    with pytest.raises(LetGo):
        begun.result()
    with opened(tmp_path) as world:
        adopted = Begun(lambda: world.local.adopt(request, Heard().control))
        go.touch()
        result = adopted.result()
        assert result is not None
        assert result.result["stdout"] == "up\ndown"


def test_a_shim_that_does_not_let_go_is_killed(tmp_path: Path) -> None:
    server = _server(tmp_path, {new_id(): "sleep 66.5"})
    _begun(server)
    until(lambda: World(tmp_path).shim_pids(), "the shim is there")
    until(lambda: is_running("sleep 66.5"), "the action runs")
    shim = World(tmp_path).shim_pids()[0]
    os.kill(shim, signal.SIGSTOP)
    _kill(server)
    later = Shims(tmp_path / "spool", environment={})
    later.prepare(wait_s=0.2)
    later.close()
    until(lambda: not World(tmp_path).shim_pids(), "the shim is gone")
    for pid, words in command_lines():
        if "sleep 66.5" in words:
            os.kill(pid, signal.SIGKILL)


def test_a_spool_that_cannot_be_written_is_told(world: World) -> None:
    request = world.command("true")
    (world.folder / "spool" / f"{request.execution_id}.1").mkdir()
    with pytest.raises(Exception, match="The spool takes no new action: File exists"):
        world.run(request)


def test_32_actions_at_once_all_end(world: World) -> None:
    requests = [world.command(f"sleep 0.2; echo {number}") for number in range(32)]
    begun = [world.begin(request) for request in requests]
    results = [one.result() for one in begun]
    assert [result.result["stdout"] for result in results if result] == list(range(32))
