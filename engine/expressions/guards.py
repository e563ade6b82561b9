"""What each filter, method and operator costs before it may run.

Tables, because the rule differs by name: text that is padded, lists that are filled up,
numbers that grow. Everything not named here pays for reading what it is given.
"""

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from engine.expressions.limits import Budget, refused

Arguments = tuple[Any, ...]
Named = Mapping[str, Any]
Check = Callable[[Budget, Any, Arguments, Named], None]

# These look at the outside of a value only, or pass its members on one by one.
FLAT_FILTERS = frozenset(
    {"abs", "attr", "batch", "count", "d", "decrypt_kv", "default", "e", "escape", "first", "float"}
    | {"forceescape", "int", "items", "last", "length", "list", "map", "random", "reject", "rejectattr"}
    | {"reverse", "round", "safe", "select", "selectattr", "slice", "use_none"}
)
# These compare or hash members deeply; nothing is written out.
DEEP_FILTERS = frozenset(
    {"dictsort", "groupby", "join", "jsonpath_query", "max", "min", "sort", "sum", "unique"}
)
# Patterns and loops in these are not linear.
_SHORT_TEXT_FILTERS = frozenset({"striptags", "urlize", "xmlattr"})
_SHORT_TEXT = 65_536
_TEXT_CODECS = frozenset({"utf8", "ascii", "latin1", "iso88591", "utf16", "utf32", "utf8sig"})
_MOST_DIGITS = 400


def _pick(arguments: Arguments, named: Named, index: int, name: str, default: Any) -> Any:
    return arguments[index] if len(arguments) > index else named.get(name, default)


def _size(value: Any) -> int:
    """A width as an argument gives it; what is no number is left for the callee to refuse."""
    try:
        return max(int(value), 0)
    except (TypeError, ValueError, OverflowError):
        return 0


def _pad(budget: Budget, value: Any, arguments: Arguments, named: Named) -> None:
    width = _size(_pick(arguments, named, 0, "width", 80))
    budget.characters(max(width, len(value) if isinstance(value, str) else 0))


def _indent(budget: Budget, value: Any, arguments: Arguments, named: Named) -> None:
    width = _pick(arguments, named, 0, "width", 4)
    each = len(width) if isinstance(width, str) else _size(width)
    text = str(value)
    budget.characters(len(text) + each * (len(text.splitlines()) + 1))


def _wordwrap(budget: Budget, value: Any, arguments: Arguments, named: Named) -> None:
    width = max(_size(_pick(arguments, named, 0, "width", 79)), 1)
    wrap = len(str(_pick(arguments, named, 2, "wrapstring", "\n") or "\n"))
    length = len(str(value))
    budget.characters(length + (length // width + 1) * wrap)
    # A long word is cut from its front again and again.
    budget.spend(length * length // width >> 14)


def _fill(budget: Budget, value: Any, arguments: Arguments, named: Named) -> None:
    """batch(linecount, fill_with) and slice(slices, fill_with)."""
    count = _size(_pick(arguments, named, 0, "linecount", None) or named.get("slices", 0))
    with_what = _pick(arguments, named, 1, "fill_with", None)
    before = budget.left
    budget.weigh(with_what)
    budget.spend(count * max(before - budget.left, 1))
    budget.look(value)


def _round(budget: Budget, value: Any, arguments: Arguments, named: Named) -> None:
    budget.number(value)
    precision = _pick(arguments, named, 0, "precision", 0)
    if isinstance(precision, int) and abs(precision) > _MOST_DIGITS:
        raise refused(f"rounds to more than {_MOST_DIGITS} digits")


def _sum(budget: Budget, value: Any, arguments: Arguments, named: Named) -> None:
    start = _pick(arguments, named, 1, "start", 0)
    if not isinstance(start, int | float):
        # Lists are copied at every step.
        budget.spend(len(value) * budget.weigh(value))


def _join(budget: Budget, value: Any, arguments: Arguments, named: Named) -> None:
    between = len(str(_pick(arguments, named, 0, "d", "")))
    budget.characters(budget.weigh(value) + between * len(value))


def _replace(budget: Budget, value: Any, arguments: Arguments, named: Named) -> None:
    old = str(_pick(arguments, named, 0, "old", ""))
    new = str(_pick(arguments, named, 1, "new", ""))
    text = str(value)
    found = text.count(old) if old else len(text) + 1
    budget.characters(len(text) + found * max(len(new) - len(old), 0))


def _percent(budget: Budget, value: Any, arguments: Arguments, named: Named) -> None:
    budget.percent(str(value), dict(named) or arguments)


def _json_path(budget: Budget, value: Any, arguments: Arguments, named: Named) -> None:
    # Each `..` walks everything below every match of what stands before it.
    deep = str(_pick(arguments, named, 0, "query", "")).count("..")
    _walk_slowly(budget, value, 10 ** min(deep + 1, 6))


def _slow_walk(budget: Budget, value: Any, _arguments: Arguments, _named: Named) -> None:
    # Written in Python, or by something as slow: about ten units a value.
    _walk_slowly(budget, value, 10)


def _walk_slowly(budget: Budget, value: Any, factor: int) -> None:
    before = budget.left
    budget.weigh(value)
    budget.spend((before - budget.left) * factor)


def _json_indent(_budget: Budget, _value: Any, arguments: Arguments, named: Named) -> None:
    indent = _pick(arguments, named, 0, "indent", None)
    if indent is not None:
        each = len(indent) if isinstance(indent, str) else _size(indent)
        if each > 64:
            raise refused("indents by more than 64 characters")


FILTER_CHECKS: MappingProxyType[str, Check] = MappingProxyType(
    {
        "center": _pad,
        "indent": _indent,
        "wordwrap": _wordwrap,
        "batch": _fill,
        "slice": _fill,
        "round": _round,
        "sum": _sum,
        "join": _join,
        "replace": _replace,
        "format": _percent,
        "jsonpath_query": _json_path,
        "pprint": _slow_walk,
        "to_yaml_string": _slow_walk,
        "tojson": _json_indent,
        "to_json_string": _json_indent,
    }
)


def check_filter(budget: Budget, name: str, value: Any, arguments: Arguments, named: Named) -> None:
    """Pay for a filter before it runs."""
    budget.spend(1)
    budget.clock()
    for argument in (*arguments, *named.values()):
        budget.weigh(argument)
    if name in FLAT_FILTERS:
        budget.look(value)
    elif name in DEEP_FILTERS:
        budget.weigh(value)
    else:
        budget.printable(value)
        if name in _SHORT_TEXT_FILTERS and len(str(value)) > _SHORT_TEXT:
            raise refused(f"gives {name} a text of more than {_SHORT_TEXT} characters")
    check = FILTER_CHECKS.get(name)
    if check is not None:
        check(budget, value, arguments, named)


def _method_join(budget: Budget, value: Any, arguments: Arguments, _named: Named) -> None:
    for items in arguments:
        if hasattr(items, "__len__"):
            budget.characters(budget.weigh(items) + len(value) * len(items))


def _expandtabs(budget: Budget, value: Any, arguments: Arguments, named: Named) -> None:
    tab = _size(_pick(arguments, named, 0, "tabsize", 8))
    budget.characters(len(value) + value.count("\t" if isinstance(value, str) else b"\t") * tab)


def _codec(_budget: Budget, _value: Any, arguments: Arguments, named: Named) -> None:
    # idna and punycode take quadratic time; others are not text at all.
    wanted = str(_pick(arguments, named, 0, "encoding", "utf-8")).lower()
    if wanted.replace("-", "").replace("_", "") not in _TEXT_CODECS:
        raise refused(f"uses the encoding {wanted[:40]!r}")


def _from_the_right(budget: Budget, value: Any, arguments: Arguments, named: Named) -> None:
    needle = _pick(arguments, named, 0, "sep", None)
    if isinstance(needle, str | bytes):
        budget.spend(len(value) * len(needle) >> 10)


def _method_replace(budget: Budget, value: Any, arguments: Arguments, named: Named) -> None:
    if isinstance(value, str):
        _replace(budget, value, arguments, named)
    else:
        budget.characters(len(value) * (1 + max((len(part) for part in arguments[:2]), default=0)))


def _translate(budget: Budget, value: Any, arguments: Arguments, _named: Named) -> None:
    longest = max((budget.weigh(table) for table in arguments), default=0)
    budget.characters(len(value) * longest)


def _to_bytes(budget: Budget, _value: Any, arguments: Arguments, named: Named) -> None:
    budget.characters(_size(_pick(arguments, named, 0, "length", 1)))


METHOD_CHECKS: MappingProxyType[str, Check] = MappingProxyType(
    {
        "center": _pad,
        "ljust": _pad,
        "rjust": _pad,
        "zfill": _pad,
        "expandtabs": _expandtabs,
        "join": _method_join,
        "replace": _method_replace,
        "translate": _translate,
        "encode": _codec,
        "decode": _codec,
        "rfind": _from_the_right,
        "rindex": _from_the_right,
        "rsplit": _from_the_right,
        "rpartition": _from_the_right,
    }
)


def check_method(budget: Budget, owner: Any, name: str, arguments: Arguments, named: Named) -> None:
    """Pay for a method of a built-in value before it runs."""
    for argument in (*arguments, *named.values()):
        budget.weigh(argument)
    if isinstance(owner, str | bytes):
        check = METHOD_CHECKS.get(name)
        budget.look(owner)
        if check is not None:
            check(budget, owner, arguments, named)
    elif isinstance(owner, int) and name == "to_bytes":
        _to_bytes(budget, owner, arguments, named)
    elif name in ("index", "count"):
        budget.weigh(owner)
    else:
        budget.look(owner)


def apply_operator(budget: Budget, symbol: str, left: Any, right: Any) -> Any:
    """`left symbol right`, paid for first."""
    budget.spend(1)
    if isinstance(left, int) and isinstance(right, int):
        _check_numbers(budget, symbol, left, right)
    elif symbol == "%" and isinstance(left, str | bytes):
        budget.percent(left if isinstance(left, str) else left.decode("latin-1"), right)
    elif symbol == "*":
        _check_repetition(budget, left, right)
    elif symbol == "+":
        _check_joining(budget, left, right)
    return _OPERATORS[symbol](left, right)


def _check_numbers(budget: Budget, symbol: str, left: int, right: int) -> None:
    bits = left.bit_length() + right.bit_length()
    if symbol == "**":
        bits = left.bit_length() * max(right, 0) if abs(left) > 1 else 1
    if bits > budget.settings.number_limit_bits:
        raise refused(f"computes a number of more than {budget.settings.number_limit_bits} bits")


def _check_repetition(budget: Budget, left: Any, right: Any) -> None:
    for sequence, count in ((left, right), (right, left)):
        if not isinstance(count, int):
            continue
        if isinstance(sequence, str | bytes):
            budget.characters(len(sequence) * max(count, 0))
        elif isinstance(sequence, list | tuple):
            before = budget.left
            budget.weigh(sequence)
            budget.spend((before - budget.left) * max(count, 0))


def _check_joining(budget: Budget, left: Any, right: Any) -> None:
    if isinstance(left, str | bytes) and isinstance(right, str | bytes):
        budget.characters(len(left) + len(right))
    elif isinstance(left, list | tuple):
        budget.weigh(left)
        budget.weigh(right)


_OPERATORS: MappingProxyType[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
        "//": operator.floordiv,
        "**": operator.pow,
        "%": operator.mod,
    }
)
