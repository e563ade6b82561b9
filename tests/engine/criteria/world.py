"""What the tests of this room share: templates, a datastore in a dict, one criterion at a time."""

from collections.abc import Mapping
from typing import Any

from engine.criteria.compile import Verdict, compile_criteria
from engine.expressions.jinja import Templates
from engine.expressions.lookups import KeyLookup, key_lookups
from tests.engine.expressions.world import DictKeys, templates

TEMPLATES: Templates = templates()


def system(**keys: str) -> KeyLookup:
    return key_lookups(DictKeys({f"system.{name}": keys[name] for name in keys}), user=None)["system"]


def verdict(
    criteria: Mapping[str, Any],
    payload: Any,
    *,
    match: Mapping[str, Any] | None = None,
    keys: Mapping[str, str] | None = None,
    explain: bool = False,
) -> Verdict:
    compiled = compile_criteria(criteria, match=match)
    return compiled.evaluate(payload, system=system(**(keys or {})), templates=TEMPLATES, explain=explain)


def answer(operator: str, value: Any, pattern: Any, **more: Any) -> bool | str:
    """True, False, or why it cannot be answered."""
    found = verdict({"trigger.v": {"type": operator, "pattern": pattern, **more}}, {"v": value, "w": 1})
    return found.error or found.matched
