"""Commands and quoting for pack code."""

import os
import shlex
import subprocess
import sys

__all__ = ["kill_process", "quote_unix", "quote_windows", "run_command"]


def run_command(  # noqa: PLR0917  (StackStorm's signature)
    cmd,
    stdin=None,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    shell=False,
    cwd=None,
    env=None,
    close_fds=None,
):
    """Run `cmd`, a list (or text with `shell`); (exit code, stdout, stderr), the last two as text."""
    if not isinstance(cmd, (list, tuple, str)):
        raise TypeError("cmd must be a list, a tuple or text, not %s." % type(cmd).__name__)
    process = subprocess.Popen(
        cmd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        shell=shell,
        cwd=cwd,
        env=os.environ.copy() if env is None else env,
        close_fds=True if close_fds is None else close_fds,
    )
    out, err = process.communicate()
    return process.returncode, _text(out), _text(err)


def _text(data):
    return None if data is None else data.decode(sys.getdefaultencoding(), "backslashreplace")


def kill_process(process):
    """Kill a Popen and everything in its process group; its exit code, None while it still ends."""
    try:
        os.killpg(os.getpgid(process.pid), 9)
    except OSError:
        process.kill()
    return process.poll()


def quote_unix(value):
    """One word for a Unix shell."""
    return shlex.quote(value)


def quote_windows(value):
    """One word for the command line of Windows."""
    return subprocess.list2cmdline([value])
