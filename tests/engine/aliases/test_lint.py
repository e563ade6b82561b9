"""What pack check says about aliases."""

import pytest

from engine.aliases.lint import lint
from engine.specs.alias import AliasFormat, AliasSpec
from tests.engine.aliases.builders import STRING, action, alias, registry

WORK = action("work", app=STRING, env=STRING)
NEEDY = action("needy", app={"type": "string", "required": True}, env=STRING)


def texts(*parts: AliasSpec) -> list[str]:
    return [f"{each.severity}: {each.text}" for each in lint(registry(WORK, NEEDY, *parts))]


def test_good_aliases_give_no_findings() -> None:
    good = alias(
        "good", "deploy {{app}} to {{env=prod}}", r"^\s*ship (?P<app>\w+)( now)?\s*$", "[Uu]p {{app}}"
    )
    assert texts(good) == []


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (alias("a", "go ("), "error: The format 'go (' cannot be used"),
        (alias("a", "^go$"), "warning: The format '^go$' never matches."),
        (alias("a", "go x=1"), "warning: The format 'go x=1' never matches."),
        (alias("a", AliasFormat(display="go")), "warning: The format 'go' has no representation"),
        (alias("a", "go {{ap}}"), "error: The alias demo.a gives the parameter ap, which demo.work"),
        (
            alias("a", "go {{env}}", to="demo.needy"),
            "warning: The format 'go {{env}}' does not give the parameter app, which demo.needy requires.",
        ),
        (alias("a", "(?=x)go"), "warning: The format '(?=x)go' can take long to compare"),
        (alias("a", "go {{app}}", "go now"), "warning: 'go now' is taken by the format 'go {{app}}' before"),
    ],
)
def test_what_will_go_wrong_is_found(made: AliasSpec, found: str) -> None:
    assert [each for each in texts(made) if each.startswith(found)]


def test_two_aliases_for_one_text_are_found() -> None:
    found = texts(alias("one", "go {{app}}"), alias("two", "go {{env}}"))
    assert "warning: 'go value' fits demo.one and demo.two: people will be told to choose." in found


def test_a_disabled_alias_is_not_linted() -> None:
    assert texts(alias("a", "go (", enabled=False)) == []
