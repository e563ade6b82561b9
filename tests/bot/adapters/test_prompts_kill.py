"""The server is killed around a question: it is asked once, answered once, and rewritten everywhere."""

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.bot.adapters.test_web_kill import Server
from tests.bot.asking import write_questions
from tests.bot.flows import branches, write_flows

LIMIT_S = 90.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    write_questions(tmp_path)
    write_flows(tmp_path)
    made = Server(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.kill()


class Ann:
    """Talks to a server that comes and goes."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._url = server.url
        key = (folder / "data" / "admin.key").read_text(encoding="utf-8").strip()
        self._headers = {"St2-Api-Key": key}

    def post(self, path: str, body: dict[str, Any]) -> requests.Response:
        return requests.post(f"{self._url}/chat/{path}", json=body, headers=self._headers, timeout=30)

    def say(self, text: str, *, key: str = "") -> str:
        body = {"channel": "ops", "text": text, "direct": True, "delivery_key": key or secrets.token_hex(8)}
        return str(self.post("messages", body).json()["id"])

    def messages(self) -> list[dict[str, Any]]:
        url = f"{self._url}/chat/channels/ops/messages"
        found = requests.get(url, params={"limit": 200}, headers=self._headers, timeout=30)
        return list(found.json()["messages"])

    def questions(self) -> list[dict[str, Any]]:
        return [one for one in self.messages() if one["body"].get("inquiry_id")]

    def until(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            try:
                if is_so():
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.05)
        raise AssertionError(self.messages())


@pytest.mark.slow
def test_a_question_is_asked_and_answered_once_over_kills(server: Server, tmp_path: Path) -> None:
    ann = Ann(server, tmp_path)
    ann.say("ask form", key="asked-only-once")
    server.kill()
    server.start()
    # The sender did not hear of it, and delivers it again.
    ann.say("ask form", key="asked-only-once")
    ann.until(lambda: len(ann.questions()) == 1)
    server.kill()
    server.start()
    (question,) = ann.questions()
    prompt_id = question["body"]["prompt"]["id"]
    answer = {"channel": "ops", "values": {"version": "1.42.0", "token": "hunter22"}, "button": ""}
    assert ann.post(f"prompts/{prompt_id}/answers", answer).status_code == 200
    server.kill()
    server.start()
    again = ann.post(f"prompts/{prompt_id}/answers", answer)
    assert again.status_code == 200, again.text
    ann.until(lambda: "prompt" not in ann.questions()[0]["body"])
    (question,) = ann.questions()
    assert question["body"]["status"] == "answered"
    data = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir() if path.is_file())
    assert b"hunter22" not in data


@pytest.mark.slow
def test_a_workflow_and_its_question_stay_one_message_each_over_kills(server: Server, tmp_path: Path) -> None:
    ann = Ann(server, tmp_path)
    thread = ann.say("flow gate")

    def answers() -> list[dict[str, Any]]:
        return [one for one in ann.messages() if one["body"].get("reply_to") == thread]

    server.kill()
    server.start()
    ann.until(lambda: len(ann.questions()) == 1)
    server.kill()
    server.start()
    prompt_id = ann.questions()[0]["body"]["inquiry_id"]
    answer = {"channel": "ops", "values": {}, "button": "approve"}
    assert ann.post(f"prompts/{prompt_id}/answers", answer).status_code == 200
    server.kill()
    server.start()
    ann.until(lambda: bool(answers()) and answers()[0]["body"].get("status") == "succeeded")
    (done,) = answers()
    (question,) = ann.questions()
    assert question["body"]["status"] == "approved"
    assert [one["name"] for one in branches(done["body"])] == ["before", "ask", "after"]
