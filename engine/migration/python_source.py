"""One Python file of a pack, read and never run: its imports, and what of ours and of Python 2 it uses."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_LARGEST_BYTES = 2_000_000
_SERVICES = frozenset(
    {"sensor_service", "_sensor_service", "action_service", "_action_service", "_datastore_service"}
)
_OLD_NAMES = frozenset(
    {"unicode", "xrange", "raw_input", "basestring", "unichr", "long", "execfile", "reduce", "cmp"}
)
_OLD_METHODS = frozenset({"iteritems", "itervalues", "iterkeys", "has_key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    module: str
    """Dotted, absolute; with leading dots when it is relative."""
    names: tuple[str, ...]
    """What `from module import` takes; empty for a plain import."""
    line: int
    is_sure: bool
    """Whether it is done whenever the file is loaded, and its failure ends that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A name that a file uses: a method of a service, a variable of the environment, a word of Python 2."""

    name: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonSource:
    error: str = ""
    """Why it is no Python 3; then nothing else is known."""
    error_line: int = 0
    imports: tuple[Import, ...] = ()
    names: frozenset[str] = frozenset()
    """What it defines or imports at its top."""
    services: tuple[Use, ...] = ()
    environment: tuple[Use, ...] = ()
    old: tuple[Use, ...] = ()


def read_source(path: Path) -> PythonSource:
    """A file that cannot be read, or is larger than 2 MB, says nothing."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            return PythonSource()
        raw = path.read_bytes()
    except OSError:
        return PythonSource()
    try:
        tree = ast.parse(raw)
    except SyntaxError as error:
        return PythonSource(error=error.msg, error_line=error.lineno or 1)
    except (ValueError, RecursionError, MemoryError) as error:
        return PythonSource(error=str(error) or type(error).__name__, error_line=1)
    found = _Found()
    for node in tree.body:
        found.look(node, is_sure=True)
    defined = found.assigned | {one for name in tree.body for one in _defined(name)}
    return PythonSource(
        imports=tuple(found.imports),
        names=frozenset(defined),
        services=tuple(found.services),
        environment=tuple(found.environment),
        old=tuple(use for use in found.old if use.name not in found.assigned),
    )


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.If | ast.Try):
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.stmt):
                yield from _defined(inner)


@dataclass(slots=True)
class _Found:
    imports: list[Import] = field(default_factory=list)
    services: list[Use] = field(default_factory=list)
    environment: list[Use] = field(default_factory=list)
    old: list[Use] = field(default_factory=list)
    assigned: set[str] = field(default_factory=set)

    def look(self, top: ast.AST, *, is_sure: bool) -> None:
        """Everything below a node; not by recursion, for generated files are deep."""
        waiting: list[tuple[ast.AST, bool]] = [(top, is_sure)]
        while waiting:
            node, sure = waiting.pop()
            self._note(node, sure)
            # In a function it may never be called, under `try` somebody has thought of its failure.
            inner = sure and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Try)
            waiting.extend((child, inner) for child in ast.iter_child_nodes(node))

    def _note(self, node: ast.AST, sure: bool) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.assigned.add(alias.asname or alias.name.partition(".")[0])
                self.imports.append(Import(module=alias.name, names=(), line=node.lineno, is_sure=sure))
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            self.assigned.update(alias.asname or alias.name for alias in node.names)
            module = "." * node.level + (node.module or "")
            self.imports.append(Import(module=module, names=names, line=node.lineno, is_sure=sure))
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                self.assigned.add(node.id)
            elif node.id in _OLD_NAMES:
                self.old.append(Use(name=node.id, line=node.lineno))
        elif isinstance(node, ast.Attribute):
            self._attribute(node)
        elif isinstance(node, ast.Call):
            self._variable(node.func, node.args, node.lineno)
        elif isinstance(node, ast.Subscript) and _dotted(node.value) == "os.environ":
            self._variable_named(node.slice, node.lineno)

    def _attribute(self, node: ast.Attribute) -> None:
        if node.attr in _OLD_METHODS:
            self.old.append(Use(name=f".{node.attr}", line=node.lineno))
        owner = node.value
        if isinstance(owner, ast.Attribute) and owner.attr in _SERVICES:
            self.services.append(Use(name=f"{owner.attr.lstrip('_')}.{node.attr}", line=node.lineno))

    def _variable(self, called: ast.expr, arguments: list[ast.expr], line: int) -> None:
        if arguments and _dotted(called) in ("os.environ.get", "os.getenv"):
            self._variable_named(arguments[0], line)

    def _variable_named(self, node: ast.expr, line: int) -> None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self.environment.append(Use(name=node.value, line=line))


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""
