"""packs.get: what is known of an installed pack."""

import subprocess
from pathlib import Path

import pack_api
from st2common.runners.base_action import Action

GIT_TIMEOUT_S = 10


class GetAction(Action):
    def run(self, pack, branch="master"):
        """`{pack, git_status}`: the pack's document, and where its checkout stands (None when it is none).

        (False, `{error}`) when the pack is not installed.
        """
        found = pack_api.installed(pack)
        if found is None:
            return False, {"error": f"The pack {pack} is not installed."}
        return True, {"pack": found, "git_status": git_status(found.get("path"), branch)}


def git_status(path, branch):
    """`{revision, modified, ahead, behind}`; the last two against origin's branch, or None."""
    if not path or not (Path(path) / ".git").exists():
        return None
    revision = git(path, "rev-parse", "--short", "HEAD")
    changes = git(path, "status", "--porcelain")
    counts = git(path, "rev-list", "--left-right", "--count", f"HEAD...refs/remotes/origin/{branch}")
    ahead, behind = map(int, counts.split()) if counts else (None, None)
    return {"revision": revision, "modified": bool(changes), "ahead": ahead, "behind": behind}


def git(path, *arguments):
    """What git writes; None when it fails, is missing, or hangs."""
    try:
        done = subprocess.run(
            ["git", "-C", path, *arguments], capture_output=True, timeout=GIT_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None
