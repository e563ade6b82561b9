"""Sensors over HTTP: StackStorm's sensortypes, and how they are."""

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.api.running import Running, running
from tests.engine.sensors.world import BASE, wait_until

SENSOR = {
    "lib/quiet.py": BASE,
    "sensors/ticker.yaml": """
        class_name: Ticker
        entry_point: ticker.py
        description: Ticks
        trigger_types:
          - {name: tick, payload_schema: {type: object}}
    """,
    "sensors/ticker.py": """
        from quiet import *
        class Ticker(Quiet):
            def run(self):
                self.sensor_service.get_logger("x").warning("ticking")
                self.sensor_service.dispatch("probe.tick", {"pid": os.getpid()})
                self.rest()
    """,
}
TICKER = "/sensors/probe.Ticker"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("sensing")
    venv = folder / "data" / "virtualenvs" / "probe"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True, timeout=120)
    for name, text in SENSOR.items():
        path = folder / "packs" / "probe" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    with running(folder) as made:
        made.engine.sensors.start()
        yield made


def until(server: Running, state: str) -> Any:
    wait_until(lambda: server.get(TICKER).json()["state"] == state)
    return server.get(TICKER).json()


def test_a_sensor_says_how_it_is(server: Running) -> None:
    found = until(server, "running")
    wait_until(lambda: server.get(TICKER).json()["events"] == 1)
    found = server.get(TICKER).json()
    assert found["sensor_type"] == "probe.Ticker"
    assert (found["pack"], found["description"]) == ("probe", "Ticks")
    assert (found["events"], found["refused"], found["restarts"], found["failures"]) == (1, 0, 0, 0)
    assert found["pid"] > 0
    assert found["last_event"].endswith("Z")


def test_the_list_holds_all_and_is_filtered(server: Running) -> None:
    assert [one["ref"] for one in server.get("/sensors").json()] == ["linux.FileWatchSensor", "probe.Ticker"]
    assert [one["ref"] for one in server.get("/sensors?pack=probe").json()] == ["probe.Ticker"]
    assert [one["ref"] for one in server.get("/sensors?state=idle").json()] == ["linux.FileWatchSensor"]
    assert server.get("/sensors").headers["X-Total-Count"] == "2"


def test_stop_start_and_restart(server: Running) -> None:
    before = until(server, "running")["pid"]
    assert server.post(f"{TICKER}/stop").status_code == 202
    assert "pid" not in until(server, "stopped")
    assert server.post(f"{TICKER}/start").status_code == 202
    second = until(server, "running")["pid"]
    assert second != before
    assert server.post(f"{TICKER}/restart").status_code == 202
    wait_until(lambda: server.get(TICKER).json().get("pid") not in (None, second))
    until(server, "running")
    told = server.get("/audit", params={"kind": "sensor", "limit": 3}).json()
    assert [act["kind"] for act in told] == ["sensor.restarted", "sensor.started", "sensor.stopped"]
    assert {(act["object"], act["user"]) for act in told} == {("probe.Ticker", "admin")}


def test_the_log_has_level_and_time(server: Running) -> None:
    until(server, "running")
    wait_until(lambda: any("ticking" in one["text"] for one in server.get(f"{TICKER}/logs").json()))
    line = next(one for one in server.get(f"{TICKER}/logs").json() if "ticking" in one["text"])
    assert line["level"] == "warning"
    assert line["at"].endswith("Z")


def test_an_unknown_sensor_is_not_found(server: Running) -> None:
    answer = server.get("/sensors/probe.Tiker")
    assert answer.status_code == 404
    assert "Did you mean probe.Ticker?" in answer.json()["faultstring"]
    assert server.post("/sensors/no.Such/restart").status_code == 404


def test_enabled_is_switched_as_st2_does_it(server: Running) -> None:
    document = server.get("/sensortypes/probe.Ticker").json()
    off = server.ask("PUT", f"/sensortypes/{document['id']}", json={**document, "enabled": False})
    assert (off.status_code, off.json()["enabled"]) == (200, False)
    until(server, "disabled")
    refused = server.post(f"{TICKER}/start")
    assert refused.status_code == 400
    assert "stormcrow sensor enable probe.Ticker" in refused.json()["faultstring"]
    on = server.ask("PUT", "/sensortypes/probe.Ticker", json={"enabled": True})
    assert on.json()["enabled"] is True
    until(server, "running")


@pytest.mark.parametrize("body", [{}, {"enabled": "no"}])
def test_a_switch_is_true_or_false(server: Running, body: dict[str, Any]) -> None:
    assert server.ask("PUT", "/sensortypes/probe.Ticker", json=body).status_code == 400


def test_sensor_types_are_found_by_their_trigger(server: Running) -> None:
    found = server.get("/sensortypes?trigger=probe.tick").json()
    assert [one["ref"] for one in found] == ["probe.Ticker"]


def test_the_token_of_a_sensor_is_good_while_it_runs(server: Running) -> None:
    pid = until(server, "running")["pid"]
    words = dict(
        one.split("=", 1) for one in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in one
    )
    headers = {"X-Auth-Token": words["ST2_AUTH_TOKEN"]}
    assert words["ST2_API_URL"] == f"{server.url}/api/v1"
    user = server.ask("GET", "/user", key="", headers=headers).json()
    assert user["username"] == "sensor:probe.Ticker"
    # It must not make itself a key that outlives it.
    assert server.ask("POST", "/apikeys", key="", headers=headers, json={}).status_code == 403
    server.post(f"{TICKER}/stop")
    until(server, "stopped")
    assert server.ask("GET", "/user", key="", headers=headers).status_code == 401
    server.post(f"{TICKER}/start")
    until(server, "running")
