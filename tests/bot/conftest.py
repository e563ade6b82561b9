"""A whole house in this process: real engine, real server on a free port, real local actions."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from bot.app import App
from engine.settings import Settings
from engine.settings.chats import ChatSettings
from engine.settings.content import ContentSettings
from engine.settings.server import ServerSettings, StoreSettings

ALIASES = {
    "true": {"action_ref": "core.local", "formats": ["true"], "immutable_parameters": {"cmd": "/bin/true"}},
    "echo": {
        "action_ref": "core.local",
        "formats": [{"display": "echo <text>", "representation": ["echo {{cmd}}"]}],
        "result": {"format": "said{~}{{ execution.result.stdout }}{{ execution.result.stderr }}"},
    },
    "say": {
        "action_ref": "core.noop",
        "formats": [{"display": "say <words>", "representation": ["say {{words}}"]}],
        "immutable_parameters": {},
        "result": {"format": "{{ execution.context.chat.command }}"},
    },
    "far": {
        "action_ref": "core.remote",
        "formats": ["far {{hosts}}"],
        "immutable_parameters": {"cmd": "true", "username": "nobody", "password": "none-of-it"},
        "result": {"format": "{% for host in execution.result %}Host: {{ host }}{% endfor %}"},
    },
    "quiet": {
        "action_ref": "core.local",
        "formats": ["quiet {{cmd}}"],
        "ack": {"format": "quietly"},
        "result": {"enabled": False},
    },
    "mute": {"action_ref": "core.local", "formats": ["mute {{cmd}}"], "ack": {"enabled": False}},
}


def make_settings(folder: Path, **chat: Any) -> Settings:
    """Settings of a site in `folder`, with the aliases above."""
    import yaml

    aliases = folder / "aliases"
    aliases.mkdir(exist_ok=True)
    for name, alias in ALIASES.items():
        (aliases / f"{name}.yaml").write_text(
            yaml.safe_dump({"name": name, "description": f"Test {name}.", **alias}), encoding="utf-8"
        )
    return Settings(
        root=folder,
        server=ServerSettings(port=0, shutdown_s=1.0),
        store=StoreSettings(data=folder / "data"),
        content=ContentSettings(),
        chat=ChatSettings(**chat),
    )


class House:
    """A running server, and somebody who talks to it with the admin's key."""

    def __init__(self, settings: Settings) -> None:
        self.app = App(settings)
        self.app.start()
        self._thread = threading.Thread(
            target=self.app.serve, kwargs={"announce": lambda _app: None}, daemon=True
        )
        self._thread.start()
        self.engine = self.app.engine
        self.url = self.app.settings.public_url
        self.key = (settings.data_folder / "admin.key").read_text(encoding="utf-8").strip()
        self.http = requests.Session()
        self.http.headers["St2-Api-Key"] = self.key
        self.wait_for(lambda: self.http.get(f"{self.url}/chat/session", timeout=30).ok)

    def stop(self) -> None:
        self.http.close()
        self.app.stop()
        self._thread.join(15)

    def say(self, text: str, *, channel: str = "ops", key: str = "", **more: Any) -> str:
        """The id of the message."""
        body = {
            "channel": channel,
            "text": text,
            "direct": True,
            "delivery_key": key or secrets.token_hex(8),
            **more,
        }
        response = self.http.post(f"{self.url}/chat/messages", json=body, timeout=20)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def messages(self, channel: str = "ops") -> list[dict[str, Any]]:
        url = f"{self.url}/chat/channels/{channel}/messages"
        found = self.http.get(url, params={"limit": 200}, timeout=30).json()["messages"]
        return list(found)

    def answers(self, message_id: str, channel: str = "ops") -> list[dict[str, Any]]:
        return [one for one in self.messages(channel) if one["body"].get("reply_to") == message_id]

    def ask(self, text: str, **more: Any) -> dict[str, Any]:
        """The one answer to `text`, when it is final."""
        message_id = self.say(text, **more)
        channel = str(more.get("channel", "ops"))

        def final() -> bool:
            found = self.answers(message_id, channel)
            running = ("requested", "scheduled", "running", "canceling")
            return bool(found) and all(one["body"].get("status") not in running for one in found)

        self.wait_for(final)
        (answer,) = self.answers(message_id, channel)
        return dict(answer["body"])

    @staticmethod
    def wait_for(is_so: Callable[[], bool], *, timeout_s: float = 60.0) -> None:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            try:
                if is_so():
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.02)
        raise AssertionError("it did not happen in time")


def text_of(body: dict[str, Any]) -> str:
    """All words of an answer."""
    parts = [body.get("pretext", ""), body.get("title", "")]
    for piece in body.get("pieces", []):
        parts.append(piece.get("text", ""))
        parts.append(piece.get("title", ""))
        parts += [cell for row in piece.get("rows", []) for cell in row]
    return "\n".join(part for part in parts if part)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(make_settings(tmp_path_factory.mktemp("house")))
    try:
        yield made
    finally:
        made.stop()
