"""What the runners of this machine share: a job for the shim, output on the way, a result at the end."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.errors import RunnerFailure
from engine.runners.base import RunControl, Runner, RunRequest, RunResult
from engine.runners.output import Output
from engine.runners.shell import environment_text
from engine.runners.shim_client import Shims
from engine.runners.shim_connection import Job
from engine.runners.spool import Ended, OutputReader
from engine.settings import Settings
from engine.status import Status

# What an action's end means when no exit code tells.
_ENDINGS: Mapping[str, tuple[Status, str]] = {
    "cancelled": (Status.CANCELED, "The action was cancelled."),
    "stopped": (Status.ABANDONED, "The action was ended because its shim was told to stop."),
    "lost": (Status.ABANDONED, "The action was lost"),
    "gone": (
        Status.ABANDONED,
        "The shim that watched over the action died; the action was killed, "
        "and how far it had come is not known.",
    ),
}


class SpoolRunner(Runner):
    """Runs its actions under the shim, where they survive the server.

    `adopt` reports the output of the action from its beginning, not from where the earlier
    server had come. `forget` is due once the result is committed; until then the outcome
    stays in the spool.
    """

    survives = True

    def __init__(self, settings: Settings, shims: Shims, *, server_environment: Mapping[str, str]) -> None:
        """`server_environment`: os.environ; only the names in `actions.environment` are passed on."""
        self._settings = settings
        self._shims = shims
        self._inherited = {
            name: server_environment[name]
            for name in settings.actions.environment
            if name in server_environment
        }
        self._folder = str(Path.cwd())

    @abstractmethod
    def job(self, request: RunRequest) -> Job:
        """What the shim has to run. Raises RunnerFailure."""

    @abstractmethod
    def result(self, request: RunRequest, ended: Ended, output: Output) -> RunResult:
        """The result in the runner's shape, for an action that was started; not masked yet."""

    def run(self, request: RunRequest, control: RunControl) -> RunResult:
        if control.cancelled.is_set():
            return RunResult(status=Status.CANCELED, result={"error": "The action was cancelled."})
        job = self.job(request)
        result = self._follow(
            request,
            control,
            lambda on_output, watch: self._shims.run(job, on_output=on_output, watch_cancel=watch),
        )
        if result is None:
            raise RunnerFailure("The action was not started.")
        return result

    def adopt(self, request: RunRequest, control: RunControl) -> RunResult | None:
        name = entry_name(request)
        return self._follow(
            request,
            control,
            lambda on_output, watch: self._shims.adopt(name, on_output=on_output, watch_cancel=watch),
        )

    def forget(self, request: RunRequest) -> None:
        self._shims.spool.forget(entry_name(request))

    def _follow(
        self,
        request: RunRequest,
        control: RunControl,
        follow: Callable[[Callable[[], None], Callable[[Callable[[], None]], None]], Ended | None],
    ) -> RunResult | None:
        masker = request.masker
        output = Output(OutputReader(self._shims.spool, entry_name(request)), control, masker)

        def watch_cancel(stop: Callable[[], None]) -> None:
            control.on_cancel.append(stop)
            if control.cancelled.is_set():
                stop()

        ended = follow(output.take, watch_cancel)
        if ended is None:
            return None
        output.finish(ended)
        if ended.reason == "unstarted":
            self.forget(request)
            raise RunnerFailure(f"The action could not be started: {ended.error}.")
        result = self.result(request, ended, output)
        return RunResult(status=result.status, result=masker.value(result.result))

    def environment(self, request: RunRequest) -> dict[str, str]:
        """The variables of the action, from the list of settings, its own, and those of the run."""
        parameters = request.runner_parameters
        environment = {
            **self._inherited,
            **environment_text(parameters.get("env") or {}),
            **environment_text(request.environment),
            # A cancel finds the action's processes by this one.
            "ST2_ACTION_EXECUTION_ID": request.execution_id,
        }
        if "debug" in parameters:
            environment["ST2_ACTION_DEBUG"] = str(bool(parameters["debug"]))
        return environment


def entry_name(request: RunRequest) -> str:
    """The name of the attempt in the spool."""
    return f"{request.execution_id}.{request.attempt}"


def ending(ended: Ended, timeout_s: float | None) -> tuple[Status, str] | None:
    """Status and error text of an action that was ended; None when it exited by itself."""
    if ended.reason == "timeout":
        return Status.TIMEOUT, f"Action failed to complete in {timeout_s:g} seconds" + _remark(ended)
    if ended.reason in _ENDINGS:
        status, text = _ENDINGS[ended.reason]
        return status, text + _remark(ended)
    return None


def _remark(ended: Ended) -> str:
    return f": {ended.error}" if ended.error else ""


def timeout_of(parameters: Mapping[str, Any]) -> float | None:
    """Seconds; None, for 0 and for no value, is no limit."""
    value = parameters.get("timeout")
    return float(value) if value else None
