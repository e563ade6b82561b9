"""What `stormcrow pack check` finds wrong with rules: criteria that load, and can never hold."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.content.check import Finding
from engine.content.registry import Registry
from engine.criteria.nodes import CONDITIONS, GROUPS, SEARCH, Path
from engine.criteria.operators import TABLE
from engine.criteria.paths import BadPath, parsed, plain_steps
from engine.errors import BadContent, BadTemplate
from engine.expressions.jinja import is_template, undeclared
from engine.specs.rule import RuleSpec
from engine.yaml_reader import line_of, read_file

_PATTERNS = frozenset({"regex", "iregex", "matchregex"})
_NAMES = ("system", "st2kv")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """One criterion, where it stands, and what its path may begin with."""

    path: Path
    criterion: Mapping[str, Any]
    root: str = "trigger"

    @property
    def key(self) -> str:
        return str(self.path[-1])


def lint(registry: Registry) -> list[Finding]:
    """Warnings, in the order of the files."""
    found: list[Finding] = []
    for rule in registry.rules.values():
        for written in _all(rule):
            found.extend(
                Finding(severity="warning", where=_where(rule, written, registry), text=text, hint=hint)
                for text, hint in _problems(written)
            )
    return sorted(found, key=lambda finding: finding.where)


def _all(rule: RuleSpec) -> Iterator[_Written]:
    yield from _of(rule.criteria, ("criteria",), "trigger")
    match = rule.extensions.get("x-match")
    if match:
        yield from _of_group(match, ("x-match",))


def _of_group(group: Mapping[str, Any], path: Path) -> Iterator[_Written]:
    for key, inner in group.items():
        here = (*path, key)
        if key not in GROUPS:
            yield from _of({key: inner}, path, "trigger")
        elif key == "not":
            yield from _of_group(inner, here)
        else:
            for index, part in enumerate(inner):
                yield from _of_group(part, (*here, index))


def _of(criteria: Mapping[str, Any], path: Path, root: str) -> Iterator[_Written]:
    for key, criterion in criteria.items():
        if not isinstance(criterion, Mapping):
            continue
        yield _Written(path=(*path, key), criterion=criterion, root=root)
        inner = criterion.get("pattern")
        if criterion.get("type") == SEARCH and isinstance(inner, Mapping):
            yield from _of(inner, (*path, key, "pattern"), "item")


def _problems(written: _Written) -> Iterator[tuple[str, str]]:
    """(text, hint)"""
    yield from _path_problems(written)
    kind, pattern = written.criterion.get("type"), written.criterion.get("pattern")
    if kind == SEARCH:
        condition = written.criterion.get("condition")
        if condition not in CONDITIONS:
            text = f"{written.key}: the condition {condition!r} of search is none of {', '.join(CONDITIONS)}."
            yield text, "Add `condition: any`."
        if not isinstance(pattern, Mapping):
            yield f"{written.key}: the pattern of search must be a mapping of criteria.", ""
    elif written.root == "item" and str(kind).lower() not in TABLE:
        yield f"{written.key}: {kind!r} is no operator.", ""
    if isinstance(pattern, str):
        yield from _pattern_problems(written, str(kind), pattern)


def _path_problems(written: _Written) -> Iterator[tuple[str, str]]:
    text = written.key.partition("#")[0]
    steps = plain_steps(text)
    if steps is None:
        try:
            parsed(text)
        except BadPath as error:
            yield f"{error}, so the criterion never holds.", "Put names with spaces into ['...']."
            return
    first = re.match(r"\$?\.?(\w+)", text)
    if first and first[1] not in (written.root, "system"):
        yield (
            f"{written.key} finds nothing: a path begins with {written.root} or system.",
            f"Write {written.root}.{written.key}.",
        )


def _pattern_problems(written: _Written, kind: str, pattern: str) -> Iterator[tuple[str, str]]:
    if is_template(pattern):
        try:
            unknown = sorted(undeclared(pattern) - {written.root, *_NAMES})
        except BadTemplate as error:
            yield f"{written.key}: the template in its pattern does not parse: {error}.", ""
            return
        if unknown:
            known = ", ".join((written.root, *_NAMES))
            yield (
                f"{written.key}: its pattern names {unknown[0]}, which is not known there.",
                f"Known: {known}.",
            )
    elif kind in _PATTERNS:
        try:
            re.compile(pattern)
        except re.error as error:
            yield f"{written.key}: {pattern!r} is no regular expression: {error}.", ""


def _where(rule: RuleSpec, written: _Written, registry: Registry) -> str:
    shown = f"{rule.pack}/{rule.metadata_file}"
    pack = registry.packs.get(rule.pack)
    if pack is None:
        return shown
    try:
        text, _ = read_file(pack.folder / rule.metadata_file, name=shown)
    except BadContent:
        return shown
    return f"{shown}:{line_of(text, written.path)}"
