"""Help strings and hints."""

import pytest

from engine.aliases.help import help_strings, nearest
from engine.errors import BadInput
from engine.specs.alias import AliasFormat
from tests.engine.aliases.builders import alias, registry

CONTENT = registry(
    alias("go", "go {{where}}", AliasFormat(representations=("hidden",)), description="Go there."),
    alias("off", "off", enabled=False),
    alias("Deploy", "Deploy {{app}}", pack="ship"),
)


def test_only_displays_of_enabled_aliases_are_listed() -> None:
    assert [(each.alias, each.display, each.description) for each in help_strings(CONTENT)] == [
        ("demo.go", "go {{where}}", "Go there."),
        ("ship.Deploy", "Deploy {{app}}", ""),
    ]


def test_the_filter_is_a_regular_expression_whatever_the_case() -> None:
    assert [each.alias for each in help_strings(CONTENT, filter="^dep.*app")] == ["ship.Deploy"]


def test_a_pack_can_be_asked_for() -> None:
    assert [each.alias for each in help_strings(CONTENT, pack="demo")] == ["demo.go"]


def test_a_filter_that_is_no_expression_is_the_callers_mistake() -> None:
    with pytest.raises(BadInput, match="no regular expression"):
        help_strings(CONTENT, filter="(")


def test_the_nearest_commands_share_words_with_the_text() -> None:
    assert nearest("depoy web", CONTENT) == ["Deploy {{app}}"]
    assert nearest("xyzzy", CONTENT) == []
