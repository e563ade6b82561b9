"""Criteria by equality alone; the other operators follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.expressions.jinja import Templates
from engine.expressions.lookups import KeyLookup


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    matched: bool
    outcomes: tuple[Any, ...] = ()
    error: str = ""


class Criteria:
    def __init__(self, criteria: Mapping[str, Any], where: str) -> None:
        self._where = where
        self._wanted = [(key.split("."), item["pattern"]) for key, item in criteria.items()]

    def evaluate(self, payload: Any, *, system: KeyLookup, templates: Templates) -> Verdict:
        del templates
        scope = {"trigger": payload, "system": system}
        return Verdict(matched=all(_value(scope, path) == pattern for path, pattern in self._wanted))


def _value(value: Any, path: list[str]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def compile_criteria(criteria: Mapping[str, Any], *, where: str = "") -> Criteria:
    return Criteria(criteria, where)
