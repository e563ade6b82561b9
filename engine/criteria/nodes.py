"""Criteria as a tree: single ones, lists searched by criteria, and any, all and not around them.

A criterion holds, or does not, or cannot be answered (Unanswerable). What cannot be answered never
makes a rule fire, also not inside of `not`; it does not stop an `any` of which another part holds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.criteria.operators import TABLE, Operator, TooSlow
from engine.criteria.paths import compile_path
from engine.criteria.patterns import Rendered, compile_pattern
from engine.expressions.jinja import Templates
from engine.expressions.masking import ValueMasker

Context = Mapping[str, Any]
"""`trigger`, or `item` inside of a search, and `system`."""

SEARCH = "search"
CONDITIONS = ("all", "all2any", "any", "any2any")
GROUPS = ("any", "all", "not")
# Of a long list that was searched, an explanation shows so many.
_SHOWN_ITEMS = 20


class Unanswerable(Exception):
    """A criterion that cannot be evaluated on this event; says which, and why."""


class Exhausted(Unanswerable):
    """It took too long; nothing else of the rule is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one criterion came out."""

    key: str
    """As written; `any`, `all`, `not` for a group, `[0]` for an item of a search."""
    operator: str = ""
    value: Any = None
    """What stood at the path; None when nothing did."""
    pattern: Any = None
    """Rendered."""
    is_met: bool
    error: str = ""
    """Why it cannot be answered."""
    parts: tuple["Outcome", ...] = ()


class Node(Protocol):
    def holds(self, context: Context, templates: Templates) -> bool:
        """Raises Unanswerable."""
        ...

    def explain(self, context: Context, templates: Templates) -> Outcome:
        """Never raises."""
        ...


class Criterion:
    """One operator on one path."""

    __slots__ = ("_find", "_operator", "_pattern", "_written", "key", "name")

    def __init__(self, key: str, name: str, operator: Operator, pattern: Any) -> None:
        self.key = key
        self.name = name
        self._operator = operator
        self._find = compile_path(key)
        self._written = pattern
        self._pattern = compile_pattern(pattern)

    def holds(self, context: Context, templates: Templates) -> bool:
        try:
            pattern = self._pattern
            if type(pattern) is Rendered:
                pattern = pattern.value(templates, context)
            return self._operator(self._find(context), pattern)
        except Exception as error:
            # StackStorm's rule: whatever goes wrong here, this one criterion is not answered.
            raise self._unanswerable(error) from error

    def explain(self, context: Context, templates: Templates) -> Outcome:
        decrypted: list[str] = []
        value, pattern = None, self._pattern
        is_met, problem = False, ""
        try:
            value = self._asked(self._find, context)
            if isinstance(pattern, Rendered):
                pattern = self._asked(pattern.value, templates, context, decrypted)
            is_met = self._asked(self._operator, value, pattern)
        except Unanswerable as error:
            problem = str(error)
        if isinstance(pattern, Rendered):
            pattern = self._written
        elif decrypted:
            masker = ValueMasker(decrypted)
            value, pattern = masker.value(value), masker.value(pattern)
        return Outcome(
            key=self.key, operator=self.name, value=value, pattern=pattern, is_met=is_met, error=problem
        )

    def _asked(self, function: Callable[..., Any], *given: Any) -> Any:
        try:
            return function(*given)
        except Exception as error:
            # As in `holds`.
            raise self._unanswerable(error) from error

    def _unanswerable(self, error: Exception) -> Unanswerable:
        kind = Exhausted if isinstance(error, TooSlow) else Unanswerable
        return kind(f"{self.key} {self.name} {shown(self._written)}: {_words(error)}")


class Search:
    """Criteria on the items of a list; an object counts as a list of one."""

    __slots__ = ("_condition", "_every_item", "_every_part", "_find", "_parts", "_pattern", "key")

    def __init__(self, key: str, condition: Any, pattern: Any) -> None:
        self.key = key
        self._find = compile_path(key)
        self._condition = condition
        self._pattern = pattern
        self._every_item = condition in ("all", "all2any")
        self._every_part = condition in ("all", "any")
        self._parts = compile_all(pattern) if isinstance(pattern, Mapping) else ()

    def holds(self, context: Context, templates: Templates) -> bool:
        return _every_or_some(
            self._every_item,
            [_Item(self._parts, self._every_part, item) for item in self._items(context)],
            context,
            templates,
        )

    def explain(self, context: Context, templates: Templates) -> Outcome:
        is_met, problem = _answer(self, context, templates)
        parts: tuple[Outcome, ...] = ()
        try:
            parts = tuple(
                _Item(self._parts, self._every_part, item, f"[{index}]").explain(context, templates)
                for index, item in enumerate(self._items(context)[:_SHOWN_ITEMS])
            )
        except Unanswerable:
            # Said already.
            pass
        name = f"{SEARCH} ({self._condition})"
        return Outcome(key=self.key, operator=name, is_met=is_met, error=problem, parts=parts)

    def _items(self, context: Context) -> Sequence[Any]:
        if self._condition not in CONDITIONS:
            raise Unanswerable(
                f"{self.key} {SEARCH}: the condition {self._condition!r} is none of {', '.join(CONDITIONS)}"
            )
        if not isinstance(self._pattern, Mapping):
            raise Unanswerable(f"{self.key} {SEARCH}: the pattern must be a mapping of criteria")
        try:
            found = self._find(context)
            return [found] if isinstance(found, Mapping) else list(found)
        except Exception as error:
            # As in Criterion.
            raise Unanswerable(f"{self.key} {SEARCH}: {_words(error)}") from error


class _Item:
    """The criteria of a search on one item."""

    __slots__ = ("_every", "_item", "_key", "_parts")

    def __init__(self, parts: Sequence[Node], every: bool, item: Any, key: str = "") -> None:
        self._parts = parts
        self._every = every
        self._item = item
        self._key = key

    def holds(self, context: Context, templates: Templates) -> bool:
        return _every_or_some(self._every, self._parts, self._inner(context), templates)

    def explain(self, context: Context, templates: Templates) -> Outcome:
        is_met, problem = _answer(self, context, templates)
        inner = self._inner(context)
        parts = tuple(part.explain(inner, templates) for part in self._parts)
        return Outcome(key=self._key, is_met=is_met, error=problem, parts=parts)

    def _inner(self, context: Context) -> Context:
        return {"item": self._item, "system": context["system"]}


class Group:
    """any, all or not of its parts; `not` means that they do not all hold."""

    __slots__ = ("_kind", "_parts")

    def __init__(self, kind: str, parts: Sequence[Node]) -> None:
        self._kind = kind
        self._parts = parts

    def holds(self, context: Context, templates: Templates) -> bool:
        holds = _every_or_some(self._kind != "any", self._parts, context, templates)
        return not holds if self._kind == "not" else holds

    def explain(self, context: Context, templates: Templates) -> Outcome:
        is_met, problem = _answer(self, context, templates)
        parts = tuple(part.explain(context, templates) for part in self._parts)
        return Outcome(key=self._kind, is_met=is_met, error=problem, parts=parts)


class _Unknown:
    """A criterion without an operator, or with one that nobody knows."""

    __slots__ = ("_key", "_problem")

    def __init__(self, key: str, problem: str = "") -> None:
        self._key = key
        self._problem = problem

    def holds(self, _context: Context, _templates: Templates) -> bool:
        if self._problem:
            raise Unanswerable(self._problem)
        return False

    def explain(self, _context: Context, _templates: Templates) -> Outcome:
        return Outcome(key=self._key, is_met=False, error=self._problem)


def _every_or_some(every: bool, parts: Sequence[Node], context: Context, templates: Templates) -> bool:
    """Whether every part holds, or some part does. An answer of one part can be enough, so an
    unanswerable one counts only when no other decides."""
    unanswered: Unanswerable | None = None
    for part in parts:
        try:
            if part.holds(context, templates) is not every:
                return not every
        except Exhausted:
            raise
        except Unanswerable as error:
            unanswered = unanswered or error
    if unanswered is not None:
        raise unanswered
    return every


def _answer(node: Node, context: Context, templates: Templates) -> tuple[bool, str]:
    """Whether it holds, and why that cannot be said."""
    try:
        return node.holds(context, templates), ""
    except Unanswerable as error:
        return False, str(error)


def compile_all(criteria: Mapping[str, Any]) -> tuple[Node, ...]:
    """One node for each criterion of a mapping."""
    return tuple(_compile_one(str(key), criterion) for key, criterion in criteria.items())


def compile_match(match: Mapping[str, Any]) -> Node:
    """A mapping of criteria in which `any` and `all` hold lists of such mappings, and `not` one.

    All entries of a mapping must hold.
    """
    nodes: list[Node] = []
    for key, inner in match.items():
        if key in ("any", "all"):
            nodes.append(Group(key, [compile_match(part) for part in inner]))
        elif key == "not":
            nodes.append(Group(key, [compile_match(inner)]))
        else:
            nodes.append(_compile_one(str(key), inner))
    return nodes[0] if len(nodes) == 1 else Group("all", nodes)


def _compile_one(key: str, criterion: Any) -> Node:
    name = criterion.get("type") if isinstance(criterion, Mapping) else None
    if not name:
        return _Unknown(key)
    if name == SEARCH:
        return Search(key, criterion.get("condition"), criterion.get("pattern"))
    operator = TABLE.get(str(name).lower())
    if operator is None:
        return _Unknown(key, f"{key}: {name!r} is no operator")
    return Criterion(key, str(name), operator, criterion.get("pattern"))


def _words(error: Exception) -> str:
    """A lookup error's own text is only the key."""
    return f"there is no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__


def shown(value: Any) -> str:
    """A value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
