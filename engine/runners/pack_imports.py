"""What a Python action imports from outside its pack, read from the source and never by running it."""

import ast
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# What patches the standard library is imported by each run itself, when it says so.
_LEFT_TO_ACTIONS = frozenset({"eventlet", "gevent", "__future__"})
_MOST_FILES = 200
_LARGEST_FILE_BYTES = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """The imports of one entry file, and the files that they were read from with their times."""

    modules: tuple[str, ...]
    files: tuple[tuple[str, int], ...]


class PackImports:
    """Remembers the answer per entry file until one of the files it came from changes."""

    def __init__(self) -> None:
        self._known: dict[str, _Read] = {}
        self._lock = threading.Lock()

    def of(self, entry: Path, folders: Sequence[Path]) -> tuple[str, ...]:
        """Dotted names, sorted, of what `entry` imports at its top level, directly and through
        modules of the pack, which are looked for in the entry's folder and in `folders`."""
        known = self._known.get(str(entry))
        if known is None or any(_modified(Path(name)) != when for name, when in known.files):
            known = _read(entry, [entry.parent, *folders])
            with self._lock:
                self._known[str(entry)] = known
        return known.modules


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read(entry: Path, folders: Sequence[Path]) -> _Read:
    modules: set[str] = set()
    files: dict[str, int] = {}
    waiting = [entry]
    while waiting and len(files) < _MOST_FILES:
        path = waiting.pop()
        if str(path) in files:
            continue
        files[str(path)] = _modified(path)
        for name in _imports(path):
            local = local_files(name, folders)
            waiting.extend(local)
            if not local and name.partition(".")[0] not in _LEFT_TO_ACTIONS:
                modules.add(name)
    return _Read(modules=tuple(sorted(modules)), files=tuple(files.items()))


def local_files(name: str, folders: Sequence[Path]) -> list[Path]:
    """The pack's own files behind a name; empty when the name is not the pack's."""
    parts = name.split(".")
    for folder in folders:
        found: list[Path] = []
        for depth in range(1, len(parts) + 1):
            path = folder.joinpath(*parts[:depth])
            candidates = (path / "__init__.py", path.with_name(path.name + ".py"))
            found += [candidate for candidate in candidates if candidate.is_file()]
        if found or (folder / parts[0]).is_dir():
            return found or [folder / parts[0] / "__init__.py"]
    return []


def _imports(path: Path) -> Iterator[str]:
    """Absolute names that the module imports when it is loaded; not what its functions import."""
    try:
        if path.stat().st_size > _LARGEST_FILE_BYTES:
            return
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # Relative ones fail in entry files, in StackStorm too.
            if node.level == 0 and node.module:
                yield node.module
        elif isinstance(node, ast.If | ast.Try | ast.With):
            waiting.extend(ast.iter_child_nodes(node))
        elif isinstance(node, ast.ExceptHandler):
            waiting.extend(node.body)
