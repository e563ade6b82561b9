"""What is wrong with a workflow's definition, told before it runs."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.workflows.reading import load

Found = Mapping[str, Sequence[Mapping[str, Any]]]


def inspect(text: str) -> Found:
    """By category. Raises DefinitionError for what cannot be loaded."""
    tasks = load(text).get("tasks") or {}
    missing = [
        {"message": f'The task "{name}" is not defined.', "spec_path": None, "schema_path": None}
        for task in tasks.values()
        for one in (task or {}).get("next") or ()
        for name in _named(one.get("do"))
        if name not in tasks and name not in ("continue", "noop", "fail", "retry")
    ]
    return {"semantics": missing} if missing else {}


def flattened(found: Found) -> list[dict[str, Any]]:
    """As StackStorm lists them."""
    return [{"type": kind.rstrip("s"), **problem} for kind, problems in found.items() for problem in problems]


def _named(written: str | Sequence[str] | None) -> list[str]:
    names = written.split(",") if isinstance(written, str) else written or ()
    return [name.strip() for name in names]
