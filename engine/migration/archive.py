"""A tar of the old box, unpacked with care: plain files and folders, nothing outside, bounded in size."""

import tarfile
from pathlib import Path

from engine.errors import BadInput

MOST_BYTES = 2 * 1024**3
MOST_FILES = 400_000
# Environments cannot be moved; they are built anew.
_LEFT_OUT = frozenset({"virtualenvs", "__pycache__", ".git"})
# Of a history only this: it says where the pack is from.
_KEPT = (".git", "config")


def unpack(archive: Path, into: Path) -> None:
    """Unpack a tar (plain, gzip, bzip2, xz) into the folder `into`. Raises BadInput.

    Virtual environments, compiled Python and histories of git are left out; of these the addresses stay.
    """
    size = count = 0
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                parts = Path(member.name).parts
                if _LEFT_OUT.intersection(parts[:-2] if parts[-2:] == _KEPT else parts):
                    continue
                count += 1
                size += member.size
                if size > MOST_BYTES or count > MOST_FILES:
                    raise BadInput(
                        f"{archive} holds more than {MOST_BYTES >> 30} GB or {MOST_FILES} files.",
                        hint="Pack only what is needed: packs, configs, rbac, overrides and /etc/st2.",
                    )
                # The filter refuses what leads outside, devices, and links to elsewhere.
                tar.extract(member, into, filter="data", set_attrs=True)
    except tarfile.FilterError as error:
        raise BadInput(f"{archive} is not unpacked: {error}.", hint="Make it anew, without links.") from error
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadInput(f"{archive} cannot be unpacked: {error}", hint="A tar file, or a folder.") from error
