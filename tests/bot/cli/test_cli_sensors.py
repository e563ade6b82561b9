"""`stormcrow sensor` against a real server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Shell
from tests.engine.api.running import Running, running
from tests.engine.sensors.world import wait_until

REF = "linux.FileWatchSensor"


@pytest.fixture(scope="module")
def sensing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A rule on /var/log/x, so that the shipped sensor has something to do."""
    folder = tmp_path_factory.mktemp("sensing")
    with running(folder) as made:
        rule = {
            "name": "follow",
            "enabled": True,
            "trigger": {"type": "linux.file_watch.line", "parameters": {"file_path": str(folder / "log")}},
            "action": {"ref": "core.noop"},
        }
        made.engine.stored.put("rule", rule, user="alice")
        made.engine.sensors.start()
        yield made


@pytest.fixture
def shell(sensing: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return Shell(sensing)


def until(shell: Shell, state: str) -> None:
    wait_until(lambda: json.loads(shell("sensor", "show", REF, "--json").output)["state"] == state)


def test_sensors_are_listed_with_their_state(shell: Shell) -> None:
    until(shell, "running")
    head, line = shell("sensor", "list").output.splitlines()
    assert head.split()[:3] == ["SENSOR", "STATE", "EVENTS"]
    assert line.split()[:3] == [REF, "running", "0"]
    assert json.loads(shell("sensor", "list", "--json").output)[0]["ref"] == REF


def test_a_sensor_is_shown(shell: Shell) -> None:
    until(shell, "running")
    text = shell("sensor", "show", REF).output
    assert "Follows files" in text
    assert "process" in text


def test_a_sensor_is_stopped_started_and_restarted(shell: Shell) -> None:
    assert shell("sensor", "stop", REF).output == f"{REF} is told to stop.\n"
    until(shell, "stopped")
    assert shell("sensor", "start", REF).exit_code == 0
    until(shell, "running")
    assert shell("sensor", "restart", REF).exit_code == 0
    until(shell, "running")


def test_a_sensor_is_disabled_and_enabled(shell: Shell) -> None:
    assert shell("sensor", "disable", REF).output == f"{REF} is disabled.\n"
    until(shell, "disabled")
    started = shell("sensor", "start", REF)
    assert started.exit_code == 2
    assert "sensor enable" in started.output
    assert shell("sensor", "enable", REF).output == f"{REF} is enabled.\n"
    until(shell, "running")


def test_the_log_is_printed(shell: Shell) -> None:
    until(shell, "running")
    wait_until(lambda: "following" in shell("sensor", "logs", REF).output)


def test_an_unknown_sensor_is_exit_code_4(shell: Shell) -> None:
    assert shell("sensor", "show", "no.Such").exit_code == 9
