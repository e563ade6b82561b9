"""Pairs at the end of a text."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aliases.kv import split_pairs

# The rules once more, as regular expressions: right, and exponential, so only for short texts.
_KINDS = r"""""|''|"(.+?)"|'(.+?)'|({.+?})|(\S+)"""
_PAIR = re.compile(rf"(?:^|\s+)(\S+?)\s*=({_KINDS})", re.DOTALL)
_ANY = re.sub(r"\((?!\?)", "(?:", _KINDS)
_TAIL = re.compile(rf"(?:^|\s+)\S+?\s*=(?:{_ANY})(?:\s+\S+?\s*=(?:{_ANY}))*\s*\Z", re.DOTALL)


def by_the_rules(text: str) -> tuple[str, dict[str, str]]:
    found = _TAIL.search(text)
    if found is None:
        return text, {}
    pairs = {key: "".join(kinds) for key, _, *kinds in _PAIR.findall(found[0])}
    return text.replace(found[0], ""), pairs


PIECES = st.sampled_from(["a", "b", "=", '"', "'", "{", "}", " ", "  ", "\n", "a=", '="', "='", "={", '" '])


@settings(max_examples=1500, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_the_linear_splitter_answers_as_the_rules_do(text: str) -> None:
    tail = split_pairs(text)
    assert (tail.rest, dict(tail.pairs)) == by_the_rules(text)


@pytest.mark.parametrize(
    ("text", "rest", "pairs"),
    [
        ("dup k=v then k=v", "dup then", {"k": "v"}),
        ('deploy web j={"a": {"b": 1}, "c": 2}', "deploy web", {"j": '{"a": {"b": 1}'}),
        ("open https://e.com/?a=1", "open", {"https://e.com/?a": "1"}),
        ('echo "set x=1"', 'echo "set', {"x": '1"'}),
        ("web env =prod", "web", {"env": "prod"}),
        ("web env= prod", "web env= prod", {}),
        ("web a=1  ", "web", {"a": "1"}),
        ("web\u00a0a=1", "web", {"a": "1"}),
    ],
)
def test_the_tail_is_cut_where_stackstorm_cuts_it(text: str, rest: str, pairs: dict[str, str]) -> None:
    tail = split_pairs(text)
    assert (tail.rest, dict(tail.pairs)) == (rest, pairs)


def test_with_known_keys_a_url_and_quoted_text_stay_whole() -> None:
    for text in ("open https://e.com/?a=1", 'echo "set x=1"'):
        assert split_pairs(text, known={"env"}).rest == text


def test_with_known_keys_their_pairs_are_still_taken() -> None:
    tail = split_pairs("open https://e.com/?a=1 env=prod", known={"env"})
    assert (tail.rest, dict(tail.pairs)) == ("open https://e.com/?a=1", {"env": "prod"})
