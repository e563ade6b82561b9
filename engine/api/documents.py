"""The content's documents, built once per generation of the registry, and found by ref or id."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.api import wire
from engine.api.wire import Document
from engine.api.wire_policies import policy_document
from engine.content.registry import Registry
from engine.errors import NotFound, nearest, sentences
from engine.records.execution import Execution
from engine.service import Engine
from engine.specs.runner_type import RUNNER_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of content: where its specs are, and how one looks."""

    specs: Callable[[Registry], Mapping[str, Any]]
    document: Callable[[Any], Document]


def _schemas(registry: Registry) -> Mapping[str, Any]:
    return {ref: pack for ref, pack in registry.packs.items() if pack.config_schema}


def _runners(registry: Registry) -> Mapping[str, Any]:
    if not registry.runners_off:
        return RUNNER_TYPES
    return {
        name: runner.model_copy(update={"enabled": False}) if name in registry.runners_off else runner
        for name, runner in RUNNER_TYPES.items()
    }


KINDS: Mapping[str, Kind] = {
    "actions": Kind(specs=lambda registry: registry.actions, document=wire.action_document),
    "actionalias": Kind(specs=lambda registry: registry.aliases, document=wire.alias_document),
    "packs": Kind(specs=lambda registry: registry.packs, document=wire.pack_document),
    "rules": Kind(specs=lambda registry: registry.rules, document=wire.rule_document),
    "sensortypes": Kind(specs=lambda registry: registry.sensors, document=wire.sensor_document),
    "triggertypes": Kind(specs=lambda registry: registry.trigger_types, document=wire.trigger_type_document),
    "policies": Kind(specs=lambda registry: registry.policies, document=policy_document),
    "config_schemas": Kind(specs=_schemas, document=wire.config_schema_document),
    "runnertypes": Kind(specs=_runners, document=wire.runner_document),
}


# What their files are called where they cannot be used.
_FILES = {
    "actions": "action",
    "actionalias": "alias",
    "rules": "rule",
    "sensortypes": "sensor",
    "policies": "policy",
}


class _Shelf:
    """The documents of one kind in one generation."""

    def __init__(self, kind: Kind, registry: Registry) -> None:
        self.by_ref = {ref: kind.document(spec) for ref, spec in kind.specs(registry).items()}
        self.by_id = {document["id"]: ref for ref, document in self.by_ref.items()}


class Documents:
    """May be asked from any thread: a shelf is built aside and then put in place whole."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # The generation and its shelves, exchanged in one step.
        self._current: tuple[Registry | None, dict[str, _Shelf]] = (None, {})

    def all(self, kind: str) -> dict[str, Document]:
        """Every document of `kind` (a key of KINDS) by ref, sorted."""
        return self._shelf(kind).by_ref

    def ref(self, kind: str, ref_or_id: str) -> str:
        """The ref that is meant. Raises NotFound."""
        shelf = self._shelf(kind)
        if ref_or_id in shelf.by_ref:
            return ref_or_id
        if ref_or_id in shelf.by_id:
            return shelf.by_id[ref_or_id]
        hint = self._why_unavailable(kind, ref_or_id) or nearest(ref_or_id, shelf.by_ref)
        raise NotFound(f'Resource with a reference or id "{ref_or_id}" not found', hint=hint)

    def _why_unavailable(self, kind: str, ref: str) -> str:
        """Empty: there is no file of that name either."""
        for one in self._engine.registry.unavailable:
            if one.kind == _FILES.get(kind) and f"{one.pack}.{one.name}" == ref:
                return sentences(f"Its file cannot be used: {one.where}: {one.reason}", one.hint)
        return ""

    def one(self, kind: str, ref_or_id: str) -> Document:
        """Raises NotFound."""
        return self._shelf(kind).by_ref[self.ref(kind, ref_or_id)]

    def execution(self, execution: Execution, *, children: Iterable[str] = ()) -> Document:
        """The execution with the documents of its action and runner in it."""
        action = self._shelf("actions").by_ref.get(execution.action)
        runner = self._shelf("runnertypes").by_ref.get(execution.runner)
        return wire.execution_document(
            execution,
            action=action or wire.missing_action_document(execution),
            runner=runner or {"name": execution.runner},
            public_url=self._engine.settings.public_url,
            children=list(children),
        )

    def _shelf(self, kind: str) -> _Shelf:
        registry = self._engine.registry
        known, shelves = self._current
        if known is not registry:
            shelves = {}
            self._current = (registry, shelves)
        shelf = shelves.get(kind)
        if shelf is None:
            shelf = shelves[kind] = _Shelf(KINDS[kind], registry)
        return shelf
