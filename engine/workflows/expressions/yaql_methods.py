"""YAQL's methods of lists and dicts; what is not certain is the package's."""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from engine.workflows.expressions.running import Run
from engine.workflows.expressions.yaql_operators import contained, greater, plus
from engine.workflows.expressions.yaql_texts import TEXT_METHODS, whole
from engine.workflows.expressions.yaql_values import (
    DICTS,
    NUMBERS,
    SCALARS,
    SEQUENCES,
    Bag,
    Elsewhere,
    Keys,
    Listed,
    Made,
    Stream,
    is_true,
    made,
    made_dict,
    stream,
    walked,
)

Lambda = Callable[[Run, Any], Any]


@dataclass(frozen=True, slots=True)
class Method:
    """Takes the run, the owner and the arguments; these are closures where it takes lambdas."""

    apply: Callable[..., Any]
    least: int = 0
    most: int = 0
    takes_lambdas: bool = False


def _rows(run: Run, value: Any) -> list[Any]:
    """What a lambda is applied to; looks at the clock, since loops may stand in loops."""
    run.clock()
    return walked(run, value)


def length(_run: Run, value: Any) -> int:
    if type(value) in SEQUENCES or type(value) in DICTS or type(value) in (str, Stream, Keys):
        return len(value)
    raise Elsewhere


def _count(run: Run, value: Any) -> int:
    return len(walked(run, value))


def _select(run: Run, value: Any, selector: Lambda) -> Any:
    return stream([selector(run, one) for one in _rows(run, value)])


def _where(run: Run, value: Any, predicate: Lambda) -> Any:
    return Stream([one for one in _rows(run, value) if is_true(predicate(run, one))])


def _select_many(run: Run, value: Any, selector: Lambda) -> Any:
    found: list[Any] = []
    for one in _rows(run, value):
        inner = selector(run, one)
        if type(inner) in DICTS or type(inner) in SCALARS:
            found.append(inner)
        else:
            found.extend(walked(run, inner))
    return stream(found)


def any_of(run: Run, value: Any, predicate: Lambda | None = None) -> bool:
    """Without a predicate: whether there is anything at all."""
    rows = _rows(run, value)
    return bool(rows) if predicate is None else any(is_true(predicate(run, one)) for one in rows)


def all_of(run: Run, value: Any, predicate: Lambda | None = None) -> bool:
    return all(is_true(one if predicate is None else predicate(run, one)) for one in _rows(run, value))


def _first(run: Run, value: Any, *default: Any) -> Any:
    rows = walked(run, value)
    return rows[0] if rows else _given(default)


def _last(run: Run, value: Any, *default: Any) -> Any:
    rows = walked(run, value)
    return rows[-1] if rows else _given(default)


def _given(default: tuple[Any, ...]) -> Any:
    if not default:
        raise Elsewhere
    return default[0]


def _ordered(*, descending: bool) -> Callable[..., Bag]:
    def apply(run: Run, value: Any, selector: Lambda) -> Bag:
        rows = _rows(run, value)
        keys = [selector(run, one) for one in rows]
        kinds = set(map(type, keys))
        if not (kinds <= NUMBERS or kinds == {str}):
            raise Elsewhere
        if float in kinds and any(map(math.isnan, keys)):
            # It is in no order.
            raise Elsewhere
        order = sorted(range(len(rows)), key=keys.__getitem__, reverse=descending)
        return Bag([rows[place] for place in order])

    return apply


def distinct(run: Run, value: Any, selector: Lambda | None = None) -> Stream:
    seen: set[Any] = set()
    found: list[Any] = []
    for one in _rows(run, value):
        key = one if selector is None else selector(run, one)
        if type(key) not in SCALARS:
            raise Elsewhere
        if key not in seen:
            seen.add(key)
            found.append(one)
    return Stream(found)


def _to_dict(run: Run, value: Any, key: Lambda, selector: Lambda | None = None) -> Any:
    found: dict[Any, Any] = {}
    for one in _rows(run, value):
        name = key(run, one)
        if type(name) not in SCALARS:
            raise Elsewhere
        found[name] = one if selector is None else selector(run, one)
    return made_dict(found)


def _folded(step: Callable[[Run, Any, Any], Any]) -> Callable[..., Any]:
    def apply(run: Run, value: Any, *initial: Any) -> Any:
        rows = _rows(run, value)
        if not rows and not initial:
            raise Elsewhere
        return functools.reduce(functools.partial(step, run), rows, *initial)

    return apply


def maximum(run: Run, left: Any, right: Any) -> Any:
    return right if greater(run, right, left) else left


def minimum(run: Run, left: Any, right: Any) -> Any:
    return left if greater(run, right, left) else right


def _skip(run: Run, value: Any, count: Any) -> Stream:
    whole(count)
    if count < 0:
        raise Elsewhere
    return Stream(walked(run, value)[count:])


def _limit(run: Run, value: Any, count: Any) -> Stream:
    whole(count)
    if count < 0:
        raise Elsewhere
    return Stream(walked(run, value)[:count])


def _reverse(run: Run, value: Any) -> Stream:
    return Stream(walked(run, value)[::-1])


def _to_list(run: Run, value: Any) -> Made:
    return Made(walked(run, value))


def _flatten(run: Run, value: Any) -> Stream:
    found: list[Any] = []
    waiting = [iter(walked(run, value))]
    while waiting:
        for one in waiting[-1]:
            if isinstance(one, list):
                waiting.append(iter(walked(run, one)))
                break
            found.append(one)
        else:
            waiting.pop()
    return Stream(found)


def enumerated(run: Run, value: Any, start: Any = 0) -> Any:
    whole(start)
    return stream([Listed(pair) for pair in enumerate(walked(run, value), start)])


def _contains(run: Run, value: Any, one: Any) -> bool:
    walked(run, value)
    return contained(run, one, value)


def _index_of(run: Run, value: Any, one: Any, *start: Any) -> int:
    if type(value) is str and type(one) is str:
        whole(*start)
        run.look(value)
        return value.find(one, *start)
    if start or type(one) not in SCALARS:
        raise Elsewhere
    return next((place for place, other in enumerate(walked(run, value)) if other == one), -1)


def _dict(run: Run, value: Any) -> dict[Any, Any]:
    if type(value) not in DICTS:
        raise Elsewhere
    run.spend(1 + len(value))
    found: dict[Any, Any] = value
    return found


def _get(_run: Run, value: Any, key: Any, default: Any = None) -> Any:
    if type(value) not in DICTS or type(key) not in SCALARS:
        raise Elsewhere
    return value.get(key, default)


def _contains_key(_run: Run, value: Any, key: Any) -> bool:
    if type(value) not in DICTS or type(key) not in SCALARS:
        raise Elsewhere
    return key in value


def _contains_value(run: Run, value: Any, one: Any) -> bool:
    if type(one) not in SCALARS:
        raise Elsewhere
    return one in _dict(run, value).values()


def _keys(run: Run, value: Any) -> Keys:
    return Keys(_dict(run, value))


def _values(run: Run, value: Any) -> Bag:
    return Bag(_dict(run, value).values())


def _items(run: Run, value: Any) -> Any:
    return Keys([made(list(pair)) for pair in _dict(run, value).items()])


def _set(run: Run, value: Any, *changed: Any) -> Any:
    """A copy with one key set, or with all of another dict."""
    if len(changed) == 1:
        return made_dict({**_dict(run, value), **_dict(run, changed[0])})
    if type(changed[0]) not in SCALARS:
        raise Elsewhere
    return made_dict({**_dict(run, value), changed[0]: changed[1]})


def _delete(run: Run, value: Any, *keys: Any) -> Any:
    if not SCALARS.issuperset(map(type, keys)):
        raise Elsewhere
    gone = frozenset(keys)
    return made_dict({key: inner for key, inner in _dict(run, value).items() if key not in gone})


METHODS: Mapping[str, Method] = MappingProxyType(
    {name: Method(*entry) for name, entry in TEXT_METHODS.items()}
    | {
        "len": Method(length),
        "count": Method(_count),
        "select": Method(_select, 1, 1, takes_lambdas=True),
        "map": Method(_select, 1, 1, takes_lambdas=True),
        "where": Method(_where, 1, 1, takes_lambdas=True),
        "filter": Method(_where, 1, 1, takes_lambdas=True),
        "selectMany": Method(_select_many, 1, 1, takes_lambdas=True),
        "any": Method(any_of, 0, 1, takes_lambdas=True),
        "all": Method(all_of, 0, 1, takes_lambdas=True),
        "orderBy": Method(_ordered(descending=False), 1, 1, takes_lambdas=True),
        "orderByDescending": Method(_ordered(descending=True), 1, 1, takes_lambdas=True),
        "distinct": Method(distinct, 0, 1, takes_lambdas=True),
        "toDict": Method(_to_dict, 1, 2, takes_lambdas=True),
        "first": Method(_first, 0, 1),
        "last": Method(_last, 0, 1),
        "sum": Method(_folded(plus), 0, 1),
        "max": Method(_folded(maximum), 0, 1),
        "min": Method(_folded(minimum), 0, 1),
        "skip": Method(_skip, 1, 1),
        "limit": Method(_limit, 1, 1),
        "take": Method(_limit, 1, 1),
        "reverse": Method(_reverse),
        "toList": Method(_to_list),
        "flatten": Method(_flatten),
        "enumerate": Method(enumerated, 0, 1),
        "contains": Method(_contains, 1, 1),
        "indexOf": Method(_index_of, 1, 2),
        "get": Method(_get, 1, 2),
        "containsKey": Method(_contains_key, 1, 1),
        "containsValue": Method(_contains_value, 1, 1),
        "keys": Method(_keys),
        "values": Method(_values),
        "items": Method(_items),
        "set": Method(_set, 1, 2),
        "delete": Method(_delete, 1, 9),
    }
)
