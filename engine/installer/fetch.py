"""Bringing a pack's files here, without running any of them."""

import os
import shutil
import stat
import subprocess
from pathlib import Path

from engine.errors import BadInput
from engine.installer.wanted import Wanted

MOST_FILES = 20_000
MOST_BYTES = 500 * 1024 * 1024
_GIT_TIMEOUT_S = 600
_SAFE = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "protocol.ext.allow=never"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "submodule.recurse=false"),
)


def fetch(wanted: Wanted, into: Path) -> str:
    """The files of the pack in the new folder `into`; gives the commit, empty for a plain folder.

    Raises BadInput.
    """
    if wanted.kind == "folder":
        _copy(Path(wanted.location), into)
        commit = ""
    else:
        commit = _clone(wanted, into)
    check_tree(into)
    return commit


def _copy(source: Path, into: Path) -> None:
    if not source.is_dir():
        raise BadInput(f"There is no folder {source}.")
    check_tree(source)
    try:
        shutil.copytree(source, into, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    except (OSError, shutil.Error) as error:
        raise BadInput(f"{source} could not be copied: {error}") from error


def _clone(wanted: Wanted, into: Path) -> str:
    address = wanted.location
    _git("clone", "--quiet", "--no-recurse-submodules", "--template=", "--", address, str(into), of=wanted)
    if wanted.revision:
        _check_out(wanted, into)
    return _git("rev-parse", "HEAD", of=wanted, folder=into)


def _check_out(wanted: Wanted, into: Path) -> None:
    for candidate in (f"origin/{wanted.revision}", wanted.revision, f"v{wanted.revision}"):
        try:
            _git("checkout", "--quiet", "--detach", candidate, "--", of=wanted, folder=into)
        except BadInput:
            continue
        return
    tags = _git("tag", "--sort=-version:refname", of=wanted, folder=into).splitlines()
    versions = ", ".join(tag.removeprefix("v") for tag in tags[:20]) or "none"
    raise BadInput(
        f'"{wanted.revision}" is not a valid version, hash, tag or branch in {wanted.location}. '
        f"Available versions are: {versions}."
    )


def _git(*words: str, of: Wanted, folder: Path | None = None) -> str:
    """What git prints. Its configuration is ours alone; it asks nobody anything."""
    is_here = of.location.startswith("/")
    environment = {
        **{
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SSH_AUTH_SOCK") if name in os.environ
        },
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ALLOW_PROTOCOL": "file" if is_here else "https:ssh",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
        "GIT_LFS_SKIP_SMUDGE": "1",
    }
    where = ["-C", str(folder)] if folder is not None else []
    owned = ["-c", "safe.directory=*"] if is_here else []
    try:
        done = subprocess.run(
            ["git", *_SAFE, *owned, *where, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_GIT_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise BadInput("There is no git on this machine.", hint="Install git.") from error
    except subprocess.TimeoutExpired as error:
        raise BadInput(f"{of.location} did not answer within {_GIT_TIMEOUT_S} s.") from error
    if done.returncode != 0:
        words_ = " ".join(line.strip() for line in done.stderr.splitlines()[-3:])
        raise BadInput(f"{of.location}: {words_ or f'git {words[0]} failed'}")
    return done.stdout.strip()


def check_tree(folder: Path) -> None:
    """Files and folders only, links that stay inside, and a bounded size. Raises BadInput."""
    root = folder.resolve()
    files = size = 0
    for base, folders, names in os.walk(folder):
        if Path(base) == folder and ".git" in folders:
            folders.remove(".git")
        for name in (*folders, *names):
            path = Path(base) / name
            shown = path.relative_to(folder)
            info = path.lstat()
            if stat.S_ISLNK(info.st_mode):
                if not path.resolve().is_relative_to(root):
                    raise BadInput(f"{shown} is a link that leads out of the pack.")
            elif not stat.S_ISDIR(info.st_mode) and not stat.S_ISREG(info.st_mode):
                raise BadInput(f"{shown} is neither a file nor a folder.")
            files += 1
            size += info.st_size
            if files > MOST_FILES or size > MOST_BYTES:
                raise BadInput(f"The pack has more than {MOST_FILES} files, or {MOST_BYTES >> 20} MB.")
