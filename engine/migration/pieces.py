"""What is taken over as files: a pack, a configuration, a file of rights; each whole or not at all."""

import filecmp
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.errors import BadInput, Conflict
from engine.installer.fetch import check_tree
from engine.installer.switching import MARK, write_mark
from engine.records.execution import new_id
from engine.replacing import delete, put
from engine.store.vault import write_private

LEFT_OUT = frozenset({"__pycache__", ".git", MARK})
"""Not copied, and not compared: a pack that moves leaves its history behind, but not where it is from."""
_MOST_NAMED = 5


class State(StrEnum):
    NEW = "new"
    SAME = "same"
    """There already, as it would be written."""
    DIFFERENT = "different"
    """There, and not the same; it was left alone."""
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    state: State
    differences: tuple[str, ...] = ()
    """What is different; never a value that may be a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackPiece:
    """A pack's folder. The target has the ref as its name, whatever the folder was called."""

    name: str
    source: Path
    target: Path
    programs: frozenset[str] = frozenset()
    """Files, relative to the folder, that must be executable: scripts of local actions."""
    origin: str = ""
    """The address that updates ask; empty: nobody knows one."""
    kind: str = "pack"

    def compare(self) -> Comparison:
        if not self.target.exists() and not self.target.is_symlink():
            return Comparison(state=State.NEW)
        found = sorted(_different(self.source, self.target))
        return Comparison(state=State.DIFFERENT, differences=_few(found)) if found else _SAME

    def write(self) -> None:
        """Copied beside its place, then put there in one step. Raises Conflict."""
        fresh = self.target.with_name(f".{self.target.name}.import")
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            # What an import left that was killed while it copied.
            delete(fresh)
            shutil.copytree(
                self.source, fresh, symlinks=True, ignore=lambda _, names: LEFT_OUT.intersection(names)
            )
            # Once more, of what was really copied: the old box may have changed meanwhile.
            check_tree(fresh)
            self._set_modes(fresh)
            if self.origin:
                write_mark(fresh, token=new_id(), source=self.origin, location=self.origin, is_imported=True)
            put(fresh, self.target)
        except (OSError, shutil.Error, BadInput) as error:
            raise Conflict(f"The pack {self.name} could not be copied to {self.target}: {error}") from error
        finally:
            delete(fresh)

    def _set_modes(self, folder: Path) -> None:
        """Readable and executable as it was for its owner, writable for nobody else."""
        for path in _walk(folder):
            info = path.lstat()
            if stat.S_ISLNK(info.st_mode):
                continue
            runs = info.st_mode & stat.S_IXUSR or str(path.relative_to(folder)) in self.programs
            path.chmod(0o755 if stat.S_ISDIR(info.st_mode) or runs else 0o644)
        folder.chmod(0o755)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePiece:
    """One small file; `is_private`: what is in it is nobody else's to see."""

    kind: str
    name: str
    content: bytes
    target: Path
    is_private: bool = False

    def compare(self) -> Comparison:
        try:
            there = self.target.read_bytes()
        except FileNotFoundError:
            return Comparison(state=State.NEW)
        except OSError as error:
            return Comparison(state=State.DIFFERENT, differences=(f"cannot be read: {error.strerror}",))
        if there == self.content:
            return _SAME
        return Comparison(state=State.DIFFERENT, differences=_few(_lines(there, self.content)))

    def write(self) -> None:
        """Raises Conflict."""
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            write_private(self.target, self.content)
            if not self.is_private:
                self.target.chmod(0o644)
        except OSError as error:
            raise Conflict(f"{self.target} cannot be written: {error.strerror}.") from error


_SAME = Comparison(state=State.SAME)


def _few(found: list[str]) -> tuple[str, ...]:
    more = len(found) - _MOST_NAMED
    return (*found[:_MOST_NAMED], *([f"and {more} more"] if more > 0 else []))


def _walk(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        yield from (Path(base) / name for name in (*folders, *names) if name not in LEFT_OUT)


def _different(source: Path, target: Path) -> Iterator[str]:
    """Files that are in one of the folders only, or not the same in both."""
    here = {str(path.relative_to(source)): path for path in _walk(source)}
    there = {str(path.relative_to(target)): path for path in _walk(target)}
    for name in here.keys() | there.keys():
        if name not in there:
            yield f"{name} is missing here"
        elif name not in here:
            yield f"{name} is only here"
        elif not _is_same(here[name], there[name]):
            yield f"{name} is another one"


def _is_same(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    if one.is_dir() or other.is_dir():
        return one.is_dir() and other.is_dir()
    return filecmp.cmp(one, other, shallow=False)


def _lines(there: bytes, wanted: bytes) -> list[str]:
    """The numbers of the first lines that are not the same; their text may be a secret."""
    old, new = there.splitlines(), wanted.splitlines()
    at = next(
        (number for number, pair in enumerate(zip(old, new, strict=False), start=1) if pair[0] != pair[1]),
        min(len(old), len(new)) + 1,
    )
    return [f"from line {at} on"]
