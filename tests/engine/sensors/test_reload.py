"""What a reload does to sensors: exactly what has changed is started, stopped or started anew."""

from pathlib import Path
from typing import Any

import pytest

from engine.content.loader import load_registry
from engine.content.registry import Registry
from engine.foundation import shipped_packs
from engine.records.sensor import SensorState
from engine.records.trigger import EnforcementFilter
from engine.service import Engine
from engine.settings import Settings
from tests.engine.sensors.conftest import StartEngine
from tests.engine.sensors.world import (
    log_text,
    said,
    until_said,
    until_state,
    wait_until,
    write,
    write_sensor,
)

RESTING = """
    def run(self):
        self.say(number=1, name=type(self).__name__)
        self.rest()
"""
FOLLOWER = """
    def setup(self): self.known = {}
    def run(self): self.rest()
    def add_trigger(self, trigger): self.tell("added", trigger)
    def update_trigger(self, trigger): self.tell("updated", trigger)
    def remove_trigger(self, trigger): self.tell("removed", trigger)
    def tell(self, word, trigger):
        self.say(word=word, **{key: trigger[key] for key in ("ref", "type", "pack", "parameters")})
        if word == "added" and trigger["parameters"]:
            path = trigger["parameters"]["path"]
            ways = {"/a": trigger["ref"], "/b": trigger, "/c": dict(trigger, ref=None, id=None)}
            self.sensor_service.dispatch(ways[path], {"path": path})
"""
WATCHED = """
  - name: watched
    parameters_schema: {type: object, properties: {path: {type: string, required: true}}}
    payload_schema: {type: object, properties: {path: {type: string}}}
"""


def pids(engine: Engine, *names: str) -> dict[str, int | None]:
    for name in names:
        until_state(engine, SensorState.RUNNING, f"probe.{name}")
    return {name: engine.sensors.one(f"probe.{name}").pid for name in names}


def watch(engine: Engine, name: str, path: str, *, enabled: bool = True) -> None:
    """A rule with parameters for the follower."""
    document: dict[str, Any] = {
        "name": name,
        "enabled": enabled,
        "trigger": {"type": "probe.watched", "parameters": {"path": path}},
        "action": {"ref": "core.noop"},
    }
    engine.stored.put("rule", document, user="alice")


def test_a_reload_without_changes_leaves_all_processes(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(tmp_path, RESTING)
    engine = start()
    before = pids(engine, "Probe")
    engine.reload()
    engine.reload()
    assert pids(engine, "Probe") == before


@pytest.mark.parametrize(
    "files",
    [
        {"packs/probe/sensors/probe.py": "from quiet import *\nclass Probe(Quiet): run = Quiet.rest\n"},
        {"configs/probe.yaml": "interval: 5"},
        {"packs/probe/lib/own.py": "VALUE = 2"},
    ],
    ids=["its code", "its configuration", "a module that it imports in a function"],
)
def test_what_has_changed_is_started_anew(tmp_path: Path, start: StartEngine, files: dict[str, str]) -> None:
    other = """
        def run(self):
            import own
            self.rest()
    """
    write(tmp_path / "packs" / "probe", {"lib/own.py": "VALUE = 1"})
    write_sensor(tmp_path, other)
    engine = start()
    before = pids(engine, "Probe")
    write(tmp_path, files)
    engine.reload()
    wait_until(lambda: engine.sensors.one("probe.Probe").pid not in (None, before["Probe"]))
    until_state(engine, SensorState.RUNNING)
    assert engine.sensors.one("probe.Probe").failures == 0


def test_other_sensors_of_the_pack_are_left_alone(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(tmp_path, RESTING)
    write_sensor(tmp_path, RESTING, name="Second")
    engine = start()
    before = pids(engine, "Probe", "Second")
    with (tmp_path / "packs/probe/sensors/second.py").open("a") as file:
        file.write("# changed\n")
    engine.reload()
    wait_until(lambda: engine.sensors.one("probe.Second").pid not in (None, before["Second"]))
    assert engine.sensors.one("probe.Probe").pid == before["Probe"]


def test_sensors_come_and_go_with_their_files(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(tmp_path, RESTING)
    engine = start()
    pids(engine, "Probe")
    write_sensor(tmp_path, RESTING, name="Second")
    (tmp_path / "packs/probe/sensors/probe.yaml").unlink()
    engine.reload()
    pids(engine, "Second")
    assert "probe.Probe" not in [health.ref for health in engine.sensors.health()]


def test_a_sensor_is_switched_off_and_on_for_good(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(tmp_path, RESTING)
    engine = start()
    pids(engine, "Probe")
    engine.stored.set_enabled("sensor", "probe.Probe", enabled=False, user="alice")
    until_state(engine, SensorState.DISABLED)
    engine.reload()
    until_state(engine, SensorState.DISABLED)
    engine.stored.set_enabled("sensor", "probe.Probe", enabled=True, user="alice")
    pids(engine, "Probe")


def test_triggers_come_and_go_with_the_rules_that_name_them(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(tmp_path, FOLLOWER, more=WATCHED)
    engine = start()
    watch(engine, "first", "/a")
    until_said(engine, 2)
    watch(engine, "second", "/b")
    until_said(engine, 3)
    engine.stored.remove("rule", "default.first")
    heard = until_said(engine, 4)
    words = [(one["word"], one["type"], one["parameters"]) for one in heard]
    # The type without parameters has one trigger, which is always there.
    assert words[0] == ("added", "probe.said", {})
    assert words[1:] == [
        ("added", "probe.watched", {"path": "/a"}),
        ("added", "probe.watched", {"path": "/b"}),
        ("removed", "probe.watched", {"path": "/a"}),
    ]


def test_an_event_of_a_trigger_with_parameters_fires_its_rules_only(
    tmp_path: Path, start: StartEngine
) -> None:
    write_sensor(tmp_path, FOLLOWER, more=WATCHED)
    engine = start()
    watch(engine, "first", "/a")
    wait_until(lambda: said(engine, "probe.watched"))
    watch(engine, "second", "/b")
    wait_until(lambda: len(said(engine, "probe.watched")) == 2)
    watch(engine, "third", "/c")
    wait_until(lambda: len(said(engine, "probe.watched")) == 3)
    assert said(engine, "probe.watched") == [{"path": "/a"}, {"path": "/b"}, {"path": "/c"}]
    enforcements, total = engine.history.enforcements(EnforcementFilter())
    assert sorted(one.rule_ref for one in enforcements) == [
        "default.first",
        "default.second",
        "default.third",
    ]
    assert total == 3


def test_a_callback_that_fails_does_not_end_the_sensor(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self): self.rest()
        def add_trigger(self, trigger): raise KeyError("no such file")
        """,
    )
    engine = start()
    until_state(engine, SensorState.RUNNING)
    assert "add_trigger failed for the trigger probe.said" in log_text(engine)


def test_a_sensor_starts_when_the_first_rule_asks_for_it(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(tmp_path, FOLLOWER)
    only = """
        class_name: Probe
        entry_point: probe.py
        trigger_types: [{name: said, parameters_schema: {path: {type: string}}}]
    """
    write(tmp_path / "packs/probe", {"sensors/probe.yaml": only})
    engine = start()
    until_state(engine, SensorState.IDLE)
    rule = {"name": "r", "enabled": True, "action": {"ref": "core.noop"}}
    trigger = {"type": "probe.said", "parameters": {"path": "/a"}}
    engine.stored.put("rule", {**rule, "trigger": trigger}, user="alice")
    until_state(engine, SensorState.RUNNING)
    engine.stored.remove("rule", "default.r")
    until_state(engine, SensorState.IDLE)


# instances


def test_instances_of_one_class_have_their_own_configuration_and_keys(
    tmp_path: Path, start: StartEngine
) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            config = dict(self.config)
            self.sensor_service.set_value("seen", config["box"]["name"])
            self.say(**config, keys=[one.name for one in self.sensor_service.list_values()])
            self.rest()
        """,
    )
    config = """
        box: {name: all, port: 143}
        x-instances:
          Probe:
            support: {config: {box: {name: support}}}
            sales: {config: {box: {name: sales}, folder: INBOX}}
            old: {enabled: false}
    """
    write(tmp_path, {"configs/probe.yaml": config})
    engine = start()
    heard = sorted(until_said(engine, 2), key=lambda one: str(one["box"]["name"]))
    assert heard == [
        {"box": {"name": "sales", "port": 143}, "folder": "INBOX", "keys": ["probe.Probe.sales:seen"]},
        {"box": {"name": "support", "port": 143}, "keys": ["probe.Probe.support:seen"]},
    ]
    until_state(engine, SensorState.DISABLED, "probe.Probe.old")
    refs = [health.ref for health in engine.sensors.health() if health.pack == "probe"]
    assert refs == ["probe.Probe.old", "probe.Probe.sales", "probe.Probe.support"]


def read(tmp_path: Path, config: str) -> Registry:
    write_sensor(tmp_path, "pass")
    write(tmp_path, {"configs/probe.yaml": config})
    return load_registry(Settings(root=tmp_path), shipped=shipped_packs(), generation=1)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("x-instances: {Probe: {a: {confg: {}}}}", "'confg' was unexpected"),
        ("x-instances: {Probe: {a: {poll_interval: 0.5}}}", "Minimum possible poll_interval"),
        ("x-instances: {Probe: {'a.b': {}}}", "cannot be the name of an instance"),
        ("x-instances: [Probe]", "is not of type 'object'"),
    ],
)
def test_a_wrong_instance_names_file_and_line(tmp_path: Path, config: str, reason: str) -> None:
    (broken,) = read(tmp_path, config).unavailable
    assert broken.where.startswith("configs/probe.yaml:")
    assert reason in broken.reason


def test_instances_of_an_unknown_class_are_reported(tmp_path: Path) -> None:
    warnings = read(tmp_path, "x-instances: {Prob: {a: {}}}").warnings
    assert [text for text in warnings if "there is no sensor probe.Prob" in text]
