"""Content without files: rules, actions, aliases and the like made through the API, and switches.

What is stored is read by the same readers as files, and merged into each registry after what the
disk holds; a file of the same ref comes first. A switch counts over everything.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import Connection

from engine.content.read_actions import read_action, read_policy
from engine.content.read_aliases import read_alias
from engine.content.read_events import read_rule, read_trigger_type
from engine.content.registry import Content, Registry, Unavailable
from engine.content.shape import WrongShape
from engine.content.source import Source
from engine.errors import BadInput, Conflict, NotFound, nearest
from engine.records.content import StoredDocument
from engine.refs import split_ref
from engine.specs.action import ActionSpec
from engine.specs.rule import RuleSpec
from engine.specs.runner_type import NEEDS_FILE
from engine.store import contents as store
from engine.store.database import Database

T = TypeVar("T")
DEFAULT_PACK = "default"
RUNNER = "runner"


def _read_action(content: Any, source: Source) -> ActionSpec:
    """One without a file has none to run either."""
    action = read_action(content, source)
    if action.entry_point or action.runner_type in NEEDS_FILE:
        raise WrongShape(
            f"The runner {action.runner_type} runs a file, and an action made through the API has none.",
            path=("entry_point",),
            hint="Put the action and its file into a pack, and reload.",
        )
    return action


_READERS: Mapping[str, Callable[[Any, Source], Any]] = MappingProxyType(
    {
        "rule": read_rule,
        "trigger": read_trigger_type,
        "policy": read_policy,
        "action": _read_action,
        "alias": read_alias,
    }
)
# Kind -> the field of Registry that holds it.
_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "rule": "rules",
        "trigger": "trigger_types",
        "policy": "policies",
        "sensor": "sensors",
        "action": "actions",
        "alias": "aliases",
    }
)


class StoredContent:
    """Every change is committed and in force when the call returns."""

    def __init__(self, database: Database, content: Content) -> None:
        self._database = database
        self._content = content
        self._documents: list[StoredDocument] = []
        self._switches: dict[tuple[str, str], bool] = {}
        # Of two changes the later one's reading stands.
        self._lock = threading.Lock()

    def load(self) -> None:
        """Read what is stored; `merge` uses it from then on."""
        with self._database.read() as connection:
            self._documents = store.documents(connection)
            self._switches = store.switches(connection)

    def merge(self, files: Registry) -> Registry:
        """What the disk holds, with what is stored. Never raises for what is stored."""
        found: dict[str, dict[str, Any]] = {kind: {} for kind in _READERS}
        unavailable: list[Unavailable] = []
        for stored in self._documents:
            try:
                spec = read_document(stored.kind, stored.document, user=stored.user)
            except BadInput as error:
                unavailable.append(_unavailable(stored, error))
                continue
            if stored.ref not in getattr(files, _FIELDS[stored.kind]):
                found[stored.kind][stored.ref] = spec
        changed: dict[str, Any] = {
            _FIELDS[kind]: {**getattr(files, _FIELDS[kind]), **specs}
            for kind, specs in found.items()
            if specs
        }
        for (kind, ref), enabled in self._switches.items():
            if kind == RUNNER:
                continue
            field = _FIELDS[kind]
            spec = changed.get(field, getattr(files, field)).get(ref)
            if spec is not None and spec.enabled != enabled:
                specs = changed.setdefault(field, dict(getattr(files, field)))
                specs[ref] = spec.model_copy(update={"enabled": enabled})
        off = frozenset(
            ref for (kind, ref), enabled in self._switches.items() if kind == RUNNER and not enabled
        )
        if not changed and not unavailable and off == files.runners_off:
            return files
        changed = {field: dict(sorted(specs.items())) for field, specs in changed.items()}
        return replace(files, **changed, runners_off=off, unavailable=(*files.unavailable, *unavailable))

    def is_stored(self, kind: str, ref: str) -> bool:
        return any(stored.kind == kind and stored.ref == ref for stored in self._documents)

    def document(self, kind: str, ref: str) -> StoredDocument | None:
        """What is stored under this ref, as it was given."""
        found = (stored for stored in self._documents if stored.kind == kind and stored.ref == ref)
        return next(found, None)

    def put(self, kind: str, document: Mapping[str, Any], *, user: str) -> Any:
        """Make or replace; gives its spec. A rule's actions will run as `user`.

        `kind`: rule, trigger, policy, action or alias; `document`: what a file would hold, with `pack`
        (default: `default`). Raises BadInput when it is not right, Conflict when a file has that ref.
        """
        spec = read_document(kind, document, user=user)
        if spec.ref in getattr(self._content.files, _FIELDS[kind]):
            raise Conflict(
                f'The {kind} "{spec.ref}" is a file of its pack: {spec.pack}/{kind}s.',
                hint="Change the file and reload, or use another name.",
            )
        given = {**document, "pack": spec.pack}
        self.write(lambda connection: store.put(connection, kind, spec.ref, given, user=user))
        return spec

    def replace(self, kind: str, ref: str, document: Mapping[str, Any], *, user: str) -> Any:
        """Put a stored document in the place of the one under `ref`, which may have another name.

        Raises BadInput, Conflict.
        """
        spec = read_document(kind, document, user=user)
        if spec.ref != ref and spec.ref in getattr(self._content.current, _FIELDS[kind]):
            raise Conflict(f'The {kind} "{spec.ref}" is there already.')
        given = {**document, "pack": spec.pack}

        self.write(lambda connection: store.rename(connection, kind, ref, spec.ref, given, user=user))
        return spec

    def remove(self, kind: str, ref: str) -> None:
        """Raises NotFound, or Conflict when it is a file."""
        if not self.is_stored(kind, ref):
            self._known(kind, ref)
            raise Conflict(
                f'The {kind} "{ref}" is a file of its pack.',
                hint="Delete the file and reload, or switch it off.",
            )
        self.write(lambda connection: store.remove(connection, kind, ref))

    def set_enabled(self, kind: str, ref: str, *, enabled: bool, user: str) -> None:
        """Switch a rule, sensor, policy, action, alias or runner on or off, wherever it comes from.

        Raises NotFound.
        """
        if kind != RUNNER:
            self._known(kind, ref)
        self.write(lambda connection: store.switch(connection, kind, ref, enabled=enabled, user=user))

    def _known(self, kind: str, ref: str) -> None:
        specs = getattr(self._content.current, _FIELDS[kind])
        if ref not in specs:
            raise NotFound(f'There is no {kind} "{ref}".', hint=nearest(ref, specs))

    def write(self, job: Callable[[Connection], T]) -> T:
        """Run a transaction that changes what is stored, and put that in force."""
        made = self._database.write(job)
        self.refresh()
        return made

    def refresh(self) -> None:
        """Put in force what is stored, where it is not what we know (another server may have written)."""
        with self._lock:
            before = self._documents, self._switches
            self.load()
            if (self._documents, self._switches) != before:
                self._content.merge_again()


def read_document(kind: str, document: Mapping[str, Any], *, user: str) -> Any:
    """The spec of a document without a file. Raises BadInput."""
    pack = str(document.get("pack") or DEFAULT_PACK)
    source = Source(pack=pack, pack_folder=Path(), metadata_file="")
    try:
        spec = _READERS[kind](dict(document), source)
        split_ref(spec.ref)
    except WrongShape as error:
        where = ".".join(str(step) for step in error.path)
        raise BadInput(error.message, hint=error.hint, where=where) from error
    if not spec.ref.isprintable():
        raise BadInput("A name holds no control characters.", hint="Letters, digits, _, - and . will do.")
    return spec.model_copy(update={"owner": user}) if isinstance(spec, RuleSpec) else spec


def _unavailable(stored: StoredDocument, error: BadInput) -> Unavailable:
    pack, _, name = stored.ref.partition(".")
    return Unavailable(
        kind=stored.kind, pack=pack, name=name, where="stored", reason=error.message, hint=error.hint
    )
