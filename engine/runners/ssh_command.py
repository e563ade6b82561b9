"""What is sent to a remote shell: a constant first line, and the command itself through its input.

The first line is what `ps` shows on the host. It reads the real text from standard input, so
that no secret of it is seen there; it checks that the text is whole, says its process id in a
line with a marker that nobody can guess, and runs the text in the account's own shell.
"""

import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.errors import RunnerFailure
from engine.runners.shell import ARGUMENT_LIMIT_BYTES

# The text itself travels in the environment: `ps` shows only this, and sudo's log too.
_UNDER_SUDO = 'c=$STORMCROW_COMMAND; unset STORMCROW_COMMAND; exec </dev/null; eval "$c"'
# The shell reads byte by byte, which is faster than to start `head` only for a short text.
_SHORT_BYTES = 2_048
_BEGUN = 'echo "$STORMCROW_RUN begun"; '


def new_marker() -> str:
    return f"stormcrow-{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCommand:
    text: str = field(repr=False)
    """Runs verbatim in the login shell of the account, which must be a POSIX one."""
    cwd: str = ""
    """Empty: where the login begins."""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names checked by `shell.environment_text`."""
    sudo: bool = False
    sudo_password: str = field(default="", repr=False)
    marker: str = field(default_factory=new_marker)

    @property
    def needs_input(self) -> bool:
        """Whether sudo waits for its password after the command has begun."""
        return self.sudo and bool(self.sudo_password)


def first_line(command: RemoteCommand, *, size_bytes: int, pty: bool) -> str:
    """The command line of the SSH request. With a terminal, it first says `MARKER tty`."""
    marker = command.marker
    terminal = f"stty raw -echo && echo '{marker} tty' && " if pty else ""
    # A text cut short by a broken connection must not run: its last line is the marker.
    if size_bytes < _SHORT_BYTES:
        read = f'S=; l=; until [ "$l" = \'#{marker}\' ]; do IFS= read -r l || exit 254; S="$S$l\n"; done'
    else:
        read = f"S=$(head -c {size_bytes}); case $S in *'#{marker}') ;; *) exit 254;; esac"
    return f'{terminal}{read}; echo "{marker} $$"; eval "$S"'


def prompt(command: RemoteCommand) -> str:
    """What sudo asks with on a terminal."""
    return f"[{command.marker} password]"


def payload(command: RemoteCommand, *, pty: bool = False) -> bytes:
    """What goes through standard input. Raises RunnerFailure when it cannot be sent as it is.

    On a terminal where sudo has to be answered, `MARKER begun` comes before the output.
    """
    lines = [f"export {name}={shlex.quote(value)}" for name, value in command.env.items()]
    if command.cwd:
        lines.append(f"cd -- {shlex.quote(command.cwd)} || exit 1")
    lines.append(command.text)
    body = "\n".join(lines)
    text = "\n".join(
        [
            "unset S l",
            # Every process of the run carries it, and is found by it when the run is cancelled.
            f"export STORMCROW_RUN={command.marker}",
            _with_sudo(command, body, pty=pty) if command.sudo else f"exec </dev/null\n{body}",
            f"#{command.marker}\n",
        ]
    )
    if "\0" in text:
        raise RunnerFailure("A NUL character cannot be part of a command.")
    return text.encode("utf-8", "surrogateescape")


def _with_sudo(command: RemoteCommand, body: str, *, pty: bool) -> str:
    if len(body.encode("utf-8", "surrogateescape")) > ARGUMENT_LIMIT_BYTES:
        raise RunnerFailure(
            f"A command with sudo may have {ARGUMENT_LIMIT_BYTES} bytes, its variables included.",
            hint="Put it into a remote-shell-script action.",
        )
    # sudo drops variables that look like exported functions, `()...`: the newline prevents that.
    hand_over = f"export STORMCROW_COMMAND={shlex.quote(chr(10) + body)}"
    inner, how, source = _UNDER_SUDO, "-n", " </dev/null"
    if command.needs_input:
        # Without a terminal the end of the input stops sudo from asking twice; on one it must be seen.
        how, source = f"-S -p {shlex.quote(prompt(command) if pty else '')}", ""
        inner = _BEGUN + inner if pty else inner
    return f"{hand_over}\nsudo {how} -E -- bash -c {shlex.quote(inner)}{source}"


def kill_text(*, pid: int | None, marker: str, signal: Literal["TERM", "KILL"]) -> str:
    """Signals the process group of the run, and on Linux everything that carries its marker.

    The marker finds what left the group: `setsid`, daemons, double forks.
    """
    group = f"kill -{signal} -- -{pid} 2>/dev/null || kill -{signal} {pid} 2>/dev/null\n" if pid else ""
    # The brackets keep the pattern from fitting the environment of the killer itself.
    pattern = f"STORMCROW_RUN=[{marker[0]}]{marker[1:]}"
    return (
        f"{group}for p in $(grep -l '{pattern}' /proc/[0-9]*/environ 2>/dev/null "
        f"| tr -dc '0-9\\n'); do kill -{signal} $p 2>/dev/null; done\nexit 0"
    )
