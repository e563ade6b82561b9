"""From the text of an action chain to a Chain, as strict as StackStorm and in its words."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from engine.content import shape
from engine.content.read_notify import check_notify
from engine.content.shape import Field, Path, WrongShape, take
from engine.errors import BadContent, nearest
from engine.expressions.jinja import is_template
from engine.workflows.chain import Chain, Node
from engine.yaml_reader import line_of, read_text

_CHAIN: Mapping[str, Field] = MappingProxyType(
    {
        "chain": Field("array", required=True, check=shape.OBJECTS),
        "default": Field("string"),
        "vars": Field("object"),
    }
)
_NODE: Mapping[str, Field] = MappingProxyType(
    {
        "name": Field("string", required=True, check=shape.filled),
        "ref": Field("string", required=True, check=shape.filled),
        "description": Field("any"),
        "params": Field("object"),
        "parameters": Field("object"),
        "on-success": Field("string"),
        "on-failure": Field("string"),
        "publish": Field("object"),
        "notify": Field("object", check=check_notify),
    }
)


def read_chain(text: str, *, name: str) -> Chain:
    """Raises BadContent; its `where` is `name:line`. `name` is the file as people know it."""
    content = read_text(text, name=name).value
    try:
        return _chain(content, hashlib.sha256(text.encode()).hexdigest(), name)
    except WrongShape as found:
        message = "The file is empty." if content is None else found.message
        raise BadContent(message, hint=found.hint, where=f"{name}:{line_of(text, found.path)}") from found


def oddities(text: str, *, name: str) -> Iterator[tuple[int, str, str]]:
    """What is odd in a text that `read_chain` takes: line, what is odd, and a hint."""
    document = read_text(text, name=name)
    for line, key in document.duplicates:
        yield line, f"{key!r} is written twice; the last one counts.", "Remove one of them."
    seen: set[str] = set()
    for index, node in enumerate(document.value["chain"]):
        path: Path = ("chain", index)
        task = node["name"]
        for key in node:
            if key not in _NODE and not str(key).startswith("x-"):
                hint = nearest(str(key), _NODE) or f"A task has: {', '.join(_NODE)}."
                yield line_of(text, (*path, key)), f'"{key}" in task "{task}" is not read.', hint
        if task in seen:
            yield line_of(text, path), f'A second task "{task}" never runs.', "Give it another name."
        seen.add(task)
        for key in ("on-success", "on-failure"):
            if is_template(node.get(key) or ""):
                yield (
                    line_of(text, (*path, key)),
                    f'"{key}" in task "{task}" is a template, and names of tasks are not rendered.',
                    "Write the name of a task; for a condition, let an action fail or succeed.",
                )


def _chain(content: Any, digest: str, name: str) -> Chain:
    values = take(content, _CHAIN).values
    written = values["chain"]
    nodes = [_node(node, ("chain", index)) for index, node in enumerate(written)]
    default = values.get("default") or _first(nodes)
    if not default:
        raise WrongShape(f"Failed to find default node in {name}.", path=("chain",), hint="Add a task.")
    names = [node.name for node in nodes]
    for index, node in enumerate(nodes):
        for key, target in (("on-success", node.on_success), ("on-failure", node.on_failure)):
            _check_name(target, f'"{key}" in task "{node.name}"', names, ("chain", index, key))
    _check_name(default, '"default"', names, ("default",))
    # Of two tasks with one name StackStorm finds the first.
    by_name = {node.name: node for node in reversed(nodes)}
    return Chain(
        digest=digest,
        nodes=MappingProxyType({node: by_name[node] for node in dict.fromkeys(names)}),
        default=default,
        vars=_json(values.get("vars", {})),
    )


def _node(content: Any, path: Path) -> Node:
    # StackStorm's schema describes the first task only; keys of the others that it does not
    # know have always been ignored, and `description` is found in published packs.
    values = take(content, _NODE, path=path, is_open=path[-1] != 0).values
    old, new = values.get("params"), values.get("parameters")
    if old and new:
        raise WrongShape(
            'Either "params" or "parameters" attribute needs to be provided, but not both',
            path=(*path, "params"),
            hint='Write them all under "parameters".',
        )
    return Node(
        name=values["name"],
        ref=values["ref"],
        parameters=_json(new or old or {}),
        on_success=values.get("on-success", ""),
        on_failure=values.get("on-failure", ""),
        publish=_json(values.get("publish", {})),
        notify=values.get("notify") or None,
    )


def _first(nodes: list[Node]) -> str:
    """Where a chain without `default` starts: the first task to which none leads, else the first."""
    led_to = {name for node in nodes for name in (node.on_success, node.on_failure)}
    names = [node.name for node in nodes]
    return next((name for name in names if name not in led_to), names[0] if names else "")


def _check_name(target: str, where: str, names: list[str], path: Path) -> None:
    if target and target not in names and not is_template(target):
        raise WrongShape(
            f'Unable to find node with name "{target}" referenced in {where}.',
            path=path,
            hint=nearest(target, names) or f"Tasks: {', '.join(names)}.",
        )


def _json(value: Any) -> Any:
    """The value as JSON can hold it: keys are texts, and YAML's dates are too."""
    if isinstance(value, dict):
        return {str(key): _json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_json(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value
