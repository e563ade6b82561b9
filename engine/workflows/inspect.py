"""What is wrong with a workflow's definition, told before it runs: in the shapes and words of Orquesta."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.workflows.inspect_expressions import context_problems, expression_problems, fields_of
from engine.workflows.inspect_extensions import extension_semantics, extension_syntax
from engine.workflows.inspect_semantics import semantic_problems
from engine.workflows.inspect_syntax import syntax_problems
from engine.workflows.outline import outline_of
from engine.workflows.reading import load

Found = Mapping[str, Sequence[Mapping[str, Any]]]

# What StackStorm gives every workflow.
HOST_VARIABLES = ("st2", "parent")

_KINDS = {"syntax": "syntax", "semantics": "semantic", "expressions": "expression", "context": "context"}


def inspect(text: str, *, given: Iterable[str] = HOST_VARIABLES) -> dict[str, list[dict[str, Any]]]:
    """Problems by category: syntax, semantics, expressions, context; those without any are left out.

    An entry has `message`, `spec_path` (where in the definition) and `schema_path`; those of expressions
    and context also `type` (yaql, jinja or null) and `expression`. `given`: variables that the host sets.
    Raises DefinitionError for what cannot be loaded.
    """
    outline = outline_of(load(text))
    fields = fields_of(outline)
    found = {
        "syntax": [*syntax_problems(outline), *extension_syntax(outline)],
        "semantics": [*semantic_problems(outline), *extension_semantics(outline)],
        "expressions": expression_problems(outline, fields),
        "context": context_problems(outline, fields, given),
    }
    return {kind: sorted(problems, key=_order) for kind, problems in found.items() if problems}


def flattened(found: Found) -> list[dict[str, Any]]:
    """One list, as StackStorm's API gives it: `type` is the category, and `language` what was `type`."""
    listed = []
    for category, problems in found.items():
        for problem in problems:
            entry = dict(problem)
            if "type" in entry:
                entry["language"] = entry.pop("type")
            listed.append({"type": _KINDS.get(category, category), **entry})
    return sorted(listed, key=lambda entry: (entry["type"], str(entry["schema_path"] or "")))


def _order(entry: Mapping[str, Any]) -> tuple[str, str]:
    return str(entry["schema_path"] or ""), str(entry["spec_path"] or "")
