"""The variables of a workflow, as nodes that many tasks share and none changes.

A node holds what was published on one edge and points to where it came from, so a task costs one
number. A lookup walks back; every 32nd node holds all variables, so that no walk is long.

Where branches meet, their nodes are merged in the order in which the branches arrived. What all of
them have in common is applied once, so a value that one branch has replaced is not brought back by
another that never touched it. Only when two branches wrote the same variable does the later one win.

A mapping published over a mapping is merged into it, key by key: StackStorm's rule.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

FLAT_EVERY = 32


class Context:
    __slots__ = ("depth", "is_flat", "number", "parents", "published", "values")

    def __init__(
        self,
        number: int,
        *,
        parents: "tuple[Context, ...]" = (),
        published: Mapping[str, Any],
        values: dict[str, Any],
    ) -> None:
        self.number = number
        """Counts up: a node's number is greater than those of all it stands on."""
        self.parents = parents
        self.published = published
        """As written, before it was merged with what was there."""
        self.values = values
        """As seen from here; what is not in it is seen as the first parent sees it."""
        self.depth: int = parents[0].depth + 1 if parents else 0
        self.is_flat = not parents
        if self.depth % FLAT_EVERY == 0:
            self.values = self.flat()
            self.is_flat = True

    def flat(self) -> dict[str, Any]:
        """All variables."""
        node = self
        levels = [node.values]
        while not node.is_flat:
            node = node.parents[0]
            levels.append(node.values)
        found: dict[str, Any] = {}
        for level in reversed(levels):
            found.update(level)
        return found

    def get(self, name: str) -> Any:
        """Raises KeyError."""
        node = self
        while True:
            values = node.values
            if name in values:
                return values[name]
            if node.is_flat:
                raise KeyError(name)
            node = node.parents[0]


class Variables(Mapping[str, Any]):
    """A node as expressions see it, with what was published since in the same step on top."""

    __slots__ = ("_node", "rolling")

    def __init__(self, node: Context, rolling: dict[str, Any] | None = None) -> None:
        self._node = node
        self.rolling = rolling
        """What a block has rendered so far; there it replaces and does not merge."""

    def __getitem__(self, name: str) -> Any:
        if self.rolling and name in self.rolling:
            return self.rolling[name]
        return self._node.get(name)

    def __iter__(self) -> Iterator[str]:
        names = self._node.flat()
        if self.rolling:
            names.update(self.rolling)
        return iter(names)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def root(values: dict[str, Any]) -> Context:
    return Context(0, published={}, values=values)


def publish(number: int, parent: Context, published: Mapping[str, Any]) -> Context:
    values = {name: _seen(parent, name, value) for name, value in published.items()}
    return Context(number, parents=(parent,), published=published, values=values)


def merge(number: int, branches: Sequence[Context]) -> Context:
    """What is seen where these branches meet, given in the order in which they arrived."""
    parents = tuple(dict.fromkeys(branches))
    if len(parents) == 1:
        return parents[0]
    values: dict[str, Any] = {}
    conflicts: dict[str, Any] = {}
    writers: dict[str, int] = {}
    base = parents[0]
    for branch, node in _not_common(parents):
        for name, value in node.published.items():
            if branch:
                before = values[name] if name in values else _absent_or(base, name)
                values[name] = merged(before, value)
            if writers.setdefault(name, branch) != branch:
                conflicts[name] = values[name]
    return Context(number, parents=parents, published=conflicts, values=values)


def merged(before: Any, value: Any) -> Any:
    """A mapping over a mapping: key by key, deeply; anything else replaces. Nothing is changed in place."""
    if not (isinstance(before, Mapping) and isinstance(value, Mapping)) or before is value:
        return value
    both = dict(before)
    for key, inner in value.items():
        both[key] = merged(both[key], inner) if key in both else inner
    return both


def _seen(parent: Context, name: str, value: Any) -> Any:
    return merged(_absent_or(parent, name), value) if isinstance(value, Mapping) else value


def _absent_or(node: Context, name: str) -> Any:
    try:
        return node.get(name)
    except KeyError:
        return None


def _not_common(branches: Sequence[Context]) -> list[tuple[int, Context]]:
    """(first branch that holds it, node) of all nodes that not every branch stands on.

    In the order of branches, in each from the oldest to the newest. Walks from the newest back
    and stops where only nodes are left that all branches have in common.
    """
    everywhere = (1 << len(branches)) - 1
    seen_from: dict[int, int] = {}
    nodes: dict[int, Context] = {}
    for position, branch in enumerate(branches):
        seen_from[branch.number] = seen_from.get(branch.number, 0) | 1 << position
        nodes[branch.number] = branch
    waiting = [-number for number in nodes]
    heapq.heapify(waiting)
    private = sum(1 for mask in seen_from.values() if mask != everywhere)
    found: list[tuple[int, Context]] = []
    while private:
        node = nodes[-heapq.heappop(waiting)]
        mask = seen_from[node.number]
        if mask == everywhere:
            continue
        private -= 1
        found.append(((mask & -mask).bit_length() - 1, node))
        for parent in node.parents:
            before = seen_from.get(parent.number)
            after = (before or 0) | mask
            seen_from[parent.number] = after
            if before is None:
                nodes[parent.number] = parent
                heapq.heappush(waiting, -parent.number)
                private += after != everywhere
            elif before != everywhere and after == everywhere:
                private -= 1
    found.reverse()
    found.sort(key=lambda pair: pair[0])
    return found
