"""What people write on one line: an action with its parameters, variables, names of items."""

from typing import Any

import pytest

from engine.workflows.inline import action_of, behind_action, items_of, pairs_of, passed_over


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('"a b"', "a b"),
        ("'q'", "q"),
        ("\"echo 'hi'\"", "echo 'hi'"),
        ("'say \"hi\"'", 'say "hi"'),
        ('""', ""),
        ('"5"', "5"),
        ("'true'", "true"),
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        (".5", ".5"),
        ("True", True),
        ("false", False),
        ("null", None),
        ("[]", []),
        ("[1, 2]", [1, 2]),
        ("[[1, 2], [3]]", [[1, 2], [3]]),
        ('[1, "a"]', '[1, "a"]'),
        ("[a]", "[a]"),
        ('"{}"', {}),
        ("'{\"k\": 1}'", {"k": 1}),
        ('"{a}"', "{a}"),
        ("<% ctx(a) %>", "<% ctx(a) %>"),
        ("{{ ctx('a') }}", "{{ ctx('a') }}"),
        ("<% ctx(a).where(\n$.x = 1) %>", "<% ctx(a).where(\n$.x = 1) %>"),
        ("[<% ctx(a) %>, 2]", "[<% ctx(a) %>, 2]"),
    ],
)
def test_a_value_is_what_json_makes_of_it_and_text_in_quotes(written: str, value: Any) -> None:
    assert pairs_of(f"before=0 x={written} after=1") == (("before", 0), ("x", value), ("after", 1))


@pytest.mark.parametrize("between", [" ", ",", ", ", ";", " ; ", "\t", "\n"])
def test_anything_may_stand_between_pairs(between: str) -> None:
    assert pairs_of(between.join(('a="1"', "b=2", "c=[3]"))) == (("a", "1"), ("b", 2), ("c", [3]))


def test_an_equals_sign_in_quotes_or_in_an_expression_makes_no_pair() -> None:
    assert pairs_of('a="x=1" b=<% $.y="z" %>') == (("a", "x=1"), ("b", '<% $.y="z" %>'))


def test_several_lists_on_a_line_are_a_list_each() -> None:
    assert pairs_of("a=[1, [2]] b=[3]") == (("a", [1, [2]]), ("b", [3]))


def test_a_bracket_in_quotes_does_not_end_a_list() -> None:
    assert pairs_of('a=["x] y"] b=1') == (("a", '["x] y"]'), ("b", 1))


def test_a_list_that_is_not_closed_is_no_value() -> None:
    assert pairs_of("a=[1, b=2") == (("b", 2),)


def test_an_action_without_parameters_is_the_whole_text() -> None:
    assert action_of("core.noop") == ("core.noop", {})
    assert action_of("core.echo message=hello") == ("core.echo message=hello", {})


def test_the_last_of_two_parameters_of_a_name_counts() -> None:
    assert action_of("core.echo message='a' message='b'") == ("core.echo", {"message": "b"})


def test_an_action_may_be_an_expression_with_spaces() -> None:
    assert action_of('<% ctx(a) + "b" %> x=1') == ('<% ctx(a) + "b" %>', {"x": 1})


def test_parameters_may_stand_on_lines_of_their_own() -> None:
    assert action_of('core.local\n  cmd="date"\n') == ("core.local", {"cmd": "date"})


def test_what_is_no_pair_can_be_told() -> None:
    assert passed_over(behind_action("core.echo message=hello, n=1; m=yes")) == "message=hello m=yes"
    assert passed_over(behind_action('core.echo message="hello", n=1')) == ""
    assert passed_over(behind_action("core.noop")) == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<% ctx(xs) %>", ((), "<% ctx(xs) %>")),
        ("x in <% ctx(xs) %>", (("x",), "<% ctx(xs) %>")),
        (" x, y in {{ ctx('xs') }} ", (("x", "y"), "{{ ctx('xs') }}")),
        ("x in\n  <% ctx(xs)\n %>", (("x",), "<% ctx(xs)\n %>")),
        ("<% ctx(xs).where($ in list(1)) %>", ((), "<% ctx(xs).where($ in list(1)) %>")),
        ("x y in <% ctx(xs) %>", None),
        ("x in ctx(xs)", None),
        ("<% ctx(xs) %> more", None),
        ("<%>", None),
        ("", None),
    ],
)
def test_items_are_an_expression_with_or_without_names(text: str, found: Any) -> None:
    assert items_of(text) == found


# Texts that patterns with nested repeats take minutes for; here each takes a part of a second.
@pytest.mark.parametrize(
    "text",
    [
        "x, " + " " * 100_000 + "!",
        "l=[" * 100_000,
        "x=<%" * 100_000,
        "a='" * 100_001,
        "a" * 300_000,
        "[" * 300_000 + "]" * 300_000,
    ],
)
@pytest.mark.timeout(60)
def test_a_hostile_text_is_read_once_from_left_to_right(text: str) -> None:
    pairs_of(text)
    pairs_of(f"x={text}")
    passed_over(text)
    assert items_of(f"{text} in nothing") is None
