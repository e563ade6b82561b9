"""Who hears of a sensor: the operations channel, and rules on its processes."""

from pathlib import Path
from typing import Any

from engine.notices import NOTICE
from engine.records.sensor import SensorState
from engine.service import Engine
from engine.store import journal
from tests.engine.sensors.conftest import StartEngine
from tests.engine.sensors.world import said, until_state, wait_until, write_sensor

FAILING = "def run(self): raise ValueError('away')"


def notices(engine: Engine) -> list[Any]:
    with engine.database.read() as connection:
        return [one.data for one in journal.entries_after(connection, 0, kinds=[NOTICE], limit=1000)]


def test_one_that_keeps_failing_is_one_message_and_its_recovery_another(
    tmp_path: Path, start: StartEngine
) -> None:
    write_sensor(tmp_path, FAILING)
    engine = start(tell_after=3, channel="alarms", good_run_s=0.5)
    wait_until(lambda: len(notices(engine)) >= 2)
    bad = notices(engine)
    assert len({one["key"] for one in bad}) == 1
    assert bad[0]["title"] == "Sensor probe.Probe keeps failing"
    assert bad[0]["text"] == "run: ValueError: away"
    assert (bad[0]["tone"], bad[0]["channel"]) == ("bad", "alarms")
    assert ["Failed in a row", "3"] in [list(field) for field in bad[0]["fields"]]
    write_sensor(tmp_path, "run = Quiet.rest")
    engine.reload()
    wait_until(lambda: notices(engine)[-1]["tone"] == "good")
    well = notices(engine)[-1]
    assert well["title"] == "Sensor probe.Probe is well again"
    assert well["key"] != bad[0]["key"]
    assert engine.sensors.one("probe.Probe").failures == 0


def test_a_single_failure_is_not_told(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(tmp_path, FAILING)
    engine = start(tell_after=2, restart_s=60.0, restart_longest_s=60.0)
    until_state(engine, SensorState.WAITING)
    assert notices(engine) == []


def test_the_health_of_the_server_names_one_that_fails(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(tmp_path, FAILING)
    engine = start(restart_s=600.0, restart_longest_s=600.0)
    until_state(engine, SensorState.WAITING)
    found = next(one for one in engine.watching.health.ready() if one.name == "sensors")
    # The server itself is well.
    assert (found.is_ok, found.decides) == (False, False)
    assert found.text.startswith("1 of ")
    assert "probe.Probe 1 in a row: run: ValueError: away" in found.text
    assert found.hint.endswith("stormcrow sensor logs probe.Probe")


def test_start_does_not_wait_for_the_end_of_the_pause(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(tmp_path, FAILING)
    engine = start(restart_s=600.0, restart_longest_s=600.0)
    until_state(engine, SensorState.WAITING)
    engine.sensors.start_one("probe.Probe")
    wait_until(lambda: engine.sensors.one("probe.Probe").failures == 2)


def test_rules_hear_of_processes_that_start_and_end(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(tmp_path, "run = Quiet.rest")
    engine = start()
    until_state(engine, SensorState.RUNNING)
    for word in ("spawn", "exit"):
        document = {
            "name": word,
            "enabled": True,
            "trigger": {"type": f"core.st2.sensor.process_{word}"},
            "action": {"ref": "core.noop"},
        }
        engine.stored.put("rule", document, user="alice")
    engine.sensors.restart_one("probe.Probe")
    wait_until(lambda: said(engine, "core.st2.sensor.process_exit"))
    until_state(engine, SensorState.RUNNING)
    pid = engine.sensors.one("probe.Probe").pid
    # The first start may be told late, when the rule is already there.
    wait_until(lambda: pid in [one["pid"] for one in said(engine, "core.st2.sensor.process_spawn")])
    (gone,) = said(engine, "core.st2.sensor.process_exit")
    made = said(engine, "core.st2.sensor.process_spawn")[-1]
    assert gone["id"] == made["id"] == "probe.Probe"
    assert gone["exit_code"] == 128 + 15
    assert made["pid"] == pid
    assert "sensor_host.py" in made["cmd"]
