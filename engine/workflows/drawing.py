"""A workflow as a picture: for the terminal, as Mermaid, and as DOT."""

from collections.abc import Iterator, Sequence
from typing import Literal

from engine.workflows.definition import Definition, Task, Transition

Format = Literal["terminal", "mermaid", "dot"]

_ENDS = frozenset({"continue", "noop", "fail", "retry", "undo"})


def draw(definition: Definition, format: Format) -> str:
    if format == "mermaid":
        return "\n".join(_mermaid(definition)) + "\n"
    if format == "dot":
        return "\n".join(_dot(definition)) + "\n"
    return "\n".join(_terminal(definition)) + "\n"


def _ways(task: Task) -> Iterator[tuple[Transition, str]]:
    for transition in task.next:
        for target in transition.do:
            yield transition, target


def _when(transition: Transition) -> str:
    if transition.is_else:
        return "else"
    text = transition.when or ""
    for mark in ("<%", "%>", "{{", "}}"):
        text = text.replace(mark, "")
    return " ".join(text.split())


def _sources(definition: Definition) -> dict[str, list[str]]:
    """By task: those that lead to it, each once."""
    found: dict[str, list[str]] = {}
    for name, task in definition.tasks.items():
        for target in dict.fromkeys(target for _, target in _ways(task)):
            found.setdefault(target, []).append(name)
    return found


def _signs(task: Task, sources: Sequence[str] = ()) -> str:
    """What a task has besides its action; of a join the tasks that lead to it."""
    signs = []
    if task.join is not None:
        signs.append(f"join {task.join}" + (f" of {', '.join(sources)}" if sources else ""))
    if task.items is not None:
        signs.append("for each item")
    if task.retry is not None:
        signs.append("retried")
    signs += [key.removeprefix("x-") for key in task.extensions]
    return ", ".join(signs)


def _order(definition: Definition) -> list[str]:
    """Each task after all that lead to it, but for loops: depth first, the last one left comes first."""
    led_to = {target for task in definition.tasks.values() for _, target in _ways(task)}
    starts = [name for name in definition.tasks if name not in led_to]
    left: list[str] = []
    seen: set[str] = set()
    for root in [*reversed(starts), *definition.tasks]:
        path = [(root, _targets(definition, root))] if root not in seen else []
        seen.add(root)
        while path:
            targets = path[-1][1]
            target = next(targets, None)
            if target is None:
                left.append(path.pop()[0])
            elif target not in seen:
                seen.add(target)
                path.append((target, _targets(definition, target)))
    return left[::-1]


def _targets(definition: Definition, name: str) -> Iterator[str]:
    """The last one first, so that the first one is drawn first."""
    targets = [target for _, target in _ways(definition.tasks[name]) if target in definition.tasks]
    return iter(targets[::-1])


def _terminal(definition: Definition) -> Iterator[str]:
    order = _order(definition)
    place = {name: number for number, name in enumerate(order)}
    width = max(map(len, order), default=0)
    sources = _sources(definition)
    for name in order:
        task = definition.tasks[name]
        said = _signs(task, sources.get(name, ()))
        signs = f"  [{said}]" if said else ""
        yield f"● {name:<{width}}  {task.action or '(no action)'}{signs}"
        ways = [(one, target) for one, target in _ways(task) if target != "continue"]
        for number, (transition, target) in enumerate(ways):
            branch = "└" if number == len(ways) - 1 else "├"
            when = _when(transition)
            back = "  ↺ back" if target in place and place[target] <= place[name] else ""
            end = "  ■" if target in _ENDS and target not in definition.tasks else ""
            yield f"  {branch}─ {when + ' ' if when else ''}→ {target}{back}{end}"


def _mermaid(definition: Definition) -> Iterator[str]:
    ids = {name: f"t{number}" for number, name in enumerate(definition.tasks)}
    yield "flowchart TD"
    for name, task in definition.tasks.items():
        lines = [name, task.action or "", _signs(task)]
        label = "<br/>".join(_escaped(line) for line in lines if line)
        opened, closed = ("{{", "}}") if task.join is not None else ("[", "]")
        yield f'    {ids[name]}{opened}"{label}"{closed}'
    ends: dict[str, str] = {}
    for name, task in definition.tasks.items():
        for transition, target in _ways(task):
            if target == "continue":
                continue
            known = ids.get(target) or ends.get(target)
            if known is None:
                known = ends[target] = f"e{len(ends)}"
                yield f'    {known}(("{_escaped(target)}"))'
            when = _when(transition)
            arrow = f'-->|"{_escaped(when)}"|' if when else "-->"
            yield f"    {ids[name]} {arrow} {known}"


# In this order: the names hold # and ; themselves.
_ENTITIES = (("#", "#35;"), ("&", "#amp;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"))


def _escaped(text: str) -> str:
    for character, entity in _ENTITIES:
        text = text.replace(character, entity)
    return text


def _dot(definition: Definition) -> Iterator[str]:
    yield "digraph workflow {"
    yield "    node [shape=box];"
    for name, task in definition.tasks.items():
        label = _quoted(*(part for part in (name, task.action or "", _signs(task)) if part))
        shape = ", shape=hexagon" if task.join is not None else ""
        yield f"    {_quoted(name)} [label={label}{shape}];"
    for name, task in definition.tasks.items():
        for transition, target in _ways(task):
            if target != "continue":
                when = _when(transition)
                label = f" [label={_quoted(when)}]" if when else ""
                yield f"    {_quoted(name)} -> {_quoted(target)}{label};"
    yield "}"


def _quoted(*lines: str) -> str:
    """In DOT a backslash and a quotation mark mean something."""
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'
