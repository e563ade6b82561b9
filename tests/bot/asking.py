"""Inquiries for tests: as records, and asked in a running house of people with keys of their own."""

import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests
import yaml

from engine.clock import utcnow
from engine.records.inquiry import Asked, Inquiry, InquiryState, Origin, Outcome, Subject, Vote
from tests.bot.conftest import House

YES_OR_NO: dict[str, Any] = {"type": "object", "properties": {"approved": {"type": "boolean"}}}
SUBJECT = Subject(
    action="disk.cleanup",
    parameters={"path": "/var/log/app", "host": "db1", "token": "********"},
    digest="9f2c7a81bd34" + "0" * 52,
)


def inquiry(**given: Any) -> Inquiry:
    """An approval by default; names of `Asked` go there, the others are the inquiry's own."""
    origin = Origin(
        execution_id="65a000000000000000a1b2c3",
        action="deploy.api",
        task="approve",
        user="ann",
        name="ann",
        people=("ann",),
    )
    names = Asked.__dataclass_fields__
    asked = Asked(
        **{
            "schema": YES_OR_NO,
            "decision": "approved",
            "is_approval": True,
            "ttl_min": 15,
            "origin": origin,
            **{name: value for name, value in given.items() if name in names},
        }
    )
    now = utcnow()
    return Inquiry(
        **{
            "id": "65b0000000000000007f3a1c",
            "action": "core.ask",
            "asked": asked,
            "raised_at": now,
            "level_at": now,
            "deadline_at": now + timedelta(minutes=15),
            "at_deadline": "reject",
            **{name: value for name, value in given.items() if name not in names},
        }
    )


def vote(user: str, *, is_yes: bool | None = True, reason: str = "", response: Any = None) -> Vote:
    return Vote(user=user, name=user, at=utcnow(), is_yes=is_yes, reason=reason, response=response)


def ended(state: InquiryState, user: str = "ann", **given: Any) -> dict[str, Any]:
    """What `inquiry` takes for one that is over."""
    return {"state": state, "outcome": Outcome(state=state, at=utcnow(), user=user, name=user, **given)}


FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "version": {"type": "string", "required": True, "description": "What to deploy."},
        "env": {"type": "string", "enum": ["staging", "prod"], "default": "staging"},
        "pods": {"type": "integer", "minimum": 1, "maximum": 6},
        "token": {"type": "string", "secret": True, "minLength": 6},
    },
}
QUESTIONS: dict[str, dict[str, Any]] = {
    "clean": {
        "text": "Free 38 G on db1?",
        "schema": YES_OR_NO,
        "users": ["ann", "bob", "lead"],
        "x-separate": True,
        "approves": {"action": "core.local", "parameters": {"cmd": "rm -rf /var/log/app/*.gz"}},
    },
    "pair": {"text": "Deploy?", "schema": YES_OR_NO, "x-quorum": 2, "users": ["ann", "bob", "eve", "~ann"]},
    "form": {
        "text": "Which version?",
        "schema": FORM,
        "users": ["admin", "bob"],
    },
    "named": {"text": "Which?", "schema": FORM, "users": ["~ann", "bob"]},
    "open": {"text": "Go on?", "schema": YES_OR_NO, "reason": "required"},
}


def write_questions(folder: Path) -> None:
    """Aliases `ask NAME` of these questions, into a site."""
    aliases = folder / "aliases"
    aliases.mkdir(parents=True, exist_ok=True)
    for name, parameters in QUESTIONS.items():
        alias = {
            "name": f"ask_{name}",
            "description": f"Ask {name}.",
            "action_ref": "core.ask",
            "formats": [f"ask {name}"],
            "immutable_parameters": parameters,
        }
        (aliases / f"ask_{name}.yaml").write_text(yaml.safe_dump(alias, sort_keys=False), encoding="utf-8")


class Person:
    """Somebody with an API key of their own."""

    def __init__(self, house: House, user: str) -> None:
        self._house = house
        self.user = user
        key, _ = house.engine.access.create_key(user=user, metadata={})
        self.http = requests.Session()
        self.http.headers["St2-Api-Key"] = key

    def say(self, text: str, *, channel: str = "ops", key: str = "") -> str:
        body = {"channel": channel, "text": text, "direct": True, "delivery_key": key or secrets.token_hex(8)}
        response = self.http.post(f"{self._house.url}/chat/messages", json=body, timeout=20)
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    def told(self, text: str, *, channel: str = "ops", key: str = "") -> dict[str, Any]:
        """The private answer to a command."""
        message_id = self.say(text, channel=channel, key=key)
        found: list[dict[str, Any]] = []

        def is_told() -> bool:
            found[:] = [
                one for one in self.messages(f"@{self.user}") if one["body"].get("reply_to") == message_id
            ]
            return bool(found)

        self._house.wait_for(is_told)
        (answer,) = found
        return dict(answer["body"])

    def messages(self, channel: str) -> list[dict[str, Any]]:
        url = f"{self._house.url}/chat/channels/{channel}/messages"
        return list(self.http.get(url, params={"limit": 200}, timeout=30).json()["messages"])

    def answer(
        self, prompt_id: str, *, channel: str = "ops", button: str = "", **values: Any
    ) -> requests.Response:
        """By a button or a form."""
        url = f"{self._house.url}/chat/prompts/{prompt_id}/answers"
        return self.http.post(url, json={"channel": channel, "values": values, "button": button}, timeout=20)

    def close(self) -> None:
        self.http.close()


def ask(house: House, name: str, *, channel: str = "ops") -> dict[str, Any]:
    """Ask, and give the message with the prompt, once it is there."""
    thread = house.say(f"ask {name}", channel=channel)
    found: list[dict[str, Any]] = []

    def is_asked() -> bool:
        found[:] = [
            one for one in house.messages(channel) if one["thread"] == thread and one["body"].get("prompt")
        ]
        return bool(found)

    house.wait_for(is_asked)
    return found[0]


def now(house: House, message: dict[str, Any]) -> dict[str, Any]:
    """The message as it stands by now."""
    return next(dict(one["body"]) for one in house.messages(message["channel"]) if one["id"] == message["id"])


def decided(house: House, message: dict[str, Any]) -> dict[str, Any]:
    """The message, once it has no prompt any more."""
    house.wait_for(lambda: not now(house, message).get("prompt"))
    return now(house, message)
