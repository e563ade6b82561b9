"""One content file: from its bytes to a spec, or to the reason why there is none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from engine.content.folders import FoundFile, Stamp
from engine.content.read_actions import read_action, read_policy
from engine.content.read_aliases import read_alias
from engine.content.read_events import read_rule, read_sensor, read_trigger_type
from engine.content.read_webhooks import read_webhook
from engine.content.registry import Unavailable
from engine.content.shape import WrongShape
from engine.content.source import Source
from engine.errors import BadContent
from engine.yaml_reader import line_of, read_file

_READERS: Mapping[str, tuple[str, Callable[[Any, Source], Any]]] = MappingProxyType(
    {
        "triggers": ("trigger", read_trigger_type),
        "sensors": ("sensor", read_sensor),
        "actions": ("action", read_action),
        "rules": ("rule", read_rule),
        "aliases": ("alias", read_alias),
        "policies": ("policy", read_policy),
        "webhooks": ("webhook", read_webhook),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file."""

    where: str
    """The file, for messages; without a line."""
    spec: Any = None
    """None: see `error`."""
    error: BadContent | None = None
    """Its `where` is file:line."""
    name: str = ""
    """What the file calls its content, or the file's own name."""
    warnings: tuple[str, ...] = ()


class FileReader:
    """Reads files, and remembers from one load to the next those that did not change."""

    def __init__(self, root: Path) -> None:
        """Files under `root` are shown by their path from there."""
        self._root = root
        self._known: dict[Path, tuple[Stamp, Source, Outcome]] = {}
        self._fresh: dict[Path, tuple[Stamp, Source, Outcome]] = {}

    def finish(self) -> None:
        """Ends a load: files that it did not ask for are forgotten."""
        self._known, self._fresh = self._fresh, {}

    def shown(self, path: Path) -> str:
        return str(path.relative_to(self._root)) if path.is_relative_to(self._root) else str(path)

    def spec(self, kind: str, file: FoundFile, source: Source) -> Outcome:
        """The file as a spec; `kind` is its folder: actions, aliases, rules ..."""
        known = self._known.get(file.path)
        if known is not None and known[0] == file.stamp and known[1] == source:
            outcome = known[2]
        else:
            outcome = self.read(file, lambda content: _READERS[kind][1](content, source))
        self._fresh[file.path] = (file.stamp, source, outcome)
        return outcome

    def read(self, file: FoundFile, make: Callable[[Any], Any]) -> Outcome:
        """The file through `make`, which takes the parsed content and may raise WrongShape."""
        where = self.shown(file.path)
        name = file.path.stem
        if file.escapes:
            error = BadContent(
                "The file is a link that leads out of its pack.",
                hint="Put the file itself there.",
                where=f"{where}:1",
            )
            return Outcome(where=where, name=name, error=error)
        try:
            text, document = read_file(file.path, name=where)
        except BadContent as found:
            return Outcome(where=where, name=name, error=found)
        warnings = tuple(
            f"{where}:{line}: {key!r} is written twice; the last one counts."
            for line, key in document.duplicates
        )
        content = document.value
        if isinstance(content, dict):
            named = content.get("name", content.get("class_name"))
            name = named if named and isinstance(named, str) else name
        spec, error_ = None, None
        try:
            spec = make(content)
        except WrongShape as found:
            message = "The file is empty." if content is None else found.message
            error_ = BadContent(message, hint=found.hint, where=f"{where}:{line_of(text, found.path)}")
        except ValidationError as found:
            # Mappings whose keys are no texts get as far as the spec.
            first = found.errors()[0]
            line = line_of(text, [step for step in first["loc"] if step != "[key]"])
            error_ = BadContent(
                str(first["msg"]), hint="Keys must be texts: quote them.", where=f"{where}:{line}"
            )
        return Outcome(where=where, spec=spec, error=error_, name=name, warnings=warnings)


def unavailable(outcome: Outcome, *, kind: str, pack: str) -> Unavailable:
    """The listing of a file that gave no spec; `kind` as in _READERS, or pack, config, override."""
    error = outcome.error or BadContent("The file cannot be used.")
    return Unavailable(
        kind=_READERS[kind][0] if kind in _READERS else kind,
        pack=pack,
        name=outcome.name,
        where=error.where or f"{outcome.where}:1",
        reason=error.message,
        hint=error.hint,
    )
