"""What a button means travels with it and comes back unchanged; what is not exactly ours means nothing."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.slack import actions
from bot.adapters.slack.actions import CommandPress, DetailsPress, LinkPress, MenuPress, PromptPress, read
from bot.chat import Button, Link
from tests.bot.adapters.slack.reading import TEXTS

same = settings(derandomize=True, deadline=None, max_examples=50)


@same
@given(st.text(min_size=1, max_size=600))
def test_a_command_comes_back_as_it_was_or_has_no_button(command: str) -> None:
    made = actions.command(Button(label="Run", command=command), 3)
    if made is None:
        assert not command.strip()
    else:
        assert read(made) == CommandPress(command=command)


@same
@given(TEXTS)
def test_a_decision_comes_back_as_it_was_or_has_no_button(value: str) -> None:
    made = actions.prompt(Button(label="Yes", value=value), "f" * 24, 0)
    assert made is None or read(made) == PromptPress(prompt_id="f" * 24, value=value)


def test_a_command_that_is_too_long_for_a_button_is_never_cut() -> None:
    assert actions.command(Button(label="Run", command="x" * 2_001), 0) is None


def test_a_dangerous_button_asks_before_it_counts_and_says_what_it_does() -> None:
    made = actions.command(Button(label="Cancel", command="cancel 7f3a1c", style="danger"), 0)
    assert made is not None
    assert made["confirm"]["text"]["text"] == "cancel 7f3a1c"


def test_details_links_and_the_menu_are_told_apart() -> None:
    details, link = actions.details("7f3a1c", 1), actions.link(Link(label="x", url="https://x/"), 2)
    assert details is not None
    assert link is not None
    assert read(details) == DetailsPress(id="7f3a1c")
    assert read(link) == LinkPress()
    assert read(actions.menu("Run")) == MenuPress()
    chosen = {"action_id": actions.MENU_ACTION, "selected_option": {"value": "core.local 0"}}
    assert read(chosen) == MenuPress(chosen="core.local 0")


@pytest.mark.parametrize(
    "action",
    [
        {},
        {"action_id": "approve", "value": "f" * 24 + " approve"},
        {"action_id": "crow.p.0"},
        {"action_id": "crow.p.0", "value": "f" * 24},
        {"action_id": "crow.p.0", "value": " approve"},
        {"action_id": "crow.p.0", "value": "../../etc approve"},
        {"action_id": "crow.p.0", "value": "abc approve\nreject"},
        {"action_id": "crow.p.0", "value": ["abc approve"]},
        {"action_id": "crow.p.0", "value": {"a": 1}},
        {"action_id": "crow.p.0x", "value": "abc approve"},
        {"action_id": "crow.c.0", "value": ""},
        {"action_id": "crow.c.0", "value": "x" * 2_001},
        {"action_id": "crow.d.0", "value": "a b"},
        {"action_id": "CROW.c.0", "value": "help"},
    ],
)
def test_a_press_that_is_not_exactly_ours_means_nothing(action: dict[str, Any]) -> None:
    assert read(action) is None
