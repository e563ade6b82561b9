"""A pack of sensors for tests, an engine that runs them, and what they told it."""

import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.records.sensor import SensorHealth, SensorState
from engine.records.trigger import InstanceFilter
from engine.service import Engine
from engine.settings import Settings
from engine.settings.content import ContentSettings
from engine.settings.events import SensorSettings
from engine.settings.server import StoreSettings

MANIFEST = "{name: probe, ref: probe, description: Sensors for tests, version: 1.0.0, author: Tests}"
METADATA = """
class_name: {name}
entry_point: {file}.py
trigger_types:
  - name: said
    payload_schema:
      type: object
      properties:
        number: {{type: integer}}
"""
# What every sensor has to have; a test writes what is interesting.
BASE = """
import os, signal, sys, threading, time
from st2reactor.sensor.base import PollingSensor, Sensor

class Quiet(Sensor):
    def setup(self): pass
    def cleanup(self): pass
    def add_trigger(self, trigger): pass
    def update_trigger(self, trigger): pass
    def remove_trigger(self, trigger): pass
    def say(self, **payload):
        self.sensor_service.dispatch("probe.said", payload)
    def rest(self):
        while True:
            time.sleep(0.05)
"""
# Nothing in a test waits for a pause, and nothing is killed early on a slow machine.
QUICK = SensorSettings(
    restart_s=0.05, restart_longest_s=0.2, good_run_s=600.0, stop_s=20.0, memory_limit_mb=0
)


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content), encoding="utf-8")


def write_sensor(folder: Path, body: str, *, name: str = "Probe", more: str = "") -> None:
    """The sensor `probe.NAME`, whose class is `body`, in the pack `probe`. `more`: lines of its metadata."""
    file = name.lower()
    code = f"from quiet import *\nclass {name}(Quiet):\n{textwrap.indent(textwrap.dedent(body), '    ')}"
    write(
        folder / "packs" / "probe",
        {
            "pack.yaml": MANIFEST,
            "lib/quiet.py": BASE,
            f"sensors/{file}.yaml": METADATA.format(name=name, file=file) + more,
            f"sensors/{file}.py": code,
        },
    )


def settings(folder: Path, virtualenvs: Path, **sensors: Any) -> Settings:
    return Settings(
        root=folder,
        store=StoreSettings(data=folder / "data", durability="normal"),
        content=ContentSettings(packs=["packs"], virtualenvs=str(virtualenvs)),
        sensors=replace(QUICK, **sensors),
    )


@contextmanager
def engine_with_sensors(made: Settings) -> Iterator[Engine]:
    engine = Engine(made, environment={"PATH": "/usr/bin:/bin", "SECRET_OF_THE_SERVER": "1"})
    try:
        engine.start()
        engine.sensors.start()
        yield engine
    finally:
        engine.stop()


def said(engine: Engine, trigger_type: str = "probe.said") -> list[dict[str, Any]]:
    """The payloads of all events, oldest first."""
    wanted = InstanceFilter(trigger_type=trigger_type, limit=None, oldest_first=True)
    return [instance.payload for instance in engine.history.instances(wanted)[0]]


def wait_until(is_so: Callable[[], Any], *, timeout_s: float = 60) -> None:
    give_up_at = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not come true in time"
        time.sleep(0.02)


def until_said(engine: Engine, count: int = 1, **more: Any) -> list[dict[str, Any]]:
    """The payloads, once there are so many."""
    wait_until(lambda: len(said(engine, **more)) >= count)
    return said(engine, **more)


def until_state(engine: Engine, state: SensorState, ref: str = "probe.Probe") -> SensorHealth:
    wait_until(lambda: engine.sensors.one(ref).state is state)
    return engine.sensors.one(ref)


def log_text(engine: Engine, ref: str = "probe.Probe") -> str:
    return "\n".join(line.text for line in engine.sensors.lines(ref))


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return text[text.rindex(")") + 2] not in "ZX"
