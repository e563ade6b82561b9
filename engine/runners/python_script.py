"""python-script: a Python class of a pack, in the pack's own interpreter, forked from a warm one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import RunnerFailure
from engine.runners.base import RunRequest, RunResult
from engine.runners.environments import interpreter_of, stamp
from engine.runners.output import Output
from engine.runners.pack_imports import PackImports
from engine.runners.pack_version import checkout, remove_checkout
from engine.runners.shell import TERMINATED, TIMED_OUT
from engine.runners.shim_client import RUNTIME, Shims
from engine.runners.shim_connection import Job
from engine.runners.spool import Ended
from engine.runners.spool_runner import SpoolRunner, ending, entry_name, timeout_of
from engine.settings import Settings
from engine.specs.runner_type import RUNNER_TYPES
from engine.status import Status

_PROGRAM = RUNTIME / "_stormcrow" / "python_action.py"
_PAYLOAD_FD = 3
# python_action.py ends so when run() returned a status that is none.
_INVALID_STATUS = 220
# What the interpreter itself reads from its environment when it starts.
_START_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE")


class PythonRunner(SpoolRunner):
    def __init__(self, settings: Settings, shims: Shims, *, server_environment: Mapping[str, str]) -> None:
        super().__init__(settings, shims, server_environment=server_environment)
        self._imports = PackImports()

    def job(self, request: RunRequest) -> Job:
        interpreter = interpreter_of(request.pack, self._settings)
        pack_folder = self._pack_folder(request)
        entry = pack_folder / request.action.entry_path.relative_to(request.pack.folder)
        if not entry.is_file():
            raise RunnerFailure(
                f"The Python file {entry} does not exist.",
                hint=f"Correct entry_point in {request.action.metadata_file or request.action.ref}.",
            )
        # The pack's own lib/ before what is installed, actions/lib behind it: StackStorm's order.
        first = [str(folder) for folder in (pack_folder / "lib",) if folder.is_dir()]
        last = [str(folder) for folder in (pack_folder / "actions" / "lib",) if folder.is_dir()]
        environment = self._python_environment(request, interpreter, [*first, *last])
        warm = None
        if self._settings.python.warm:
            modules = self._imports.of(entry, [Path(folder) for folder in (*first, *last)])
            warm = self._warm(interpreter, environment, modules=modules, first=first, last=last)
        payload = {
            "file": str(entry),
            "pack": request.pack.ref,
            "user": request.user,
            "parameters": self._parameters(request),
            "config": dict(request.config),
            "log_level": request.runner_parameters.get("log_level") or "DEBUG",
            "env": environment,
            "cwd": self._folder,
            "first": first,
            "last": last,
        }
        return Job(
            execution_id=request.execution_id,
            attempt=request.attempt,
            argv=(str(interpreter), "-I", str(_PROGRAM)),
            environment=environment,
            cwd=self._folder,
            timeout_s=timeout_of(request.runner_parameters),
            grace_s=self._settings.actions.kill_grace_s,
            limit_bytes=self._settings.actions.output_limit_bytes,
            result_limit_bytes=self._settings.actions.result_limit_bytes,
            feed={_PAYLOAD_FD: json.dumps(payload)},
            wants_result=True,
            python=warm,
        )

    def result(self, request: RunRequest, ended: Ended, output: Output) -> RunResult:
        stopped = ending(ended, timeout_of(request.runner_parameters))
        if stopped is None and ended.exit == _INVALID_STATUS and not output.result:
            return _invalid_status(output.stderr)
        returned, status_word = _returned(output.result, ended)
        code = ended.exit if ended.exit is not None else TERMINATED
        status, error = Status.SUCCEEDED, ended.error
        if code != 0 or status_word is False:
            status = Status.FAILED
        if ended.dropped[2]:
            status = Status.FAILED
            error = f"The result is larger than actions.result_limit_bytes by {ended.dropped[2]} bytes."
        if stopped is not None:
            status, error = stopped
            code = TIMED_OUT if status == Status.TIMEOUT else code
        result: dict[str, Any] = {
            "result": returned,
            "exit_code": code,
            "stdout": output.stdout,
            "stderr": output.stderr,
        }
        if error:
            result["error"] = error
        return RunResult(status=status, result=result)

    def forget(self, request: RunRequest) -> None:
        super().forget(request)
        if request.runner_parameters.get("content_version"):
            remove_checkout(request.pack.folder, self._checkout_folder(request))

    def _checkout_folder(self, request: RunRequest) -> Path:
        return self._shims.spool.folder.parent / "worktrees" / entry_name(request)

    def _pack_folder(self, request: RunRequest) -> Path:
        revision = request.runner_parameters.get("content_version")
        if not revision:
            return request.pack.folder
        return checkout(request.pack.folder, revision, self._checkout_folder(request))

    def _parameters(self, request: RunRequest) -> dict[str, Any]:
        """Every parameter that the action declares for itself, None when it has no value."""
        runner = RUNNER_TYPES["python-script"].parameters
        declared = {name: None for name in request.action.parameters if name not in runner}
        return {**declared, **request.action_parameters}

    def _python_environment(
        self, request: RunRequest, interpreter: Path, folders: list[str]
    ) -> dict[str, str]:
        environment = {
            name: value for name, value in self.environment(request).items() if name.upper() != "PYTHONPATH"
        }
        environment["PATH"] = f"{interpreter.parent}:{environment.get('PATH', '/usr/bin:/bin')}"
        # For Python programs that the action starts; its own path does not come from here.
        environment["PYTHONPATH"] = ":".join([*folders, str(RUNTIME)])
        return environment

    def _warm(
        self,
        interpreter: Path,
        environment: Mapping[str, str],
        *,
        modules: tuple[str, ...],
        first: list[str],
        last: list[str],
    ) -> dict[str, Any]:
        return {
            "interpreter": str(interpreter),
            "stamp": stamp(interpreter),
            "modules": modules,
            "first": first,
            "last": last,
            "idle_s": self._settings.python.warm_idle_s,
            "start_env": {name: environment[name] for name in _START_VARIABLES if name in environment},
        }


def _returned(written: bytes, ended: Ended) -> tuple[Any, bool | None]:
    """(result, status) as run() returned them. Without any, the result is the text "None", as in
    StackStorm."""
    if not written or ended.dropped[2]:
        return "None", None
    try:
        document = json.loads(written)
    except ValueError:
        # It was killed while it wrote.
        return "None", None
    return document["result"], document["status"]


def _invalid_status(stderr: str) -> RunResult:
    lines = stderr.strip().splitlines()
    error = lines[-1] if lines else "run() returned a status that is neither true nor false."
    return RunResult(status=Status.FAILED, result={"error": error, "traceback": stderr})
