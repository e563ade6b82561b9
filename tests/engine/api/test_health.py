"""`/healthz` and `/readyz` notice what is really broken, and say what to do; strangers hear only that."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from engine.chat_states import ChatState
from engine.clock import utcnow
from engine.settings.watching import HealthSettings
from engine.store import journal
from tests.engine.api.running import Running, running
from tests.engine.world import wait_until

STRANGER = {"X-Forwarded-For": "192.0.2.1"}


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look is a new one, and a slow machine is no fault."""
    monkeypatch.setattr("engine.health.FRESH_S", -1.0)
    monkeypatch.setattr("engine.health.DEADLINE_S", 30.0)
    monkeypatch.setattr("engine.api.health._LONGEST_S", 60.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server")) as made:
        yield made


def wrong(server: Running, path: str = "/readyz") -> dict[str, Any]:
    """By name, what a 503 says; nothing after a 200."""
    answer = server.get(path, key="")
    found = answer.json()
    checks = {one["name"]: one for one in found["checks"] if one["decides"] and not one["ok"]}
    assert answer.status_code == (503 if checks else 200)
    assert found["status"] == ("wrong" if checks else "ok")
    assert all(one["text"] and one["hint"] for one in checks.values())
    return checks


def test_a_server_that_is_well_says_what_it_looked_at(server: Running) -> None:
    found = server.get("/readyz", key="").json()
    names = {one["name"] for one in found["checks"]}
    assert {"writer", "database", "writes", "engine", "threads", "content", "disk", "spool"} <= names
    assert wrong(server) == {}
    assert wrong(server, "/healthz") == {}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/v1/readyz/"])
def test_a_stranger_hears_only_whether(server: Running, path: str) -> None:
    answer = server.get(path, key="", headers=STRANGER)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "checks" in server.get(path, headers=STRANGER).json()


def test_a_broken_file_of_content_is_told_and_decides_nothing(server: Running) -> None:
    checks = {one["name"]: one for one in server.get("/readyz", key="").json()["checks"]}
    # The pack of these tests has an action with a runner that there is not.
    assert (checks["content"]["ok"], checks["content"]["decides"]) == (False, False)
    assert wrong(server) == {}


def test_a_writer_that_is_stuck_is_no_life(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.health.DEADLINE_S", 0.2)
    go_on = threading.Event()
    server.engine.database.submit(lambda _connection: go_on.wait(90))
    try:
        wait_until(lambda: "writer" in wrong(server, "/healthz"))
        answer = server.get("/healthz", key="", headers=STRANGER)
        assert (answer.status_code, answer.json()) == (503, {"status": "wrong"})
        health = server.engine.watching.health
        asked = health._probe
        wrong(server)
        # Whoever asks again puts nothing more behind it.
        assert health._probe is asked
    finally:
        go_on.set()
    wait_until(lambda: wrong(server, "/healthz") == {})
    wait_until(lambda: wrong(server) == {})


def test_a_database_that_is_read_only_takes_no_work(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.health.TROUBLE_S", 0.0)
    held: Any = server.engine.database.write(lambda connection: connection.connection.dbapi_connection)
    held.execute("PRAGMA query_only=ON")
    try:
        checks = wrong(server)
        assert list(checks) == ["writes"]
        assert "readonly" in checks["writes"]["text"]
        # A restart does not help, so it is none of its life.
        assert wrong(server, "/healthz") == {}
        refused = server.ask("PUT", "/keys/word", json={"name": "word", "value": "x"})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "stormcrow status says what is wrong" in refused.json()["faultstring"]
        faultstring = server.get("/readyz", key="").json()["faultstring"]
        assert faultstring.startswith("writes: the database does not take writes")
    finally:
        held.execute("PRAGMA query_only=OFF")
    monkeypatch.setattr("engine.health.TROUBLE_S", 600.0)
    # Small ones are taken again; whether all are is not known yet.
    wait_until(lambda: "small ones are taken again" in wrong(server)["writes"]["text"])
    server.engine.database.trouble = None
    wait_until(lambda: wrong(server) == {})


@contextmanager
def small_disk(folder: Path, *, size: str) -> Iterator[Path]:
    folder.mkdir()
    try:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        mounted = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if mounted.returncode:
        pytest.skip("a file system may not be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_told_before_and_after_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.health.TROUBLE_S", 600.0)
    sections = {"health": HealthSettings(disk_free_mb=4)}
    with (
        small_disk(tmp_path / "data", size="24m") as disk,
        running(tmp_path, sections=sections) as server,
    ):
        assert wrong(server) == {}
        filler = disk / "filler"
        _fill(filler)
        assert "wants 4" in wrong(server)["disk"]["text"]
        value = {"name": "large", "value": "x" * 100_000}
        wait_until(lambda: server.ask("PUT", "/keys/large", json=value).status_code >= 500)
        assert "full" in wrong(server)["writes"]["text"]
        filler.unlink()
        assert list(wrong(server)) == ["writes"]
        monkeypatch.setattr("engine.health.TROUBLE_S", 0.0)
        assert wrong(server) == {}


def _fill(file: Path) -> None:
    with file.open("wb") as out:
        try:
            while True:
                out.write(b"\0" * 65_536)
                out.flush()
        except OSError:
            return


def test_a_thread_that_has_ended_is_named(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(server.engine.timers), "is_alive", False)
    assert "timers" in wrong(server)["threads"]["text"]


def test_a_chat_that_is_away_decides_unless_settings_say_no(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = ChatState(name="irc", is_up=False, trouble="the server does not answer", since=utcnow())
    monkeypatch.setattr(server.engine.chats, "_sources", {"irc": lambda: away})
    check = wrong(server)["chat irc"]
    assert "the server does not answer" in check["text"]
    assert check["hint"] == "stormcrow doctor irc"
    parts = server.engine.watching.health._parts
    settings = replace(parts.settings, health=HealthSettings(chats=False))
    monkeypatch.setattr(server.engine.watching.health, "_parts", replace(parts, settings=settings))
    assert wrong(server) == {}


def test_a_clock_that_went_back_is_told(server: Running) -> None:
    def write(connection: Connection) -> None:
        journal.append(connection, "probe", "", {}, at=utcnow().replace(year=2100))

    server.engine.database.write(write)
    checks = {one["name"]: one for one in server.get("/readyz", key="").json()["checks"]}
    assert not checks["clock"]["ok"]
    assert "NTP" in checks["clock"]["hint"]
    assert wrong(server) == {}


def test_a_server_that_stops_is_not_ready(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.engine.stop()
        answer = server.get("/readyz", key="", headers=STRANGER)
        assert (answer.status_code, answer.json()) == (503, {"status": "wrong"})
        assert answer.headers["retry-after"] == "5"
