"""What an expression may not do: run away, or reach Python."""

import subprocess
import sys
from typing import Any

import pytest

from engine.errors import ExpressionFailure
from engine.settings.content import TemplateSettings
from engine.workflows.expressions.compile import compile_value
from tests.engine.workflows.expressions.world import World, refusal

_LAUGHS = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "\n".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "expression",
    [
        "'a' * 1000000000",
        "[1] * 1000000000",
        "range(1000000000).len()",
        "range(100000).select(range(100000).len()).sum()",
        "range(30000).select(range(30000).len()).sum()",
        "sequence().len()",
        "[1].cycle().len()",
        "1.repeat().toList()",
        "generate(1, true, $ + 1).last()",
        "pow(2, 1000000)",
        "pow(10.0, 1000000)",
        "shiftBitsLeft(1, 1000000000)",
        "round(1, -1000000000)",
        "range(20000).aggregate($1 * 1000000, 1)",
        "def(f, f($)) -> f(1)",
        "ctx().big.replace('', ctx().big)",
        "range(100000).select(ctx().big).join('')",
        "ctx().big + ctx().big + ctx().big",
        "regex('(x+x+)+y').matches(ctx().big)",
        "ctx().big =~ '(x+x+)+y'",
        "regex_match(ctx().big, '(x+x+)+y')",
        "yaml_parse(ctx().laughs)",
        "str(yaml_parse(ctx().laughs))",
        "json_dump(yaml_parse(ctx().laughs))",
        "datetime(ctx().big)",
        " -> ".join(["let(x => [1, 1])", *["let(x => [$x, $x])"] * 30, "$x"]),
        "[1, 1]" + ".select([$, $]).toList()" * 30,
        "let(x => {}) -> " + "let(x => {a => $x, b => $x}) -> " * 30 + "$x.mergeWith($x)",
        "{a => range(2000).select(ctx().big)}",
        "let(x => ctx().big) -> range(2000).select($x)",
        "'a'.__class__",
        "ctx().__class__",
        "ctx().big.format",
        "'{0.__class__}'.format(1)",
        "call('#property#__class__', [1], {})",
        "ctx().big.upper()",
        "(" * 2000 + "1" + ")" * 2000,
        "1" + " + 1" * 40_000,
    ],
)
def test_yaql_that_runs_away_or_reaches_out_is_refused(expression: str) -> None:
    refusal(f"<% {expression} %>", big="x" * 600_000, laughs=_LAUGHS)


@pytest.mark.parametrize(
    "expression",
    [
        "'a' * 1000000000",
        "[1] * 1000000000",
        "range(1000000000)",
        "2 ** 1000000",
        "ctx().big ~ ctx().big",
        "ctx().big | regex_match('(x+x+)+y')",
        "yaml_parse(ctx().laughs)",
        "ctx().laughs | yaml_parse",
        "json_dump(from_yaml_string(text))",
        "'%1000000000d' % 1",
        "'{:1000000000}'.format(1)",
        "'{0.__class__}'.format(1)",
        "''.__class__",
        "''.__class__.__mro__",
        "ctx.__globals__",
        "ctx.__func__",
        "self._TemplateReference__context",
        "ctx().big.__init__.__globals__",
        "ctx().d | attr('__class__')",
        "(" * 2000 + "1" + ")" * 2000,
    ],
)
def test_jinja_that_runs_away_or_reaches_out_is_refused(expression: str) -> None:
    refusal("{{ " + expression + " }}", big="x" * 600_000, laughs=_LAUGHS, d={})


def test_a_refusal_says_where_the_limits_are_set() -> None:
    compiled = compile_value("<% range(10000).sum() %>", settings=TemplateSettings(work_limit=1000))
    with pytest.raises(ExpressionFailure, match="more than 1000 steps") as caught:
        compiled.evaluate(World())
    assert "section `templates`" in caught.value.hint


def test_a_text_of_the_workflow_may_be_longer_than_what_an_expression_may_make() -> None:
    long = "x" * 3_000_000
    world = World(variables={"long": long, "d": {"long": long}})
    for expression in ("ctx().long", "ctx().d.long", "let(a => ctx().d) -> $a.long"):
        assert compile_value(f"<% {expression} %>").evaluate(world) == long


def _imported(code: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('yaql' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip() == "True"


def test_the_yaql_package_is_imported_only_when_it_is_needed() -> None:
    world = "from tests.engine.workflows.expressions.world import *"
    assert not _imported("import engine.service")
    paths = ["<% ctx().a.b %>", "<% succeeded() %>"]
    given = 'World(variables={"a": {"b": 1}}, status="failed")'
    assert not _imported(f"{world}; evaluate({paths}, {given})")
    assert _imported(f'{world}; evaluate("<% 1 + 1 %>")')
