"""A flood: a sensor cannot run ahead of what is committed, and nothing accepted is lost."""

from dataclasses import replace
from pathlib import Path

from engine.records.sensor import SensorState
from engine.settings.events import EventSettings
from tests.engine.sensors.conftest import StartEngine
from tests.engine.sensors.world import (
    engine_with_sensors,
    said,
    settings,
    until_said,
    until_state,
    write_sensor,
)

FLOOD = """
    def run(self):
        def work(first):
            payloads = [{"number": n} for n in range(first, first + 250)]
            self.sensor_service.dispatch_many("probe.said", payloads)
        threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 2000, 250)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
"""


def test_where_few_events_may_wait_a_flood_waits_and_all_of_it_arrives(
    tmp_path: Path, virtualenvs: Path
) -> None:
    write_sensor(tmp_path, FLOOD)
    made = replace(settings(tmp_path, virtualenvs), events=EventSettings(queue_limit=3))
    with engine_with_sensors(made) as engine:
        health = until_state(engine, SensorState.ENDED)
        numbers = [one["number"] for one in said(engine)]
    assert sorted(numbers) == list(range(2000))
    assert health.events == 2000
    # Of one question the order is kept.
    assert [n for n in numbers if n < 250] == list(range(250))


def test_other_sensors_are_heard_beside_one_that_floods(tmp_path: Path, start: StartEngine) -> None:
    endless = """
        def run(self):
            while True:
                self.sensor_service.dispatch_many("probe.said", [{"number": 0}] * 200)
    """
    write_sensor(tmp_path, endless)
    engine = start()
    until_said(engine, 200)
    write_sensor(tmp_path, "def run(self): self.say(number=1)", name="Second")
    engine.reload()
    until_state(engine, SensorState.ENDED, "probe.Second")
    assert engine.sensors.one("probe.Second").events == 1
    engine.sensors.stop_one("probe.Probe")
    until_state(engine, SensorState.STOPPED)


def test_a_log_without_end_holds_up_neither_events_nor_server(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            log = self.sensor_service.get_logger("loud")
            def shout():
                while True: log.info("x" * 200)
            threading.Thread(target=shout, daemon=True).start()
            for number in range(20): self.say(number=number)
            self.rest()
        """,
    )
    engine = start(log_lines=100)
    until_said(engine, 20)
    assert len(engine.sensors.lines("probe.Probe")) <= 100
    engine.sensors.stop_one("probe.Probe")
    until_state(engine, SensorState.STOPPED)
