"""pack-installer: installs, updates and removes packs, in a program of its own that outlives the server."""

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

from engine.errors import RunnerFailure
from engine.runners.base import RunRequest, RunResult
from engine.runners.output import Output
from engine.runners.shell import environment_text
from engine.runners.shim_connection import Job
from engine.runners.spool import Ended
from engine.runners.spool_runner import SpoolRunner, ending, timeout_of
from engine.status import Status

_PLAN_FD = 3
# What a caller may say to pip and uv, and nothing else of the environment ...
_ALLOWED = ("PIP_", "UV_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
# ... and not what would lead out of the pack's own environment.
_REFUSED = re.compile(
    r"PIP_(TARGET|PREFIX|ROOT|USER|PYTHON|SRC|LOG|CACHE_DIR)|UV_(TARGET|PREFIX|SYSTEM_PYTHON|PYTHON|CACHE_DIR).*"
)


class PackInstaller(SpoolRunner):
    """The action's entry point names the operation."""

    def job(self, request: RunRequest) -> Job:
        environment = self.environment(request)
        return Job(
            execution_id=request.execution_id,
            attempt=request.attempt,
            argv=(sys.executable, "-m", "engine.installer"),
            environment={**environment, "PYTHONUNBUFFERED": "1"},
            cwd=self._folder,
            timeout_s=timeout_of(request.runner_parameters),
            grace_s=self._settings.actions.kill_grace_s,
            limit_bytes=self._settings.actions.output_limit_bytes,
            result_limit_bytes=self._settings.actions.result_limit_bytes,
            feed={_PLAN_FD: self._plan(request, environment)},
            wants_result=True,
        )

    def result(self, request: RunRequest, ended: Ended, output: Output) -> RunResult:
        stopped = ending(ended, timeout_of(request.runner_parameters))
        try:
            found: dict[str, Any] = json.loads(output.result)
        except ValueError:
            # It was killed before its end.
            found = {"output": {}, "error": output.stderr.strip() or "The installer did not come to its end."}
        result = {**found, "stdout": output.stdout, "stderr": output.stderr}
        status = Status.SUCCEEDED if ended.exit == 0 else Status.FAILED
        if stopped is not None:
            status, result["error"] = stopped
        return RunResult(status=status, result=result)

    def _plan(self, request: RunRequest, environment: Mapping[str, str]) -> str:
        if not request.pack.is_system:
            raise RunnerFailure(f'The pack "{request.pack.ref}" may not install packs; use packs.install.')
        given = request.action_parameters
        packs = given.get("dependency_list") or given.get("packs") or []
        if not packs and request.action.entry_point != "update":
            raise RunnerFailure("Name the packs.", hint="packs=NAME, or packs=NAME,NAME.")
        for_tools = environment_text(given.get("env") or {})
        refused = [name for name in for_tools if not name.startswith(_ALLOWED) or _REFUSED.fullmatch(name)]
        if refused:
            raise RunnerFailure(
                f"The installer takes no variable {refused[0]}.", hint="PIP_..., UV_... and proxies only."
            )
        settings = self._settings
        shipped = request.pack.folder.parent
        return json.dumps(
            {
                "operation": request.action.entry_point,
                "packs": [str(pack) for pack in packs],
                "places": {
                    "bases": [str(settings.path(base)) for base in settings.content.packs],
                    "shipped": str(shipped),
                    "virtualenvs": str(settings.virtualenvs_folder),
                    "state": str(settings.data_folder / "installer"),
                },
                "force": bool(given.get("force")),
                "skip_dependencies": bool(given.get("skip_dependencies")),
                "interpreter": settings.python.interpreter,
                "base": list(settings.python.base),
                "index_urls": list(settings.packs.index_urls),
                "api_url": environment.get("ST2_BASE_URL", ""),
                "token": environment.get("ST2_ACTION_AUTH_TOKEN", ""),
                "environment": for_tools,
            }
        )
