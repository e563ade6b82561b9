"""A definition made ready to be conducted: its graph, and every expression in it compiled.

A plan is made once per text of a definition and shared by all workflows that run it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from engine.settings.content import TemplateSettings
from engine.workflows import extensions
from engine.workflows.definition import Definition, Task, Transition
from engine.workflows.expressions.compile import Compiled, compile_value
from engine.workflows.extensions import TaskExtensions, WorkflowExtensions
from engine.workflows.graph import Edge, Graph, graph_of

_NONE = TaskExtensions()
_LIMITS = TemplateSettings()
# What the command `retry` stands for.
_RETRY_COMMAND_COUNT = 3
_RETRY_COMMAND_WHEN = "<% completed() %>"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgePlan:
    id: str
    mark: str
    target: str
    transition: int
    """Edges of the same transition share its condition and what it publishes."""
    when: Compiled | None
    publish: tuple[tuple[str, Compiled], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsPlan:
    names: tuple[str, ...]
    text: str
    """The expression as written, for messages."""
    expression: Compiled
    concurrency: Compiled | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPlan:
    when: Compiled | None
    count: Compiled
    delay: Compiled | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPlan:
    """A task, or an engine command that stands in the sequence like one."""

    name: str
    is_command: bool = False
    action: Compiled | None = None
    input: Compiled | None = None
    delay: Compiled | None = None
    items: ItemsPlan | None = None
    retry: RetryPlan | None = None
    edges: tuple[EdgePlan, ...] = ()
    else_edges: tuple[EdgePlan, ...] = ()
    """Taken when none of the others is: x-else."""
    needed: int | None = None
    """Of a join: how many of its inbound tasks must have led here; None: no join."""
    sources: tuple[str, ...] = ()
    is_fork: bool = False
    """Each inbound edge instantiates it on a route of its own."""
    is_looping: bool = False
    extensions: TaskExtensions = _NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    digest: str
    definition: Definition
    starts: tuple[str, ...]
    tasks: Mapping[str, TaskPlan]
    inputs: tuple[tuple[str, Compiled], ...]
    """Name and default; null without one."""
    vars: tuple[tuple[str, Compiled], ...]
    output: tuple[tuple[str, Compiled], ...]
    extensions: WorkflowExtensions
    evaluates_data: bool = False
    """`x-evaluate-data`: texts in inputs and results are expressions too, as in StackStorm."""
    settings: TemplateSettings = _LIMITS
    """The limits of its expressions."""

    def data(self, value: Any) -> Compiled:
        """What a caller gave: a constant, whatever stands in it, unless the workflow asks otherwise."""
        if self.evaluates_data:
            return compile_value(value, evaluates_data=True, settings=self.settings)
        return compile_value({"x-raw": value})


def plan_of(definition: Definition, settings: TemplateSettings = _LIMITS) -> Plan:
    """The same digest with the same settings gives the same plan, without work."""
    return _planned(_ByDigest(definition), settings)


class _ByDigest:
    """A definition as a key of the cache: equal when the texts are."""

    __slots__ = ("definition",)

    def __init__(self, definition: Definition) -> None:
        self.definition = definition

    def __hash__(self) -> int:
        return hash(self.definition.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByDigest) and other.definition.digest == self.definition.digest


@lru_cache(maxsize=256)
def _planned(key: _ByDigest, settings: TemplateSettings) -> Plan:
    definition = key.definition
    evaluates_data = definition.extensions.get("x-evaluate-data") is True
    compiler = _Compiler(evaluates_data, settings)
    graph = graph_of(definition)
    tasks = {name: compiler.task(definition.tasks[name], graph) for name in graph.edges}
    for target in graph.sources:
        if target not in tasks:
            tasks[target] = TaskPlan(name=target, is_command=True, is_fork=target in graph.forks)
    return Plan(
        digest=definition.digest,
        definition=definition,
        starts=graph.starts,
        tasks=tasks,
        inputs=tuple((one.name, compiler.value(one.default)) for one in definition.input),
        vars=compiler.named(definition.vars),
        output=compiler.named(definition.output),
        extensions=extensions.of_workflow(definition.extensions, compiler.value),
        evaluates_data=evaluates_data,
        settings=settings,
    )


class _Compiler:
    def __init__(self, evaluates_data: bool, settings: TemplateSettings) -> None:
        self._evaluates_data = evaluates_data
        self._settings = settings

    def value(self, value: Any) -> Compiled:
        return compile_value(value, evaluates_data=self._evaluates_data, settings=self._settings)

    def optional(self, value: Any) -> Compiled | None:
        return None if value is None else self.value(value)

    def named(self, values: tuple[tuple[str, Any], ...]) -> tuple[tuple[str, Compiled], ...]:
        return tuple((name, self.value(value)) for name, value in values)

    def task(self, task: Task, graph: Graph) -> TaskPlan:
        sources = graph.sources.get(task.name, ())
        edges = graph.edges[task.name]
        transitions = {transition.number: transition for transition in task.next}
        publish = {number: self.named(one.publish) for number, one in transitions.items()}
        when = {number: self.optional(one.when) for number, one in transitions.items()}

        def edge_plan(edge: Edge) -> EdgePlan:
            return EdgePlan(
                id=edge.id,
                mark=edge.mark,
                target=edge.target,
                transition=edge.transition,
                when=when[edge.transition],
                publish=publish[edge.transition],
            )

        return TaskPlan(
            name=task.name,
            action=self.optional(task.action),
            input=self.optional(task.input),
            delay=self.optional(task.delay or None),
            items=self._items(task),
            retry=self._retry(task),
            edges=tuple(edge_plan(edge) for edge in edges if not transitions[edge.transition].is_else),
            else_edges=tuple(edge_plan(edge) for edge in edges if transitions[edge.transition].is_else),
            needed=_needed(task, sources),
            sources=sources,
            is_fork=task.name in graph.forks,
            is_looping=task.name in graph.looping,
            extensions=extensions.of_task(task.extensions, self.value) if task.extensions else _NONE,
        )

    def _items(self, task: Task) -> ItemsPlan | None:
        if task.items is None:
            return None
        return ItemsPlan(
            names=task.items.names,
            text=task.items.expression,
            expression=self.value(task.items.expression),
            concurrency=self.optional(task.items.concurrency),
        )

    def _retry(self, task: Task) -> RetryPlan | None:
        commands = [transition for transition in task.next if "retry" in transition.do]
        if commands:
            return self._retry_command(commands[-1])
        if task.retry is None:
            return None
        return RetryPlan(
            when=self.optional(task.retry.when),
            count=self.value(task.retry.count),
            delay=self.optional(task.retry.delay),
        )

    def _retry_command(self, transition: Transition) -> RetryPlan:
        when = transition.when or _RETRY_COMMAND_WHEN
        return RetryPlan(when=self.value(when), count=self.value(_RETRY_COMMAND_COUNT), delay=None)


def _needed(task: Task, sources: tuple[str, ...]) -> int | None:
    if task.join is None:
        return None
    return len(sources) if task.join == "all" else task.join or 1
