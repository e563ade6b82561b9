"""Where a pack of the old box came from: the address in its git history, which is read as text only.

Git itself is never asked: the configuration of somebody else's checkout can name programs to run.
"""

import re
from pathlib import Path

from engine.content.folders import is_inside
from engine.errors import BadInput
from engine.installer.wanted import wanted_of

CONFIG = Path(".git/config")
_LARGEST_BYTES = 64 * 1024
_SECTION = re.compile(r"\[\s*(?P<name>[^\]]*?)\s*\]")
_ORIGIN = 'remote "origin"'


def origin_of(folder: Path) -> str:
    """An address that `pack update` takes; empty: none is known, or it is one that we would not ask."""
    path = folder / CONFIG
    if not path.is_file() or not is_inside(path, folder) or path.stat().st_size > _LARGEST_BYTES:
        return ""
    section = address = ""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        found = _SECTION.match(line.strip())
        if found is not None:
            section = found["name"]
            continue
        key, equals, value = line.partition("=")
        if equals and section == _ORIGIN and key.strip().lower() == "url":
            address = value.strip()
    try:
        wanted = wanted_of(address)
    except BadInput:
        return ""
    return address if wanted.kind == "git" and wanted.location == address else ""
