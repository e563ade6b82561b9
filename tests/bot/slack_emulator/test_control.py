"""The control API: everything that a test in another language needs, over HTTP."""

from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.slack_emulator.emulator import Emulator
from tests.bot.slack_emulator.bolt import Bolt
from tests.bot.slack_emulator.test_bolt_app import echo


def post(slack: Emulator, name: str, **how: Any) -> requests.Response:
    return requests.post(f"{slack.root_url}control/{name}", timeout=20, **how)


def act(slack: Emulator, name: str, **body: Any) -> Any:
    answer = post(slack, name, json=body)
    assert answer.ok, answer.text
    return answer.json()["result"]


def test_a_conversation_over_http_from_a_message_to_a_sent_form(slack: Emulator) -> None:
    with Bolt(slack, echo):
        said = act(slack, "say", user="ada", channel="ops", text="hello")
        slack.wait_for(lambda: len(act(slack, "messages", channel="ops")) == 2)
        answer = act(slack, "messages", channel="ops")[1]
        assert answer["thread_ts"] == said["ts"]
        pressed = act(slack, "click", user="ada", channel="ops", ts=answer["ts"], action="press")
        assert pressed["is_acknowledged"]
        slack.wait_for(lambda: act(slack, "views", user="ada"))
        (form,) = act(slack, "views", user="ada")
        act(slack, "submit", user="ada", view=form["id"], values={"why": "because"})
        assert act(slack, "views", user="ada")[0]["errors"] == {"why": "That is no reason."}
        act(slack, "submit", user="ada", view=form["id"], values={"why": "late"})
        slack.wait_for(lambda: act(slack, "direct-messages", user="ada"))


def test_the_overview_says_what_the_app_is_configured_with(slack: Emulator) -> None:
    found = requests.get(f"{slack.root_url}control", timeout=20).json()["result"]
    assert found["bot_token"] == slack.bot_token
    assert found["base_url"] == slack.url
    assert {"name": "ada", "standing": "member"}.items() <= found["people"][1].items()


def test_trouble_is_made_over_http(slack: Emulator) -> None:
    act(slack, "trouble/fail", method="auth.test", error="fatal_error")
    with pytest.raises(SlackApiError, match="fatal_error"):
        WebClient(token=slack.bot_token, base_url=slack.url).auth_test()


def test_what_does_not_exist_is_refused_with_what_does(slack: Emulator) -> None:
    answer = post(slack, "say", json={"user": "eve", "channel": "ops", "text": "x"})
    assert answer.status_code == 422
    assert "there are: stormcrow, ada, ben" in answer.json()["error"]
    assert post(slack, "dance", json={}).status_code == 404


def test_a_page_in_a_browser_is_kept_out(slack: Emulator) -> None:
    plain = post(slack, "say", data='{"user": "ada"}', headers={"Content-Type": "text/plain"})
    assert plain.status_code == 415
    assert post(slack, "say", json={}, headers={"Host": "evil.example"}).status_code == 403
