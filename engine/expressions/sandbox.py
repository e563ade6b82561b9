"""Jinja's immutable sandbox, in which every operation that can grow is paid for.

The template's tree is rewritten before it is compiled: loops, comparisons, `~` and the
building of lists and dicts go through filters of ours, so that nested loops and shared
structures cannot run away. A loaded template knows no other templates.
"""

from collections.abc import Callable, Iterator, Mapping
from types import BuiltinMethodType
from typing import Any, cast

from jinja2 import StrictUndefined, Undefined, nodes, pass_context
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from engine.errors import BadTemplate
from engine.expressions.filters import FILTERS
from engine.expressions.guards import apply_operator, check_filter, check_method
from engine.expressions.limits import Budget, refused
from engine.expressions.lookups import KeyLookup, key_name
from engine.settings.content import TemplateSettings

# No name in a template can hold a space, so templates cannot reach these.
_PASSES, _OPERAND, _JOINED, _BUILT = " passes", " operand", " joined", " built"
# Python 2's names, which templates of published packs still use on results.
_OLD_NAMES = {"iteritems": "items", "iterkeys": "keys", "itervalues": "values"}


class BudgetContext(Context):
    """The context of one rendering, with its budget."""

    budget: Budget

    def derived(self, locals: dict[str, Any] | None = None) -> "BudgetContext":
        inner = super().derived(locals)
        assert isinstance(inner, BudgetContext)  # noqa: S101  the environment's own context class
        inner.budget = self.budget
        return inner


def _budget(context: Context) -> Budget:
    assert isinstance(context, BudgetContext)  # noqa: S101  the environment's own context class
    return context.budget


class _Paying(NodeTransformer):
    """Puts the filters of this file around what must be paid for."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802  Jinja's name
        self.generic_visit(node)
        node.iter = _through(node.iter, _PASSES)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:  # noqa: N802  Jinja's name
        self.generic_visit(node)
        node.expr = _operand(node.expr)
        for part in node.ops:
            part.expr = _operand(part.expr)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802  Jinja's name
        self.generic_visit(node)
        return _through(nodes.List(node.nodes, lineno=node.lineno), _JOINED)

    def visit_List(self, node: nodes.List) -> nodes.Expr:  # noqa: N802  Jinja's name
        self.generic_visit(node)
        return node if _is_constant(node.items) else _through(node, _BUILT)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Expr:  # noqa: N802  Jinja's name
        self.generic_visit(node)
        return node if node.ctx != "load" or _is_constant(node.items) else _through(node, _BUILT)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Expr:  # noqa: N802  Jinja's name
        self.generic_visit(node)
        return node if _is_constant([pair.value for pair in node.items]) else _through(node, _BUILT)


def _through(node: Any, name: str) -> nodes.Expr:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _operand(node: nodes.Expr) -> nodes.Expr:
    return node if isinstance(node, nodes.Const) else _through(node, _OPERAND)


def _is_constant(parts: list[Any]) -> bool:
    return all(isinstance(part, nodes.Const) for part in parts)


@pass_context
def _passes(context: Context, items: Any) -> Any:
    return _budget(context).passes(items)


@pass_context
def _paid_operand(context: Context, value: Any) -> Any:
    _budget(context).weigh(value)
    return value


@pass_context
def _joined(context: Context, parts: list[Any]) -> str:
    budget = _budget(context)
    for part in parts:
        budget.printable(part)
    texts = [str(part) for part in parts]
    budget.characters(sum(map(len, texts)))
    return "".join(texts)


@pass_context
def _finalize(context: Context, value: Any) -> str:
    budget = _budget(context)
    budget.printable(value)
    text = str(value)
    budget.output(text)
    return text


def _mapping(*pairs: Any, **named: Any) -> dict[Any, Any]:
    """`dict` of templates, without the methods of the class."""
    return dict(*pairs, **named)


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment; `lenient` makes what is undefined empty, and knows iteritems()."""

    context_class = BudgetContext
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "**", "%"})

    def __init__(
        self, settings: TemplateSettings, decrypt: Callable[[str], str] | None, *, lenient: bool
    ) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=Undefined if lenient else StrictUndefined,
            finalize=_finalize,
            # The optimizer would run filters while compiling, outside of any budget.
            optimized=False,
            # Compiled templates are kept by Templates, by their text.
            cache_size=0,
        )
        self._limits = settings
        self._lenient = lenient
        # Random text of any length; nobody uses it.
        del self.globals["lipsum"]
        self.globals["range"] = self._range
        self.globals["dict"] = _mapping
        given = {**self.filters, **FILTERS}
        self.filters = {name: paid_filter(name, function) for name, function in given.items()}
        self.filters |= {_PASSES: _passes, _OPERAND: _paid_operand, _JOINED: _joined, _BUILT: _paid_operand}
        self.filters["decrypt_kv"] = _decrypt_filter(decrypt)
        self.tests = {name: _paid_test(cast(Callable[..., Any], test)) for name, test in self.tests.items()}

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        return super()._generate(_Paying().visit(source), name, filename, defer_init)

    def _range(self, *bounds: int) -> range:
        made = range(*bounds)
        # len() of a huge range is an OverflowError, so ask for one more than allowed.
        if made[self._limits.range_limit : self._limits.range_limit + 1]:
            raise refused(f"asks for a range longer than {self._limits.range_limit}")
        return made

    def getattr(self, obj: Any, attribute: str) -> Any:
        if self._lenient and attribute in _OLD_NAMES and isinstance(obj, Mapping) and attribute not in obj:
            attribute = _OLD_NAMES[attribute]
        return super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        result = apply_operator(_budget(context), operator, left, right)
        _budget(context).number(result)
        return result

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805  Jinja's names
        """The odd names leave every name free for the template's keyword arguments."""
        budget = _budget(__context)
        # A call costs about as much as so many loop passes.
        budget.spend(20)
        budget.clock()
        if isinstance(__obj, LoopContext) and args:
            args = (budget.passes(args[0]), *args[1:])
        else:
            args = tuple(_listed(budget, value) for value in args)
            __self._check_call(budget, __obj, args, kwargs)
        return _paid_result(budget, super().call(__context, __obj, *args, **kwargs))

    def _check_call(self, budget: Budget, called: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        called = getattr(called, "__wrapped__", called)
        if isinstance(called, BuiltinMethodType):
            owner, name = called.__self__, called.__name__
            if isinstance(owner, str) and name in ("format", "format_map"):
                budget.braces(owner, [*args, *kwargs.values()])
            else:
                check_method(budget, owner, name, args, kwargs)
        elif called is _mapping:
            budget.weigh([*args, *kwargs.values()])


def _decrypt_filter(decrypt: Callable[[str], str] | None) -> Callable[..., str]:
    @pass_context
    def decrypt_kv(context: Context, value: Any) -> str:
        ciphertext = str(value)
        if not ciphertext:
            name = f' "{key_name(value)}"' if isinstance(value, KeyLookup) else ""
            raise ValueError(f"Referenced datastore item{name} doesn't exist or it contains an empty string")
        if decrypt is None:
            raise BadTemplate("decrypt_kv cannot be used here: there is no datastore key.")
        clear = decrypt(ciphertext)
        _budget(context).decrypted.append(clear)
        return clear

    return decrypt_kv


def _listed(budget: Budget, value: Any) -> Any:
    """An iterator as a list, because its length has to be known before it is worked on."""
    return list(budget.counted(value)) if isinstance(value, Iterator) else value


def _paid_result(budget: Budget, result: Any) -> Any:
    if isinstance(result, str):
        budget.characters(len(result))
    elif isinstance(result, list | tuple):
        budget.spend(len(result))
    elif isinstance(result, int):
        budget.number(result)
    elif isinstance(result, Iterator):
        return budget.counted(result)
    return result


def paid_filter(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that pays before it runs, and for what it gives."""
    wants = _wants(function)
    listed = name not in ("map", "select", "reject", "selectattr", "rejectattr", "first", "list")

    @pass_context
    def paying(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        budget = _budget(context)
        if listed:
            value = _listed(budget, value)
        check_filter(budget, name, value, args, kwargs)
        result = function(*wants(context), value, *args, **kwargs)
        if name == "from_yaml_string":
            # Anchors make small texts into huge values.
            budget.weigh(result)
        return _paid_result(budget, result)

    return paying


def _paid_test(function: Callable[..., Any]) -> Callable[..., Any]:
    wants = _wants(function)

    @pass_context
    def paying(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        budget = _budget(context)
        budget.spend(1)
        if args:
            budget.weigh(value)
            budget.weigh(list(args))
        return function(*wants(context), value, *args, **kwargs)

    return paying


def _wants(function: Callable[..., Any]) -> Callable[[Context], tuple[Any, ...]]:
    """What Jinja passes to a filter in front of the value."""
    kind = getattr(getattr(function, "jinja_pass_arg", None), "name", "")
    if kind == "context":
        return lambda context: (context,)
    if kind == "eval_context":
        return lambda context: (context.eval_ctx,)
    if kind == "environment":
        return lambda context: (context.environment,)
    return lambda _context: ()
