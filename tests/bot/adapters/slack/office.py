"""A house in our Slack with questions to ask, and people whose accounts are users of the engine."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.seen import Control, Seen, SeenView
from bot.slack_emulator.switches import Timing
from engine.settings import Settings
from engine.settings.people import PeopleSettings
from tests.bot.adapters.slack.conftest import SlackHouse, slack_settings
from tests.bot.asking import FORM, YES_OR_NO, write_questions

PEOPLE = ("ann", "bob", "eve", "dan", "fay")
# Of the same person as ann.
SECOND = "ann2"
# A slow machine fails no test: how long Slack itself waits is tested elsewhere.
PATIENT = Timing(ack_s=20.0, trigger_s=60.0)
GUEST, ROBOT = "gus", "robot"

QUESTIONS: dict[str, dict[str, Any]] = {
    # The requester may not; bob or eve.
    "deploy": {
        "text": "Deploy api 1.42.0 to prod?",
        "schema": YES_OR_NO,
        "users": ["ann", "bob", "eve", "fay", "gus"],
        "x-separate": True,
        "approves": {
            "action": "core.local",
            "parameters": {"cmd": "deploy api 1.42.0", "hosts": "web1,web2"},
            "plan": "6 pods\nmigration 0107",
        },
    },
    "other": {
        "text": "Deploy api 1.43.0 to prod?",
        "schema": YES_OR_NO,
        "users": ["bob"],
        "approves": {"action": "core.local", "parameters": {"cmd": "deploy api 1.43.0", "hosts": "web1"}},
    },
    "team": {
        "text": "Restart db1?",
        "schema": YES_OR_NO,
        "users": ["ann", "bob", "eve", "dan"],
        "x-separate": True,
        "x-quorum": 2,
    },
    "why": {"text": "Really?", "schema": YES_OR_NO, "users": ["bob", "eve"], "reason": "required"},
    "release": {"text": "Which version?", "schema": FORM, "users": ["bob", "eve"]},
    "private": {"text": "Between us?", "schema": YES_OR_NO},
    "urgent": {
        "text": "Restart db1 now?",
        "schema": YES_OR_NO,
        "users": ["ann", "bob", "eve"],
        "x-separate": True,
        "x-emergency": ["ann"],
    },
    "late": {
        "text": "Still there?",
        "schema": YES_OR_NO,
        "users": ["bob"],
        "x-separate": True,
        "ttl": 15,
        "remind": 10,
        "on_timeout": "escalate",
        "escalate": {"users": ["eve"], "ttl": 10},
    },
    "group": {"text": "Is it calm?", "schema": YES_OR_NO, "groups": ["slack:@oncall"]},
}


class Office(SlackHouse):
    """ann, bob, eve, dan and fay; ann2 is ann, gus a guest, robot another app's bot."""

    def __init__(self, settings: Settings, slack: Emulator, ids: Mapping[str, str]) -> None:
        super().__init__(settings, slack)
        self.settings = settings
        self.ids = dict(ids)
        self._rooms = 0

    @classmethod
    def new(cls, folder: Path, slack: Emulator) -> "Office":
        ids = {name: slack.add_user(name) for name in (*PEOPLE, SECOND)}
        slack.add_user(GUEST, is_guest=True)
        slack.add_user(ROBOT, is_bot=True)
        slack.add_group("oncall", ["eve"])
        write_questions(folder)
        write_more(folder)
        write_limits(folder)
        linked = {name: [f"slack.{slack.team}.{ids[name]}"] for name in PEOPLE}
        linked["ann"].append(f"slack.{slack.team}.{ids[SECOND]}")
        settings = replace(slack_settings(folder, slack), people=PeopleSettings(linked=linked))
        return cls(settings, slack, ids)

    def restarted(self) -> "Office":
        """A new server on the same data."""
        self.stop()
        made = Office(self.settings, self.slack, self.ids)
        made._rooms = self._rooms
        return made

    def room(self) -> str:
        """A channel of its own, with everybody in it: nothing that was said before is seen there."""
        self._rooms += 1
        name = f"room-{self._rooms}"
        self.slack.add_channel(name)
        self.slack.join(ROBOT, name)
        return name

    def ask(self, name: str, *, by: str = "ann", channel: str = "") -> Seen:
        """The message with the prompt; by default in a channel of its own."""
        message = self.slack.say(by, channel or self.room(), f"!ask {name}")

        def there() -> Seen | None:
            found = [one for one in self.answers_to(message) if button(one, "Details")]
            return found[0] if found else None

        asked = self.slack.wait_for(there)
        assert asked is not None
        return asked

    def now(self, message: Seen) -> Seen:
        return self.slack.message(message)

    def decided(self, message: Seen) -> str:
        """What the message says once it asks no more."""
        return self.slack.wait_for(lambda: not buttons(self.now(message)) and self.now(message)).plain

    def told(self, user: str, asked: Seen, has: str) -> Seen:
        """What only this person sees, in the channel of that message."""
        found = self.slack.wait_for(
            lambda: [
                one for one in self.slack.ephemerals(user, asked.channel) if has.lower() in one.plain.lower()
            ]
        )
        return found[-1]

    def view(self, user: str, *, title: str = "") -> SeenView:
        """The modal on top, once it is there."""

        def there() -> SeenView | None:
            open_ones = [one for one in self.slack.views(user) if title in one.title]
            return open_ones[-1] if open_ones else None

        found = self.slack.wait_for(there)
        assert found is not None
        return found

    def inquiry(self, message: Seen) -> Any:
        prompt_id = next(one.value for one in message.buttons if one.label == "Details")
        return self.engine.inquiries.get(prompt_id)


def write_more(folder: Path) -> None:
    for name, parameters in QUESTIONS.items():
        alias = {
            "name": f"ask_{name}",
            "description": f"Ask {name}.",
            "action_ref": "core.ask",
            "formats": [f"ask {name}"],
            "immutable_parameters": parameters,
        }
        (folder / "aliases" / f"ask_{name}.yaml").write_text(yaml.safe_dump(alias), encoding="utf-8")


def write_limits(folder: Path) -> None:
    """`quiet` is for ann alone."""
    (folder / "rbac").mkdir()
    limits = {"limits": [{"aliases": ["default.quiet"], "users": ["ann"], "reason": "It is loud."}]}
    (folder / "rbac" / "limits.yaml").write_text(yaml.safe_dump(limits), encoding="utf-8")


def buttons(message: Seen) -> list[str]:
    return [one.label for one in message.buttons]


def button(message: Seen, label: str) -> Control | None:
    return next((one for one in message.buttons if one.label == label), None)
