"""The matchers against the re module, and against hostile texts."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aliases.grammar import compile_format
from engine.aliases.pattern import Pattern
from engine.errors import BadContent, NoMatch

HOSTILE = 40_000
# The goal is 10 ms on a quiet machine (make bench measures it); a test may run on a busy one.
LINEAR_S = 2.0
BOUNDED_S = 15.0

FORMATS = (
    "deploy {{app}} to {{env}}",
    "d {{a=1}} {{b=2}}",
    "d {{a=1}}{{b=2}}",
    "(run|execute) {{cmd}}( on {{hosts=localhost}})?[!.]?",
    'say "{{m}}"',
    "{{a}}{{b}}",
    "repeat( (it|this))?:? {{ phrase }}",
    "((beep|honk)-?)+ {{vin}}[!.]*",
    "a(b|(?P<x>c+?))*{{y}}",
    "^{{a}} (to|on) {{b}}",
    "(?P<n>[a-c]+) ?(?P<m>.*?)x{0,2}",
    r"\bto {{a}}",
    "(?P<q>['\"]).*?(?P=q)",
    "(a*)*(?P<z>b?)",
    "(?=.*x){{a}}",
)
PIECES = st.sampled_from(
    ["a", "b", "c", "d", "say", "deploy", "run", "beep-", '"', "'", "{", "}", " ", " to ", " on ", "x", "\n"]
)


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(FORMATS), st.lists(PIECES, max_size=10).map("".join))
def test_what_is_found_is_what_the_re_module_finds(format: str, text: str) -> None:
    pattern = compile_format(format).pattern
    reference = re.compile(pattern.source, re.DOTALL)
    padded = f" {text} "
    found = pattern.find(padded)
    wanted = reference.search(padded)
    assert (found and pattern.named(found, padded)) == (wanted and wanted.groupdict())


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(FORMATS), st.lists(PIECES, max_size=10).map("".join))
def test_all_that_is_found_is_what_the_re_module_finds(format: str, text: str) -> None:
    pattern = compile_format(format).pattern
    padded = f" {text} "
    found = [((each.start, each.end), pattern.named(each, padded)) for each in pattern.find_all(padded)]
    reference = re.compile(pattern.source, re.DOTALL)
    assert found == [(each.span(), each.groupdict()) for each in reference.finditer(padded)]


def seconds(format: str, text: str) -> float:
    compiled = compile_format(format)
    begin = time.thread_time()
    try:
        compiled.extract(text)
    except NoMatch:
        pass
    return time.thread_time() - begin


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("run {{cmd}}", "run" + " " * HOSTILE + "x"),
        ("run {{cmd}}", "run x" + "\n" * HOSTILE),
        ("go {{a}}", "go y " + 'a="b" ' * (HOSTILE // 6) + "!"),
        ("go {{a}}", "go y " + "a={ " * (HOSTILE // 4)),
        ("go {{a}}", "go y " + "a={" * (HOSTILE // 3)),
        ("go {{a}}", "go y " + "= " * (HOSTILE // 2)),
        ("go {{a}}", "go y " + '="' * (HOSTILE // 2)),
        ("{{a}} to {{b}} to {{c}} to {{d}}!", " to" * (HOSTILE // 3)),
        ("{{a}} {{b}} {{c}} {{d}} x", ' "' * (HOSTILE // 2) + "x"),
        ("d {{a=1}} {{b=2}} {{c=3}}", "d " + "\" ' { " * (HOSTILE // 6) + "}"),
        ("(a+)+$", "a" * HOSTILE + "!"),
        ("(a*)*$", "a" * HOSTILE + "!"),
        ("(a|aa)+b", "a" * HOSTILE),
        ("(x+x+)+y", "x" * HOSTILE),
        ("(.*)*,(.*)*", "x" * HOSTILE),
    ],
)
def test_a_hostile_text_takes_time_linear_in_its_length(format: str, text: str) -> None:
    assert compile_format(format).pattern.is_linear
    assert min(seconds(format, text) for _ in range(3)) < LINEAR_S


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("((ab|b)*)*!$", "ab" * (HOSTILE // 2)),
        (r"(?=(a+)+b)x", "a" * HOSTILE),
        (r"((a+)\2?)+b", "a" * HOSTILE),
        (r"\bfoo\b {{x}}", "foo" * (HOSTILE // 3)),
    ],
)
def test_a_format_beyond_the_linear_matcher_stops_at_a_limit(format: str, text: str) -> None:
    assert not compile_format(format).pattern.is_linear
    assert seconds(format, text) < BOUNDED_S


def test_twice_the_text_takes_about_twice_the_time() -> None:
    def best(length: int) -> float:
        return min(seconds("run {{cmd}}", "run" + " " * length + "x") for _ in range(5))

    # Four times the text; a matcher that begins anew at every character would take sixteen times as long.
    assert best(200_000) < 10 * best(50_000) + 0.05


def test_a_text_of_ever_new_characters_does_not_fill_the_memory() -> None:
    pattern = compile_format("x {{a}} y").pattern
    for begin in range(0x10000, 0x50000, 0x10000):
        assert pattern.find(" x " + "".join(map(chr, range(begin, begin + 30_000))) + " y ")
    machine = pattern._machine
    assert machine is not None
    assert machine._kept <= 50_001


@pytest.mark.parametrize("format", ["(", "a{2", "[", "(?P<a>x)(?P<a>y)", r"(?<=a+)b {{x}}", "x{99999999999}"])
def test_a_bad_expression_is_bad_content_and_nothing_worse(format: str) -> None:
    with pytest.raises((BadContent, NoMatch)):
        compile_format(format).extract("some text")


def test_heads_name_every_way_a_match_can_begin() -> None:
    assert compile_format("(show|sh) ip (route|ro) on {{x}}").pattern.heads() == (
        "show ip route on ",
        "show ip ro on ",
        "sh ip route on ",
        "sh ip ro on ",
    )


def test_nothing_is_known_about_the_head_of_a_format_that_begins_with_a_value() -> None:
    assert compile_format("{{a}} ping").pattern.heads() == ("",)


def test_a_pattern_without_placeholders_searches_like_the_re_module() -> None:
    found = Pattern("b+", flags=re.IGNORECASE).find("aaBBc")
    assert found is not None
    assert found.start == 2
