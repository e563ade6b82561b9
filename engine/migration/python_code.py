"""What will not work of the Python code of a pack: said of each action and sensor that would run it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.content.folders import is_inside
from engine.migration.finding import Remark, differs, fails, look
from engine.migration.python_modules import (
    PYTHON_2,
    ST2,
    is_brought_along,
    is_required,
    is_standard,
    our_module,
    pack_files,
    service_words,
)
from engine.migration.python_source import Import, PythonSource, Use, read_source
from engine.specs.action import ActionSpec
from engine.specs.pack import PackSpec
from engine.specs.sensor import SensorSpec

_MOST_FILES = 500
# Every process has these, whatever the list of the settings says.
_ALWAYS_THERE = frozenset({"HOME", "USER", "LOGNAME", "PYTHONPATH", "SHELL", "PWD"})


class CodeReader:
    """Of one pack; remembers each file, for one often serves hundreds of actions."""

    def __init__(
        self, pack: PackSpec, *, shown: str, base: Sequence[str], environment: Sequence[str] = ()
    ) -> None:
        """`shown`: the pack's folder for people; `base` and `environment`: settings of those names."""
        self._folder = pack.folder
        self._shown = shown
        self._base = base
        self._environment = _ALWAYS_THERE | set(environment)
        self._requirements = _requirements(pack.folder / "requirements.txt")
        self._sources: dict[Path, PythonSource] = {}
        self._remarks: dict[Path, tuple[Remark, ...]] = {}

    def action(self, action: ActionSpec) -> tuple[Remark, ...]:
        return self._entry(action.entry_path)

    def sensor(self, sensor: SensorSpec) -> Iterator[Remark]:
        yield from self._entry(sensor.entry_path)
        source = self._source(sensor.entry_path)
        if not sensor.entry_path.is_file() or source.error:
            return
        if sensor.class_name not in source.names:
            text = f"There is no class {sensor.class_name} in it."
            yield fails(self._where(sensor.entry_path, 1), text, "class_name names it.", is_old=True)

    def _entry(self, entry: Path) -> tuple[Remark, ...]:
        known = self._remarks.get(entry)
        if known is None:
            known = self._remarks[entry] = tuple(self._whole(entry))
        return known

    def _whole(self, entry: Path) -> Iterator[Remark]:
        """The entry file and, through its imports, the modules of the pack."""
        folders = [self._folder / "lib", entry.parent, self._folder / "actions" / "lib"]
        waiting, seen = [entry], set[Path]()
        while waiting and len(seen) < _MOST_FILES:
            path = waiting.pop()
            if path in seen or not path.is_file() or not is_inside(path, self._folder):
                continue
            seen.add(path)
            source = self._source(path)
            if source.error:
                yield fails(
                    self._where(path, source.error_line),
                    f"This is not Python 3: {source.error}.",
                    "Rewrite it for Python 3.",
                    is_old=True,
                )
            for one in source.imports:
                found = self._files(one, path, folders)
                waiting.extend(found)
                if not found:
                    yield from self._import(one, path, is_entry=path == entry)
            yield from self._uses(source, path)

    def _files(self, one: Import, path: Path, folders: Sequence[Path]) -> list[Path]:
        if one.module.startswith("."):
            level = len(one.module) - len(one.module.lstrip("."))
            start = path.parents[level - 1]
            names = [f"{one.module.lstrip('.')}.{name}".strip(".") for name in one.names]
            return [file for name in names for file in pack_files(name, [start])]
        found = pack_files(one.module, folders)
        for name in one.names if found else ():
            found += [file for file in pack_files(f"{one.module}.{name}", folders) if file not in found]
        return found

    def _import(self, one: Import, path: Path, *, is_entry: bool) -> Iterator[Remark]:
        where = self._where(path, one.line)
        top = one.module.partition(".")[0]
        if not top:
            if is_entry and one.is_sure:
                yield fails(
                    where,
                    "The entry file of an action has no package, so relative imports fail.",
                    "Import without the dot.",
                    is_old=True,
                )
        elif top in ST2:
            yield from _of_stackstorm(one, where)
        elif top in PYTHON_2:
            text, hint = f"The module {top} is of Python 2.", "Use its name in Python 3, or six."
            yield fails(where, text, hint, is_old=True) if one.is_sure else look(where, text, hint)
        elif not is_standard(top) and not is_brought_along(top, self._base):
            yield from self._package(top, where, is_sure=one.is_sure)

    def _package(self, module: str, where: str, *, is_sure: bool) -> Iterator[Remark]:
        if self._requirements is not None and is_required(module, self._requirements):
            return
        hint = f"Add the package of {module} to requirements.txt."
        if self._requirements is None and is_sure:
            yield fails(where, f"It imports {module}, and the pack has no requirements.txt.", hint)
        else:
            yield look(where, f"It imports {module}, which no line of requirements.txt names.", hint)

    def _uses(self, source: PythonSource, path: Path) -> Iterator[Remark]:
        for use in source.services:
            service, _, word = use.name.partition(".")
            if word not in service_words(service):
                where = self._where(path, use.line)
                yield fails(where, f"There is no {use.name} here.", "docs/reference/sensors.md has what is.")
        asked = [
            use
            for use in _first_of_each(source.environment)
            if not use.name.startswith("ST2_") and use.name not in self._environment
        ]
        if asked:
            names = ", ".join(use.name for use in asked)
            yield differs(
                self._where(path, asked[0].line),
                f"It reads variables that actions do not get: {names}.",
                "Add them to actions.environment, or use the pack's configuration.",
                row="Runners",
            )
        for use in _first_of_each(source.old):
            where = self._where(path, use.line)
            yield look(where, f"{use.name} is of Python 2: that line fails when it runs.")

    def _source(self, path: Path) -> PythonSource:
        known = self._sources.get(path)
        if known is None:
            known = self._sources[path] = read_source(path)
        return known

    def _where(self, path: Path, line: int) -> str:
        inside = path.is_relative_to(self._folder)
        return f"{self._shown}/{path.relative_to(self._folder) if inside else path.name}:{line}"


def _of_stackstorm(one: Import, where: str) -> Iterator[Remark]:
    weight = fails if one.is_sure else look
    hint = "docs/reference/packs.md names the modules of StackStorm that are here."
    names = our_module(one.module)
    if names is None:
        yield weight(where, f"It imports {one.module}, which is not here.", hint)
        return
    for name in one.names:
        if name != "*" and name not in names:
            yield weight(where, f"It imports {name} from {one.module}, which is not there.", hint)


def _first_of_each(uses: Sequence[Use]) -> list[Use]:
    found: dict[str, Use] = {}
    for use in sorted(uses, key=lambda use: use.line):
        found.setdefault(use.name, use)
    return list(found.values())


def _requirements(path: Path) -> list[str] | None:
    """Its lines without comments and options; None where there is no such file."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith(("#", "-"))]
