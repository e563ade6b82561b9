"""Deliveries over HTTP: signed ones are kept and acknowledged, all others refused."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from bot.slack_emulator.emulator import Emulator
from tests.bot.adapters.slack.conftest import SlackHouse, runs_of, slack_settings

FORM = "application/x-www-form-urlencoded"


class Web:
    """Slack's side, or that of somebody who plays it."""

    def __init__(self, house: SlackHouse) -> None:
        self.house = house
        self.slack = house.slack

    def post(
        self,
        body: str,
        *,
        kind: str = "application/json",
        secret: str = "",
        age_s: float = 0.0,
        **headers: str,
    ) -> requests.Response:
        timestamp = str(int(time.time() - age_s))
        signed = hmac.new(
            (secret or self.slack.signing_secret).encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256
        )
        return requests.post(
            f"{self.house.url}/slack/events",
            data=body.encode(),
            headers={
                "Content-Type": kind,
                "X-Slack-Request-Timestamp": timestamp,
                "X-Slack-Signature": f"v0={signed.hexdigest()}",
                **headers,
            },
            timeout=30,
        )

    def message(self, text: str, *, ts: str = "") -> str:
        """The body of an event: ann has said something."""
        said = self.slack.say_raw("ann", self.house.channel(), text) if not ts else None
        event: dict[str, Any] = {"type": "message", "channel_type": "channel", "text": text}
        if said is not None:
            event |= {"channel": said.channel, "user": said.user, "ts": said.ts}
        return json.dumps(
            {
                "type": "event_callback",
                "team_id": self.slack.team,
                "api_app_id": self.slack.app_id,
                "event_id": f"Ev{time.monotonic_ns()}",
                "event": event,
            }
        )


@pytest.fixture(scope="module")
def web(town: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    settings = slack_settings(
        tmp_path_factory.mktemp("http"), town, mode="http", signing_secret=town.signing_secret, app_token=""
    )
    house = SlackHouse(settings, town)
    try:
        yield Web(house)
    finally:
        house.stop()


def test_no_socket_is_open(web: Web) -> None:
    assert web.slack.socket_count == 0


def test_a_signed_event_is_a_command(web: Web) -> None:
    answer = web.post(web.message("!echo echo over http"))
    assert answer.status_code == 200
    web.slack.wait_for(lambda: runs_of(web.house, "echo echo over http"))


def test_an_event_that_is_posted_again_is_one_command(web: Web) -> None:
    body = web.message("!echo echo replayed")
    assert [web.post(body).status_code for _ in range(3)] == [200, 200, 200]
    web.slack.wait_for(lambda: runs_of(web.house, "echo echo replayed"))
    web.post(web.message("!echo echo the next"))
    web.slack.wait_for(lambda: runs_of(web.house, "echo echo the next"))
    assert len(runs_of(web.house, "echo echo replayed")) == 1


@pytest.mark.parametrize(
    "forged",
    [
        {"secret": "another secret"},
        {"age_s": 301.0},
        {"age_s": -301.0},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0="},
        {"X-Slack-Signature": "v0=\u00e9".encode().decode("latin-1")},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Request-Timestamp": "now"},
        {"X-Slack-Request-Timestamp": "9" * 5000},
    ],
)
def test_what_is_not_signed_now_and_by_slack_is_refused(web: Web, forged: dict[str, Any]) -> None:
    body = web.message("!echo echo forged")
    assert web.post(body, **forged).status_code == 401
    assert not runs_of(web.house, "echo echo forged")


def test_a_body_that_was_changed_is_refused(web: Web) -> None:
    body = web.message("!echo echo changed")
    signed = web.post(body).request
    headers = {name: value for name, value in signed.headers.items() if name != "Content-Length"}
    changed = body.replace("echo changed", "echo something else")
    answer = requests.post(f"{web.house.url}/slack/events", data=changed, headers=headers, timeout=30)
    assert answer.status_code == 401


def test_the_question_of_slack_is_answered_where_it_is_signed(web: Web) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1a"})
    assert web.post(body).json() == {"challenge": "3eZbrw1a"}
    assert web.post(body, secret="another").status_code == 401


def test_a_slash_command_comes_as_a_form(web: Web) -> None:
    slack = web.slack
    said = slack.say_raw("ann", "ops", "nothing")
    form = {
        "command": "/crow",
        "text": "echo echo by a form",
        "team_id": slack.team,
        "api_app_id": slack.app_id,
        "user_id": said.user,
        "channel_id": said.channel,
        "trigger_id": "1.2.abc",
    }
    answer = web.post(urlencode(form), kind=FORM)
    assert (answer.status_code, answer.content) == (200, b"")
    web.post(urlencode(form), kind=FORM)
    slack.wait_for(lambda: runs_of(web.house, "echo echo by a form"))
    web.post(web.message("!echo echo after the form"))
    slack.wait_for(lambda: runs_of(web.house, "echo echo after the form"))
    assert len(runs_of(web.house, "echo echo by a form")) == 1


@pytest.mark.parametrize("body", ["", "nothing", "[1]", '"text"', "{"])
def test_what_is_no_delivery_is_refused(web: Web, body: str) -> None:
    assert web.post(body).status_code == 400
    assert web.post(urlencode({"payload": body}), kind=FORM).status_code == 400


def test_a_delivery_for_another_workspace_is_left_out(web: Web) -> None:
    body = web.message("!echo echo elsewhere").replace(web.slack.team, "T0ELSEWHERE")
    assert web.post(body).status_code == 200
    web.post(web.message("!echo echo here again"))
    web.slack.wait_for(lambda: runs_of(web.house, "echo echo here again"))
    assert not runs_of(web.house, "echo echo elsewhere")
