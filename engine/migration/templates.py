"""Filters and tests of Jinja that templates of a pack name, and that are not there."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.errors import BadContent, BadTemplate, nearest
from engine.expressions.jinja import is_template, known_filters, unknown_filters
from engine.migration.finding import Remark, fails
from engine.specs.action import ActionSpec
from engine.specs.alias import AliasSpec
from engine.specs.rule import RuleSpec
from engine.workflows.chain_lint import CHAIN_RUNNER
from engine.yaml_reader import read_file


def template_remarks(spec: Any, where: str) -> Iterator[Remark]:
    for text in _templates(spec):
        try:
            unknown = unknown_filters(text)
        except BadTemplate:
            # As in StackStorm what does not parse is text where a parameter stands.
            continue
        for name in sorted(unknown):
            yield fails(
                where,
                f"A template uses the filter or test {name!r}, which is not there.",
                nearest(name, known_filters()) or "Filters: docs/reference/parameters-and-templates.md",
            )


def _templates(spec: Any) -> Iterator[str]:
    if isinstance(spec, ActionSpec):
        if spec.runner_type == CHAIN_RUNNER and spec.entry_path.is_file():
            try:
                yield from _texts(read_file(spec.entry_path, name=spec.entry_point)[1].value)
            except BadContent:
                # The engine's own check of chains tells it.
                return
        for parameter in spec.parameters.values():
            if parameter.has_default:
                yield from _texts(parameter.default)
        yield from _texts(spec.notify)
    elif isinstance(spec, RuleSpec):
        yield from _texts(spec.action.get("parameters"))
        yield from _texts(spec.criteria)
    elif isinstance(spec, AliasSpec):
        for text in (spec.ack.format, spec.result.format):
            yield from _texts(text)
        yield from _texts(spec.ack.extra)
        yield from _texts(spec.result.extra)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if is_template(value):
            yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
