"""pack_runtime on every Python that packs may name: 3.8 to 3.13, as far as they are installed."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import RunnerFailure
from engine.runners.environments import build_environment, find_interpreter, interpreter_of, is_complete
from engine.runners.shim_client import RUNTIME
from engine.specs.pack import PackSpec
from tests.engine.runners.local_world import World, opened

VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")

PROBE = """
import json, sys
sys.path.append(sys.argv[1])
import datetime
from st2actions.runners import pythonrunner
from st2actions.runners.pythonrunner import Action as Old
from st2common import log
from st2common.constants.pack import SYSTEM_PACK_NAMES
from st2common.content import utils as content
from st2common.exceptions.action import InvalidActionParameterException
from st2common.runners.base_action import Action
from st2common.runners.utils import get_logger_for_python_runner_action
from st2common.util import date, isotime, shell
from st2common.util.jinja import is_jinja_expression
from st2reactor.sensor.base import PollingSensor, Sensor
from st2tests.base import BaseActionTestCase, BaseSensorTestCase

class Greet(Action):
    def __init__(self, config):
        super(Greet, self).__init__(config=config)
    def run(self, name):
        return name

class Look(PollingSensor):
    def setup(self): pass
    def poll(self): self._sensor_service.dispatch("p.t", {"n": 1})
    def cleanup(self): pass
    def add_trigger(self, trigger): pass
    def update_trigger(self, trigger): pass
    def remove_trigger(self, trigger): pass

class GreetTest(BaseActionTestCase):
    action_cls = Greet
    def runTest(self): pass

class LookTest(BaseSensorTestCase):
    sensor_cls = Look
    def runTest(self): pass

greet = GreetTest().get_action_instance({"a": 1})
greet.action_service.set_value("k", 5)
look_test = LookTest(); look_test.setUp()
look = look_test.get_sensor_instance(poll_interval=7); look.poll()
moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 6)
print(json.dumps({
    "old": Old is Action and pythonrunner.Action is Action,
    "run": greet.run("ada"), "config": greet.config["a"], "value": greet.action_service.get_value("k"),
    "dispatched": look_test.get_dispatched_triggers(), "interval": look.get_poll_interval(),
    "logger": log.getLogger("x").name, "audit": log.AUDIT,
    "iso": [isotime.format(moment), isotime.format(moment, usec=False, offset=False)],
    "parsed": isotime.parse("2026-01-02T03:04:05.5+02:00").isoformat(),
    "valid": [isotime.validate("2026-01-02T03:04:05Z"), isotime.validate("no", raise_exception=False)],
    "shell": shell.run_command(["echo", "hi"]), "aware": date.get_datetime_utc_now().utcoffset() is not None,
    "jinja": [is_jinja_expression("{{ x }}"), is_jinja_expression("x")],
}))
"""

ACTION = """
import sys
from st2common.runners.base_action import Action

class Where(Action):
    def run(self):
        self.logger.info("here")
        print("out")
        return (True, "%d.%d" % sys.version_info[:2])
"""


def interpreter(version: str) -> str:
    try:
        path = find_interpreter(version)
        subprocess.run([path, "--version"], check=True, capture_output=True)
    except (RunnerFailure, OSError, subprocess.CalledProcessError):
        pytest.skip(f"Python {version} is not installed")
    return path


@pytest.mark.parametrize("version", VERSIONS)
def test_the_modules_that_packs_import_work(version: str, tmp_path: Path) -> None:
    probe = tmp_path / "probe.py"
    probe.write_text(PROBE)
    done = subprocess.run(
        [interpreter(version), "-I", "-W", "error", str(probe), str(RUNTIME)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "old": True,
        "run": "ada",
        "config": 1,
        "value": "5",
        "dispatched": [{"trigger": "p.t", "payload": {"n": 1}}],
        "interval": 7,
        "logger": "st2.x",
        "audit": 60,
        "iso": ["2026-01-02T03:04:05.000006+00:00", "2026-01-02T03:04:05Z"],
        "parsed": "2026-01-02T01:04:05.500000+00:00",
        "valid": [True, False],
        "shell": [0, "hi\n", ""],
        "aware": True,
        "jinja": [True, False],
    }


@pytest.fixture(params=[True, False], ids=["warm", "cold"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, warm=request.param) as found:
        yield found


@pytest.mark.parametrize("version", VERSIONS)
def test_an_action_runs_in_its_packs_interpreter(world: World, version: str) -> None:
    folder = world.settings.virtualenvs_folder / "other"
    argv = [interpreter(version), "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(argv, check=True, capture_output=True)
    pack = PackSpec(ref="other", name="other", folder=world.pack_folder)
    for _ in range(2):
        result = world.run(world.python_request(ACTION, pack=pack))
        assert result.result["result"] == version
        assert result.result["stdout"] == "out\n"
        assert result.result["stderr"] == "st2.actions.python.Where: INFO     here\n"


def test_a_module_that_starts_threads_is_left_to_the_actions(world: World) -> None:
    folder = world.settings.virtualenvs_folder / "other"
    subprocess.run(
        [find_interpreter(""), "-m", "venv", "--without-pip", str(folder)], check=True, capture_output=True
    )
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "threaded.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "PID = __import__('os').getpid()\n"
    )
    (site / "harmless.py").write_text("import os\nPID = os.getpid()\n")
    (site / "broken.py").write_text("raise SystemExit(3)\n")
    pack = PackSpec(ref="other", name="other", folder=world.pack_folder)
    code = (
        "import os\nimport harmless, threaded\n"
        "try:\n    import broken\nexcept SystemExit:\n    pass\n"
        "class Act:\n    def __init__(self, config):\n        pass\n"
        "    def run(self):\n        return [module.PID == os.getpid() for module in (harmless, threaded)]\n"
    )
    is_warm = world.settings.python.warm
    for _ in range(2):
        result = world.run(world.python_request(code, pack=pack))
        assert result.result["result"] == [not is_warm, True]


def test_a_shipped_pack_uses_our_interpreter(world: World) -> None:
    assert interpreter_of(world.pack, world.settings) == Path(find_interpreter(""))


def test_an_interpreter_that_is_not_there_is_named() -> None:
    with pytest.raises(RunnerFailure, match=r"no python3\.99 on this machine"):
        find_interpreter("3.99")
    with pytest.raises(RunnerFailure, match="no interpreter at /no/python"):
        find_interpreter("/no/python")


@pytest.mark.slow
def test_a_build_that_fails_shows_what_pip_says_and_keeps_the_old_environment(tmp_path: Path) -> None:
    pack_folder = tmp_path / "pack"
    pack_folder.mkdir()
    (pack_folder / "requirements.txt").write_text("./there-is-no-such-folder\n")
    folder = tmp_path / "virtualenvs" / "p"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    said: list[str] = []
    with pytest.raises(RunnerFailure, match="there-is-no-such-folder"):
        build_environment(
            PackSpec(ref="p", name="p", folder=pack_folder),
            virtualenvs=tmp_path / "virtualenvs",
            interpreter="",
            base=(),
            on_output=said.append,
        )
    assert said
    assert is_complete(folder)
    assert [path.name for path in (tmp_path / "virtualenvs").iterdir()] == ["p"]
