"""linux.FileWatchSensor from end to end: a line in a file, an event, a rule, an execution."""

from pathlib import Path

from engine.records.execution import ExecutionFilter
from engine.records.sensor import SensorState
from tests.engine.sensors.world import (
    engine_with_sensors,
    log_text,
    said,
    settings,
    until_state,
    wait_until,
    write,
)

SENSOR = "linux.FileWatchSensor"
LINE = "linux.file_watch.line"


def test_a_line_that_is_added_to_a_file_runs_the_action_of_its_rule(tmp_path: Path) -> None:
    watched, other = tmp_path / "app.log", tmp_path / "other.log"
    watched.write_text("old\n")
    rule = f"""
        name: errors
        enabled: true
        trigger: {{type: {LINE}, parameters: {{file_path: "{watched}"}}}}
        criteria: {{trigger.line: {{type: contains, pattern: ERROR}}}}
        action: {{ref: core.local, parameters: {{cmd: "echo seen"}}}}
    """
    write(
        tmp_path / "packs" / "site",
        {
            "pack.yaml": "{name: site, ref: site, description: d, version: 1.0.0, author: T}",
            "rules/errors.yaml": rule,
        },
    )
    with engine_with_sensors(settings(tmp_path, tmp_path / "virtualenvs")) as engine:
        until_state(engine, SensorState.RUNNING, SENSOR)
        wait_until(lambda: f"following {watched}" in log_text(engine, SENSOR))
        with watched.open("a") as file:
            file.write("all is well\nan ERROR; rm -rf {{ 7 * 7 }}\n")
        other.write_text("an ERROR elsewhere\n")
        wait_until(lambda: engine.executions(ExecutionFilter())[1] == 1)
        (execution,), _ = engine.executions(ExecutionFilter())
        ended = engine.wait(execution.id, timeout_s=60)
        assert ended.status == "succeeded"
        assert [one["line"] for one in said(engine, LINE)] == ["all is well", "an ERROR; rm -rf {{ 7 * 7 }}"]
        (tmp_path / "packs/site/rules/errors.yaml").unlink()
        engine.reload()
        until_state(engine, SensorState.IDLE, SENSOR)
