"""Templates cannot get out, and cannot run away: every limit, and how soon it is met."""

import time

import pytest

from engine.errors import BadTemplate
from tests.engine.expressions.world import templates

T = templates()
LOOP = "{% for i in range(60) %}"
DOUBLING = "{% set ns = namespace(x='aaaa') %}" + LOOP + "{% set ns.x = STEP %}{% endfor %}{{ ns.x|length }}"

# The twelve probes of the security review.
PROBES = [
    "{{ ''.__class__.__mro__ }}",
    "{{ x|attr('__class__') }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ lipsum.__globals__ }}",
    "{{ '{0.__class__}'.format(x) }}",
    "{{ self.__init__ }}",
    "{{ range(10**7) }}",
    "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "{{ 'a'*300000000 }}",
    "{{ '%300000000d'%1 }}",
    "{{ x|center(300000000) }}",
    "{{ 9**9999999 > 1 }}",
]
GREEDY = [
    DOUBLING.replace("STEP", "ns.x ~ ns.x"),
    DOUBLING.replace("STEP", "ns.x + ns.x"),
    DOUBLING.replace("STEP", "[ns.x, ns.x]"),
    DOUBLING.replace("STEP", "(ns.x, ns.x)"),
    DOUBLING.replace("STEP", "{'a': ns.x, 'b': ns.x}"),
    DOUBLING.replace("STEP", "dict(a=ns.x, b=ns.x)"),
    DOUBLING.replace("STEP", "[ns.x] * 2"),
    DOUBLING.replace("STEP", "[1]|batch(5, ns.x)|list"),
    DOUBLING.replace("STEP", "ns.x.join([ns.x, ns.x])"),
    DOUBLING.replace("STEP", "ns.x.replace('a', 'aa')"),
    DOUBLING.replace("STEP", "'%s%s' % (ns.x, ns.x)"),
    DOUBLING.replace("STEP", "'{0}{0}'.format(ns.x)"),
    DOUBLING.replace("STEP", "[ns.x, ns.x]|join"),
    "{% set ns = namespace(x=7) %}" + LOOP + "{% set ns.x = ns.x * ns.x %}{% endfor %}{{ ns.x }}",
    "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}x{% endmacro %}{{ f(60) }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in range(1000) %}{% set y %}{{ 'a' * 100000 }}{% endset %}{% endfor %}",
    "{{ 'a'.ljust(10**9) }}",
    "{{ 'a'.rjust(10**9) }}",
    "{{ 'a'.center(10**9) }}",
    "{{ 'a'.zfill(10**9) }}",
    "{{ '\t'.expandtabs(10**9) }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:.1000000000f}'.format(1.5) }}",
    "{{ '{:{}}'.format(1, 10**9) }}",
    "{{ '{a:999999999}'.format_map({'a': 1}) }}",
    "{{ '%*d' % (10**9, 1) }}",
    "{{ '%.1000000000f' % 1 }}",
    "{{ '%999999999s'|format(1) }}",
    "{{ ('a'*100000).replace('', 'b'*100000) }}",
    "{{ ('a'*100000)|replace('a', 'b'*100000) }}",
    "{{ 'a'.translate({97: 'b'*1000000}) * 3 }}",
    "{{ 'x'|indent(10**9, true) }}",
    "{{ ('a'*1000000)|wordwrap(1) }}",
    "{{ [1]|batch(10**9, 'x')|list }}",
    "{{ [1]|slice(10**9)|list }}",
    "{{ 5|round(-10**9) }}",
    "{{ 5|round(10**9, 'ceil') }}",
    "{{ (2).to_bytes(10**9) }}",
    "{{ ('a'*1000000).encode('punycode') }}",
    "{{ range(100000)|map('center', 1000000)|list }}",
    "{{ ([range(1000)|list]*900)|sum(start=[]) }}",
    "{{ [1]*300000000 }}",
    "{{ 2**100000 }}",
    "{{ 10**4000 }}",
    "{{ x|regex_replace('', 'b'*1000000) }}",
    "{{ ('a'*1000000)|regex_replace('a', 'b'*1000) }}",
]


@pytest.mark.parametrize("text", PROBES)
def test_a_probe_is_refused_soon(text: str) -> None:
    T.render("{{ 1|string|upper }}", {})
    started = time.thread_time()
    with pytest.raises(BadTemplate):
        T.render(text, {"x": "v"})
    assert time.thread_time() - started < 2


@pytest.mark.parametrize("text", GREEDY)
def test_what_would_grow_without_end_is_refused_soon(text: str) -> None:
    started = time.thread_time()
    with pytest.raises(BadTemplate):
        T.render(text, {"x": "v"})
    assert time.thread_time() - started < 10


def test_self_shows_nothing() -> None:
    assert "object" not in T.render("{{ self }}", {})


def test_data_cannot_be_changed() -> None:
    data: dict[str, object] = {"xs": [1], "d": {}}
    for text in (
        "{{ xs.append(2) }}",
        "{{ d.update(a=1) }}",
        "{{ dict.update(d, a=1) }}",
        "{{ d.setdefault('a', 1) }}",
    ):
        with pytest.raises(BadTemplate):
            T.render(text, data)
    assert data == {"xs": [1], "d": {}}


def test_comparing_shared_structures_is_paid_for() -> None:
    nested: list[object] = ["a"]
    other: list[object] = ["a"]
    for _ in range(40):
        nested, other = [nested, nested], [other, other]
    for text in (
        "{{ a == b }}",
        "{{ a in [b] }}",
        "{{ a is eq b }}",
        "{{ a }}",
        "{{ a|string }}",
        "{{ [a, b]|sort }}",
    ):
        with pytest.raises(BadTemplate):
            T.render(text, {"a": nested, "b": other})


def test_yaml_anchors_do_not_explode() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "\n".join(
        f"{new}: &{new} [{', '.join(['*' + old] * 10)}]"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(BadTemplate):
        T.render("{{ (x|from_yaml_string).i }}", {"x": bomb})


def test_a_pattern_that_backtracks_is_stopped() -> None:
    started = time.thread_time()
    with pytest.raises(BadTemplate, match="takes longer"):
        T.render("{{ x|regex_match('(a|a|ab)*(b|c)*$') }}", {"x": "a" * 40 + "bd"})
    assert time.thread_time() - started < 10


def test_the_limits_are_settings() -> None:
    small = templates(output_limit_bytes=40, range_limit=3, work_limit=50, number_limit_bits=8)
    assert small.render("{{ range(3)|list }}", {}) == "[0, 1, 2]"
    for text in ("{{ range(4) }}", "{{ ('ab' * 20) ~ 'b' }}", "{{ 16 * 16 }}", "{{ o }}{{ o }}"):
        with pytest.raises(BadTemplate, match="settings"):
            small.render(text, {"o": "x" * 21})


def test_output_is_counted_in_bytes() -> None:
    small = templates(output_limit_bytes=40)
    assert small.render("{{ x }}", {"x": "ö" * 20}) == "ö" * 20
    with pytest.raises(BadTemplate):
        small.render("{{ x }}", {"x": "ö" * 21})


def test_slow_filters_in_a_loop_are_stopped() -> None:
    started = time.thread_time()
    with pytest.raises(BadTemplate):
        T.render("{% for i in range(1000) %}{% set y = x|urlize %}{% endfor %}", {"x": "a " * 30_000})
    assert time.thread_time() - started < 20
