"""Commands that stop too early, and commands with typing errors."""

import time

import pytest

from engine.aliases.beginnings import beginning
from engine.aliases.corrections import corrections
from engine.aliases.grammar import compile_format
from engine.aliases.lookup import FormatEntry
from engine.specs.alias import AliasSpec


def entries(*formats: str) -> list[FormatEntry]:
    """Each format is an alias of its own."""
    return [
        FormatEntry(
            number=number,
            alias=AliasSpec(pack="site", name=f"a{number}", action_ref="core.noop"),
            display=None,
            representation=one,
            is_multiple=False,
            compiled=compile_format(one),
        )
        for number, one in enumerate(formats)
    ]


@pytest.mark.parametrize(
    ("text", "given", "missing"),
    [
        ("deploy", {}, ("app", "stage")),
        ("deploy api", {"app": "api"}, ("stage",)),
        ("deploy api to", {"app": "api"}, ("stage",)),
        ("deploy to", {}, ("app", "stage")),
        ("deploy 'two words'", {"app": "two words"}, ("stage",)),
        ("deploy stage=prod", {"stage": "prod"}, ("app",)),
        ("deploy 'to'", {"app": "to"}, ("stage",)),
    ],
)
def test_what_was_said_and_what_is_missing(
    text: str, given: dict[str, str], missing: tuple[str, ...]
) -> None:
    found = beginning(text, entries("deploy {{app}} to {{stage}}"))
    assert found is not None
    assert (dict(found.given), found.missing) == (given, missing)


@pytest.mark.parametrize(
    ("text", "given", "missing"),
    [
        ("deploy", {}, ("app", "stage")),
        ("deploy api", {"app": "api"}, ("stage",)),
        ("deploy api to", {"app": "api"}, ("stage",)),
    ],
)
def test_named_groups_are_read_like_placeholders(
    text: str, given: dict[str, str], missing: tuple[str, ...]
) -> None:
    found = beginning(text, entries("deploy (?P<app>[a-z]+) to (?P<stage>staging|prod) {{version=latest}}"))
    assert found is not None
    assert (dict(found.given), found.missing) == (given, missing)


def test_a_value_that_no_named_group_takes_begins_nothing() -> None:
    formats = entries("deploy (?P<app>[a-z]+) to (?P<stage>staging|prod)")
    assert beginning("deploy 7", formats) is None
    assert beginning("deploy api;rm", formats) is None


@pytest.mark.parametrize("format", ["deploy (?P<app>a(b|c)) to", "deploy (?P<app>a)? to {{stage}}"])
def test_what_is_more_than_a_named_group_is_not_guessed(format: str) -> None:
    assert beginning("deploy", entries(format)) is None


def test_typing_errors_in_formats_with_named_groups() -> None:
    formats = entries("deploy (?P<app>[a-z]+) to (?P<stage>staging|prod)")
    assert next(corrections("depoy api to prod", formats)) == "deploy api to prod"


@pytest.mark.parametrize(
    "text", ["", "dep", "Deploy", "deploy api at once", "deploy api to prod now", "say deploy"]
)
def test_what_is_no_beginning(text: str) -> None:
    assert beginning(text, entries("deploy {{app}} to {{stage}}")) is None


def test_all_words_before_the_first_placeholder_must_be_there() -> None:
    formats = entries("pack install {{pack}}", "pack remove {{pack}}")
    assert beginning("pack", formats) is None
    found = beginning("pack remove", formats)
    assert found is not None
    assert found.entry is formats[1]


def test_several_that_fit_equally_are_none() -> None:
    assert beginning("deploy", entries("deploy {{app}}", "deploy {{service}} {{stage}}")) is None


def test_expressions_have_no_beginning() -> None:
    assert beginning("deploy", entries("deploy( now)? {{app}}", "{{anything}} deploy {{x}}")) is None


def first(text: str, *formats: str) -> str:
    return next(iter(corrections(text, entries(*formats))), "")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("delpoy api to prod", "deploy api to prod"),
        ("deploy api ot prod", "deploy api to prod"),
        ("DEPLOY api to prod", "deploy api to prod"),
        ("depoly  'two  words'  to prod reason=delpoy", "deploy  'two  words'  to prod reason=delpoy"),
        ("restart api", ""),
        ("deploy api to prod", ""),
    ],
)
def test_only_words_of_the_format_are_mended(text: str, meant: str) -> None:
    assert first(text, "deploy {{app}} to {{stage}}") == meant


def test_the_likeliest_comes_first() -> None:
    assert first("pack instal x", "pack uninstall {{pack}}", "pack install {{pack}}") == "pack install x"


def test_long_texts_are_read_in_bounded_time() -> None:
    formats = [f"deploy{number} {{{{app}}}} to {{{{stage}}}}" for number in range(500)]
    started = time.process_time()
    list(corrections("deploy " + "to " * 3000, entries(*formats)))
    list(corrections("d" * 8000, entries(*formats)))
    beginning("deploy1 " + "'" * 8000, entries(*formats))
    # Far from any limit on a slow machine; quadratic reading would take minutes.
    assert time.process_time() - started < 30
