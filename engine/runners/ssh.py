"""One command on one host: send it, drain its output to the end, and end it when it must end."""

import logging
import re
import select
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import paramiko

from engine.errors import RunnerFailure
from engine.expressions.masking import ValueMasker
from engine.runners.ssh_command import RemoteCommand, first_line, kill_text, payload, prompt
from engine.runners.ssh_connect import Target
from engine.runners.ssh_output import OutputCapture
from engine.runners.ssh_pool import ConnectionPool

log = logging.getLogger(__name__)

Ending = Literal["exited", "timeout", "cancelled", "lost"]

# How soon a cancel and an exit status without output are noticed.
_SLICE_S = 0.1
_READ_BYTES = 262_144
# A background process may hold the output open after the command has ended: so long a silence
# after the exit status is taken as the end.
_SILENCE_S = 2.0
_START_S = 30.0
_KILLED_WAIT_S = 2.0
# What profile scripts may print before our first line.
_PREAMBLE_LIMIT = 65_536
_NO_TERMINAL = re.compile(r"sudo: .*(tty|terminal)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    timeout_s: float
    kill_grace_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    return_code: int
    """-1: ended by a signal, or unknown because the connection was lost."""
    ending: Ending


class RemoteRun:
    """One command, from its first byte to its end; used once."""

    def __init__(
        self,
        pool: ConnectionPool,
        target: Target,
        command: RemoteCommand,
        *,
        limits: RunLimits,
        cancelled: threading.Event,
        stdout: OutputCapture,
        stderr: OutputCapture,
        kills: bool = True,
    ) -> None:
        """`kills` is false for a kill itself, which must not start another one."""
        self._pool = pool
        self._target = target
        self._command = command
        self._limits = limits
        self._cancelled = cancelled
        self._stdout = stdout
        self._stderr = stderr
        self._payload = payload(command)
        self._pid: int | None = None
        self._preamble: bytes | None = b""
        self._pty = False
        self._answered = 0
        self._error_text = b""
        self._kills = kills

    def run(self) -> Outcome:
        """Blocks until the end. Raises RunnerFailure only while nothing was sent to the host."""
        outcome = self._attempt()
        if self._wants_terminal(outcome):
            # sudo refused before it ran anything (`requiretty`), so that beginning anew repeats no effect.
            self._pty, self._pid, self._preamble, self._error_text = True, None, b"", b""
            self._payload = payload(self._command, pty=True)
            outcome = self._attempt()
        self._stderr.feed(self._error_text)
        # Without our line the shell never came to the command; what it said instead explains why.
        self._stdout.feed(self._without_markers(self._preamble or b""))
        return outcome

    def _attempt(self) -> Outcome:
        prepare = self._prepare_with_terminal if self._pty else self._prepare
        with self._pool.session(self._target, prepare=prepare, cancelled=self._cancelled) as channel:
            until_s = time.monotonic() + self._limits.timeout_s
            try:
                self._send(channel)
            except (OSError, EOFError, paramiko.SSHException):
                # A command may end before it has read all that we send: a sudo that refuses at once
                # does. Then its status is here, and what it said is still to be read.
                if not channel.closed or channel.exit_status == -1:
                    return self._lost()
            ending = self._drain(channel, until_s, stop_on_cancel=True)
            if ending in {"timeout", "cancelled"} and self._kills:
                self._kill(channel)
            if ending == "exited" and channel.exit_status == -1 and not channel.get_transport().is_active():
                return self._lost()
            return Outcome(return_code=channel.exit_status, ending=ending)

    def _lost(self) -> Outcome:
        if self._cancelled.is_set():
            return Outcome(return_code=-1, ending="cancelled")
        return Outcome(return_code=-1, ending="lost")

    def _wants_terminal(self, outcome: Outcome) -> bool:
        """Whether sudo refused for want of a terminal; nothing has run then, or been printed."""
        if self._pty or not self._command.sudo or outcome.ending != "exited" or outcome.return_code != 1:
            return False
        text = self._error_text.decode("utf-8", "replace").strip()
        return text.count("\n") == 0 and "password" not in text and bool(_NO_TERMINAL.match(text))

    def _prepare(self, channel: paramiko.Channel) -> None:
        channel.settimeout(_START_S)
        channel.exec_command(first_line(self._command, size_bytes=len(self._payload), pty=False))

    def _prepare_with_terminal(self, channel: paramiko.Channel) -> None:
        channel.settimeout(_START_S)
        channel.get_pty(term="dumb", width=200)
        channel.exec_command(first_line(self._command, size_bytes=len(self._payload), pty=True))

    def _send(self, channel: paramiko.Channel) -> None:
        if self._pty:
            # The terminal must be raw before it sees the text, or it would be echoed and cut.
            self._await_line(channel, rb" tty\r?\n")
        channel.sendall(self._payload)
        if not self._command.needs_input:
            if not self._pty:
                channel.shutdown_write()
            return
        self._await_line(channel, rb" (\d+)\n")
        if not self._pty:
            channel.sendall(self._command.sudo_password.encode() + b"\n")
            channel.shutdown_write()

    def _await_line(self, channel: paramiko.Channel, ending: bytes) -> None:
        """Reads until our own line has come; raises TimeoutError (an OSError) when it does not."""
        until_s = time.monotonic() + _START_S
        pattern = re.compile(re.escape(self._command.marker.encode()) + ending)
        while self._preamble is not None and not pattern.search(self._preamble):
            if time.monotonic() > until_s or self._cancelled.is_set():
                raise TimeoutError
            if channel.recv_ready():
                self._take_stdout(channel, channel.recv(_READ_BYTES))
            elif channel.closed or channel.eof_received:
                return
            else:
                time.sleep(0.002)

    def _drain(self, channel: paramiko.Channel, until_s: float, *, stop_on_cancel: bool) -> Ending:
        """Reads both streams until they end and the exit status is there, or until `until_s`."""
        poller = select.poll()
        poller.register(channel.fileno(), select.POLLIN)
        silent_since_s = time.monotonic()
        while True:
            has_status = channel.status_event.is_set()
            if self._read_ready(channel):
                silent_since_s = time.monotonic()
                if silent_since_s < until_s and not self._cancelled.is_set():
                    continue
            now_s = time.monotonic()
            if (channel.eof_received or channel.closed) and not _has_data(channel):
                if has_status or channel.closed:
                    return "exited"
                channel.status_event.wait(_SLICE_S)
            elif has_status and now_s - silent_since_s > _SILENCE_S:
                return "exited"
            elif not _has_data(channel):
                poller.poll(_SLICE_S * 1000)
            if stop_on_cancel and self._cancelled.is_set():
                return "cancelled"
            if now_s >= until_s:
                return "timeout"

    def _read_ready(self, channel: paramiko.Channel) -> bool:
        is_something = False
        if channel.recv_ready():
            self._take_stdout(channel, channel.recv(_READ_BYTES))
            is_something = True
        if channel.recv_stderr_ready():
            self._take_stderr(channel.recv_stderr(_READ_BYTES))
            is_something = True
        return is_something

    def _take_stdout(self, channel: paramiko.Channel, data: bytes) -> None:
        """Takes our own lines, and what a profile printed before them, out of the output."""
        if self._preamble is None:
            self._stdout.feed(data)
            return
        self._preamble += data
        marker = re.escape(self._command.marker.encode())
        found = re.search(marker + rb" (\d+)\n", self._preamble)
        if found:
            self._pid = int(found.group(1))
        if self._pty and self._command.needs_input:
            self._answer(channel)
            found = re.search(marker + rb" begun\r?\n", self._preamble)
        if found:
            rest, self._preamble = self._preamble[found.end() :], None
            self._stdout.feed(rest)
        elif len(self._preamble) > _PREAMBLE_LIMIT:
            self._preamble = self._preamble[-_PREAMBLE_LIMIT // 2 :]

    def _answer(self, channel: paramiko.Channel) -> None:
        """The password once, when sudo asks; after a wrong one nothing, until sudo gives up."""
        asked = (self._preamble or b"").count(prompt(self._command).encode())
        while self._answered < asked:
            self._answered += 1
            # What has ended without waiting for an answer is met by whoever drains the output.
            with suppress(OSError, EOFError, paramiko.SSHException):
                channel.sendall(
                    (self._command.sudo_password.encode() if self._answered == 1 else b"") + b"\n"
                )

    def _without_markers(self, text: bytes) -> bytes:
        text = text.replace(prompt(self._command).encode(), b"")
        lines = text.splitlines(keepends=True)
        return b"".join(line for line in lines if self._command.marker.encode() not in line)

    def _take_stderr(self, data: bytes) -> None:
        # The first bytes wait until we know whether sudo wants a terminal.
        if self._command.sudo and not self._pty and len(self._error_text) + len(data) < 1_024:
            self._error_text += data
            return
        self._stderr.feed(self._error_text + data)
        self._error_text = b""

    def _kill(self, channel: paramiko.Channel) -> None:
        """TERM, a grace, KILL; to the whole process group and to what carries the marker."""
        self._signal("TERM")
        self._drain(channel, time.monotonic() + self._limits.kill_grace_s, stop_on_cancel=False)
        self._signal("KILL")
        self._drain(channel, time.monotonic() + _KILLED_WAIT_S, stop_on_cancel=False)

    def _signal(self, signal: Literal["TERM", "KILL"]) -> None:
        """Once as the account, and with sudo once more for what runs as root."""
        text = kill_text(pid=self._pid, marker=self._command.marker, signal=signal)
        ways = [RemoteCommand(text=text)]
        if self._command.sudo:
            password = self._command.sudo_password
            ways.append(RemoteCommand(text=text, sudo=True, sudo_password=password))
        for command in ways:
            try:
                send_quietly(self._pool, self._target, command)
            except RunnerFailure as error:
                log.warning("a remote command may still run on %s: %s", self._target.address, error.message)


def send_quietly(
    pool: ConnectionPool, target: Target, command: RemoteCommand, *, timeout_s: float = 10.0
) -> Outcome:
    """Runs a small command of our own and drops its output. Raises RunnerFailure."""
    nothing = OutputCapture(ValueMasker(()), limit_bytes=0, emit=None)
    return RemoteRun(
        pool,
        target,
        command,
        limits=RunLimits(timeout_s=timeout_s, kill_grace_s=0.0),
        cancelled=threading.Event(),
        stdout=nothing,
        stderr=nothing,
        kills=False,
    ).run()


def _has_data(channel: paramiko.Channel) -> bool:
    return channel.recv_ready() or channel.recv_stderr_ready()
