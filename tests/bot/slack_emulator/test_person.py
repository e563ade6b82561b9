"""A person at the terminal: what they type, and what they read."""

from collections.abc import Iterator
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk import WebClient

from bot.slack_emulator.desk.drawing import Drawing, Numbers
from bot.slack_emulator.desk.person import Person
from bot.slack_emulator.emulator import Emulator
from tests.bot.slack_emulator.bolt import Bolt
from tests.bot.slack_emulator.test_bolt_app import BUTTON, echo


class Desk:
    """Somebody with a list of lines to type and all that they read."""

    def __init__(self, slack: Emulator) -> None:
        self.read: list[str] = []
        self.typed: list[str] = []
        self._slack = slack
        self._drawing = Drawing(Numbers(), has_colour=False)
        self.person = Person(slack, self._drawing, user="ada", channel="ops")
        # Most tests open no form; those that do wait for it as long as it takes.
        self.person.form_wait_s = 0.2
        self.person.say = self.read.append
        self.person.ask = self._ask

    def _ask(self, prompt: str) -> str:
        self.read.append(prompt)
        if not self.typed:
            raise EOFError
        return self.typed.pop(0)

    def type(self, *lines: str) -> None:
        """The first is a line, the others answer what it asks."""
        self.typed += lines[1:]
        self._drawing.names = self._slack.names()
        self.person.line(lines[0])

    @property
    def text(self) -> str:
        return "\n".join(self.read)


@pytest.fixture
def desk(slack: Emulator) -> Iterator[Desk]:
    with Bolt(slack, echo):
        yield Desk(slack)


def test_what_is_typed_is_said(slack: Emulator, desk: Desk) -> None:
    desk.type("hello")
    assert slack.messages("ops")[0].text == "hello"


def test_a_number_presses_a_button_and_the_form_is_asked_field_by_field(slack: Emulator, desk: Desk) -> None:
    desk.type("hello")
    slack.wait_for(lambda: len(slack.messages("ops")) == 2)
    desk.type(":show")
    assert "(1) Press me" in desk.text
    desk.person.form_wait_s = 15.0
    desk.type(":1", "because", "", "late", "")
    assert "[ A form ]" in desk.text
    assert "! That is no reason." in desk.text
    slack.wait_for(lambda: [each for each in slack.direct_messages("ada") if each.text == "it is late"])


def test_a_slash_command_goes_to_the_app(slack: Emulator, desk: Desk) -> None:
    desk.type("/storm help")
    assert [each.text for each in slack.ephemerals("ada")] == ["on it"]


def test_somebody_else_speaks_from_another_channel(slack: Emulator, desk: Desk) -> None:
    desk.type(":as ben")
    desk.type(":in @stormcrow")
    desk.type("psst")
    assert desk.person.prompt == "ben @stormcrow> "
    slack.wait_for(lambda: len(slack.direct_messages("ben")) == 2)


def test_a_channel_that_one_is_not_in_is_refused(desk: Desk) -> None:
    desk.type(":as ben")
    desk.type(":in quiet")
    assert "! ben is in no channel 'quiet'" in desk.text


def test_a_thread_is_answered(slack: Emulator, desk: Desk) -> None:
    desk.type("hello")
    slack.wait_for(lambda: len(slack.messages("ops")) == 2)
    desk.type(":thread")
    desk.type("and again")
    assert [each.text for each in slack.thread(slack.messages("ops")[0])][2] == "and again"


def test_an_unknown_word_is_answered_with_the_way_to_help(desk: Desk) -> None:
    desk.type(":dance")
    desk.type(":99")
    assert ":dance is no command; :help says what there is" in desk.text
    assert "nothing has the number 99" in desk.text


def menus(app: AsyncApp) -> None:
    """Publishes a Home tab, and answers with a menu and a table."""

    @app.event("app_home_opened")
    async def home(event: dict[str, str], client: Any) -> None:
        block = {"type": "section", "text": {"type": "mrkdwn", "text": "*Nothing* waits for you"}}
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [block]})

    @app.event("message")
    async def answer(say: Any) -> None:
        words = ("one", "two")
        options = [{"text": {"type": "plain_text", "text": word.title()}, "value": word} for word in words]
        menu = {"type": "static_select", "action_id": "pick", "options": options}
        cells = (("host", "state"), ("h1", "\x1b[31mok"))
        table = {
            "type": "table",
            "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in cells],
        }
        await say(text="menu", blocks=[{"type": "actions", "elements": [menu]}, table])

    @app.action("pick")
    async def picked(ack: Any, action: dict[str, dict[str, str]], respond: Any) -> None:
        await ack()
        await respond(text=f"you took {action['selected_option']['value']}")


def test_menus_tables_and_the_home_tab_are_shown(slack: Emulator) -> None:
    with Bolt(slack, menus):
        desk = Desk(slack)
        desk.type("hello")
        slack.wait_for(lambda: len(slack.messages("ops")) == 2)
        desk.type(":show")
        assert "host  state" in desk.text
        assert "h1    ok" in desk.text
        desk.type(":1", "2")
        slack.wait_for(lambda: [each for each in slack.ephemerals("ada") if each.text == "you took two"])
        desk.person.form_wait_s = 15.0
        desk.type(":home")
        assert "*Nothing* waits for you" in desk.text


def test_a_command_in_place_of_a_value_leaves_the_form(slack: Emulator, desk: Desk) -> None:
    desk.type("hello")
    slack.wait_for(lambda: len(slack.messages("ops")) == 2)
    desk.type(":show")
    desk.person.form_wait_s = 15.0
    desk.type(":1", ":close")
    assert slack.views("ada") == []


def test_a_button_keeps_its_number_when_its_message_is_edited(slack: Emulator) -> None:
    drawing = Drawing(Numbers(), has_colour=False)
    web = WebClient(token=slack.bot_token, base_url=slack.url)
    posted = web.chat_postMessage(channel="ops", text="one", blocks=[BUTTON])
    before = drawing.message(slack.messages("ops")[0])
    web.chat_update(channel=posted["channel"], ts=posted["ts"], text="two", blocks=[BUTTON])
    assert before[1] == drawing.message(slack.messages("ops")[0])[1] == "    (1) Press me"


def test_a_bot_that_is_not_in_the_channel_is_invited(slack: Emulator, desk: Desk) -> None:
    desk.type(":in quiet")
    desk.type("@stormcrow hello")
    assert "! It is not in this channel, and hears nothing: :invite stormcrow" in desk.text
    desk.type(":invite stormcrow")
    desk.type("@stormcrow hello again")
    slack.wait_for(lambda: [each for each in slack.messages("quiet") if each.text == "you called me"])


def test_who_speaks_before_the_app_is_there_is_told_so(slack: Emulator) -> None:
    desk = Desk(slack)
    desk.type("hello")
    assert "! No app is connected yet: start Stormcrow, and say it again." in desk.text
