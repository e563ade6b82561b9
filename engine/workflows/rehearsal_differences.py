"""Where a rehearsal went otherwise than expected, in one line each."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.workflows.rehearsal import Rehearsal

_LONGEST = 300
_MISSING = object()
# The texts of the languages' own exceptions are not the same here as there.
_OF_LANGUAGES = re.compile(r"^((?:Yaql|Jinja)\w*Exception): .*", re.DOTALL)


def differences(rehearsal: Rehearsal, found: Mapping[str, Any]) -> Iterator[str]:
    expected = rehearsal.expected
    inspection = expected.get("inspection_errors") or {}
    if inspection:
        yield from compared("inspection_errors", inspection, found["inspection"])
        return
    if found["inspection"]:
        for problems in found["inspection"].values():
            for one in problems:
                yield f"The definition is wrong: {one['spec_path'] or 'workflow'}: {one['message']}"
        return
    wanted = {"workflow_status": "succeeded", **expected}
    yield from compared("workflow_status", wanted["workflow_status"], found["status"])
    if "task_sequence" in wanted:
        sequence = [named(one) for one in found["sequence"]]
        yield from _lists("task_sequence", _shown(wanted["task_sequence"]), sequence)
    if "term_tasks" in wanted:
        terminal = [named(one) for one in found["sequence"] if one.get("term")]
        yield from _lists("term_tasks", sorted(_shown(wanted["term_tasks"])), sorted(terminal))
    if "errors" in wanted:
        yield from compared("errors", _comparable(wanted["errors"]), _comparable(found["errors"]))
    for name in ("routes", "output"):
        if name in wanted:
            yield from compared(name, wanted[name], found[name])


def _comparable(errors: Any) -> Any:
    """What expressions failed with counts only by its name."""
    return [
        {**error, "message": _OF_LANGUAGES.sub(r"\1", str(error["message"]))}
        if isinstance(error, Mapping) and "message" in error
        else error
        for error in errors or ()
    ]


def named(line: Mapping[str, Any]) -> str:
    """A line of the sequence in a rehearsal's words: `task__r1` on a route that is not the first."""
    return f"{line['id']}__r{line['route']}" if line["route"] else str(line["id"])


def _shown(names: Any) -> list[str]:
    return [str(name).removesuffix("__r0") for name in names or ()]


def _lists(what: str, expected: Sequence[str], found: Sequence[str]) -> Iterator[str]:
    if list(expected) != list(found):
        pairs = zip(expected, found, strict=False)
        same = next((number for number, (a, b) in enumerate(pairs) if a != b), min(len(expected), len(found)))
        yield (
            f"{what}: expected {', '.join(expected) or 'none'}; found {', '.join(found) or 'none'}"
            f" (the first {same} are the same)"
        )


def compared(what: str, expected: Any, found: Any) -> Iterator[str]:
    """Down to the values that differ."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        for key in dict.fromkeys([*expected, *found]):
            yield from compared(f"{what}.{key}", expected.get(key, _MISSING), found.get(key, _MISSING))
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from compared(f"{what}[{number}]", one, other)
    elif not is_same(expected, found):
        yield f"{what}: expected {_told(expected)}, found {_told(found)}"


def is_same(expected: Any, found: Any) -> bool:
    """Numbers by their value; true is not 1."""
    return bool(expected == found) and isinstance(expected, bool) == isinstance(found, bool)


def _told(value: Any) -> str:
    if value is _MISSING:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
