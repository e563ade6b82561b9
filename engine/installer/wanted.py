"""What a person writes for a pack: a name, an address, a folder."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import BadInput

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")
_OF_GITHUB = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}/[A-Za-z0-9_.-]{1,100}")
# No part of an address may begin with a dash: a program further on might take it for an option.
_USER = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
_SSH = re.compile(rf"{_USER}@{_HOST}:(?!-)[^\s]+")
_URL = re.compile(rf"(?:https://|ssh://(?:{_USER}@)?){_HOST}(?::[0-9]{{1,5}})?/[^\s]+")
_WITH_PASSWORD = re.compile(r"https://[^/]*@|ssh://[^/@]*:[^/]*@")
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+-]{0,199}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    text: str
    """As it was written."""
    kind: Literal["index", "git", "folder"]
    location: str
    """A name, an address, or a path."""
    revision: str = ""
    """A version, tag, branch or commit; empty: the newest."""

    @property
    def name(self) -> str:
        """What the pack is probably called."""
        last = self.location.rstrip("/").removesuffix(".git").rpartition("/")[2].rpartition(":")[2]
        return last.removeprefix("stackstorm-").removeprefix("stackstorm_")


def wanted_of(text: str) -> Wanted:
    """`name`, `name=version`, `https://...[=revision]`, `git@host:path`, `ssh://...`, `org/repo`,
    `file:///path`. Raises BadInput for everything else, also for addresses that could run something.
    """
    written = text.strip()
    location, equals, revision = written.rpartition("=") if "=" in written else (written, "", "")
    if equals and not _REVISION.fullmatch(revision):
        raise BadInput(f'"{revision}" is no version, tag, branch or commit.', hint="Write NAME=1.2.3.")
    if location.startswith("file://"):
        path = Path(location.removeprefix("file://"))
        if not path.is_absolute():
            raise BadInput(f'"{location}" is no address of a folder.', hint="Write file:///absolute/path.")
        is_repository = (path / ".git").exists() or (path / "HEAD").is_file()
        if revision and not is_repository:
            raise BadInput(f"{path} is no git repository, and has no versions.")
        kind: Literal["git", "folder"] = "git" if is_repository else "folder"
        return Wanted(text=written, kind=kind, location=str(path), revision=revision)
    if _WITH_PASSWORD.match(location):
        # The address itself is not said again here.
        raise BadInput(
            "An address with a password or token in it would be kept and shown with the execution.",
            hint="Use ssh with a key of the account that runs the server.",
        )
    if (_URL.fullmatch(location) or _SSH.fullmatch(location)) and "/-" not in location:
        return Wanted(text=written, kind="git", location=location, revision=revision)
    if _NAME.fullmatch(location):
        return Wanted(text=written, kind="index", location=location, revision=revision)
    if _OF_GITHUB.fullmatch(location) and not location.startswith("."):
        address = f"https://github.com/{location}"
        return Wanted(text=written, kind="git", location=address, revision=revision)
    raise BadInput(
        f'"{text}" names no pack.',
        hint="Write a name, NAME=VERSION, https://host/repository[=REVISION], ORG/REPOSITORY or file:///folder.",
    )
