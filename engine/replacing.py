"""Putting one file or folder in the place of another in one step: a kill leaves the old or the new."""

import ctypes
import os
import shutil
from pathlib import Path

_EXCHANGE = 2
_AT_FDCWD = -100


def put(new: Path, at: Path) -> None:
    """`new` stands at `at`; what stood there stands where `new` was. One step where the system can."""
    before = at.with_name(f".{at.name}.before")
    if not (at.exists() or at.is_symlink()):
        new.rename(at)
    elif not _exchange(new, at):
        delete(before)
        at.rename(before)
        new.rename(at)
        before.rename(new)
    delete(before)


def point(link: Path, target: Path) -> None:
    """`link` is a link to the folder `target` beside it; the folder that it was, or led to, is gone.

    May be done again when it was interrupted.
    """
    if not target.is_dir():
        return
    fresh = link.with_name(f".{link.name}.link")
    old = link.resolve() if link.is_symlink() else None
    if old != target.resolve():
        delete(fresh)
        fresh.symlink_to(target.name)
        put(fresh, link)
        if old is not None and old.parent == link.parent.resolve():
            delete(old)
    delete(fresh)


def delete(path: Path) -> None:
    """Gone, whatever it is; a link without what it leads to."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """renameat2 with RENAME_EXCHANGE; False where the system or the file system has none."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        done = library.renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _EXCHANGE)
    except (OSError, AttributeError):
        return False
    return bool(done == 0)
