"""The runners winrm-cmd, winrm-ps-cmd and winrm-ps-script: commands on Windows, over WinRM."""

import importlib
import logging
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from engine.errors import RunnerFailure
from engine.expressions.masking import ValueMasker
from engine.runners import powershell
from engine.runners.base import RunControl, Runner, RunRequest, RunResult
from engine.runners.remote_hosts import parse_address
from engine.runners.shell import decode_output, environment_text
from engine.runners.ssh_output import OutputCapture
from engine.settings import Settings
from engine.status import Status

log = logging.getLogger(__name__)

TIMED_OUT = -1
_HTTP_PORT = 5985
_HTTPS_PORT = 5986
# How long the host holds a question for output open; a cancel is noticed in between.
_OPERATION_TIMEOUT_S = 2
_READ_TIMEOUT_S = 15
_UTF8 = 65_001


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    return_code: int
    status: Status


class WinRmRunner(Runner):
    """All three kinds, told apart by the runner type of the action."""

    def __init__(self, settings: Settings) -> None:
        self._limit_bytes = settings.actions.output_limit_bytes

    def run(self, request: RunRequest, control: RunControl) -> RunResult:
        """The result is {stdout, stderr, return_code, succeeded, failed}; after a timeout with `error`."""
        masker = request.masker
        streams = _Streams(masker, control, limit_bytes=self._limit_bytes)
        timeout_s = float(request.runner_parameters.get("timeout") or 60)
        try:
            with _shell(request.runner_parameters, request.environment) as shell:
                outcome = _Session(shell, control, streams, until_s=time.monotonic() + timeout_s).run(request)
        except _failures() as error:
            host = request.runner_parameters.get("host")
            raise RunnerFailure(
                masker.text(f"WinRM on {host}: {error}"),
                hint="Check host, port, transport and account, and that WinRM is enabled there.",
            ) from error
        result = {
            "stdout": streams.stdout_value(),
            "stderr": streams.stderr_value(),
            "return_code": outcome.return_code,
            "succeeded": outcome.status is Status.SUCCEEDED,
            "failed": outcome.status is not Status.SUCCEEDED,
        }
        if outcome.status is Status.TIMEOUT:
            result["error"] = f"The command did not end within {timeout_s:g} seconds and was stopped."
        if outcome.status is Status.CANCELED:
            result["error"] = "Cancelled; the command was stopped."
        return RunResult(status=outcome.status, result=masker.value(result))


class _Streams:
    def __init__(self, masker: ValueMasker, control: RunControl, *, limit_bytes: int) -> None:
        self.stdout = OutputCapture(
            masker, limit_bytes=limit_bytes, emit=lambda text: control.output("stdout", text)
        )
        # Errors of PowerShell are XML: passed on when they are whole.
        self.stderr = OutputCapture(masker, limit_bytes=limit_bytes, emit=None)
        self._control = control

    def stdout_value(self) -> Any:
        return _value(self.stdout.finish(), is_truncated=self.stdout.is_truncated)

    def stderr_value(self) -> Any:
        text = powershell.readable_errors(self.stderr.finish())
        if text:
            self._control.output("stderr", text)
        return _value(text, is_truncated=self.stderr.is_truncated)


def _value(text: str, *, is_truncated: bool) -> Any:
    return text.strip("\n") if is_truncated else decode_output(text)


class _Shell:
    """A shell on the host; commands run in it one after the other."""

    def __init__(self, protocol: Any, shell_id: str) -> None:
        self.protocol = protocol
        self.id = shell_id


class _Session:
    """What a request runs in its shell, within one time limit."""

    def __init__(self, shell: _Shell, control: RunControl, streams: _Streams, *, until_s: float) -> None:
        self._shell = shell
        self._control = control
        self._streams = streams
        self._until_s = until_s

    def run(self, request: RunRequest) -> _Outcome:
        kind, given = request.action.runner_type, request.runner_parameters
        if kind == "winrm-cmd":
            return self._command(str(given.get("cmd") or ""), quiet=False)
        if kind == "winrm-ps-cmd":
            return self._powershell(str(given.get("cmd") or ""), "")
        script = request.action.entry_path
        try:
            text = script.read_text(encoding="utf-8-sig", errors="replace")
        except OSError as error:
            raise RunnerFailure(f"The script {script} cannot be read: {error.strerror}.") from error
        words = powershell.arguments(
            request.action, request.action_parameters, str(given.get("kwarg_op") or "-")
        )
        return self._powershell(text, words)

    def _powershell(self, text: str, words: str) -> _Outcome:
        line = powershell.encoded_line(powershell.with_arguments(text, words))
        if len(line) <= powershell.LINE_LIMIT:
            return self._command(line, quiet=False)
        name = f"stormcrow-{secrets.token_hex(12)}.ps1"
        try:
            for chunk in powershell.upload_lines(text, name):
                outcome = self._command(chunk, quiet=True)
                if outcome.status in {Status.TIMEOUT, Status.CANCELED}:
                    return outcome
                if outcome.return_code != 0:
                    raise RunnerFailure("The script cannot be copied to the host's temporary folder.")
            return self._command(powershell.uploaded_line(name, words), quiet=False)
        finally:
            self._remove(name)

    def _remove(self, name: str) -> None:
        protocol, shell_id = self._shell.protocol, self._shell.id
        try:
            command_id = protocol.run_command(shell_id, powershell.removal_line(name))
            protocol.cleanup_command(shell_id, command_id)
        except _failures() as error:
            log.warning("%s stays in the temporary folder of the host: %s", name, error)

    def _command(self, line: str, *, quiet: bool) -> _Outcome:
        """Runs one command line to its end; `quiet` drops its output."""
        protocol, shell_id = self._shell.protocol, self._shell.id
        command_id = protocol.run_command(shell_id, line)
        try:
            while True:
                received = self._receive(command_id)
                if received is not None:
                    stdout, stderr, code, is_done = received
                    if not quiet:
                        self._streams.stdout.feed(stdout)
                        self._streams.stderr.feed(stderr)
                    if is_done:
                        status = Status.SUCCEEDED if code == 0 else Status.FAILED
                        return _Outcome(return_code=code, status=status)
                if self._control.cancelled.is_set():
                    return _Outcome(return_code=TIMED_OUT, status=Status.CANCELED)
                if time.monotonic() >= self._until_s:
                    return _Outcome(return_code=TIMED_OUT, status=Status.TIMEOUT)
        finally:
            self._stop(command_id)

    def _stop(self, command_id: str) -> None:
        """The terminate signal: it frees a command that has ended, and ends one that still runs."""
        try:
            self._shell.protocol.cleanup_command(self._shell.id, command_id)
        except _failures() as error:
            log.warning("a command may still run on a Windows host: %s", error)

    def _receive(self, command_id: str) -> tuple[bytes, bytes, int, bool] | None:
        """None when there was no output for a while."""
        protocol = self._shell.protocol
        try:
            received: tuple[bytes, bytes, int, bool] = protocol.get_command_output_raw(
                self._shell.id, command_id
            )
        except _library("winrm.exceptions").WinRMOperationTimeoutError:
            return None
        return received


@contextmanager
def _shell(given: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[_Shell]:
    protocol = _protocol(given)
    variables = environment_text({**(given.get("env") or {}), **environment})
    shell_id = protocol.open_shell(
        working_directory=str(given.get("cwd") or "") or None, env_vars=variables or None, codepage=_UTF8
    )
    try:
        yield _Shell(protocol, shell_id)
    finally:
        try:
            protocol.close_shell(shell_id)
        except _failures() as error:
            log.info("a WinRM shell could not be closed: %s", error)


def _protocol(given: Mapping[str, Any]) -> Any:
    host, port = parse_address(
        str(given.get("host") or ""), default_port=int(given.get("port") or _HTTPS_PORT)
    )
    scheme = "http" if port == _HTTP_PORT else str(given.get("scheme") or "https")
    address = f"[{host}]" if ":" in host else host
    is_checked = given.get("verify_ssl_cert") is not False
    return _library("winrm.protocol").Protocol(
        endpoint=f"{scheme}://{address}:{port}/wsman",
        transport=str(given.get("transport") or "ntlm"),
        username=str(given.get("username") or ""),
        password=str(given.get("password") or ""),
        server_cert_validation="validate" if is_checked else "ignore",
        ca_trust_path=None,
        proxy=None,
        operation_timeout_sec=_OPERATION_TIMEOUT_S,
        read_timeout_sec=_READ_TIMEOUT_S,
    )


def _library(module: str) -> Any:
    """A module of pywinrm, which is installed only where it is wanted. Raises RunnerFailure."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise RunnerFailure(
            "The winrm runners need pywinrm, which is not installed.",
            hint="Run: pip install 'stormcrow[winrm]'",
        ) from error


def _failures() -> tuple[type[Exception], ...]:
    """What pywinrm and the HTTP library under it raise for a host that does not do what it should."""
    library = _library("winrm.exceptions")
    return (
        library.WinRMError,
        library.WinRMTransportError,
        library.WinRMOperationTimeoutError,
        OSError,
        ValueError,
        # ElementTree's ParseError is one: an answer that is not XML.
        SyntaxError,
    )
