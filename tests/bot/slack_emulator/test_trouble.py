"""Answers that fail on purpose: refused, limited, late, or lost after the work was done."""

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.slack_emulator.emulator import Emulator


@pytest.fixture
def web(slack: Emulator) -> WebClient:
    return WebClient(token=slack.bot_token, base_url=slack.url, retry_handlers=[], timeout=30)


def test_a_method_fails_once_with_the_code_that_was_armed(slack: Emulator, web: WebClient) -> None:
    slack.trouble.fail("chat.postMessage", "internal_error")
    with pytest.raises(SlackApiError, match="internal_error"):
        web.chat_postMessage(channel="ops", text="one")
    web.chat_postMessage(channel="ops", text="two")
    assert [each.text for each in slack.messages("ops")] == ["two"]


def test_a_rate_limit_says_how_long(slack: Emulator, web: WebClient) -> None:
    slack.trouble.limit_rate("chat.postMessage", retry_after_s=7)
    with pytest.raises(SlackApiError) as refused:
        web.chat_postMessage(channel="ops", text="one")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "7"


def test_an_http_error_does_nothing(slack: Emulator, web: WebClient) -> None:
    slack.trouble.answer_status("*", 500)
    with pytest.raises(SlackApiError):
        web.chat_postMessage(channel="ops", text="one")
    assert slack.messages("ops") == []


@pytest.mark.parametrize("how", ["swallow", "reset_answer"])
def test_an_answer_may_be_lost_after_the_post(slack: Emulator, web: WebClient, how: str) -> None:
    getattr(slack.trouble, how)("chat.postMessage")
    with pytest.raises(OSError):  # noqa: PT011 - whichever way the connection ended
        web.chat_postMessage(channel="ops", text="one")
    assert [each.text for each in slack.messages("ops")] == ["one"]


def test_a_late_answer_comes_after_the_work(slack: Emulator, web: WebClient) -> None:
    slack.trouble.delay("chat.postMessage", 0.2)
    web.chat_postMessage(channel="ops", text="one")
    assert slack.calls("chat.postMessage") == [("chat.postMessage", "ok")]


def test_everything_goes_well_again_after_clear(slack: Emulator, web: WebClient) -> None:
    slack.trouble.fail("*", "fatal_error", times=100)
    slack.trouble.clear()
    assert web.auth_test()["ok"]
