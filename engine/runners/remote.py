"""The runners remote-shell-cmd and remote-shell-script: many hosts at once, over SSH."""

import os
import pwd
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from engine.errors import RunnerFailure
from engine.runners.base import OutputKind, RunControl, Runner, RunRequest, RunResult
from engine.runners.remote_hosts import HostEntry, parse_hosts
from engine.settings import Settings
from engine.status import Status

if TYPE_CHECKING:
    from engine.runners.remote_host import HostOutcome, HostRunner

Emit = Callable[[OutputKind, str], None]


class RemoteRunner(Runner):
    """Both kinds: a request without a `cmd` parameter runs the script of its action."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._host_runner: HostRunner | None = None

    def run(self, request: RunRequest, control: RunControl) -> RunResult:
        """The result is one entry per host, as `remote_host.HostOutcome.result` describes it."""
        hosts = parse_hosts(
            str(request.runner_parameters.get("hosts") or ""),
            default_port=int(request.runner_parameters.get("port") or 22),
        )
        job = self._hosts().prepare(request)
        emit = _live_output(control)

        def work(entry: HostEntry) -> "HostOutcome":
            if control.cancelled.is_set():
                return job.never_started(entry)
            return job.run(entry, control.cancelled, _of_host(emit, entry, alone=len(hosts) == 1))

        if len(hosts) == 1:
            outcomes = [work(hosts[0])]
        else:
            workers = max(1, min(self._settings.ssh.parallel, len(hosts)))
            with ThreadPoolExecutor(workers, thread_name_prefix="remote") as pool:
                outcomes = list(pool.map(work, hosts))
        return self._result(request, outcomes, is_cancelled=control.cancelled.is_set())

    def close(self) -> None:
        with self._lock:
            hosts, self._host_runner = self._host_runner, None
        if hosts is not None:
            hosts.close()

    def _hosts(self) -> "HostRunner":
        with self._lock:
            if self._host_runner is None:
                # paramiko takes 0.3 s to import, which the start of the server must not pay.
                from engine.runners.remote_host import HostRunner  # noqa: PLC0415

                self._host_runner = HostRunner(self._settings, own_account())
            return self._host_runner

    def _result(self, request: RunRequest, outcomes: "list[HostOutcome]", *, is_cancelled: bool) -> RunResult:
        masker = request.masker
        if is_cancelled and any(not outcome.is_finished for outcome in outcomes):
            status = Status.CANCELED
        elif all(outcome.is_unreachable for outcome in outcomes):
            lines = [f"{outcome.entry.label}: {outcome.result['error']}" for outcome in outcomes]
            error = (
                str(outcomes[0].result["error"])
                if len(outcomes) == 1
                else f"It could not be started on any of the {len(outcomes)} hosts. {lines[0]}"
            )
            failure = {"error": error, "traceback": "\n".join(lines)}
            return RunResult(status=Status.FAILED, result=masker.value(failure))
        else:
            status = self._status(outcomes)
        by_host = {outcome.entry.label: outcome.result for outcome in outcomes}
        # Host names are keys that people look for; only what the hosts said is masked.
        return RunResult(status=status, result={host: masker.value(by_host[host]) for host in by_host})

    def _status(self, outcomes: "list[HostOutcome]") -> Status:
        succeeded = [bool(outcome.result["succeeded"]) for outcome in outcomes]
        if all(succeeded) or (any(succeeded) and self._settings.ssh.allow_partial_failure):
            return Status.SUCCEEDED
        if all(outcome.result.get("timeout") for outcome in outcomes):
            return Status.TIMEOUT
        return Status.FAILED


def own_account() -> str:
    """The name of the account that runs us, for `ssh.user` when it is empty."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError as error:
        raise RunnerFailure(
            "This process runs as an account without a name.", hint="Set ssh.user in config.yaml."
        ) from error


def _live_output(control: RunControl) -> Emit:
    lock = threading.Lock()

    def emit(kind: OutputKind, text: str) -> None:
        with lock:
            control.output(kind, text)

    return emit


def _of_host(emit: Emit, entry: HostEntry, *, alone: bool) -> Emit:
    """With several hosts every line begins with `host: `."""
    if alone:
        return emit

    def prefixed(kind: OutputKind, text: str) -> None:
        lines = text.splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        emit(kind, "".join(f"{entry.label}: {line}" for line in lines))

    return prefixed
