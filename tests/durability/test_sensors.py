"""kill -9 of a server with sensors: none of them stays behind, and nothing accepted is lost."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.durability.ledger import assert_nothing_left, assert_sound
from tests.durability.server import Server, processes_of, shims_of, wait_until

# Writes a number into its ledger once dispatch has returned; goes on where the ledger ends.
COUNTER = """
    import os
    import subprocess
    from st2reactor.sensor.base import Sensor

    LEDGER = {ledger!r}

    class Counter(Sensor):
        def setup(self): pass
        def cleanup(self): pass
        def add_trigger(self, trigger): pass
        def update_trigger(self, trigger): pass
        def remove_trigger(self, trigger): pass
        def run(self):
            subprocess.Popen(["sleep", "600"], start_new_session=True)
            number = len(open(LEDGER).read().split()) if os.path.exists(LEDGER) else 0
            ledger = os.open(LEDGER, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            while True:
                self.sensor_service.dispatch("counting.counted", {{"number": number}})
                os.write(ledger, b"%d\\n" % number)
                number += 1
"""
# Holds the interpreter for itself: nothing of ours in it runs any more.
STUCK = """
    import ctypes
    from st2reactor.sensor.base import Sensor

    class Stuck(Sensor):
        def setup(self): pass
        def cleanup(self): pass
        def add_trigger(self, trigger): pass
        def update_trigger(self, trigger): pass
        def remove_trigger(self, trigger): pass
        def run(self):
            self.sensor_service.dispatch("counting.stuck", {})
            ctypes.PyDLL(None).sleep(600)
"""


def sensor_files(folder: Path) -> dict[str, str]:
    pack = "packs/counting"
    return {
        f"{pack}/pack.yaml": "{name: counting, ref: counting, description: d, version: 1.0.0, author: T}",
        f"{pack}/sensors/counter.yaml": """
            class_name: Counter
            entry_point: counter.py
            trigger_types: [{name: counted, payload_schema: {type: object}}]
        """,
        f"{pack}/sensors/counter.py": COUNTER.format(ledger=str(folder / "ledger")),
        f"{pack}/sensors/stuck.yaml": """
            class_name: Stuck
            entry_point: stuck.py
            trigger_types: [{name: stuck, payload_schema: {type: object}}]
        """,
        f"{pack}/sensors/stuck.py": STUCK,
    }


def health(server: Server) -> dict[str, Any]:
    return {one["ref"]: one for one in server.get("/sensors")}


def written(folder: Path) -> list[int]:
    path = folder / "ledger"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def counted(folder: Path) -> list[int]:
    """The numbers of all stored events, straight from the database of a stopped server."""
    import sqlite3

    import orjson

    connection = sqlite3.connect(folder / "data" / "stormcrow.db")
    try:
        rows = connection.execute(
            "SELECT payload FROM trigger_instance WHERE trigger_type = 'counting.counted' ORDER BY seq"
        ).fetchall()
    finally:
        connection.close()
    return [orjson.loads(payload)["number"] for (payload,) in rows]


def sensor_processes(folder: Path) -> list[int]:
    """Sensors, and the `sleep` that one of them has started."""
    return [
        pid
        for pid, command in processes_of(folder).items()
        if "sensor_host.py" in command or command.startswith("sleep 600")
    ]


def hosts(folder: Path) -> list[int]:
    return [pid for pid, command in processes_of(folder).items() if "sensor_host.py" in command]


@pytest.mark.slow
def test_sensors_end_with_a_killed_server_and_the_next_one_starts_them_again(tmp_path: Path) -> None:
    server = Server(tmp_path, files=sensor_files(tmp_path), settings={"sensors": {"stop_s": 0.5}})
    server.make_environment("counting")
    try:
        for _ in range(3):
            server.start()
            wait_until(lambda: health(server)["counting.Stuck"]["events"] == 1, timeout_s=60)
            enough = len(written(tmp_path)) + 20
            wait_until(lambda enough=enough: len(written(tmp_path)) > enough, timeout_s=60)
            server.kill()
            wait_until(lambda: not sensor_processes(tmp_path))
        server.start()
        wait_until(lambda: health(server)["counting.Counter"]["events"] > 10, timeout_s=60)
        assert server.terminate(timeout_s=30) == 0
        assert_nothing_left(tmp_path)
        accepted, stored = written(tmp_path), counted(tmp_path)
        assert accepted == list(range(len(accepted)))
        assert set(accepted) <= set(stored)
        # The sensor sends again what it was not told of; nothing else is there twice.
        assert len(stored) - len(set(stored)) <= 4
        assert_sound(tmp_path)
    finally:
        server.close()


@pytest.mark.slow
def test_a_start_sweeps_what_sensors_have_left_when_the_shim_was_killed_too(tmp_path: Path) -> None:
    server = Server(tmp_path, files=sensor_files(tmp_path), settings={"sensors": {"stop_s": 0.5}})
    server.make_environment("counting")
    try:
        server.start()
        wait_until(lambda: len(written(tmp_path)) > 5, timeout_s=60)
        for shim in shims_of(tmp_path):
            os.kill(shim, signal.SIGKILL)
        server.kill()
        # The sensors themselves see it; what they have started does not.
        wait_until(lambda: not hosts(tmp_path))
        (child,) = sensor_processes(tmp_path)
        server.start()
        wait_until(lambda: child not in sensor_processes(tmp_path))
        wait_until(lambda: health(server)["counting.Counter"]["state"] == "running", timeout_s=60)
    finally:
        server.close()
