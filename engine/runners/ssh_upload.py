"""A script and the libraries of its pack, copied to a host by SFTP."""

import os
import posixpath
import threading
from collections.abc import Callable
from pathlib import Path

import paramiko

from engine.errors import RunnerFailure
from engine.runners.ssh_connect import Target
from engine.runners.ssh_pool import ConnectionPool

_PRIVATE = 0o700
_FILE = 0o600


def upload(
    pool: ConnectionPool,
    target: Target,
    *,
    script: Path,
    library: Path,
    folder: str,
    cancelled: threading.Event,
    undo: Callable[[], None],
) -> None:
    """Makes `folder` on the host, which must not exist yet, with the script and `lib` in it.

    Only the account that logs in can read it. `undo` is called when the folder was made and
    could not be filled. Raises RunnerFailure.
    """

    def prepare(channel: paramiko.Channel) -> None:
        channel.settimeout(30.0)
        channel.invoke_subsystem("sftp")

    with pool.session(target, prepare=prepare, cancelled=cancelled) as channel:
        try:
            with paramiko.SFTPClient(channel) as sftp:
                _make_parents(sftp, posixpath.dirname(folder))
                # Never into a folder that somebody else may have prepared: making it must succeed.
                sftp.mkdir(folder, _PRIVATE)
                try:
                    _fill(sftp, script, library, folder, cancelled)
                except (OSError, EOFError, paramiko.SSHException):
                    undo()
                    raise
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise RunnerFailure(
                f"The script cannot be copied to {target.address}:{folder}: {error}.",
                hint="Check the parameter `dir`, its free space, and that the host offers SFTP.",
            ) from error


def _fill(
    sftp: paramiko.SFTPClient, script: Path, library: Path, folder: str, cancelled: threading.Event
) -> None:
    _put(sftp, script, posixpath.join(folder, script.name), _PRIVATE)
    if not library.is_dir():
        return
    for where, folders, files in os.walk(library):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        inner = Path(where).relative_to(library.parent).as_posix()
        sftp.mkdir(posixpath.join(folder, inner), _PRIVATE)
        for name in sorted(files):
            if cancelled.is_set():
                return
            local = Path(where) / name
            # A link may lead out of the pack.
            if not local.is_symlink() and local.is_file():
                mode = _PRIVATE if os.access(local, os.X_OK) else _FILE
                _put(sftp, local, posixpath.join(folder, inner, name), mode)


def _put(sftp: paramiko.SFTPClient, local: Path, remote: str, mode: int) -> None:
    sftp.put(str(local), remote)
    sftp.chmod(remote, mode)


def _make_parents(sftp: paramiko.SFTPClient, folder: str) -> None:
    if not folder or folder == "/":
        return
    try:
        sftp.stat(folder)
    except FileNotFoundError:
        _make_parents(sftp, posixpath.dirname(folder))
        sftp.mkdir(folder, _PRIVATE)
