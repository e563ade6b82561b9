"""A spool, a shim and the runners of this machine, with short ways to ask them for something."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.records.execution import new_id
from engine.runners.base import RunControl, RunRequest, RunResult
from engine.runners.local import LocalRunner
from engine.runners.python_script import PythonRunner
from engine.runners.shim_client import Shims
from engine.runners.spool_runner import SpoolRunner
from engine.settings import Settings
from engine.settings.actions import ActionSettings, PythonSettings
from engine.settings.server import StoreSettings
from engine.specs.action import ActionSpec
from engine.specs.pack import PackSpec
from engine.specs.parameter import ParameterSpec


class World:
    """`server_environment` holds a secret of the server's own, which no action may see."""

    def __init__(self, folder: Path, *, warm: bool = True, **actions: Any) -> None:
        self.folder = folder
        self.pack_folder = folder / "pack"
        (self.pack_folder / "actions").mkdir(parents=True, exist_ok=True)
        self.settings = Settings(
            store=StoreSettings(data=folder),
            actions=ActionSettings(**{"kill_grace_s": 0.3, **actions}),
            python=PythonSettings(warm=warm),
        )
        self.shims = Shims(folder / "spool", environment={"PATH": os.environ["PATH"]})
        environment = {**os.environ, "SLACK_TOKEN": "xoxb-of-the-server"}
        self.local = LocalRunner(self.settings, self.shims, server_environment=environment)
        self.python = PythonRunner(self.settings, self.shims, server_environment=environment)
        self.pack = PackSpec(ref="test", name="test", folder=self.pack_folder, is_system=True)

    def command(self, cmd: str, *, secrets: tuple[str, ...] = (), **parameters: Any) -> RunRequest:
        """A request to local-shell-cmd."""
        action = ActionSpec(pack="test", name="cmd", runner_type="local-shell-cmd")
        return self._request(action, {"cmd": cmd, "timeout": 30, **parameters}, {}, secrets=secrets)

    def script(
        self,
        text: str,
        *,
        values: Mapping[str, Any],
        parameters: Mapping[str, Any] | None = None,
        **runner_parameters: Any,
    ) -> RunRequest:
        """A request to local-shell-script; the script is written first."""
        (self.pack_folder / "actions" / "script.sh").write_text(text)
        action = self._action("local-shell-script", "script.sh", parameters or {})
        return self._request(action, {"timeout": 30, **runner_parameters}, values)

    def python_request(
        self,
        text: str,
        *,
        values: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        file: str = "act.py",
        pack: PackSpec | None = None,
        config: Mapping[str, Any] | None = None,
        **runner_parameters: Any,
    ) -> RunRequest:
        """A request to python-script; the file is written first."""
        path = self.pack_folder / "actions" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        action = self._action("python-script", file, parameters or {name: {} for name in values or {}})
        return self._request(
            action, {"timeout": 30, **runner_parameters}, values or {}, config=config or {}, pack=pack
        )

    def _action(self, runner: str, entry_point: str, parameters: Mapping[str, Any]) -> ActionSpec:
        return ActionSpec(
            pack="test",
            name="act",
            runner_type=runner,
            entry_point=entry_point,
            parameters={name: ParameterSpec.of(name, schema) for name, schema in parameters.items()},
            pack_folder=self.pack_folder,
        )

    def _request(
        self,
        action: ActionSpec,
        runner_parameters: Mapping[str, Any],
        values: Mapping[str, Any],
        *,
        pack: PackSpec | None = None,
        **more: Any,
    ) -> RunRequest:
        return RunRequest(
            execution_id=new_id(),
            action=action,
            pack=pack or self.pack,
            runner_parameters=runner_parameters,
            action_parameters=values,
            user="ada",
            environment={"ST2_ACTION_PACK_NAME": "test"},
            **more,
        )

    def run(self, request: RunRequest, control: RunControl | None = None) -> RunResult:
        runner = self.runner_of(request)
        result = runner.run(request, control or RunControl())
        runner.forget(request)
        return result

    def runner_of(self, request: RunRequest) -> SpoolRunner:
        return self.python if request.action.runner_type == "python-script" else self.local

    def shell(self, cmd: str, **parameters: Any) -> RunResult:
        return self.run(self.command(cmd, **parameters))

    def begin(self, request: RunRequest, control: RunControl | None = None) -> "Begun":
        return Begun(lambda: self.runner_of(request).run(request, control or RunControl()))

    def shim_pids(self) -> list[int]:
        return [pid for pid, words in command_lines() if str(self.folder / "spool") in words]


class Begun:
    """A call in a thread; `result()` waits for it."""

    def __init__(self, call: Callable[[], RunResult | None]) -> None:
        self._call = call
        self._result: RunResult | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001  (raised again by result)
            self._error = error

    def result(self, timeout_s: float = 60.0) -> RunResult | None:
        self._thread.join(timeout_s)
        assert not self._thread.is_alive(), "it has not ended"
        if self._error is not None:
            raise self._error
        return self._result


class Heard:
    """A control that keeps the output it is given."""

    def __init__(self) -> None:
        self.pieces: list[tuple[str, str]] = []
        self.control = RunControl(output=lambda kind, text: self.pieces.append((kind, text)))

    def text(self, kind: str = "stdout") -> str:
        return "".join(text for of, text in self.pieces if of == kind)


@contextmanager
def opened(folder: Path, **settings: Any) -> Iterator[World]:
    """A world with its shim, which is gone afterwards."""
    world = World(folder, **settings)
    world.shims.prepare()
    try:
        yield world
    finally:
        world.shims.close()
        until(lambda: not world.shim_pids(), "the shim ends", timeout_s=60.0)


def until(is_so: Callable[[], Any], what: str, *, timeout_s: float = 60.0) -> None:
    give_up_at = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < give_up_at, f"not within {timeout_s} s: {what}"
        time.sleep(0.01)


def command_lines() -> list[tuple[int, str]]:
    """(pid, argv joined with blanks) of every process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.append((int(entry.name), (entry / "cmdline").read_bytes().decode(errors="replace")))
            except OSError:
                continue
    return [(pid, words.replace("\0", " ")) for pid, words in found]


def is_running(mark: str) -> bool:
    return any(mark in words for _, words in command_lines())
