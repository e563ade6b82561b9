"""Packs of the old box that may be looked at, gathered behind links in a folder of our own.

So the loader reads just these, with the packs of this site behind them, and shows every file by its place
in the old box.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.content.folders import KINDS, MANIFEST, content_files, is_inside
from engine.content.loader import DEFAULT_PACK, Places, load_places
from engine.content.read_packs import RESERVED
from engine.content.reading import FileReader
from engine.content.registry import Registry
from engine.errors import BadInput
from engine.installer.fetch import check_tree
from engine.migration.box import Box
from engine.migration.finding import Item, differs, fails, look
from engine.settings import Settings
from engine.specs.pack import SYSTEM_PACKS

# Ours stand in their place; `default` and `examples` of a site come before ours.
_OURS = SYSTEM_PACKS - {DEFAULT_PACK, "examples"}
_COPY = "Copy with cp -aL, which puts files in the place of links."
# Every box has them, and they hold nothing of the site.
_EMPTY_ONES = frozenset({DEFAULT_PACK, "examples"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    folder: Path
    packs: dict[str, Path] = field(default_factory=dict)
    """Folder name -> where it is, of the packs that can be taken."""
    configs: dict[str, Path] = field(default_factory=dict)
    """Pack -> its configuration, likewise."""
    overrides: dict[str, Path] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    """About what is not on the stage."""

    def load(self, settings: Settings, *, shipped: Path) -> Registry:
        """What is on the stage, with the packs of this site behind it."""
        site = Places.of(settings, shipped=shipped)
        places = replace(
            site,
            bases=(self.folder / "packs", *site.bases),
            aliases=None,
            configs=self.folder / "configs",
            overrides=self.folder / "overrides",
            webhooks=None,
            rights=None,
        )
        return load_places(places, FileReader(self.folder), generation=1)


@contextmanager
def staged(box: Box) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="stormcrow-stage-") as folder:
        stage = Stage(folder=Path(folder).resolve())
        items = [*_refused(box), *_packs(box, stage), *_files(box, box.configs, stage.configs, "config")]
        items += _files(box, box.overrides, stage.overrides, "override")
        for kind, paths in (("packs", stage.packs), ("configs", stage.configs)):
            _link(stage.folder / kind, paths)
        _link(stage.folder / "overrides", stage.overrides)
        yield replace(stage, items=tuple(items))


def _link(folder: Path, paths: dict[str, Path]) -> None:
    folder.mkdir()
    for name, path in paths.items():
        (folder / (name if path.is_dir() else f"{name}.yaml")).symlink_to(path)


def _refused(box: Box) -> Iterator[Item]:
    for name in box.refused:
        told = fails(name, f"The folder {name} is a link that leads out of the copy.", _COPY)
        yield Item(kind="folder", name=name, where=name, remarks=(told,))


def _packs(box: Box, stage: Stage) -> Iterator[Item]:
    for entry in _entries(box.packs):
        where = box.shown(Path(entry.path))
        if entry.is_symlink() and not is_inside(Path(entry.path), box.root):
            refused = fails(where, "The pack is a link that leads out of the copy.", _COPY)
            yield Item(kind="pack", name=entry.name, where=where, remarks=(refused,))
        elif not entry.is_dir():
            continue
        elif entry.name in _OURS:
            ours = differs(where, f"Our own pack {entry.name} is used, theirs is not taken.", row="Packs")
            yield Item(kind="pack", name=entry.name, where=where, remarks=(ours,))
        elif entry.name in _EMPTY_ONES and not _holds_content(Path(entry.path)):
            continue
        else:
            yield from _pack(stage, Path(entry.path), where)


def _entries(folder: Path | None) -> "list[os.DirEntry[str]]":
    try:
        found = list(os.scandir(folder)) if folder else []
    except OSError:
        return []
    found = [entry for entry in found if not entry.name.startswith((".", "__"))]
    return sorted(found, key=lambda entry: entry.name)


def _holds_content(folder: Path) -> bool:
    root = folder.resolve()
    return any(content_files(folder / kind, root=root) for kind in KINDS)


def _pack(stage: Stage, folder: Path, where: str) -> Iterator[Item]:
    if not (folder / MANIFEST).is_file() and not any((folder / kind).is_dir() for kind in KINDS):
        odd = look(where, "The folder holds no pack, and is left out.")
        yield Item(kind="folder", name=folder.name, where=where, remarks=(odd,))
        return
    try:
        check_tree(folder)
        check_links(folder)
    except BadInput as error:
        hint = "Put plain files in the place of links, or take out what does not belong there."
        refused = fails(where, f"The pack is not taken: {error.message}", hint)
        yield Item(kind="pack", name=folder.name, where=where, remarks=(refused,))
        return
    stage.packs[folder.name] = folder


def check_links(folder: Path) -> None:
    """Links by their whole path lead back to the old box from wherever the pack is. Raises BadInput."""
    for base, folders, names in os.walk(folder):
        for path in (Path(base) / name for name in (*folders, *names)):
            if path.is_symlink() and path.readlink().is_absolute():
                raise BadInput(f"{path.relative_to(folder)} is a link by its whole path.")


def _files(box: Box, folder: Path | None, found: dict[str, Path], kind: str) -> Iterator[Item]:
    """Files NAME.yaml of a folder."""
    for entry in _entries(folder):
        path = Path(entry.path)
        if path.suffix != ".yaml" or (kind == "config" and path.stem == RESERVED):
            continue
        if not is_inside(path, box.root) or not path.is_file():
            where = box.shown(path)
            refused = fails(where, "The file is a link that leads out of the copy.", _COPY)
            yield Item(kind=kind, name=path.stem, where=where, remarks=(refused,))
        else:
            found[path.stem] = path
