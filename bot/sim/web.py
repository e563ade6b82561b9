"""Our own web chat as the stage of a transcript, over the same requests as its page."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import requests

from bot.adapters.terminal import as_lines
from bot.sim.chats import CannotBe, Heard, Spot

TIMEOUT_S = 30.0
ADMIN = "admin"
"""Speaks with the server's own key."""


class WebChat:
    """People have API keys, so that they are who they are. What is said while the server is down waits."""

    name = "web"

    def __init__(self, url: str, admin_key: str, *, home: str = "") -> None:
        """`home`: the channel that stands for #ops; empty: #ops."""
        self._url = url
        self._home = home
        self._people: dict[str, requests.Session] = {}
        self._channels: dict[str, str] = {}
        self._told: list[Heard] = []
        self._known: set[str] = set()
        self._late: list[tuple[str, dict[str, Any]]] = []
        self._admin = requests.Session()
        self._admin.headers["St2-Api-Key"] = admin_key

    def close(self) -> None:
        self._admin.close()
        for session in self._people.values():
            session.close()

    def join(self, who: str, standing: str = "member") -> None:
        if standing != "member":
            raise CannotBe(
                f"In the web chat nobody is a {standing}.",
                hint="Begin the transcript with `on: slack`, or where else there are such people.",
            )
        if who in self._people:
            return
        if who == ADMIN:
            session = self._admin
        else:
            made = self._admin.post(f"{self._url}/v1/apikeys", json={"user": who}, timeout=TIMEOUT_S)
            made.raise_for_status()
            session = requests.Session()
            session.headers["St2-Api-Key"] = made.json()["key"]
        self._people[who] = session
        self._known |= {one["id"] for one in self._messages(f"@{who}", session)}

    def say(self, who: str, words: str, spot: Spot) -> None:
        channel = self._spelled(spot.channel) if spot.channel else f"@{who}"
        body = {
            "channel": channel,
            "text": words,
            "direct": False,
            "delivery_key": secrets.token_hex(8),
            "thread": spot.thread or None,
        }
        self._send(who, body)

    def press(self, who: str, heard: Heard, label: str, words: str) -> None:
        message = self._message(heard.id)
        body = message["body"]
        prompt = body.get("prompt") or {}
        chosen = next((one for one in prompt.get("buttons", ()) if one["label"] == label), None)
        if chosen is not None:
            values = {prompt["questions"][0]["name"]: words} if words and prompt.get("questions") else {}
            self._answer(who, message, values, chosen["value"])
            return
        command = next(one["command"] for one in body["buttons"] if one["label"] == label)
        self._send(
            who,
            {
                "channel": message["channel"],
                "text": f"{command} {words}".strip(),
                "direct": True,
                "delivery_key": secrets.token_hex(8),
                "thread": message["thread"],
            },
        )

    def fill(self, who: str, values: Mapping[str, str]) -> bool:
        for one in reversed(self._all()):
            prompt = one["body"].get("prompt")
            if prompt and prompt.get("questions") and not prompt.get("buttons"):
                self._answer(who, one, values, "")
                return True
        return False

    def heard(self) -> Sequence[Heard]:
        self._deliver_late()
        return [*(self._as_heard(one) for one in self._all()), *self._told]

    # requests

    def _send(self, who: str, body: dict[str, Any]) -> None:
        self._late.append((who, body))
        self._deliver_late()

    def _deliver_late(self) -> None:
        """As the page does it: under the same key until it is taken."""
        while self._late:
            who, body = self._late[0]
            try:
                answer = self._people[who].post(f"{self._url}/chat/messages", json=body, timeout=TIMEOUT_S)
            except requests.RequestException:
                return
            if answer.status_code >= 500:
                return
            self._late.pop(0)
            if not answer.ok:
                self._tell(who, _refusal(answer))

    def _answer(self, who: str, message: Mapping[str, Any], values: Mapping[str, str], button: str) -> None:
        prompt_id = message["body"]["prompt"]["id"]
        body = {"channel": message["channel"], "values": dict(values), "button": button}
        answer = self._people[who].post(
            f"{self._url}/chat/prompts/{prompt_id}/answers", json=body, timeout=TIMEOUT_S
        )
        self._tell(who, answer.json()["said"] if answer.ok else _refusal(answer))

    def _tell(self, who: str, text: str) -> None:
        self._told.append(Heard(id=f"told-{len(self._told)}", text=text, only_for=who))

    # what there is

    def _spelled(self, channel: str) -> str:
        plain = channel.removeprefix("#")
        spelled = self._home if self._home and plain == "ops" else plain
        self._channels[spelled] = f"#{plain}"
        return spelled

    def _all(self) -> list[dict[str, Any]]:
        """All messages of the bot that are not older than us, oldest first."""
        found: list[dict[str, Any]] = []
        for name in self._names():
            found += self._messages(name, self._admin)
        for who, session in self._people.items():
            found += self._messages(f"@{who}", session)
        fresh = [one for one in found if one["is_bot"] and one["id"] not in self._known]
        return sorted(fresh, key=lambda one: int(one["seq"]))

    def _names(self) -> list[str]:
        """Those that somebody has spoken in, or, on a server of our own, all that are there."""
        if self._home:
            return list(self._channels)
        try:
            answer = self._admin.get(f"{self._url}/chat/channels", timeout=TIMEOUT_S)
        except requests.RequestException:
            return []
        return [one["name"] for one in answer.json()["channels"] if not one["name"].startswith("@")]

    def _messages(self, channel: str, session: requests.Session) -> list[dict[str, Any]]:
        """Empty while the server is down."""
        url = f"{self._url}/chat/channels/{channel}/messages"
        try:
            answer = session.get(url, params={"limit": 200}, timeout=TIMEOUT_S)
        except requests.RequestException:
            return []
        return list(answer.json()["messages"]) if answer.ok else []

    def _message(self, message_id: str) -> dict[str, Any]:
        return next(one for one in self._all() if one["id"] == message_id)

    def _as_heard(self, message: Mapping[str, Any]) -> Heard:
        body = message["body"]
        prompt = body.get("prompt") or {}
        labels = [one["label"] for one in (*prompt.get("buttons", ()), *body.get("buttons", ()))]
        channel = str(message["channel"])
        is_private = channel.startswith("@")
        shown = " ".join(f"[{label}]" for label in labels)
        return Heard(
            id=message["id"],
            text=f"{as_lines(body, colour=False)}\n{shown}".strip(),
            channel="" if is_private else self._channels.get(channel, f"#{channel}"),
            thread=message["thread"] or "",
            only_for=channel.removeprefix("@") if is_private else "",
            buttons=tuple(labels),
        )


def _refusal(answer: requests.Response) -> str:
    told = answer.json()
    lines = [f"{told.get('error', '')} {told.get('hint', '')}".strip()]
    lines += [f"{name}: {problem}" for name, problem in told.get("problems", {}).items()]
    return "\n".join(lines)
