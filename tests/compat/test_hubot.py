"""What hubot-stackstorm 0.13 sends, request by request, and what it must get."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from engine.user_file import UserFile
from tests.engine.api.running import Running, running
from tests.engine.api.streaming import listening

PASSWORD = "correct horse"
# Its command line, as its shell adapter makes it.
CONTEXT = {
    "user": {"id": "1", "name": "Shell", "room": "Shell"},
    "done": False,
    "room": "Shell",
    "text": "!say hi",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("hubot")) as made:
        yield made


def command(server: Running, text: str, **headers: str) -> requests.Response:
    """POST aliasexecution, after choosing an alias on its own side as Hubot does."""
    aliases = server.get("/api/v1/actionalias?limit=-1&offset=0").json()
    found = next(alias for alias in aliases if alias["name"] == text.split(maxsplit=1)[0])
    body = {
        "name": found["name"],
        "format": found["formats"][0],
        "command": text,
        "user": "Shell",
        "source_channel": "Shell",
        "source_context": CONTEXT,
        "notification_route": "hubot",
    }
    return server.post("/api/v1/aliasexecution", body, headers=headers)


def answer_to(said: Any) -> bool:
    return bool(said.name == "st2.announcement__chatops")


def test_it_logs_in_with_an_empty_form(server: Running) -> None:
    users = UserFile(server.engine.folder / "users")
    users.put("hubot", PASSWORD)
    answer = requests.post(
        f"{server.url}/auth/tokens",
        auth=("hubot", PASSWORD),
        headers={"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "0"},
        timeout=30,
    )
    assert answer.status_code == 201
    assert {"token", "expiry"} <= answer.json().keys()


def test_it_gets_all_aliases_and_their_count(server: Running) -> None:
    answer = server.get("/api/v1/actionalias?limit=-1&offset=0")
    assert answer.headers["X-Total-Count"] == str(len(answer.json()))
    # It stops at the first format with a named group of Python's.
    groups = [("(?P<" in str(alias["formats"])) for alias in answer.json()]
    assert groups == sorted(groups)


def test_a_command_is_answered_on_the_stream(server: Running) -> None:
    with listening(server, f"st2-api-key={server.key}", headers={"St2-Api-Key": ""}) as listener:
        made = command(server, "say hi")
        assert made.status_code == 201
        body = made.json()
        assert re.fullmatch("[0-9a-f]{24}", body["execution"]["id"])
        assert body["execution"]["web_url"].startswith("http")
        assert body["actionalias"]["ack"] == {"format": "saying it"}
        payload = listener.wait(answer_to, timeout_s=60).data["payload"]
        assert payload["user"] == payload["channel"] == "Shell"
        assert payload["whisper"] is False
        assert "hi" in payload["message"]
        assert payload["context"] == CONTEXT


def test_a_command_that_cannot_be_started_is_told_in_one_text(server: Running) -> None:
    """It shows `faultstring`, and reads nothing else."""
    alias = server.get("/api/v1/actionalias/probe.say").json()
    body = {"name": "say", "format": "no such {{ x }}", "command": "no such y", "user": "Shell"}
    answer = server.post("/api/v1/aliasexecution", {**body, "source_channel": "Shell"})
    assert answer.status_code == 400
    said = answer.json()["faultstring"]
    assert said.startswith('Format string "no such {{ x }}" is not available on the alias "say". It has: ')
    assert alias["formats"][0] in said


def test_an_alias_that_wants_no_answer_gets_none(server: Running) -> None:
    alias = {
        "name": "hush",
        "pack": "default",
        "action_ref": "probe.say",
        "formats": ["hush {{text}}"],
        "ack": {"enabled": False},
        "result": {"enabled": False},
    }
    assert server.post("/api/v1/actionalias", alias).status_code == 201
    with listening(server) as listener:
        made = command(server, "hush now").json()
        assert made["actionalias"]["ack"] == {"enabled": False}
        server.ended(made["execution"])
        assert command(server, "say hi").status_code == 201
        # It began and ended before this one: its answer would stand in front.
        assert "hi" in listener.wait(answer_to, timeout_s=60).data["payload"]["message"]
        told = [event for event in listener.events if answer_to(event)]
        assert not [event for event in told if "now" in event.data["payload"]["message"]]


def test_a_second_factor_is_asked_for_and_heard_of(server: Running) -> None:
    """HUBOT_2FA names an action, which says on the route `2fa` that the person may."""
    asked = {"uuid": "4d6c", "user": "Shell", "channel": "Shell", "hint": "Says what you say"}
    parameters = {"route": "2fa", "message": asked}
    with listening(server) as listener:
        made = server.post("/api/v1/executions", {"action": "core.announcement", "parameters": parameters})
        assert made.status_code == 201
        heard = listener.wait(lambda event: event.name == "st2.announcement__2fa", timeout_s=60)
        assert heard.data["payload"] == {"message": asked}


def test_an_answer_is_not_lost_when_the_server_restarts_before_it(tmp_path: Path) -> None:
    with running(tmp_path) as before:
        with listening(before) as listener:
            before.run("probe.say", text="first")
            seen = listener.wait(lambda event: bool(event.id)).id
        made = command(before, "say hi")
        assert made.status_code == 201
        port = urlsplit(before.url).port or 0
    with running(tmp_path, port=port) as after:
        with listening(after, headers={"Last-Event-ID": seen}) as listener:
            assert "hi" in listener.wait(answer_to, timeout_s=60).data["payload"]["message"]
