"""Which files of a pack a sensor is made of, read from its imports and never by running it."""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

_MOST_FILES = 500
_LARGEST_FILE_BYTES = 2_000_000


def code_digest(entry: Path, folders: Sequence[Path]) -> str:
    """Changes with the text of `entry`, or of a module of the pack that it imports anywhere, directly
    or through others. Modules are looked for in the entry's folder and in `folders`."""
    digest = hashlib.sha256()
    for path, source in sorted(_files(entry, [*folders, entry.parent]).items()):
        digest.update(f"{path}\0{len(source)}\0".encode())
        digest.update(source)
    return digest.hexdigest()


def _files(entry: Path, folders: Sequence[Path]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    waiting = [entry]
    while waiting and len(found) < _MOST_FILES:
        path = waiting.pop()
        if str(path) in found:
            continue
        try:
            is_small = path.stat().st_size <= _LARGEST_FILE_BYTES
            source = path.read_bytes() if is_small else b""
        except OSError:
            continue
        found[str(path)] = source
        for base, name in _imports(source):
            places = folders if base == 0 else [path.parents[base - 1]]
            waiting.extend(_modules(name, places))
    return found


def _imports(source: bytes) -> Iterator[tuple[int, str]]:
    """(level, dotted name) of every import; level 0 is absolute, 1 the file's own folder."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # What is imported from a package may be a module of it.
            stem = f"{node.module}." if node.module else ""
            yield from ((node.level, f"{stem}{alias.name}") for alias in node.names)


def _modules(name: str, folders: Sequence[Path]) -> list[Path]:
    """The files behind a dotted name in the first folder that knows it, packages included."""
    parts = name.split(".")
    for folder in folders:
        found: list[Path] = []
        for depth in range(1, len(parts) + 1):
            path = folder.joinpath(*parts[:depth])
            candidates = (path / "__init__.py", path.with_name(f"{path.name}.py"))
            found += [candidate for candidate in candidates if candidate.is_file()]
        if found or (folder / parts[0]).is_dir():
            return found
    return []
