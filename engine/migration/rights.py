"""Files of roles, assignments and mappings; only those that can be used, for one that cannot locks out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.content.read_rights import RightsFolder, unknown_roles
from engine.content.reading import FileReader
from engine.migration.box import Box
from engine.migration.finding import Item, Remark, differs, fails, look
from engine.migration.pieces import FilePiece

FOLDERS = ("roles", "assignments", "mappings")


@dataclass(slots=True)
class TakenRights:
    items: list[Item] = field(default_factory=list)
    pieces: list[FilePiece] = field(default_factory=list)


def take_rights(box: Box, *, target: Path, is_on: bool, known_roles: tuple[str, ...]) -> TakenRights:
    """`is_on`: whether they were in force on the old box; if not, none is taken."""
    taken = TakenRights()
    if box.rights is None:
        return taken
    folder = RightsFolder(box.rights, FileReader(box.root))
    spec = folder.read()
    broken = {one.where.rpartition(":")[0]: one for one in folder.unavailable}
    warned: dict[str, list[Remark]] = {}
    for warning in [*folder.warnings, *unknown_roles(spec, known_roles)]:
        where, _, text = warning.partition(": ")
        file = where.rpartition(":")[0] if where.rpartition(":")[2].isdigit() else where
        warned.setdefault(file, []).append(look(where, text))
    for kind, path in _files(box.rights):
        where = box.shown(path)
        remarks = tuple(warned.get(where, ()))
        if where in broken:
            one = broken[where]
            remarks = (*remarks, fails(one.where, one.reason, one.hint))
        elif not is_on:
            off = look(
                where, "st2.conf says rbac.enable = False, so it is not taken.", "Take it: --only rbac"
            )
            remarks = (*remarks, off)
        else:
            taken.pieces.append(
                FilePiece(
                    kind="rights",
                    name=f"{kind}/{path.stem}",
                    content=path.read_bytes(),
                    target=target / kind / f"{path.stem}.yaml",
                )
            )
        taken.items.append(Item(kind=kind.rstrip("s"), name=path.stem, where=where, remarks=remarks))
    if taken.pieces:
        taken.items.append(_strict(box.shown(box.rights)))
    return taken


def _strict(where: str) -> Item:
    told = differs(
        where,
        "Roles count for chat commands too, each for the person who gives it.",
        "Assign roles to the users of your chats; ask: stormcrow rights check USER ALIAS",
        row="API and access",
    )
    return Item(kind="rights", name="rbac", where=where, remarks=(told,))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for kind in FOLDERS:
        for path in sorted((folder / kind).glob("*")):
            if path.suffix in (".yaml", ".yml") and not path.name.startswith(".") and path.is_file():
                yield kind, path
