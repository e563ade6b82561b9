"""Criteria as a tree: single ones, lists searched by criteria, and any, all and not around them.

A criterion holds, or does not, or cannot be answered (Unanswerable). What cannot be answered never
makes a rule fire, also not inside of `not`; it does not stop an `any` of which another part holds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.criteria.operators import TABLE, Named, TooSlow
from engine.criteria.paths import compile_path
from engine.criteria.patterns import Rendered, compile_pattern
from engine.expressions.jinja import Templates
from engine.expressions.masking import ValueMasker

Context = Mapping[str, Any]
"""`trigger`, or `item` inside of a search, and `system`."""

Path = tuple[str | int, ...]
"""Keys and indexes from the top of the rule's file."""

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
    path: Path = ()
    """Where it stands in the rule's file; empty for an item of a search."""
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

    __slots__ = (
        "_ask",
        "_find",
        "_pattern",
        "_rendered",
        "_takes_bytes",
        "_takes_null",
        "_written",
        "key",
        "name",
        "path",
    )

    def __init__(self, path: Path, name: str, operator: Named, pattern: Any) -> None:
        self.path = path
        self.key = key = str(path[-1])
        self.name = name
        self._find = compile_path(key)
        self._written = pattern
        self._pattern = compile_pattern(pattern)
        self._rendered = self._pattern if isinstance(self._pattern, Rendered) else None
        self._takes_null = operator.takes_null
        self._takes_bytes = operator.takes_bytes
        self._ask = operator.function
        if self._pattern is None and not operator.takes_null:
            self._ask = _never

    def holds(self, context: Context, templates: Templates) -> bool:
        try:
            if self._rendered is None:
                value = self._find(context)
                return self._ask(value if type(value) is not bytes else self._text(value), self._pattern)
            return self._compare(self._find(context), self._rendered.value(templates, context))
        except Exception as error:
            # StackStorm's rule: whatever goes wrong here, this one criterion is not answered.
            raise self._unanswerable(error, context) from error

    def _text(self, value: bytes) -> Any:
        return value.decode("utf-8") if self._takes_bytes else value

    def _compare(self, value: Any, pattern: Any) -> bool:
        if pattern is None and not self._takes_null:
            return False
        return self._ask(self._text(value) if isinstance(value, bytes) else value, pattern)

    def explain(self, context: Context, templates: Templates) -> Outcome:
        decrypted: list[str] = []
        value, pattern = None, self._pattern
        is_met, problem = False, ""
        try:
            value = self._asked(context, self._find, context)
            if self._rendered is not None:
                pattern = self._asked(context, self._rendered.value, templates, context, decrypted)
            is_met = self._asked(context, self._compare, value, pattern)
        except Unanswerable as error:
            problem = str(error)
        if isinstance(pattern, Rendered):
            pattern = self._written
        elif decrypted:
            masker = ValueMasker(decrypted)
            value, pattern = masker.value(value), masker.value(pattern)
        return Outcome(
            key=self.key,
            operator=self.name,
            value=value,
            pattern=pattern,
            is_met=is_met,
            error=problem,
            path=self.path,
        )

    def _asked(self, context: Context, function: Callable[..., Any], *given: Any) -> Any:
        try:
            return function(*given)
        except Exception as error:
            # As in `holds`.
            raise self._unanswerable(error, context) from error

    def _unanswerable(self, error: Exception, context: Context) -> Unanswerable:
        kind = Exhausted if isinstance(error, TooSlow) else Unanswerable
        words = _words(error)
        if isinstance(error, TypeError | AttributeError) and self._is_missing(context):
            words = "there is no value at this path"
        return kind(f"{self.key} {self.name} {shown(self._written)}: {words}")

    def _is_missing(self, context: Context) -> bool:
        try:
            return self._find(context) is None
        except Exception:  # noqa: BLE001  then the path itself is what cannot be answered
            return False


def _never(_value: Any, _pattern: Any) -> bool:
    return False


class Search:
    """Criteria on the items of a list; an object counts as a list of one."""

    __slots__ = ("_condition", "_every_item", "_every_part", "_find", "_parts", "_pattern", "key", "path")

    def __init__(self, path: Path, condition: Any, pattern: Any) -> None:
        self.path = path
        self.key = key = str(path[-1])
        self._find = compile_path(key)
        self._condition = condition
        self._pattern = pattern
        self._every_item = condition in ("all", "all2any")
        self._every_part = condition in ("all", "any")
        inner = (*path, "pattern")
        self._parts = compile_all(pattern, inner) if isinstance(pattern, Mapping) else ()

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
        return Outcome(key=self.key, operator=name, is_met=is_met, error=problem, path=self.path, parts=parts)

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

    __slots__ = ("_kind", "_parts", "_path")

    def __init__(self, kind: str, parts: Sequence[Node], path: Path) -> None:
        self._kind = kind
        self._parts = parts
        self._path = path

    def holds(self, context: Context, templates: Templates) -> bool:
        holds = _every_or_some(self._kind != "any", self._parts, context, templates)
        return not holds if self._kind == "not" else holds

    def explain(self, context: Context, templates: Templates) -> Outcome:
        is_met, problem = _answer(self, context, templates)
        parts = tuple(part.explain(context, templates) for part in self._parts)
        return Outcome(key=self._kind, is_met=is_met, error=problem, path=self._path, parts=parts)


class _Unknown:
    """A criterion without an operator, or with one that nobody knows."""

    __slots__ = ("_path", "_problem")

    def __init__(self, path: Path, problem: str = "") -> None:
        self._path = path
        self._problem = problem

    def holds(self, _context: Context, _templates: Templates) -> bool:
        if self._problem:
            raise Unanswerable(self._problem)
        return False

    def explain(self, _context: Context, _templates: Templates) -> Outcome:
        return Outcome(key=str(self._path[-1]), is_met=False, error=self._problem, path=self._path)


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


def compile_all(criteria: Mapping[str, Any], path: Path) -> tuple[Node, ...]:
    """One node for each criterion of a mapping, which stands at `path` in the rule."""
    return tuple(_compile_one((*path, key), criterion) for key, criterion in criteria.items())


def compile_match(match: Mapping[str, Any], path: Path) -> Node:
    """A mapping of criteria in which `any` and `all` hold lists of such mappings, and `not` one.

    All entries of a mapping must hold.
    """
    nodes: list[Node] = []
    for key, inner in match.items():
        here = (*path, key)
        if key in ("any", "all"):
            parts = [compile_match(part, (*here, index)) for index, part in enumerate(inner)]
            nodes.append(Group(key, parts, here))
        elif key == "not":
            nodes.append(Group(key, [compile_match(inner, here)], here))
        else:
            nodes.append(_compile_one(here, inner))
    return nodes[0] if len(nodes) == 1 else Group("all", nodes, path)


def _compile_one(path: Path, criterion: Any) -> Node:
    name = criterion.get("type") if isinstance(criterion, Mapping) else None
    if not name:
        return _Unknown(path)
    if name == SEARCH:
        return Search(path, criterion.get("condition"), criterion.get("pattern"))
    operator = TABLE.get(str(name).lower())
    if operator is None:
        return _Unknown(path, f"{path[-1]}: {name!r} is no operator")
    return Criterion(path, str(name), operator, criterion.get("pattern"))


def _words(error: Exception) -> str:
    """A lookup error's own text is only the key."""
    return f"there is no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__


def shown(value: Any) -> str:
    """A value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
