"""Who follows whom in a workflow: its edges, where it forks and joins, and what lies on a loop.

Everything here is worked out once per definition and in time that grows with its edges.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.workflows.definition import Definition, Task
from engine.workflows.extensions import final_tasks

# Targets of a transition that are no tasks: see docs/reference/workflows.md.
COMMANDS = frozenset({"continue", "noop", "fail", "retry"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One way from a task to a target; the same target twice makes two edges."""

    source: str
    target: str
    number: int
    """Among the edges between these two, from 0; part of the ids below, as StackStorm shows them."""
    transition: int
    """The entry of `next` that it was written in."""

    @property
    def id(self) -> str:
        """In error entries, `task_transition_id`."""
        return f"{self.target}__t{self.number}"

    @property
    def mark(self) -> str:
        """In routes: which fork was taken."""
        return f"{self.source}__t{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Only what can be reached from the tasks that start."""

    starts: tuple[str, ...]
    edges: Mapping[str, tuple[Edge, ...]]
    """Of each task, in the order in which they are taken: by target, then as written."""
    sources: Mapping[str, tuple[str, ...]]
    """The tasks that lead to each target, each once."""
    forks: frozenset[str]
    """Targets that are instantiated once per inbound edge, each on a route of its own."""
    looping: frozenset[str]
    """Tasks that can lead to themselves."""


def graph_of(definition: Definition) -> Graph:
    """Undefined targets are left out; inspection tells of them."""
    tasks = definition.tasks
    inbound: dict[str, int] = {}
    for task in tasks.values():
        for target, _ in _targets(task):
            inbound[target] = inbound.get(target, 0) + 1
    final = [name for name in final_tasks(definition.extensions) if name in tasks]
    starts = tuple(sorted(name for name in tasks if name not in inbound and name not in final))
    edges = _edges(tasks, [*starts, *final])
    sources: dict[str, list[str]] = {name: [] for name in edges}
    for source, outbound in edges.items():
        for edge in outbound:
            known = sources.setdefault(edge.target, [])
            if not known or known[-1] != source:
                known.append(source)
    looping = frozenset(looping_of({name: [edge.target for edge in out] for name, out in edges.items()}))
    joins = {name for name, task in tasks.items() if task.join is not None}
    forks = frozenset(name for name, count in inbound.items() if count > 1 and name not in joins)
    return Graph(
        starts=starts,
        edges=edges,
        sources={target: tuple(found) for target, found in sources.items()},
        forks=forks - looping,
        looping=looping,
    )


def _targets(task: Task) -> list[tuple[str, int]]:
    """(target, number of the transition), sorted by target as StackStorm takes them."""
    found = [(target, transition.number) for transition in task.next for target in transition.do]
    return sorted(found, key=lambda pair: pair[0])


def _edges(tasks: Mapping[str, Task], starts: Sequence[str]) -> dict[str, tuple[Edge, ...]]:
    edges: dict[str, tuple[Edge, ...]] = {}
    waiting = list(reversed(starts))
    while waiting:
        name = waiting.pop()
        if name in edges:
            continue
        outbound: list[Edge] = []
        for target, transition in _targets(tasks[name]):
            is_known = target in tasks or target in COMMANDS
            # The command `retry` becomes the task's own retry: compile.py.
            if target == "retry" or not is_known:
                continue
            alike = [edge for edge in outbound if edge.target == target]
            if any(edge.transition == transition for edge in alike):
                continue
            outbound.append(Edge(source=name, target=target, number=len(alike), transition=transition))
            if target in tasks:
                waiting.append(target)
        edges[name] = tuple(outbound)
    return edges


def looping_of(following: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The nodes of strongly connected components that hold a loop (Tarjan 1972, without recursion)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in following:
        if root in order:
            continue
        path: list[tuple[str, Iterator[str]]] = []

        def enter(node: str, path: list[tuple[str, Iterator[str]]] = path) -> None:
            order[node] = lowest[node] = len(order)
            stack.append(node)
            on_stack.add(node)
            path.append((node, iter(following.get(node, ()))))

        enter(root)
        while path:
            node, rest = path[-1]
            target = next(rest, None)
            if target is None:
                path.pop()
                if path:
                    parent = path[-1][0]
                    lowest[parent] = min(lowest[parent], lowest[node])
                if lowest[node] == order[node]:
                    yield from _component(node, stack, on_stack, following)
            elif target not in order:
                enter(target)
            elif target in on_stack:
                lowest[node] = min(lowest[node], order[target])


def _component(
    root: str, stack: list[str], on_stack: set[str], following: Mapping[str, Sequence[str]]
) -> list[str]:
    found: list[str] = []
    while True:
        node = stack.pop()
        on_stack.discard(node)
        found.append(node)
        if node == root:
            break
    return found if len(found) > 1 or root in following.get(root, ()) else []
