"""A press is read as what it means, and where an answer to it belongs; what looks otherwise means nothing."""

import json
from typing import Any

import pytest

from bot.adapters.slack import presses
from bot.adapters.slack.actions import CommandPress
from bot.adapters.slack.views import Form
from bot.chat import Place


def payload(**given: Any) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "user": {"id": "U0ANN"},
        "trigger_id": "1.2.3",
        "container": {"type": "message", "message_ts": "1790000000.000100", "channel_id": "C1"},
        "channel": {"id": "C1", "name": "ops"},
        "message": {"ts": "1790000000.000100"},
        "actions": [{"action_id": "crow.c.0", "value": "help", "action_ts": "1790000060.000200"}],
        **given,
    }


def test_an_answer_belongs_into_the_thread_of_the_message() -> None:
    pressed = presses.read(payload())
    assert pressed is not None
    assert pressed.press == CommandPress(command="help")
    assert pressed.place("D1") == Place(channel="C1", thread="1790000000.000100")
    inner = presses.read(payload(message={"ts": "1790000000.000100", "thread_ts": "1780000000.000100"}))
    assert inner is not None
    assert inner.place("D1").thread == "1780000000.000100"


def test_what_one_person_alone_sees_starts_no_thread() -> None:
    container = {"type": "message", "message_ts": "1790000000.000100", "is_ephemeral": True}
    pressed = presses.read(payload(container=container, message=None))
    assert pressed is not None
    assert pressed.place("D1") == Place(channel="C1", thread=None)


def test_in_the_home_tab_an_answer_is_said_to_that_person() -> None:
    view = {"id": "V1", "type": "home", "private_metadata": ""}
    pressed = presses.read(
        payload(container={"type": "view", "view_id": "V1"}, channel=None, message=None, view=view)
    )
    assert pressed is not None
    assert pressed.is_home
    assert pressed.place("U0ANN") == Place(channel="U0ANN", thread=None)


def test_in_a_modal_an_answer_belongs_where_the_modal_belongs() -> None:
    form = Form(prompt_id="menu", channel="C7", thread="1.5")
    view = {"id": "V1", "type": "modal", "private_metadata": form.as_metadata()}
    pressed = presses.read(payload(container={"type": "view"}, channel=None, message=None, view=view))
    assert pressed is not None
    assert pressed.place("D1") == Place(channel="C7", thread="1.5")


def test_two_presses_of_one_button_within_a_moment_share_a_key() -> None:
    def keys(at: str) -> tuple[str, str]:
        action = {"action_id": "crow.c.0", "value": "help", "action_ts": at}
        pressed = presses.read(payload(actions=[action]))
        assert pressed is not None
        return pressed.command_keys()

    first, soon, later = keys("1790000001.1"), keys("1790000002.9"), keys("1790000010.0")
    assert first[1] in soon
    assert first[1] not in later


def test_after_an_edit_another_button_stands_in_its_place() -> None:
    def keys(command: str) -> tuple[str, str]:
        action = {"action_id": "crow.c.0", "value": command, "action_ts": "1790000001.1"}
        pressed = presses.read(payload(actions=[action]))
        assert pressed is not None
        return pressed.command_keys()

    assert set(keys("alert ack 7f3a1c")).isdisjoint(keys("alert silence 7f3a1c 1h"))


@pytest.mark.parametrize(
    "change",
    [
        {"actions": None},
        {"actions": []},
        {"actions": [{}, {}]},
        {"actions": ["crow.c.0"]},
        {"actions": [{"action_id": "crow.c.0", "value": "help"}]},
        {"actions": [{"action_id": "crow.c.0", "value": "help", "action_ts": "soon"}]},
        {"user": None},
        {"user": {"id": ["U1"]}},
        {"container": None},
    ],
)
def test_a_payload_that_is_not_as_slack_sends_it_means_nothing(change: dict[str, Any]) -> None:
    assert presses.read(payload(**change)) is None


def test_metadata_that_was_changed_belongs_to_no_form() -> None:
    view = {"id": "V1", "type": "modal", "private_metadata": json.dumps({"prompt_id": "x", "admin": "yes"})}
    pressed = presses.read(payload(container={"type": "view"}, channel=None, message=None, view=view))
    assert pressed is not None
    assert pressed.form is None
