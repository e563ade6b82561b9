"""A pack as it was in another revision: a git worktree beside it, for `content_version`."""

import shutil
import subprocess
from pathlib import Path

from engine.errors import RunnerFailure

_TIMEOUT_S = 60


def checkout(pack_folder: Path, revision: str, target: Path) -> Path:
    """The pack's folder within a worktree of `revision` made at `target`.

    Raises RunnerFailure when the pack is not in a git repository or has no such revision.
    """
    if revision.startswith("-"):
        raise RunnerFailure(f"{revision!r} is not a git revision.")
    prefix = _git(pack_folder, "rev-parse", "--show-prefix", failure=_no_repository(pack_folder)).strip()
    if not target.exists():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _git(
            pack_folder,
            *("worktree", "add", "--detach", "--force", str(target), revision),
            failure=f"The pack in {pack_folder} has no git revision {revision!r}",
        )
    return target / prefix


def remove_checkout(pack_folder: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    _git(pack_folder, "worktree", "prune", failure="The worktree could not be removed")


def _no_repository(pack_folder: Path) -> str:
    return f"content_version needs a git repository, and {pack_folder} is in none"


def _git(folder: Path, *words: str, failure: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RunnerFailure(f"{failure}: {error}.") from error
    if done.returncode != 0:
        raise RunnerFailure(f"{failure}: {done.stderr.strip()}")
    return done.stdout
