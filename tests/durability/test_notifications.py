"""Killed between the end of an execution and its notification: everybody is told, nobody twice."""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.durability.server import Server, wait_until

# Times between two kills, in seconds: the server starts, answers, and is killed at some point of it.
BETWEEN_S = (0.5, 0.9, 1.3)
CHANNEL = "told"
LISTENER = {
    "packs/listener/pack.yaml": """
        {ref: listener, name: listener, description: Listens, version: 1.0.0, author: Tests}
    """,
    "packs/listener/actions/hear.yaml": """
        name: hear
        runner_type: noop
        parameters:
          of: {type: string, required: true}
    """,
    "packs/listener/rules/hear.yaml": """
        name: hear
        pack: listener
        enabled: true
        trigger: {type: core.st2.generic.notifytrigger}
        criteria:
          trigger.route: {type: equals, pattern: ears}
        action:
          ref: listener.hear
          parameters: {of: "{{ trigger.message }}"}
    """,
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path, files=LISTENER)
    made.start()
    try:
        yield made
    finally:
        made.close()


class Asker:
    """Asks for execution 1, 2 ... each under its own key until it is accepted."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.accepted: list[str] = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def wait_for_one_more(self) -> None:
        before = len(self.accepted)
        wait_until(lambda: len(self.accepted) > before, timeout_s=60)

    def _run(self) -> None:
        while not self.stopping.is_set() or not self.accepted:
            word = f"number {len(self.accepted) + 1}."
            section = {"message": word, "routes": ["web", "ears"], "channels": [CHANNEL]}
            body = {"action": "core.noop", "notify": {"on-complete": section}}
            with contextlib.suppress(requests.RequestException):
                answer = self._server.ask("POST", "/executions", json=body, headers={"Idempotency-Key": word})
                if answer.status_code == 201:
                    self.accepted.append(word)
                    continue
            time.sleep(0.05)


def said(server: Server) -> Counter[str]:
    """How often each was told in the channel."""
    found: list[dict[str, Any]] = []
    before: str = ""
    while True:
        answer = server.get(f"/chat/channels/{CHANNEL}/messages?limit=200{before}")
        found += answer["messages"]
        if not answer["more"]:
            return Counter(one["body"]["pretext"] for one in found)
        before = f"&before={answer['messages'][0]['seq']}"


def heard(server: Server) -> Counter[str]:
    """How often a rule started its action for each."""
    found = server.get("/executions?limit=-1&action=listener.hear")
    return Counter(one["parameters"]["of"] for one in found)


@pytest.mark.slow
def test_every_end_is_told_once_however_often_the_server_dies(server: Server) -> None:
    asker = Asker(server)
    asker.thread.start()
    try:
        for pause_s in BETWEEN_S:
            asker.wait_for_one_more()
            time.sleep(pause_s)
            server.kill()
            server.start()
    finally:
        asker.stopping.set()
        asker.thread.join(60)
    accepted = set(asker.accepted)
    assert accepted
    wait_until(lambda: accepted <= set(said(server)) and accepted <= set(heard(server)), timeout_s=60)
    assert set(said(server).values()) == {1}
    assert set(heard(server).values()) == {1}
