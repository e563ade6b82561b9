"""The copy of an old StackStorm: its folders and files, found in a folder or in a tar of one."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.content.folders import is_inside
from engine.errors import BadInput
from engine.migration.archive import unpack

# Where /opt/stackstorm may stand below the folder that was named, and /etc/st2.
_BASES = ("", "opt/stackstorm", "stackstorm")
_ETC = ("etc/st2", "st2", "etc", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Every path is inside of `root`, links followed; what is not there is None."""

    root: Path
    base: Path
    """What was /opt/stackstorm."""
    packs: Path | None = None
    configs: Path | None = None
    overrides: Path | None = None
    rights: Path | None = None
    st2_conf: Path | None = None
    htpasswd: Path | None = None
    crypto_key: Path | None = None
    """StackStorm's key for the datastore."""
    chatops_env: Path | None = None
    refused: tuple[str, ...] = ()
    """Folders that are links to somewhere outside, which nothing is read of."""

    def shown(self, path: Path) -> str:
        """A path of the box for people: from its root on."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


@contextmanager
def opened(source: Path) -> Iterator[Box]:
    """The box in a folder, or in a tar, which is unpacked into a private folder and thrown away again.

    Raises BadInput.
    """
    if source.is_dir():
        yield find(source)
        return
    if not source.is_file():
        raise BadInput(f"There is no folder or tar file {source}.", hint="Name a copy of /opt/stackstorm.")
    with tempfile.TemporaryDirectory(prefix="stormcrow-import-") as folder:
        unpack(source, Path(folder))
        yield find(Path(folder))


def find(root: Path) -> Box:
    """Raises BadInput where the folder holds nothing of StackStorm."""
    root = root.resolve()
    base = next((root / name for name in _BASES if _is_base(root / name)), root)
    etc = [root / name for name in _ETC]

    refused = tuple(
        name
        for name in ("packs", "configs", "overrides", "rbac")
        if (base / name).is_dir() and not is_inside(base / name, root)
    )

    def folder(name: str) -> Path | None:
        return base / name if (base / name).is_dir() and name not in refused else None

    def file(*names: str) -> Path | None:
        found = (place / name for place in [*etc, base] for name in names)
        return next((path for path in found if path.is_file() and is_inside(path, root)), None)

    box = Box(
        root=root,
        base=base,
        packs=folder("packs"),
        configs=folder("configs"),
        overrides=folder("overrides"),
        rights=folder("rbac"),
        st2_conf=file("st2.conf"),
        htpasswd=file("htpasswd"),
        crypto_key=file("keys/datastore_key.json", "datastore_key.json"),
        chatops_env=file("st2chatops.env", "chatops/st2chatops.env"),
        refused=refused,
    )
    if not any((box.packs, box.configs, box.rights, box.st2_conf, refused)):
        raise BadInput(
            f"{root} holds no packs, configs, rbac or st2.conf.",
            hint="Name a copy of /opt/stackstorm, or a folder with opt/stackstorm and etc/st2 in it.",
        )
    return box


def _is_base(folder: Path) -> bool:
    return any((folder / name).is_dir() for name in ("packs", "configs", "rbac"))
