"""What the engine's own checks say about the packs of the old box, said of each action, alias, rule ..."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from engine.aliases.lint import lint as lint_aliases
from engine.content.check import Finding, check
from engine.content.registry import Registry
from engine.criteria.lint import lint as lint_rules
from engine.migration.finding import Item, Remark, Weight, fails, look
from engine.migration.known import Known
from engine.migration.python_code import CodeReader
from engine.migration.stage import Stage
from engine.migration.templates import template_remarks
from engine.refs import make_ref
from engine.settings import Settings
from engine.specs.action import ActionSpec
from engine.specs.pack import PackSpec
from engine.specs.sensor import SensorSpec
from engine.workflows.chain_lint import lint as lint_chains
from engine.workflows.workflow_lint import lint as lint_workflows

# The field of Registry -> what one of its things is called. Sensors first: of their files they are told.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "sensors": "sensor",
        "actions": "action",
        "aliases": "alias",
        "rules": "rule",
        "trigger_types": "trigger",
        "policies": "policy",
    }
)
_LINE = re.compile(r":\d+$")


def survey_packs(stage: Stage, registry: Registry, settings: Settings) -> list[Item]:
    """Every pack of the stage and all that is in it, with what is to be said about it."""
    mine = _Mine(stage, registry)
    survey = _Survey(mine)
    survey.add_findings(_engine_findings(mine.registry, registry))
    survey.add_unavailable(registry)
    survey.add_warnings(registry.warnings)
    known = Known(registry, settings)
    for pack in mine.registry.packs.values():
        code = CodeReader(
            pack,
            shown=mine.prefix(pack.ref),
            base=settings.python.base,
            environment=settings.actions.environment,
        )
        survey.add(f"{mine.prefix(pack.ref)}/pack.yaml", known.of_pack(pack))
        for _kind, spec in _specs(mine.registry, pack):
            where = mine.where(spec)
            survey.add(where, known.of(spec, where))
            survey.add(where, template_remarks(spec, where))
            if isinstance(spec, SensorSpec):
                survey.add(where, code.sensor(spec))
            elif isinstance(spec, ActionSpec) and spec.runner_type == "python-script":
                survey.add(where, code.action(spec))
    return survey.items()


def _specs(registry: Registry, pack: PackSpec) -> Iterator[tuple[str, Any]]:
    for field, kind in KINDS.items():
        for spec in getattr(registry, field).values():
            if spec.pack == pack.ref:
                yield kind, spec


def _engine_findings(mine: Registry, everything: Registry) -> Iterator[Finding]:
    # What could not be read is told by `add_unavailable`, and is no finding twice.
    yield from check(replace(mine, unavailable=(), warnings=()), known=everything)
    yield from lint_aliases(replace(mine, actions=everything.actions))
    yield from lint_rules(mine)
    yield from lint_chains(mine, known=everything)
    yield from lint_workflows(mine, known=everything)


class _Mine:
    """Of a registry what is on the stage, and where its files stand in the old box."""

    def __init__(self, stage: Stage, registry: Registry) -> None:
        folders = {path.resolve(): name for name, path in stage.packs.items()}
        self._configs = stage.configs
        packs = {ref: pack for ref, pack in registry.packs.items() if pack.folder in folders}
        self._prefixes = {ref: f"packs/{folders[pack.folder]}" for ref, pack in packs.items()}
        specs: dict[str, Any] = {field: _of(getattr(registry, field), packs) for field in KINDS}
        self.registry = replace(registry, packs=packs, **specs)

    def prefix(self, pack: str) -> str:
        return self._prefixes.get(pack, f"packs/{pack}")

    def where(self, spec: Any) -> str:
        return f"{self.prefix(spec.pack)}/{spec.metadata_file}"

    def owner(self, file: str) -> str:
        """The file under whose item a remark on `file` is told: a missing configuration is its pack's."""
        folder, _, name = file.partition("/")
        pack = name.removesuffix(".yaml")
        is_missing = folder == "configs" and pack in self._prefixes and pack not in self._configs
        return f"{self.prefix(pack)}/pack.yaml" if is_missing else file

    def shown(self, where: str) -> str:
        """The engine's checks name files by their pack's ref."""
        pack, slash, rest = where.partition("/")
        return f"{self.prefix(pack)}/{rest}" if slash and pack in self._prefixes else where


def _of(specs: Mapping[str, Any], packs: Mapping[str, PackSpec]) -> dict[str, Any]:
    return {ref: spec for ref, spec in specs.items() if spec.pack in packs}


class _Survey:
    """Items by their files, and the remarks that belong to them."""

    def __init__(self, mine: _Mine) -> None:
        self._mine = mine
        self._items: list[Item] = []
        self._remarks: dict[str, list[Remark]] = {}
        self._owners: dict[str, list[str]] = {}
        """File of a script or workflow -> files of the actions that run it."""
        registry = mine.registry
        for pack in registry.packs.values():
            where = f"{mine.prefix(pack.ref)}/pack.yaml"
            self._items.append(Item(kind="pack", name=pack.ref, where=where))
            for kind, spec in _specs(registry, pack):
                self._items.append(Item(kind=kind, name=spec.ref, where=mine.where(spec)))
        for action in registry.actions.values():
            entry = f"{mine.prefix(action.pack)}/actions/{action.entry_point}"
            self._owners.setdefault(entry, []).append(mine.where(action))

    def add(self, file: str, remarks: Iterable[Remark]) -> None:
        for remark in remarks:
            known = self._remarks.setdefault(file, [])
            if remark not in known:
                known.append(remark)

    def add_findings(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            where = self._mine.shown(finding.where)
            is_error = finding.severity == "error"
            weight = Weight.FAILS if is_error else Weight.LOOK
            # What these checks refuse in a file that loads fails in StackStorm too, when it runs.
            remark = Remark(weight=weight, where=where, text=finding.text, hint=finding.hint, is_old=is_error)
            file = _LINE.sub("", where)
            for owner in self._owners.get(file) or [self._mine.owner(file)]:
                self.add(owner, [remark])

    def add_unavailable(self, registry: Registry) -> None:
        for broken in registry.unavailable:
            if broken.where.startswith(("packs/", "configs/", "overrides/")):
                name = make_ref(broken.pack, broken.name) if broken.kind in KINDS.values() else broken.pack
                remark = fails(broken.where, broken.reason, broken.hint)
                file = _LINE.sub("", broken.where)
                self._items.append(Item(kind=broken.kind, name=name, where=file, remarks=(remark,)))

    def add_warnings(self, warnings: Iterable[str]) -> None:
        for warning in warnings:
            where, _, text = warning.partition(": ")
            if where.startswith(("packs/", "configs/", "overrides/")):
                self.add(_LINE.sub("", where), [look(where, text)])

    def items(self) -> list[Item]:
        """A remark is said of the first item of its file; one on no item's file of the pack."""
        told: set[str] = set()
        made = []
        for item in self._items:
            remarks = () if item.where in told else tuple(self._remarks.get(item.where, ()))
            told.add(item.where)
            made.append(replace(item, remarks=(*item.remarks, *remarks)))
        loose = {file: found for file, found in self._remarks.items() if file not in told}
        made += [
            Item(kind="file", name=file, where=file, remarks=tuple(found)) for file, found in loose.items()
        ]
        return made
