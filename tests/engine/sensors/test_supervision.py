"""What becomes of sensors that end, fail, hang, flood or fork."""

import os
import signal
from pathlib import Path

import pytest

from engine.records.sensor import SensorState
from engine.sensors.keeper import restart_pause_s
from engine.sensors.process import sweep
from tests.engine.sensors.conftest import StartEngine
from tests.engine.sensors.world import (
    is_alive,
    log_text,
    said,
    until_said,
    until_state,
    wait_until,
    write,
    write_sensor,
)


def test_a_sensor_runs_and_its_events_arrive(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            self.say(number=1)
            self.rest()
        """,
    )
    engine = start()
    assert until_said(engine) == [{"number": 1}]
    health = until_state(engine, SensorState.RUNNING)
    assert health.pid is not None
    assert health.events == 1
    assert health.last_event_at is not None


def test_a_sensor_that_fails_is_started_again_more_than_twice(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            self.say(number=os.getpid())
            raise ValueError("the feed is away")
        """,
    )
    engine = start()
    pids = [one["number"] for one in until_said(engine, 4)]
    assert len(set(pids)) == len(pids)
    wait_until(lambda: engine.sensors.one("probe.Probe").failures >= 4)
    health = engine.sensors.one("probe.Probe")
    assert health.last_error == "run: ValueError: the feed is away"
    assert health.restarts >= 4
    assert 'raise ValueError("the feed is away")' in log_text(engine)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("def run(self:", "SyntaxError"),
        ("def run(self): import nothing_of_that_name", "ModuleNotFoundError"),
        ("def run(self): os._exit(7)", "exit code 7"),
        ("def run(self): os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("def run(self): os.kill(os.getpid(), signal.SIGTERM); self.rest()", "SIGTERM"),
        ("def run(self): sys.exit('no more')", "no more"),
    ],
)
def test_the_last_error_says_why(tmp_path: Path, start: StartEngine, body: str, error: str) -> None:
    write_sensor(tmp_path, body)
    engine = start(restart_s=60.0, restart_longest_s=60.0)
    health = until_state(engine, SensorState.WAITING)
    assert error in health.last_error
    assert health.next_start_at is not None


def test_a_class_that_is_not_there_is_named(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(tmp_path, "pass")
    write(tmp_path / "packs" / "probe", {"sensors/probe.py": "class Other: pass"})
    engine = start(restart_s=60.0, restart_longest_s=60.0)
    assert "has no class Probe" in until_state(engine, SensorState.WAITING).last_error


def test_a_pack_without_environment_says_how_to_build_it(
    tmp_path: Path, start: StartEngine, virtualenvs: Path
) -> None:
    write_sensor(tmp_path, "pass")
    write(
        tmp_path / "packs" / "probe",
        {"pack.yaml": "{name: bare, ref: bare, description: d, version: 1.0.0, author: T}"},
    )
    engine = start(restart_s=60.0, restart_longest_s=60.0)
    health = until_state(engine, SensorState.WAITING, "bare.Probe")
    assert "stormcrow pack setup bare" in health.last_error


def test_a_sensor_whose_run_returns_has_ended(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(tmp_path, "def run(self): self.say(number=1)")
    engine = start()
    health = until_state(engine, SensorState.ENDED)
    assert (health.failures, health.pid) == (0, None)
    assert said(engine) == [{"number": 1}]


def test_threads_of_a_sensor_carry_on_behind_run(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            threading.Thread(target=self.work).start()
        def work(self):
            time.sleep(0.5)
            self.say(number=1)
        def cleanup(self):
            print("cleaned up")
        """,
    )
    engine = start()
    until_state(engine, SensorState.ENDED)
    assert said(engine) == [{"number": 1}]
    assert "cleaned up" in log_text(engine)


def test_stop_calls_cleanup_and_start_runs_it_again(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            self.say(number=1)
            self.rest()
        def cleanup(self):
            self.say(number=2)
        """,
    )
    engine = start()
    until_said(engine)
    engine.sensors.stop_one("probe.Probe")
    until_state(engine, SensorState.STOPPED)
    assert said(engine) == [{"number": 1}, {"number": 2}]
    engine.sensors.start_one("probe.Probe")
    assert until_said(engine, 3)[-1] == {"number": 1}


def test_a_sensor_that_catches_everything_is_cleaned_up_all_the_same(
    tmp_path: Path, start: StartEngine
) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            self.say(number=1)
            while True:
                try:
                    self.rest()
                except:
                    print("not I")
        def cleanup(self):
            print("cleaned up")
        """,
    )
    engine = start()
    until_said(engine)
    engine.sensors.stop_one("probe.Probe")
    until_state(engine, SensorState.STOPPED)
    assert "cleaned up" in log_text(engine)


def test_a_sensor_that_ignores_everything_is_killed(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self.say(number=os.getpid())
            self.rest()
        def cleanup(self):
            self.rest()
        """,
    )
    engine = start(stop_s=0.3)
    pid = until_said(engine)[0]["number"]
    engine.sensors.stop_one("probe.Probe")
    until_state(engine, SensorState.STOPPED)
    assert not is_alive(pid)


def test_what_a_sensor_has_forked_ends_with_it(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            child = os.fork()
            if not child:
                os.setsid()
                while True: time.sleep(60)
            self.say(number=child)
            self.rest()
        """,
    )
    engine = start()
    child = until_said(engine)[0]["number"]
    assert is_alive(child)
    engine.sensors.stop_one("probe.Probe")
    until_state(engine, SensorState.STOPPED)
    wait_until(lambda: not is_alive(child))


def test_a_forked_child_cannot_spoil_the_pipe(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            child = os.fork()
            if not child:
                try:
                    self.say(number=1)
                except RuntimeError:
                    os._exit(5)
                os._exit(0)
            self.say(number=os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            self.rest()
        """,
    )
    engine = start()
    assert until_said(engine) == [{"number": 5}]


def test_a_sensor_that_uses_too_much_memory_is_started_anew(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            self.say(number=os.getpid())
            leak = bytearray(os.urandom(1024) * 1024 * 64)
            self.rest()
        """,
    )
    engine = start(memory_limit_mb=40.0)
    until_said(engine, 2)
    assert "sensors.memory_limit_mb is 40" in engine.sensors.one("probe.Probe").last_error


def test_a_polling_sensor_polls_at_its_interval(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(tmp_path, "pass", more="poll_interval: 1")
    write(
        tmp_path / "packs" / "probe",
        {
            "sensors/probe.py": """
                from quiet import *
                class Probe(PollingSensor, Quiet):
                    count = 0
                    def poll(self):
                        self.count += 1
                        self.say(number=int(self.get_poll_interval() * 100))
                        self.set_poll_interval(0.05)
            """
        },
    )
    engine = start()
    assert [one["number"] for one in until_said(engine, 2)][:2] == [100, 5]


def test_a_sensor_with_nothing_to_do_is_not_started(tmp_path: Path, start: StartEngine) -> None:
    engine = start()
    health = until_state(engine, SensorState.IDLE, "linux.FileWatchSensor")
    assert health.pid is None


def test_the_processes_of_a_killed_server_are_swept(tmp_path: Path, start: StartEngine) -> None:
    marked = {"STORMCROW_SENSOR_OF": "/the/spool", "PATH": "/usr/bin:/bin"}
    child = os.posix_spawn("/bin/sleep", ["sleep", "60"], marked)
    try:
        assert sweep("/another") == 0
        assert sweep("/the/spool") == 1
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize("failures", [1, 2, 5, 1000])
def test_pauses_grow_up_to_a_limit(failures: int) -> None:
    whole = min(300.0, 2.0 ** (failures - 1))
    pauses = [restart_pause_s(failures, first_s=1.0, longest_s=300.0) for _ in range(200)]
    assert whole / 2 <= min(pauses)
    assert max(pauses) <= whole
    assert len(set(pauses)) > 1
