"""From the criteria of a rule, as written, to one question about an event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.criteria.nodes import Node, Outcome, Path, Unanswerable, compile_all, compile_match
from engine.expressions.jinja import Templates
from engine.expressions.lookups import KeyLookup


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    matched: bool
    outcomes: tuple[Outcome, ...] = ()
    """Of every criterion; only where they were asked for."""
    error: str = ""
    """Why the criteria could not be answered: then they do not match, and an enforcement says so."""


_MATCHED = Verdict(matched=True)
_MISSED = Verdict(matched=False)


class Criteria:
    """The compiled criteria of one rule; safe to use from many threads."""

    __slots__ = ("_nodes", "where")

    def __init__(self, nodes: tuple[Node, ...], where: str) -> None:
        self._nodes = nodes
        self.where = where
        """The rule's file."""

    def evaluate(
        self, payload: Any, *, system: KeyLookup, templates: Templates, explain: bool = False
    ) -> Verdict:
        """Never raises. Without `explain` it stops at the first criterion that does not hold.

        Without criteria every event matches; with criteria an empty payload never does.
        """
        if not self._nodes:
            return _MATCHED
        context = {"trigger": payload, "system": system}
        if explain:
            return self._explained(context, templates)
        if not payload:
            return _MISSED
        try:
            for node in self._nodes:
                if not node.holds(context, templates):
                    return _MISSED
        except Unanswerable as error:
            return Verdict(matched=False, error=str(error))
        return _MATCHED

    def _explained(self, context: Mapping[str, Any], templates: Templates) -> Verdict:
        outcomes = tuple(node.explain(context, templates) for node in self._nodes)
        first = next((outcome for outcome in outcomes if not outcome.is_met), None)
        if not context["trigger"]:
            return Verdict(matched=False, outcomes=outcomes)
        return Verdict(matched=first is None, outcomes=outcomes, error=first.error if first else "")


def compile_criteria(
    criteria: Mapping[str, Any],
    *,
    match: Mapping[str, Any] | None = None,
    where: str = "",
    path: Path = ("criteria",),
) -> Criteria:
    """`criteria`, which stand at `path` in the rule, and `match`, its `x-match`, must both hold.

    Never raises: what cannot be compiled is a criterion that cannot be answered, as in StackStorm.
    """
    nodes = compile_all(criteria, path)
    if match:
        nodes += (compile_match(match, ("x-match",)),)
    return Criteria(nodes, where)
