"""What systemd hears over its socket."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.cli.site import systemd
from bot.systemd import Systemd


@contextmanager
def hearing(path: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0{path[1:]}" if path.startswith("@") else path)
        heard.settimeout(20)
        yield heard


@pytest.mark.parametrize("kind", ["file", "abstract"])
def test_it_hears_that_we_are_ready_and_that_we_stop(tmp_path: Path, kind: str) -> None:
    path = str(tmp_path / "notify") if kind == "file" else f"@{tmp_path.name}-{kind}"
    with hearing(path) as heard:
        told = Systemd(path, watchdog_s=0, is_alive=lambda: True)
        told.ready()
        assert heard.recv(100) == b"READY=1"
        told.stopping()
        assert heard.recv(100) == b"STOPPING=1"


def test_the_watchdog_hears_us_while_we_live(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    lives = [True, True, False]
    with hearing(path) as heard:
        told = Systemd(path, watchdog_s=0.1, is_alive=lambda: lives.pop(0) if lives else False)
        told.ready()
        found = [heard.recv(100) for _ in range(3)]
        assert found == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
        heard.settimeout(0.5)
        with pytest.raises(TimeoutError):
            heard.recv(100)
        told.stopping()


def test_without_systemd_nobody_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Systemd("", watchdog_s=10, is_alive=lambda: True).ready()
    assert caplog.records == []
    # One that has gone is said, and stops nothing.
    Systemd(str(tmp_path / "gone"), watchdog_s=0, is_alive=lambda: True).ready()
    assert "cannot be told" in caplog.text


def test_the_environment_says_where_and_how_often(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    assert systemd() == ("", 0.0)
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/n")
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    assert systemd() == ("/run/n", 30.0)
    # Meant for another process.
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert systemd() == ("/run/n", 0.0)
