"""local-shell-cmd and local-shell-script: shell commands and scripts on this machine."""

import os
import pwd
import re
import secrets
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import RunnerFailure
from engine.runners.base import RunRequest, RunResult
from engine.runners.output import Output
from engine.runners.pack_version import checkout, remove_checkout
from engine.runners.shell import (
    ARGUMENT_LIMIT_BYTES,
    TERMINATED,
    TIMED_OUT,
    build_arguments,
    decode_output,
    status_of_exit,
)
from engine.runners.shim_client import Shims
from engine.runners.shim_connection import Job
from engine.runners.spool import Ended
from engine.runners.spool_runner import SpoolRunner, ending, timeout_of
from engine.settings import Settings
from engine.status import Status

# The shell reads its text from this descriptor, and closes it before the text runs.
_TEXT_FD = 9
_READ_TEXT = f". /dev/fd/{_TEXT_FD}"
# Behind sudo only standard input is left: read the text whole, then run it with an empty input.
_READ_INPUT = 'text=$(cat; echo .); exec </dev/null; eval "${text%.}"'
_BAD_PASSWORD = re.compile(
    r"incorrect password attempt|no password was provided|a password is required|Sorry, try again"
)


class LocalRunner(SpoolRunner):
    """Both runners; a script is a command line that begins with the script's path."""

    def __init__(self, settings: Settings, shims: Shims, *, server_environment: Mapping[str, str]) -> None:
        super().__init__(settings, shims, server_environment=server_environment)
        self._shell = settings.actions.shell

    def job(self, request: RunRequest) -> Job:
        parameters = request.runner_parameters
        text = self._text(request)
        password = parameters.get("sudo_password") or ""
        sudo = self._sudo(parameters)
        is_hidden = bool(password) or _must_hide(text, request.secrets)
        argv, feed = _shell(text, shell=self._shell, sudo=sudo, is_hidden=is_hidden, password=password)
        return Job(
            execution_id=request.execution_id,
            attempt=request.attempt,
            argv=tuple(argv),
            environment=self.environment(request),
            cwd=parameters.get("cwd") or self._folder,
            timeout_s=timeout_of(parameters),
            grace_s=self._settings.actions.kill_grace_s,
            limit_bytes=self._settings.actions.output_limit_bytes,
            feed=feed,
            kill_command=_kill_command(sudo, password),
            kill_input=f"{password}\n" if password else "",
        )

    def result(self, request: RunRequest, ended: Ended, output: Output) -> RunResult:
        stderr = output.stderr
        code = ended.exit if ended.exit is not None else TERMINATED
        status, error = status_of_exit(code), ""
        stopped = ending(ended, timeout_of(request.runner_parameters))
        if stopped is not None:
            status, error = stopped
            code = TIMED_OUT if status == Status.TIMEOUT else code
        elif request.runner_parameters.get("sudo_password") and code == 1 and _BAD_PASSWORD.search(stderr):
            status, code = Status.FAILED, -1
            error = "sudo did not accept the password. Check sudo_password."
        elif ended.error:
            error = ended.error
        result: dict[str, Any] = {
            "failed": status != Status.SUCCEEDED,
            "succeeded": status == Status.SUCCEEDED,
            "return_code": code,
            "stdout": decode_output(output.stdout),
            "stderr": decode_output(stderr),
        }
        if error:
            result["error"] = error
        return RunResult(status=status, result=result)

    def forget(self, request: RunRequest) -> None:
        super().forget(request)
        if request.runner_parameters.get("content_version"):
            remove_checkout(request.pack.folder, self._checkout_folder(request))

    def _text(self, request: RunRequest) -> str:
        """The command line for the shell."""
        parameters = request.runner_parameters
        if request.action.runner_type == "local-shell-cmd":
            text = str(parameters.get("cmd") or "")
            if not text:
                raise RunnerFailure(f'The action "{request.action.ref}" has no command: cmd is empty.')
            return _without_nul(text)
        script = self._script(request)
        kwarg_op = parameters.get("kwarg_op")
        words = build_arguments(
            request.action, request.action_parameters, "--" if kwarg_op is None else kwarg_op
        )
        return _without_nul(f"{shlex.quote(str(script))} {words}".rstrip())

    def _script(self, request: RunRequest) -> Path:
        script = request.action.entry_path
        revision = request.runner_parameters.get("content_version")
        if revision:
            folder = checkout(request.pack.folder, revision, self._checkout_folder(request))
            script = folder / script.relative_to(request.pack.folder)
        if not script.is_file():
            raise RunnerFailure(
                f"The script {script} does not exist.",
                hint=f"Correct entry_point in {request.action.metadata_file or request.action.ref}.",
            )
        _make_executable(script)
        return script

    def _checkout_folder(self, request: RunRequest) -> Path:
        return self._shims.spool.folder.parent / "worktrees" / f"{request.execution_id}.{request.attempt}"

    def _sudo(self, parameters: Any) -> list[str]:
        """The words in front of the shell, or none."""
        account = self._settings.actions.user
        if parameters.get("sudo"):
            if not self._settings.actions.sudo:
                raise RunnerFailure(
                    "Actions may not use sudo here.", hint="actions.sudo in config.yaml allows it."
                )
            options = ["-E"]
        elif account and account != pwd.getpwuid(os.getuid()).pw_name:
            options = ["-E", "-H", "-u", account]
        else:
            return []
        program = shutil.which("sudo")
        if program is None:
            raise RunnerFailure("sudo is not installed on this machine.")
        how = ["-S", "-p", ""] if parameters.get("sudo_password") else ["-n"]
        return [program, *how, *options, "--"]


def _shell(
    text: str, *, shell: str, sudo: list[str], is_hidden: bool, password: str
) -> tuple[list[str], dict[int, str]]:
    """argv, and what is fed to descriptors, for `text`."""
    if not sudo:
        if is_hidden:
            return [shell, "-c", _READ_TEXT], {_TEXT_FD: f"exec {_TEXT_FD}<&-\n{text}"}
        return [shell, "-c", text], {}
    # As StackStorm does for its system user.
    shell = shutil.which("bash") or shell
    if not is_hidden:
        return [*sudo, shell, "-c", text], {}
    if not password:
        return [*sudo, shell, "-c", _READ_INPUT], {0: text}
    # Where sudo asks for no password it leaves it in the input: skip to the mark behind it.
    mark = secrets.token_hex(16)
    skip = f'while IFS= read -r line && [ "$line" != {mark} ]; do :; done; '
    return [*sudo, shell, "-c", skip + _READ_INPUT], {0: f"{password}\n{mark}\n{text}"}


def _kill_command(sudo: list[str], password: str) -> tuple[str, ...]:
    """How to signal what runs as another account; not needed when we are root."""
    if not sudo or os.getuid() == 0:
        return ()
    how = ("-S", "-p", "") if password else ("-n",)
    return (sudo[0], *how, "--", shutil.which("kill") or "/bin/kill")


def _must_hide(text: str, hidden: tuple[str, ...]) -> bool:
    """Whether `text` may not stand in argv: it holds a secret, or the kernel would refuse it.

    What cannot be hidden is a secret that a script takes as an argument: the script's own argv
    shows it. Scripts should take secrets from the environment.
    """
    return any(secret and secret in text for secret in hidden) or len(text.encode()) > ARGUMENT_LIMIT_BYTES


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise RunnerFailure("The command holds a NUL character, which no shell takes.")
    return text


def _make_executable(script: Path) -> None:
    if not os.access(script, os.X_OK):
        try:
            script.chmod(script.stat().st_mode | 0o111)
        except OSError:
            # A read-only file system; the shell says what is wrong.
            return
