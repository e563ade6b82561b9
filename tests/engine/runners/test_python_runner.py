"""python-script: how a pack's class is found, made and called, and what becomes of its result."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.errors import RunnerFailure
from engine.runners.base import RunResult
from engine.specs.pack import PackSpec
from engine.status import Status
from tests.engine.runners.local_world import Heard, World, command_lines, is_running, opened, until

HEAD = "from st2common.runners.base_action import Action\n"


@pytest.fixture(scope="module", params=[True, False], ids=["warm", "cold"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("python"), warm=request.param) as found:
        yield found


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with opened(tmp_path_factory.mktemp("warm")) as found:
        yield found


def body(world: World, text: str, **more: Any) -> RunResult:
    """Run an action whose run() has this body."""
    lines = "".join(f"        {line}\n" for line in text.splitlines())
    code = f"{HEAD}class Act(Action):\n    def run(self, **kwargs):\n{lines}"
    return world.run(world.python_request(code, **more))


def test_a_pair_is_status_and_result(world: World) -> None:
    result = body(world, "return (True, {'a': [1, 2.5, None]})")
    assert result.status == Status.SUCCEEDED
    assert result.result == {"result": {"a": [1, 2.5, None]}, "exit_code": 0, "stdout": "", "stderr": ""}


@pytest.mark.parametrize(
    ("returned", "status", "result"),
    [
        ("(False, 'no')", "failed", "no"),
        ("(None, 'maybe')", "succeeded", "maybe"),
        ("'bare'", "succeeded", "bare"),
        ("None", "succeeded", None),
        ("(1, 2, 3)", "succeeded", [1, 2, 3]),
        ("b'bytes'", "succeeded", "b'bytes'"),
        ("{1: 2}", "succeeded", "{1: 2}"),
        ("(True, {1, })", "succeeded", "{1}"),
        ("(False, 1 << 70)", "failed", str(1 << 70)),
        ("float('nan')", "succeeded", None),
        ("(True, '\\ud800')", "succeeded", "\\ud800"),
        ("__import__('datetime').date(2026, 1, 2)", "succeeded", "2026-01-02"),
    ],
)
def test_what_run_returns_becomes_the_result(warm: World, returned: str, status: str, result: Any) -> None:
    found = body(warm, f"return {returned}")
    assert (found.status, found.result["result"]) == (status, result)


def test_a_status_that_is_none_is_an_error(world: World) -> None:
    result = body(world, "return ('yes', 1)")
    assert result.status == Status.FAILED
    assert "'yes'" in result.result["error"]
    assert set(result.result) == {"error", "traceback"}


def test_an_exception_fails_with_its_traceback_and_the_text_none(world: World) -> None:
    result = body(world, "raise KeyError('lost')")
    assert result.status == Status.FAILED
    assert result.result["exit_code"] == 1
    assert result.result["result"] == "None"
    assert "KeyError: 'lost'" in result.result["stderr"]


@pytest.mark.parametrize(("code", "exit_code"), [("0", 0), ("3", 3), ("'words'", 1), ("", 0)])
def test_sys_exit_ends_with_its_code(warm: World, code: str, exit_code: int) -> None:
    result = body(warm, f"import sys\nsys.exit({code})")
    assert result.result["exit_code"] == exit_code
    assert result.result["result"] == "None"
    assert result.status == (Status.FAILED if exit_code else Status.SUCCEEDED)


def test_prints_are_stdout_and_the_logger_is_stderr(world: World) -> None:
    heard = Heard()
    code = (
        HEAD
        + "class Act(Action):\n    def run(self):\n        print('hi')\n        self.logger.info('x %s', 1)\n"
    )
    result = world.run(world.python_request(code), heard.control)
    assert result.result["stdout"] == "hi\n"
    assert result.result["stderr"] == "st2.actions.python.Act: INFO     x 1\n"
    assert heard.text() == "hi\n"


def test_the_log_level_of_the_run_counts(world: World) -> None:
    text = "self.logger.info('quiet')\nself.logger.audit('loud')\nself.logger.warn('mid')"
    result = body(world, text, log_level="WARNING")
    assert [line.split()[1] for line in result.result["stderr"].splitlines()] == ["AUDIT", "WARNING"]


def test_every_declared_parameter_is_passed(world: World) -> None:
    code = HEAD + "class Act(Action):\n    def run(self, a, b):\n        return [a, b]\n"
    request = world.python_request(code, values={"a": "{{x}}"}, parameters={"a": {}, "b": {}, "timeout": {}})
    assert world.run(request).result["result"] == ["{{x}}", None]


def test_a_class_without_action_service_gets_it_afterwards(world: World) -> None:
    code = (
        f"{HEAD}class Act(Action):\n"
        "    def __init__(self, config):\n        super().__init__(config)\n"
        "    def run(self):\n        return type(self.action_service).__name__\n"
    )
    assert world.run(world.python_request(code)).result["result"] == "ActionService"


def test_another_type_error_of_the_constructor_is_not_hidden(warm: World) -> None:
    code = (
        f"{HEAD}class Act(Action):\n    def __init__(self, config, action_service):\n        1 + ''\n"
        "    def run(self):\n        pass\n"
    )
    assert "unsupported operand" in warm.run(warm.python_request(code)).result["stderr"]


def test_a_class_need_not_come_from_action(world: World) -> None:
    code = (
        f"{HEAD}import abc\n"
        "class Abstract(Action):\n    pass\n"
        "class Zebra(object):\n    def __init__(self, config):\n        self.c = config\n"
        "    def run(self):\n        return 'zebra'\n"
    )
    assert world.run(world.python_request(code)).result["result"] == "zebra"


def test_a_file_without_a_class_says_so(warm: World) -> None:
    result = warm.run(warm.python_request("x = 1\n"))
    assert "defines no class with a run() method" in result.result["stderr"]


def test_a_missing_key_of_the_config_is_both_errors(world: World) -> None:
    text = (
        "found = [self.config['k'], self.config.get('no'), 'k' in self.config, dict(self.config)]\n"
        "for kind in (ValueError, KeyError):\n"
        "    try:\n        self.config['no']\n    except kind as error:\n        found.append(str(error))\n"
        "return found"
    )
    found = body(world, text, config={"k": 5}).result["result"]
    assert found[:4] == [5, None, True, {"k": 5}]
    assert all('"test" has no key "no"' in said for said in found[4:])


def test_imports_come_from_the_pack_in_stackstorms_order(world: World) -> None:
    pack = world.pack_folder
    for folder, names in (("lib", "abc"), ("actions/lib", "bc"), ("actions/sub", "c")):
        for name in names:
            path = pack / folder / f"order_{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"WHERE = {folder!r}\n")
    (pack / "actions" / "sub" / "order_d.py").write_text("WHERE = 'entry'\n")
    code = (
        f"import order_a, order_b, order_c, order_d\n{HEAD}class Act(Action):\n    def run(self):\n"
        "        import sys\n"
        "        return [m.WHERE for m in (order_a, order_b, order_c, order_d)] + ['act' in sys.modules]\n"
    )
    result = world.run(world.python_request(code, file="sub/act.py"))
    assert result.result["result"] == ["lib", "lib", "lib", "entry", False]


def test_nothing_of_a_run_is_left_for_the_next(warm: World) -> None:
    text = (
        "import json, os\n"
        "seen = [getattr(json, 'mark', None), os.environ.get('MARK')]\n"
        "json.mark = os.environ['MARK'] = 'here'\nreturn seen"
    )
    for _ in range(3):
        assert body(warm, text).result["result"] == [None, None]


def test_random_numbers_of_two_runs_differ(warm: World) -> None:
    numbers = {body(warm, "import random\nreturn random.random()").result["result"] for _ in range(4)}
    assert len(numbers) == 4


def test_a_change_of_the_file_counts_at_once(warm: World) -> None:
    assert [body(warm, f"return {number}").result["result"] for number in range(5)] == [0, 1, 2, 3, 4]


def test_parameters_config_and_secrets_are_not_in_argv(world: World) -> None:
    secret = "pass-word-123"
    code = (
        HEAD + "class Act(Action):\n    def run(self, p):\n        print('up')\n"
        "        import time; time.sleep(0.5)\n"
    )
    heard = Heard()
    begun = world.begin(world.python_request(code, values={"p": secret}, config={"s": secret}), heard.control)
    until(heard.text, "it has started")
    assert not [words for _, words in command_lines() if secret in words]
    begun.result()


def test_an_exit_from_a_signal_is_negative(world: World) -> None:
    result = body(world, "import os\nos.kill(os.getpid(), 11)")
    assert (result.status, result.result["exit_code"]) == (Status.FAILED, -11)


def test_a_timeout_ends_the_tree_below_too(world: World) -> None:
    text = (
        "import os, subprocess, signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        os.execvpe('sleep', ['sleep', '67.5'], {})\n    os._exit(0)\n"
        "print('up')\ntime.sleep(30)"
    )
    result = body(world, text, timeout=1)
    assert result.status == Status.TIMEOUT
    assert result.result["exit_code"] == -9
    assert result.result["error"] == "Action failed to complete in 1 seconds"
    assert result.result["stdout"] == "up\n"
    until(lambda: not is_running("sleep 67.5"), "the daemon is gone")


def test_cancel_stops_a_python_action(world: World) -> None:
    heard = Heard()
    code = (
        HEAD
        + "class Act(Action):\n    def run(self):\n        print('up')\n"
        + "        import time; time.sleep(600)\n"
    )
    begun = world.begin(world.python_request(code), heard.control)
    until(heard.text, "it has started")
    heard.control.cancel()
    result = begun.result()
    assert result is not None
    assert result.status == Status.CANCELED


def test_a_file_that_exits_at_import_hurts_its_own_action_only(warm: World) -> None:
    assert warm.run(warm.python_request("import sys\nsys.exit(9)\n")).result["exit_code"] == 9
    assert body(warm, "return 2").result["result"] == 2


def test_a_killed_interpreter_costs_only_what_it_was_running(warm: World) -> None:
    assert body(warm, "return 1").result["result"] == 1
    for pid in _zygotes(warm):
        os.kill(pid, signal.SIGKILL)
    assert body(warm, "return 2").result["result"] == 2


def test_a_running_action_outlives_its_warm_interpreter(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        heard = Heard()
        code = (
            f"{HEAD}class Act(Action):\n    def run(self):\n        print('up')\n"
            "        import time; time.sleep(1)\n        return 5\n"
        )
        begun = world.begin(world.python_request(code), heard.control)
        until(heard.text, "it has started")
        os.kill(_zygotes(world)[0], signal.SIGKILL)
        result = begun.result()
        assert result is not None
        assert result.result["result"] == 5


def test_a_killed_shim_leaves_no_python_process(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        heard = Heard()
        code = (
            f"{HEAD}class Act(Action):\n    def run(self):\n"
            "        import os, time\n        print(os.getpid())\n        time.sleep(600)\n"
        )
        begun = world.begin(world.python_request(code), heard.control)
        until(heard.text, "it has started")
        os.kill(world.shim_pids()[0], signal.SIGKILL)
        result = begun.result()
        assert result is not None
        assert result.status == Status.ABANDONED
        until(lambda: not Path(f"/proc/{heard.text().strip()}").exists(), "the process is gone")


def test_an_idle_interpreter_goes(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        short = dataclasses.replace(world.settings.python, warm_idle_s=0.3)
        world.python._settings = dataclasses.replace(world.settings, python=short)
        body(world, "return 1")
        until(lambda: not _zygotes(world), "it has gone")
        assert body(world, "return 2").result["result"] == 2


def test_a_result_over_the_limit_is_an_error(tmp_path: Path) -> None:
    with opened(tmp_path, result_limit_bytes=1000) as world:
        result = body(world, "return 'x' * 5000")
        assert result.status == Status.FAILED
        assert "larger than actions.result_limit_bytes" in result.result["error"]


def test_a_pack_without_environment_names_the_command(warm: World) -> None:
    pack = PackSpec(ref="other", name="other", folder=warm.pack_folder)
    with pytest.raises(RunnerFailure, match="stormcrow pack setup other"):
        warm.run(warm.python_request(HEAD, pack=pack))


def test_a_file_that_is_missing_is_named(warm: World) -> None:
    request = warm.python_request(HEAD)
    request.action.entry_path.unlink()
    with pytest.raises(RunnerFailure, match=r"act\.py does not exist"):
        warm.run(request)


def test_the_datastore_is_reached_with_the_token_of_the_run(world: World) -> None:
    seen: list[tuple[str, str, str, Any]] = []

    class Api(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            text = json.loads(self.rfile.read(length)) if length else None
            seen.append((self.command, self.path, self.headers["X-Auth-Token"], text))
            answer = (
                b'{"name": "n", "value": "v"}' if "/keys/" in self.path else b'[{"name": "n", "value": "v"}]'
            )
            if self.command == "DELETE":
                self.send_response(404)
                answer = b"{}"
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_DELETE = _answer  # noqa: N815  (the names that http.server calls)

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        text = (
            "s = self.action_service\n"
            "return [s.set_value('a', 5, ttl=9, encrypt=True), s.get_value('a', decrypt=True),\n"
            "        s.delete_value('a b', local=False), [k.name for k in s.list_values(prefix='p')]]"
        )
        request = world.python_request(
            f"{HEAD}class Act(Action):\n    def run(self):\n"
            + "".join(f"        {line}\n" for line in text.splitlines()),
            env={
                "ST2_ACTION_API_URL": f"http://127.0.0.1:{server.server_port}/v1",
                "ST2_ACTION_AUTH_TOKEN": "t0k",
            },
        )
        assert world.run(request).result["result"] == [True, "v", False, ["n"]]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    body_ = {"name": "test.Act:a", "value": "5", "scope": "system", "secret": True, "ttl": 9}
    assert seen == [
        ("PUT", "/v1/keys/test.Act%3Aa", "t0k", body_),
        ("GET", "/v1/keys/test.Act%3Aa?scope=system&decrypt=true", "t0k", None),
        ("DELETE", "/v1/keys/a%20b?scope=system", "t0k", None),
        ("GET", "/v1/keys?prefix=test.Act%3Ap", "t0k", None),
    ]


def test_a_warm_action_is_faster_than_a_new_interpreter(warm: World) -> None:
    code = (
        "import requests, yaml, jinja2\n"
        + HEAD
        + "class Act(Action):\n    def run(self):\n        return 1\n"
    )
    warm.run(warm.python_request(code, file="quick.py"))
    warm_s, new_s = [], []
    for _ in range(5):
        request = warm.python_request(code, file="quick.py")
        begun = time.perf_counter()
        warm.run(request)
        between = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import requests, yaml, jinja2"], check=True)
        warm_s.append(between - begun)
        new_s.append(time.perf_counter() - between)
    assert min(warm_s) < min(new_s)


def _zygotes(world: World) -> list[int]:
    """The warm interpreters themselves, without their forks."""
    shim = world.shim_pids()[0]
    return [pid for pid, words in command_lines() if "zygote.py" in words and _parent(pid) == shim]


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None
