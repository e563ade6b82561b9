"""Putting a new version in the place of the old one, whole, whenever we are killed.

Everything is built beside its place. A note in the state folder says what is to be switched; who finds
the note of a dead installer either finishes the switch or throws away what was built. Folder and
environment are each exchanged in one step of the kernel; the note ties the two together.
"""

import contextlib
import fcntl
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from engine.clock import isoformat, utcnow
from engine.errors import Conflict
from engine.replacing import delete, point, put
from engine.store.vault import write_private

MARK = ".stormcrow-install.json"
"""In the pack's folder: where it came from, and which installation it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What an installer is about to do with one pack."""

    ref: str
    token: str
    """Names this installation; also in the mark of the new folder."""
    step: Literal["building", "switching", "removing"]
    folder: str
    """Where the pack stands."""
    new_folder: str
    """Where the new version is built, and later the old one waits to be deleted; empty: it stays."""
    environment: str
    new_environment: str


class State:
    """The folder of notes and locks."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    @contextlib.contextmanager
    def lock(self, ref: str) -> Iterator[int]:
        """One installer per pack. Gives the descriptor of the lock, which lasts until every process that
        has it has ended. Raises Conflict when another one is at it."""
        with (self._folder / f"{ref}.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Conflict(
                    f'The pack "{ref}" is being installed or removed right now.', hint="Wait for its end."
                ) from error
            yield file.fileno()

    def forget_lock(self, ref: str) -> None:
        """For a name that is never used again."""
        (self._folder / f"{ref}.lock").unlink(missing_ok=True)

    def write(self, note: Note) -> None:
        write_private(self._path(note.ref), json.dumps(asdict(note)).encode())

    def clear(self, note: Note) -> None:
        self._path(note.ref).unlink(missing_ok=True)

    def read(self, ref: str) -> Note | None:
        try:
            return Note(**json.loads(self._path(ref).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None

    def refs(self) -> list[str]:
        """Packs with a note: in work, or left behind by an installer that was killed."""
        return sorted(path.name.removesuffix(".note") for path in self._folder.glob("*.note"))

    def recover(self) -> list[str]:
        """See to what killed installers left; those that live are left alone. Packs that were switched."""
        finished = []
        for ref in self.refs():
            with contextlib.suppress(Conflict), self.lock(ref):
                if self.settle(ref):
                    finished.append(ref)
        return finished

    def settle(self, ref: str) -> bool:
        """Finish or undo what the note says, under the lock of the pack. Whether something was finished."""
        note = self.read(ref)
        if note is None:
            return False
        if note.step == "building":
            discard(note)
        elif note.step == "switching":
            switch(note)
        else:
            remove(note)
        self.clear(note)
        return note.step != "building"

    def _path(self, ref: str) -> Path:
        return self._folder / f"{ref}.note"


def switch(note: Note) -> None:
    """Both in their places, and what was there before is gone. May be done again at any point."""
    if note.new_folder and read_mark(Path(note.folder)).get("token") != note.token:
        put(Path(note.new_folder), Path(note.folder))
    if note.new_environment:
        point(Path(note.environment), Path(note.new_environment))
    if note.new_folder:
        delete(Path(note.new_folder))


def discard(note: Note) -> None:
    """The old version stays, and what was built is gone."""
    for path in (note.new_folder, note.new_environment):
        if path:
            delete(Path(path))


def remove(note: Note) -> None:
    """Folder and environment are gone."""
    folder, aside = Path(note.folder), Path(note.new_folder)
    if folder.exists() or folder.is_symlink():
        delete(aside)
        folder.rename(aside)
    if note.environment:
        link = Path(note.environment)
        target = link.resolve() if link.is_symlink() else None
        delete(link)
        if target is not None and target.parent == link.parent:
            delete(target)
    delete(aside)


def write_mark(
    folder: Path,
    *,
    token: str,
    source: str,
    location: str,
    revision: str = "",
    commit: str = "",
    version: str = "",
    is_imported: bool = False,
) -> None:
    """`source`: what an update asks for again. `is_imported`: it came from an old box, perhaps changed there,
    and is only updated by its name."""
    mark = {
        "token": token,
        "source": source,
        "location": location,
        "revision": revision,
        "commit": commit,
        "version": version,
        "installed_at": isoformat(utcnow()),
        **({"is_imported": True} if is_imported else {}),
    }
    (folder / MARK).write_text(json.dumps(mark, indent=2), encoding="utf-8")


def read_mark(folder: Path) -> dict[str, Any]:
    """Where an installed pack came from; empty for one that somebody put there."""
    try:
        found = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
