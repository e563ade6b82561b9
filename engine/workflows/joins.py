"""Joins: which branches have arrived, in which round.

A join inside a loop, or one that goes on before all branches are there, is reached more than once.
Each time is a *generation* with its own set of arrivals, so that a branch of the previous round does
not count for the next, and one that comes late does not start the join again.

A branch belongs to the first generation that it has not passed yet: a task remembers which
generation of which join its own history went through, and a second arrival of the same task, without
having passed the join in between, counts for the next generation.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Passed = Mapping[tuple[str, int], int]
"""By join (task, route): the generations that lie in a task's own history."""


@dataclass(slots=True)
class Generation:
    sources: dict[str, int] = field(default_factory=dict)
    """The entry of each task that has arrived."""
    contexts: list[int] = field(default_factory=list)
    """Numbers of the contexts, in the order of arrival."""
    is_due: bool = False
    """An arrival's own history has passed the generation before it: this one is expected to be whole."""
    is_on_fail: bool = False


@dataclass(slots=True)
class Join:
    fired: int = 0
    """Generations that have been started, or are staged."""
    next_of: dict[str, int] = field(default_factory=dict)
    """By task: the generation after the last one that it arrived in."""
    open: dict[int, Generation] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    """The entry of each task that arrived last, for a second edge from the same entry."""

    def generation_for(self, source: str, entry: int, passed: int) -> int:
        """The generation that this arrival belongs to; below `fired`: it comes too late."""
        if self.last.get(source) == entry:
            return self.next_of[source] - 1
        return max(passed, self.next_of.get(source, 0))


def passed_by(histories: Iterable[Passed]) -> Passed:
    """What a task has passed that comes from these; one history is shared, not copied."""
    found: Passed = {}
    for history in histories:
        if not history or history is found:
            continue
        if not found:
            found = history
            continue
        both = dict(found)
        for join, generation in history.items():
            both[join] = max(generation, both.get(join, 0))
        found = both
    return found
