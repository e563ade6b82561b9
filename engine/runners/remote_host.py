"""What a remote action does on one host, and what its result says of it."""

import posixpath
import shlex
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import RunnerFailure
from engine.expressions.masking import ValueMasker
from engine.runners.base import OutputKind, RunRequest
from engine.runners.remote_hosts import HostEntry, parse_bastion
from engine.runners.shell import TIMED_OUT, build_arguments, decode_output, environment_text
from engine.runners.ssh import Outcome, RemoteRun, RunLimits, send_quietly
from engine.runners.ssh_command import RemoteCommand
from engine.runners.ssh_connect import Target
from engine.runners.ssh_keys import Credentials, find_credentials
from engine.runners.ssh_output import OutputCapture
from engine.runners.ssh_pool import ConnectionPool
from engine.runners.ssh_upload import upload
from engine.settings import Settings

UNREACHABLE = 255

Emit = Callable[[OutputKind, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostOutcome:
    entry: HostEntry
    result: dict[str, Any]
    """{stdout, stderr, return_code, succeeded, failed}, and where it went wrong
    {timeout, error, traceback}; stdout and stderr are decoded where they hold JSON."""
    is_unreachable: bool = False
    """Nothing was started, because no session came about."""
    is_finished: bool = True
    """False when a cancel ended it, or came before it."""


class HostRunner:
    """Holds the connections; one for all remote actions of the server."""

    def __init__(self, settings: Settings, own_account: str) -> None:
        self._settings = settings
        self._own_account = own_account
        self._pool = ConnectionPool(settings)

    def prepare(self, request: RunRequest) -> "HostJob":
        """Everything that is the same on every host. Raises RunnerFailure."""
        given = request.runner_parameters
        script = None
        if "cmd" in given:
            text = str(given.get("cmd") or "")
        else:
            script = request.action.entry_path
            if not request.action.entry_point or not script.is_file():
                raise RunnerFailure(
                    f"The script {script} does not exist.", hint="Check entry_point of the action."
                )
            text = build_arguments(
                request.action, request.action_parameters, str(given.get("kwarg_op") or "--")
            )
        return HostJob(
            request=request,
            settings=self._settings,
            pool=self._pool,
            user=str(given.get("username") or "") or self._settings.ssh.user or self._own_account,
            credentials=find_credentials(
                password=str(given.get("password") or ""),
                private_key=str(given.get("private_key") or ""),
                passphrase=str(given.get("passphrase") or ""),
                settings=self._settings,
            ),
            env=environment_text({**(given.get("env") or {}), **request.environment}),
            script=script,
            text=text,
            masker=request.masker,
        )

    def close(self) -> None:
        self._pool.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostJob:
    """One request, ready to run on any number of hosts at once."""

    request: RunRequest
    settings: Settings
    pool: ConnectionPool
    user: str
    credentials: Credentials
    env: dict[str, str]
    script: Path | None
    text: str
    """The command, or the arguments of the script."""
    masker: ValueMasker

    def run(self, entry: HostEntry, cancelled: threading.Event, emit: Emit) -> HostOutcome:
        """Never raises RunnerFailure: a host that fails does not stop the others."""
        try:
            if self.script is None:
                return self._execute(entry, self.text, cancelled, emit)
            return self._run_script(entry, self.script, cancelled, emit)
        except RunnerFailure as error:
            if cancelled.is_set():
                return self.never_started(entry)
            failure = _failure(str(error), return_code=UNREACHABLE)
            return HostOutcome(entry=entry, result=failure, is_unreachable=True)

    def never_started(self, entry: HostEntry) -> HostOutcome:
        failure = _failure("Cancelled before it started.", return_code=UNREACHABLE)
        return HostOutcome(entry=entry, result=failure, is_unreachable=True, is_finished=False)

    def _target(self, entry: HostEntry) -> Target:
        bastion = None
        named = str(self.request.runner_parameters.get("bastion_host") or "")
        if named:
            user, host, port = parse_bastion(named, default_user=self.user)
            bastion = Target(host=host, port=port, user=user, credentials=self.credentials)
        return Target(
            host=entry.host,
            port=entry.port,
            user=self.user,
            credentials=self.credentials,
            bastion=bastion,
        )

    def _command(self, text: str) -> RemoteCommand:
        given = self.request.runner_parameters
        if given.get("sudo") and not self.settings.actions.sudo:
            raise RunnerFailure("Actions may not use sudo here.", hint="See actions.sudo in config.yaml.")
        return RemoteCommand(
            text=text,
            cwd=str(given.get("cwd") or ""),
            env=self.env,
            sudo=bool(given.get("sudo")),
            sudo_password=str(given.get("sudo_password") or ""),
        )

    def _execute(self, entry: HostEntry, text: str, cancelled: threading.Event, emit: Emit) -> HostOutcome:
        limit_bytes = self.settings.actions.output_limit_bytes
        stdout = OutputCapture(self.masker, limit_bytes=limit_bytes, emit=lambda part: emit("stdout", part))
        stderr = OutputCapture(self.masker, limit_bytes=limit_bytes, emit=lambda part: emit("stderr", part))
        timeout_s = float(self.request.runner_parameters.get("timeout") or 60)
        outcome = RemoteRun(
            self.pool,
            self._target(entry),
            self._command(text),
            limits=RunLimits(timeout_s=timeout_s, kill_grace_s=self.settings.actions.kill_grace_s),
            cancelled=cancelled,
            stdout=stdout,
            stderr=stderr,
        ).run()
        result = {"stdout": _value(stdout), "stderr": _value(stderr), **_verdict(outcome, timeout_s)}
        return HostOutcome(entry=entry, result=result, is_finished=outcome.ending != "cancelled")

    def _run_script(
        self, entry: HostEntry, script: Path, cancelled: threading.Event, emit: Emit
    ) -> HostOutcome:
        folder = self._folder(entry)
        target = self._target(entry)
        upload(
            self.pool,
            target,
            script=script,
            library=self.request.pack.folder / "actions" / "lib",
            folder=folder,
            cancelled=cancelled,
            undo=lambda: self._remove(target, folder),
        )
        try:
            text = f"{shlex.quote(posixpath.join(folder, script.name))} {self.text}"
            return self._execute(entry, text, cancelled, emit)
        finally:
            self._remove(target, folder)

    def _folder(self, entry: HostEntry) -> str:
        """<dir>/<execution id>; longer where two entries may share a machine, or on a retry."""
        parent = str(self.request.runner_parameters.get("dir") or "/tmp")  # noqa: S108 - StackStorm's default
        name = self.request.execution_id
        if self.request.attempt > 1:
            name += f".{self.request.attempt}"
        if entry.label != entry.host:
            name += f"-{entry.port}"
        return posixpath.join(parent, name)

    def _remove(self, target: Target, folder: str) -> None:
        """Also with sudo, when the script may have written files there that are not ours."""
        command = self._command(f"rm -rf -- {shlex.quote(folder)}")
        try:
            send_quietly(
                self.pool,
                target,
                RemoteCommand(text=command.text, sudo=command.sudo, sudo_password=command.sudo_password),
            )
        except RunnerFailure:
            # The host cannot be reached any more; the outcome of the script says so already.
            return


def _value(capture: OutputCapture) -> Any:
    text = capture.finish()
    return text.strip("\n") if capture.is_truncated else decode_output(text)


def _verdict(outcome: Outcome, timeout_s: float) -> dict[str, Any]:
    if outcome.ending == "exited":
        succeeded = outcome.return_code == 0
        return {"return_code": outcome.return_code, "succeeded": succeeded, "failed": not succeeded}
    if outcome.ending == "timeout":
        text, code = f"The command did not end within {timeout_s:g} seconds and was killed.", TIMED_OUT
    elif outcome.ending == "cancelled":
        text, code = "Cancelled; the command was killed.", outcome.return_code
    else:
        text = "The connection was lost. Whether the command has ended on the host is not known."
        code = UNREACHABLE
    verdict = _failure(text, return_code=code)
    verdict["timeout"] = outcome.ending == "timeout"
    del verdict["stdout"], verdict["stderr"]
    return verdict


def _failure(text: str, *, return_code: int) -> dict[str, Any]:
    return {
        "stdout": "",
        "stderr": "",
        "return_code": return_code,
        "succeeded": False,
        "failed": True,
        "timeout": False,
        "error": text,
        "traceback": text,
    }
