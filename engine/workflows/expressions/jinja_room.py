"""Where the Jinja of workflows runs: the sandbox of packs' templates, with workflows' functions in it."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

from jinja2 import Template, TemplateSyntaxError, nodes, pass_context
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer

from engine.expressions.sandbox import BudgetContext, Sandbox, paid_filter
from engine.settings.content import TemplateSettings
from engine.workflows.expressions.functions import DATA, LOOKING, call_data
from engine.workflows.expressions.running import Run, is_private

RESULT = "result"
"""The variable that an expression leaves its value in."""
# No name in a template can hold a space.
_VARIABLE = " variable"


class ScopeContext(BudgetContext):
    """A Jinja context that knows the run; functions see it as their caller."""

    @property
    def run(self) -> Run:
        assert isinstance(self.budget, Run)  # noqa: S101  the only budget of this room
        return self.budget


class _Reading(NodeTransformer):
    """Makes `ctx().x` one look at x, instead of a dict of all variables first."""

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Expr:  # noqa: N802  Jinja's name
        return self._read(node, node.node, node.attr)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:  # noqa: N802  Jinja's name
        name = node.arg.value if isinstance(node.arg, nodes.Const) else None
        return self._read(node, node.node, name)

    def _read(self, node: nodes.Expr, of: nodes.Expr, name: Any) -> nodes.Expr:
        # What dicts have as methods, `ctx().items()`, is left to the dict.
        if _is_bare_ctx(of) and isinstance(name, str) and not hasattr(dict, name):
            text = nodes.Const(name, lineno=node.lineno)
            return nodes.Filter(text, _VARIABLE, [], [], None, None, lineno=node.lineno)
        self.generic_visit(node)
        return node


def _is_bare_ctx(node: nodes.Expr) -> bool:
    return (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Name)
        and node.node.name == "ctx"
        and not (node.args or node.kwargs or node.dyn_args or node.dyn_kwargs)
    )


@pass_context
def _variable(context: ScopeContext, name: str) -> Any:
    variables = context.run.scope.variables
    if is_private(name) or name not in variables:
        return context.environment.undefined(obj={}, name=name)
    return variables[name]


def _looking(function: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    def called(context: Context, *args: Any, **kwargs: Any) -> Any:
        return function(context, *args, **kwargs)

    return called


def _paying(function: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    def called(context: ScopeContext, *args: Any, **kwargs: Any) -> Any:
        given = [list(context.run.counted(arg)) if isinstance(arg, Iterator) else arg for arg in args]
        return call_data(context.run, function, given, kwargs)

    return called


class Room(Sandbox):
    """The environment; every function is a global and a filter."""

    context_class = ScopeContext

    def __init__(self, settings: TemplateSettings) -> None:
        super().__init__(settings, None, lenient=False)
        # Orquesta does not know these.
        del self.filters["to_complex"], self.filters["decrypt_kv"]
        looking = {name: _looking(function) for name, function in LOOKING.items()}
        data = {name: _paying(function) for name, function in DATA.items()}
        self.globals |= looking | data
        self.filters |= {name: paid_filter(name, function) for name, function in looking.items()} | data
        self.filters[_VARIABLE] = _variable

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        return super()._generate(_Reading().visit(source), name, filename, defer_init)

    def parsed(self, text: str) -> nodes.Expr:
        """An expression without its braces. Raises TemplateSyntaxError."""
        return Parser(self, text, state="variable").parse_expression()

    def expression(self, text: str) -> Template:
        """A template that puts the value of an expression into its variable `result`."""
        parser = Parser(self, text, state="variable")
        parsed = parser.parse_expression()
        if not parser.stream.eos:
            raise TemplateSyntaxError("chunk after expression", parser.stream.current.lineno, None, None)
        parsed.set_environment(self)
        body: list[nodes.Node] = [nodes.Assign(nodes.Name(RESULT, "store"), parsed, lineno=1)]
        return self.from_string(nodes.Template(body, lineno=1))


@functools.lru_cache(maxsize=8)
def room_of(settings: TemplateSettings) -> Room:
    return Room(settings)


def bound(template: Template, run: Run) -> Context:
    """A context for one rendering."""
    # Shared: the functions are not copied for each rendering, and nothing can write to them.
    context = template.new_context(template.environment.globals, shared=True)
    assert isinstance(context, ScopeContext)  # noqa: S101  the room's own context class
    context.budget = run
    return context
