"""Which parameters of the query a handler reads, by its source and that of all it calls in engine.api."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

from engine.api import gate, listing
from engine.api.call import Query

ACCESSORS = {"text": "string", "names": "array", "flag": "boolean", "integer": "integer", "moment": "moment"}
PAGE = {("limit", "integer"), ("offset", "integer")}

Read = tuple[str, str]


def reads(handler: Callable[..., Any]) -> set[Read]:
    """Names, and the kind that each is read as."""
    found: set[Read] = set()
    seen: set[Any] = set()
    waiting: list[Any] = [handler]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        if one is listing.fits:
            found |= {(name, "string") for name in listing.FITTED}
        elif inspect.isclass(one):
            members = [getattr(member, "__func__", member) for member in vars(one).values()]
            waiting += [member for member in members if _is_ours(member)]
        else:
            tree = ast.parse(textwrap.dedent(inspect.getsource(one)))
            found |= set(_read_in(tree))
            waiting += _named_in(tree, one)
    return found


def _read_in(tree: ast.AST) -> Iterator[Read]:
    loops = _literal_loops(tree)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if not ast.unparse(node.func.value).endswith("query"):
            continue
        if node.func.attr == "page":
            yield from PAGE
        if node.func.attr not in ACCESSORS or not node.args:
            continue
        name = node.args[0]
        if isinstance(name, ast.Constant):
            yield str(name.value), ACCESSORS[node.func.attr]
        elif isinstance(name, ast.Name):
            yield from ((each, ACCESSORS[node.func.attr]) for each in loops.get(name.id, ()))


def _literal_loops(tree: ast.AST) -> dict[str, list[str]]:
    """Variables that walk through texts that are written there."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.For | ast.comprehension):
            continue
        if isinstance(node.target, ast.Name) and isinstance(node.iter, ast.Tuple):
            texts = [one.value for one in node.iter.elts if isinstance(one, ast.Constant)]
            found[node.target.id] = [text for text in texts if isinstance(text, str)]
    return found


def _named_in(tree: ast.AST, function: Any) -> list[Any]:
    """Functions and classes of ours that the source names."""
    space = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.append(space.get(node.id))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = space.get(node.value.id)
            if isinstance(owner, ModuleType | type):
                found.append(getattr(owner, node.attr, None))
    found = [one.func if isinstance(one, partial) else getattr(one, "__func__", one) for one in found]
    return [one for one in found if _is_ours(one)]


def _is_ours(one: Any) -> bool:
    if isinstance(one, FunctionType):
        # Those that dataclasses write have no source.
        is_code = one.__code__.co_filename.endswith(f"{one.__module__.rpartition('.')[2]}.py")
    else:
        is_code = inspect.isclass(one) and one is not Query
    return is_code and one.__module__.startswith("engine.api.") and one.__module__ != gate.__name__
