"""noop: does nothing, and succeeds."""

from engine.runners.base import RunControl, Runner, RunRequest, RunResult
from engine.status import Status


class NoopRunner(Runner):
    has_effects = False

    def run(self, request: RunRequest, control: RunControl) -> RunResult:
        del request, control
        return RunResult(
            status=Status.SUCCEEDED, result={"failed": False, "succeeded": True, "return_code": 0}
        )
