"""announcement: gives its parameters to whoever listens on the event stream."""

from engine.errors import RunnerFailure
from engine.runners.base import RunControl, Runner, RunRequest, RunResult
from engine.status import Status


class AnnouncementRunner(Runner):
    def run(self, request: RunRequest, control: RunControl) -> RunResult:
        """Raises RunnerFailure unless `experimental` is true."""
        del control
        if request.runner_parameters.get("experimental") is not True:
            raise RunnerFailure(
                "The announcement runner is experimental.", hint='Set "experimental" to true to use it.'
            )
        parameters = dict(request.action_parameters)
        return RunResult(status=Status.SUCCEEDED, result={"output": parameters, **parameters})
