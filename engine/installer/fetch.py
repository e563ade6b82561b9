"""Bringing a pack's files here, without running any of them."""

import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

from engine.errors import BadInput
from engine.installer.wanted import Wanted

MOST_FILES = 20_000
MOST_BYTES = 500 * 1024 * 1024
_GIT_TIMEOUT_S = 600
# How often the size is looked at while git fetches.
_LOOK_S = 1.0
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_SAFE = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "protocol.ext.allow=never"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "submodule.recurse=false"),
)


def fetch(wanted: Wanted, into: Path, *, keep: Collection[int] = ()) -> str:
    """The files of the pack in the new folder `into`; gives the commit, empty for a plain folder.

    `keep`: descriptors that git inherits, so that locks last as long as it works. Raises BadInput.
    """
    if wanted.kind == "folder":
        _copy(Path(wanted.location), into)
        commit = ""
    else:
        commit = _Repository(wanted, into, keep).clone()
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


class _Repository:
    """One repository, from its address to a checked out revision in `into`."""

    def __init__(self, wanted: Wanted, into: Path, keep: Collection[int]) -> None:
        self._wanted = wanted
        self._into = into
        self._keep = tuple(keep)

    def clone(self) -> str:
        """The commit that is checked out. Raises BadInput."""
        address, into = self._wanted.location, str(self._into)
        safe = ("--quiet", "--no-local", "--no-recurse-submodules", "--template=")
        self._git("clone", *safe, "--", address, into, is_inside=False)
        if self._wanted.revision:
            self._check_out()
        return self._git("rev-parse", "HEAD")

    def _check_out(self) -> None:
        revision = self._wanted.revision
        for candidate in (f"origin/{revision}", revision, f"v{revision}"):
            try:
                self._git("checkout", "--quiet", "--detach", candidate, "--")
            except BadInput:
                continue
            return
        tags = self._git("tag", "--sort=-version:refname").splitlines()
        versions = ", ".join(tag.removeprefix("v") for tag in tags[:20]) or "none"
        raise BadInput(
            f'"{revision}" is not a valid version, hash, tag or branch in {self._wanted.location}. '
            f"Available versions are: {versions}."
        )

    def _git(self, *words: str, is_inside: bool = True) -> str:
        """What git prints. Its configuration is ours alone; it asks nobody anything."""
        address = self._wanted.location
        where = ["-C", str(self._into)] if is_inside else []
        owned = ["-c", "safe.directory=*"] if address.startswith("/") else []
        try:
            process = subprocess.Popen(
                ["git", *_SAFE, *owned, *where, *words],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
                pass_fds=self._keep,
            )
        except FileNotFoundError as error:
            raise BadInput("There is no git on this machine.", hint="Install git.") from error
        with process:
            try:
                said, complained = self._follow(process)
            except BaseException:
                _kill(process)
                raise
        if process.returncode != 0:
            last = " ".join(line.strip() for line in complained.splitlines()[-3:])
            raise BadInput(f"{address}: {last or f'git {words[0]} failed'}")
        return said.strip()

    def _follow(self, process: "subprocess.Popen[str]") -> tuple[str, str]:
        """Until its end, as long as neither time nor room runs out."""
        give_up_at = time.monotonic() + _GIT_TIMEOUT_S
        while True:
            try:
                return process.communicate(timeout=_LOOK_S)
            except subprocess.TimeoutExpired:
                check_room(self._into)
                if time.monotonic() > give_up_at:
                    address = self._wanted.location
                    raise BadInput(f"{address} did not answer within {_GIT_TIMEOUT_S} s.") from None

    def _environment(self) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "ST2_ACTION_EXECUTION_ID")
        return {
            **{name: os.environ[name] for name in kept if name in os.environ},
            **{name: value for name, value in os.environ.items() if name.lower() in _PROXIES},
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ALLOW_PROTOCOL": "file" if self._wanted.location.startswith("/") else "https:ssh",
            "GIT_SSH_COMMAND": "ssh -oBatchMode=yes",
            "GIT_LFS_SKIP_SMUDGE": "1",
        }


def _kill(process: "subprocess.Popen[str]") -> None:
    """With what it started: a clone is several processes."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        process.kill()


def check_room(folder: Path) -> None:
    """Everything in it counts, the history too, also while somebody writes there. Raises BadInput."""
    files = size = 0
    for base, folders, names in os.walk(folder):
        for name in (*folders, *names):
            try:
                size += (Path(base) / name).lstat().st_size
            except OSError:
                continue
            files += 1
    if files > MOST_FILES or size > MOST_BYTES:
        raise BadInput(f"The pack has more than {MOST_FILES} files, or {MOST_BYTES >> 20} MB.")


def check_tree(folder: Path) -> None:
    """Files and folders only, links that stay inside, and a bounded size. Raises BadInput."""
    check_room(folder)
    root = folder.resolve()
    for base, folders, names in os.walk(folder):
        if Path(base) == folder and ".git" in folders:
            folders.remove(".git")
        for name in (*folders, *names):
            path = Path(base) / name
            shown = path.relative_to(folder)
            info = path.lstat()
            if stat.S_ISLNK(info.st_mode):
                # Not Path.resolve: it stumbles over links in a circle.
                if not Path(os.path.realpath(path)).is_relative_to(root):
                    raise BadInput(f"{shown} is a link that leads out of the pack.")
            elif not stat.S_ISDIR(info.st_mode) and not stat.S_ISREG(info.st_mode):
                raise BadInput(f"{shown} is neither a file nor a folder.")
