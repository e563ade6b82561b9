"""Finding packs and content files on the disk, without following links out of a pack."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

KINDS = ("triggers", "sensors", "actions", "rules", "aliases", "policies")
"""The folders of a pack, in the order in which they are read."""
EXTENSIONS = (".yaml", ".yml")
MANIFEST = "pack.yaml"
CONFIG_SCHEMA = "config.schema.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What changes when a file does; equal stamps mean that it need not be read again."""

    modified_ns: int
    changed_ns: int
    size_bytes: int
    inode: int

    @classmethod
    def of(cls, stat: os.stat_result) -> "Stamp":
        return cls(
            modified_ns=stat.st_mtime_ns,
            changed_ns=stat.st_ctime_ns,
            size_bytes=stat.st_size,
            inode=stat.st_ino,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A content file; `escapes` when it is a link that leads out of its root."""

    path: Path
    stamp: Stamp
    escapes: bool = False


def pack_folders(bases: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    """(base, folder) of every folder that looks like a pack; bases in order, folders sorted.

    A folder looks like a pack when it holds pack.yaml or one of the folders of a pack. A base
    that does not exist holds nothing.
    """
    seen = set()
    for base in bases:
        if base in seen:
            continue
        seen.add(base)
        for folder in sorted(_subfolders(base)):
            if (folder / MANIFEST).is_file() or any((folder / kind).is_dir() for kind in KINDS):
                yield base, folder


def _subfolders(base: Path) -> Iterator[Path]:
    try:
        entries = list(os.scandir(base))
    except OSError:
        return
    for entry in entries:
        if not entry.name.startswith((".", "__")) and entry.is_dir():
            yield Path(entry.path)


def content_files(folder: Path, *, root: Path) -> list[FoundFile]:
    """The YAML files directly in `folder`, sorted by name; hidden ones are left out.

    `root` is the resolved pack folder: what a link leads to outside of it is marked.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []
    folder_escapes = not is_inside(folder, root)
    return [
        found
        for entry in entries
        if entry.name.endswith(EXTENSIONS)
        and not entry.name.startswith(".")
        and (found := _found(entry, root, folder_escapes=folder_escapes)) is not None
    ]


def _found(entry: os.DirEntry[str], root: Path, *, folder_escapes: bool) -> FoundFile | None:
    path = Path(entry.path)
    try:
        if entry.is_dir():
            return None
        # A link to nowhere has only its own stamp; reading it tells what is wrong.
        stat = entry.stat(follow_symlinks=entry.is_file())
    except OSError:
        return None
    escapes = folder_escapes or (entry.is_symlink() and not is_inside(path, root))
    return FoundFile(path=path, stamp=Stamp.of(stat), escapes=escapes)


def one_file(path: Path, *, root: Path) -> FoundFile | None:
    """A file of a fixed name, or None where it is not there."""
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return None
    return FoundFile(path=path, stamp=Stamp.of(stat), escapes=not is_inside(path, root))


def is_inside(path: Path, root: Path) -> bool:
    """Whether `path`, with all links followed, is in the resolved folder `root`.

    False for a path that cannot be one, such as one with a NUL in it.
    """
    try:
        return Path(os.path.realpath(path)).is_relative_to(root)
    except ValueError:
        return False
