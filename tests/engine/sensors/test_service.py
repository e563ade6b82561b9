"""Everything that a sensor may call on its `sensor_service`, from a process of its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from engine.records.sensor import SensorState
from engine.records.trigger import InstanceFilter
from engine.runners.environments import find_interpreter
from tests.engine.sensors.conftest import StartEngine
from tests.engine.sensors.world import (
    BASE,
    log_text,
    said,
    until_said,
    until_state,
    write,
    write_sensor,
)


def tell(tmp_path: Path, start: StartEngine, body: str, **sensors: Any) -> list[dict[str, Any]]:
    """What the sensor dispatched until its run() returned."""
    write_sensor(tmp_path, body)
    engine = start(**sensors)
    until_state(engine, SensorState.ENDED)
    return said(engine)


def test_an_event_is_committed_when_dispatch_returns(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            for number in range(50):
                self.say(number=number)
            os._exit(9)
        """,
    )
    engine = start(restart_s=60.0, restart_longest_s=60.0)
    until_state(engine, SensorState.WAITING)
    assert [one["number"] for one in said(engine)] == list(range(50))


def test_trace_tags_and_traces_are_kept(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            self.sensor_service.dispatch("probe.said", {"number": 1}, trace_tag="one")
            context = {"trace_tag": "two"}
            self.sensor_service.dispatch_with_context("probe.said", {"number": 2}, trace_context=context)
            self.sensor_service.dispatch(trigger={"name": "said", "pack": "probe"}, payload={"number": 3})
        """,
    )
    engine = start()
    until_state(engine, SensorState.ENDED)
    wanted = InstanceFilter(trigger_type="probe.said", oldest_first=True)
    found = engine.history.instances(wanted)[0]
    assert [one.trace_tag for one in found[:2]] == ["one", "two"]
    assert {one.source for one in found} == {"sensor:probe.Probe"}
    assert len({one.trace_id for one in found}) == 3


def test_many_events_share_a_question(tmp_path: Path, start: StartEngine) -> None:
    numbers = tell(
        tmp_path,
        start,
        """
        def run(self):
            self.sensor_service.dispatch_many("probe.said", ({"number": n} for n in range(1500)))
        """,
    )
    assert [one["number"] for one in numbers] == list(range(1500))


def test_threads_may_dispatch_at_the_same_time(tmp_path: Path, start: StartEngine) -> None:
    numbers = tell(
        tmp_path,
        start,
        """
        def run(self):
            def work(first):
                for number in range(first, first + 50):
                    self.say(number=number)
            threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 400, 50)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
        """,
    )
    assert sorted(one["number"] for one in numbers) == list(range(400))


def test_what_fits_no_trigger_type_is_counted_and_not_dispatched(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            self.sensor_service.dispatch("probe.said", {"number": "many"})
            self.sensor_service.dispatch("probe.unknown", {})
            self.sensor_service.dispatch("no reference", {})
            self.sensor_service.dispatch("probe.said", {"text": "x" * (17 * 1024 * 1024)})
            self.say(number=1)
        """,
    )
    engine = start()
    health = until_state(engine, SensorState.ENDED)
    assert said(engine) == [{"number": 1}]
    assert (health.refused, health.events) == (4, 1)
    text = log_text(engine)
    assert "an event for probe.said is not accepted" in text
    assert 'Trigger "probe.unknown" cannot be found' in text
    assert "the limit is" in text


def test_payloads_hold_what_python_has(tmp_path: Path, start: StartEngine) -> None:
    (payload,) = tell(
        tmp_path,
        start,
        """
        def run(self):
            import datetime, decimal
            self.say(
                number=1, when=datetime.datetime(2026, 1, 2, 3, 4, 5), raw=b"ab\\xff", some={"x"},
                pair=(1, 2),
                price=decimal.Decimal("1.5"), nan=float("nan"), lone="\\ud800", keys={1: None}, big=2 ** 70,
            )
        """,
    )
    assert payload == {
        "number": 1,
        "when": "2026-01-02T03:04:05",
        "raw": "ab\\xff",
        "some": ["x"],
        "pair": [1, 2],
        "price": "1.5",
        "nan": None,
        "lone": "\\ud800",
        "keys": {"1": None},
        "big": str(2**70),
    }


def test_no_payload_is_an_empty_one(tmp_path: Path, start: StartEngine) -> None:
    assert tell(tmp_path, start, "def run(self): self.sensor_service.dispatch('probe.said')") == [{}]


def test_the_datastore_is_reached_by_all_its_names(tmp_path: Path, start: StartEngine) -> None:
    (payload,) = tell(
        tmp_path,
        start,
        """
        def run(self):
            service = self._sensor_service
            out = {"missing": service.get_value("cursor")}
            out["set"] = service.set_value(name="cursor", value=7)
            out["got"] = service.get_value(name="cursor")
            service.set_value("shared", "everybody's", local=False, ttl=600)
            out["shared"] = service.datastore_service.get_value("shared", local=False, scope="st2kv.system")
            out["listed"] = [(one.name, one.value) for one in service.list_values()]
            out["prefixed"] = [one.name for one in service.list_values(local=False, prefix="shar")]
            out["deleted"] = [service.delete_value("cursor"), service.delete_value("cursor")]
            service.set_value("password", "correct horse", encrypt=True)
            out["sealed"] = service.get_value("password") != "correct horse"
            out["clear"] = len(service.get_value("password", decrypt=True))
            try:
                service.get_value("x", scope="user")
            except ValueError as error:
                out["scope"] = str(error)
            self.say(**out)
        """,
    )
    assert payload == {
        "missing": None,
        "set": True,
        "got": "7",
        "shared": "everybody's",
        "listed": [["probe.Probe:cursor", "7"]],
        "prefixed": ["shared"],
        "deleted": [True, False],
        "sealed": True,
        "clear": 13,
        "scope": 'Scope "user" is unsupported; only "system" is.',
    }


def test_a_value_that_cannot_be_stored_is_an_error_of_the_caller(tmp_path: Path, start: StartEngine) -> None:
    (payload,) = tell(
        tmp_path,
        start,
        """
        def run(self):
            try:
                self.sensor_service.set_value("", "x", local=False)
            except ValueError as error:
                self.say(error=str(error))
        """,
    )
    assert "A datastore key needs a name" in payload["error"]


def test_the_user_is_the_sensor(tmp_path: Path, start: StartEngine) -> None:
    body = "def run(self): self.say(**self.sensor_service.get_user_info())"
    (payload,) = tell(tmp_path, start, body)
    assert payload["username"] == "sensor:probe.Probe"


def test_loggers_reach_the_servers_log_under_the_sensors_name(
    tmp_path: Path, start: StartEngine, caplog: pytest.LogCaptureFixture
) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            log = self.sensor_service.get_logger(name="feed")
            log.info("read %d entries", 3)
            log.warn("slow")
            try: 1 / 0
            except ZeroDivisionError: log.exception("oh")
            import logging
            logging.getLogger("a.library").error("from below %s", "x")
        """,
    )
    engine = start()
    until_state(engine, SensorState.ENDED)
    found = [(one.level, one.text) for one in engine.sensors.lines("probe.Probe")]
    assert ("info", "Probe.feed: read 3 entries") in found
    assert ("warning", "Probe.feed: slow") in found
    assert ("error", "ZeroDivisionError: division by zero") in found
    assert ("error", "a.library: from below x") in found
    records = [one for one in caplog.records if one.name == "sensor.probe.Probe"]
    assert "Probe.feed: slow" in [one.getMessage() for one in records]


def test_what_is_printed_is_logged_and_bounded(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            print("to standard output")
            print("to standard error", file=sys.stderr)
            print("x" * 100_000)
            assert sys.stdin.read() == ""
            for number in range(20_000):
                print("line", number)
            self.say(number=1)
            self.rest()
        """,
    )
    engine = start(log_lines=5000)
    until_said(engine)
    lines = engine.sensors.lines("probe.Probe")
    assert {"to standard output", "to standard error"} <= {one.text for one in lines}
    assert max(len(one.text) for one in lines) < 5000
    assert len(lines) < 4000


def test_secrets_do_not_reach_the_log(tmp_path: Path, start: StartEngine) -> None:
    write_sensor(
        tmp_path,
        """
        def run(self):
            secret = self.config["password"]
            print(secret, end="", flush=True)
            print(" printed")
            self.sensor_service.get_logger("x").info("logged %s", secret)
            print(os.environ["ST2_AUTH_TOKEN"])
            self.sensor_service.set_value("stored", "swordfish-9", encrypt=True, local=False)
            print("and", self.sensor_service.get_value("stored", local=False, decrypt=True))
            raise ValueError("failed with " + secret)
        """,
    )
    write(tmp_path / "packs" / "probe", {"config.schema.yaml": "password: {type: string, secret: true}"})
    write(tmp_path, {"configs/probe.yaml": "password: hunter2-hunter2"})
    engine = start(restart_s=60.0, restart_longest_s=60.0)
    health = until_state(engine, SensorState.WAITING)
    text = log_text(engine)
    for secret in ("hunter2", "lent.", "swordfish"):
        assert secret not in text
    assert "******** printed" in text
    assert "Probe.x: logged ********" in text
    assert "and ********" in text
    assert health.last_error == "run: ValueError: failed with ********"


def test_the_environment_is_built_from_a_list(tmp_path: Path, start: StartEngine) -> None:
    (payload,) = tell(tmp_path, start, "def run(self): self.say(names=sorted(os.environ))")
    names = payload["names"]
    assert "SECRET_OF_THE_SERVER" not in names
    assert {"PATH", "ST2_API_URL", "ST2_AUTH_TOKEN", "PYTHONPATH"} <= set(names)


def test_neither_configuration_nor_token_is_in_the_command_line(tmp_path: Path, start: StartEngine) -> None:
    (payload,) = tell(
        tmp_path, start, "def run(self): self.say(words=open('/proc/self/cmdline').read().split(chr(0)))"
    )
    assert payload["words"][-2:] == ["probe.Probe", ""]
    assert not [word for word in payload["words"] if "lent." in word]


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.12", "3.13"])
def test_every_python_that_packs_name_can_run_a_sensor(
    tmp_path: Path, start: StartEngine, virtualenvs: Path, version: str
) -> None:
    interpreter = _interpreter(version)
    environment = virtualenvs / f"old{version.replace('.', '_')}"
    (environment / "bin").mkdir(parents=True, exist_ok=True)
    link = environment / "bin" / "python"
    if not link.exists():
        link.symlink_to(interpreter)
    write(
        tmp_path / "packs" / environment.name,
        {
            "pack.yaml": json.dumps(
                {
                    "name": "old",
                    "ref": environment.name,
                    "description": "d",
                    "version": "1.0.0",
                    "author": "T",
                }
            ),
            "lib/quiet.py": BASE,
            "sensors/old.yaml": "{class_name: Old, entry_point: old.py, trigger_types: [{name: said}]}",
            "sensors/old.py": f"""
                from quiet import *
                class Old(Quiet):
                    def run(self):
                        self.sensor_service.set_value("v", "%d.%d" % sys.version_info[:2])
                        version = self.sensor_service.get_value("v")
                        self.sensor_service.get_logger("old").info("here")
                        self.sensor_service.dispatch("{environment.name}.said", {{"version": version}})
            """,
        },
    )
    engine = start()
    until_state(engine, SensorState.ENDED, f"{environment.name}.Old")
    assert said(engine, f"{environment.name}.said") == [{"version": version}]
    assert "Old.old: here" in log_text(engine, f"{environment.name}.Old")


def _interpreter(version: str) -> str:
    from engine.errors import RunnerFailure

    try:
        return find_interpreter(version)
    except RunnerFailure:
        pytest.skip(f"there is no Python {version}")


def test_what_a_sensor_patches_is_patched_before_anything_is_imported(
    tmp_path: Path, start: StartEngine
) -> None:
    write_sensor(tmp_path, "pass")
    write(
        tmp_path / "packs" / "probe",
        {
            "lib/eventlet.py": """
                calls = []
                def monkey_patch(**what):
                    calls.append(sorted(what))
            """,
            "sensors/probe.py": """
                import eventlet
                EARLIER = list(eventlet.calls)
                eventlet.monkey_patch()
                from quiet import *
                class Probe(Quiet):
                    def run(self): self.say(earlier=EARLIER)
            """,
        },
    )
    engine = start()
    assert until_said(engine) == [{"earlier": [["os", "select", "socket", "thread", "time"]]}]
