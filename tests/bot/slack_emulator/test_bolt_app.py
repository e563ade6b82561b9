"""A real slack-bolt app runs against our Slack unmodified."""

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.slack_emulator.emulator import Emulator
from tests.bot.slack_emulator.bolt import Bolt

BUTTON = {
    "type": "actions",
    "elements": [
        {
            "type": "button",
            "action_id": "press",
            "text": {"type": "plain_text", "text": "Press me"},
            "value": "7",
        }
    ],
}
MODAL = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "A form"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "Why"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


def echo(app: AsyncApp) -> None:
    """Answers each message in its thread, with a button that opens a form."""

    @app.event("message")
    async def answer(event: dict[str, Any], say: Any) -> None:
        await say(text=f"you said {event['text']}", blocks=[BUTTON], thread_ts=event["ts"])

    @app.event("app_mention")
    async def mentioned(event: dict[str, Any], client: Any) -> None:
        await client.chat_postMessage(channel=event["channel"], text="you called me")

    @app.action("press")
    async def pressed(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.view("form")
    async def sent(ack: Any, body: dict[str, Any], view: dict[str, Any], client: Any) -> None:
        why = view["state"]["values"]["why"]["text"]["value"]
        if why == "because":
            await ack(response_action="errors", errors={"why": "That is no reason."})
            return
        await ack()
        await client.chat_postMessage(channel=body["user"]["id"], text=f"it is {why}")

    @app.command("/storm")
    async def command(ack: Any, body: dict[str, Any], respond: Any) -> None:
        await ack("on it")
        await respond(text=f"done: {body['text']}", response_type="in_channel")


def test_a_message_is_answered_in_its_thread(slack: Emulator) -> None:
    with Bolt(slack, echo):
        said = slack.say("ada", "ops", "!true")
        answer = slack.wait_for(lambda: slack.thread(said)[1:])[0]
        assert answer.text == "you said !true"
        assert answer.user == slack.bot_user
        assert [button.label for button in answer.buttons] == ["Press me"]


def test_a_mention_arrives_with_the_id_of_the_bot(slack: Emulator) -> None:
    with Bolt(slack, echo):
        said = slack.say("ada", "ops", "@stormcrow help")
        assert said.text == f"<@{slack.bot_user}> help"
        slack.wait_for(lambda: [each for each in slack.messages("ops") if each.text == "you called me"])


def test_a_button_opens_a_form_that_is_corrected_and_sent(slack: Emulator) -> None:
    with Bolt(slack, echo):
        said = slack.say("ada", "ops", "hello")
        answer = slack.wait_for(lambda: slack.thread(said)[1:])[0]
        assert slack.click("ada", answer, "press").is_acknowledged
        (form,) = slack.wait_for(lambda: slack.views("ada"))
        slack.submit("ada", form, {"why": "because"})
        (form,) = slack.views("ada")
        assert form.errors == {"why": "That is no reason."}
        slack.submit("ada", form, {"Why": "late"})
        assert slack.views("ada") == []
        slack.wait_for(lambda: [each for each in slack.direct_messages("ada") if each.text == "it is late"])


def test_a_command_is_answered_with_its_acknowledgement_and_its_response_url(slack: Emulator) -> None:
    with Bolt(slack, echo):
        slack.command("ada", "ops", "/storm deploy api")
        assert [each.text for each in slack.ephemerals("ada")] == ["on it"]
        slack.wait_for(lambda: [each for each in slack.messages("ops") if each.text == "done: deploy api"])


def test_a_direct_message_needs_no_channel(slack: Emulator) -> None:
    with Bolt(slack, echo):
        said = slack.say("ada", "@stormcrow", "psst")
        answer = slack.wait_for(lambda: slack.thread(said)[1:])[0]
        assert answer.text == "you said psst"


def test_several_sockets_share_the_deliveries(slack: Emulator) -> None:
    with Bolt(slack, echo, count=3):
        assert slack.socket_count == 3
        for number in range(4):
            slack.say("ada", "ops", f"number {number}")
        slack.wait_for(lambda: len([each for each in slack.messages("ops") if each.bot_id]) == 4)
        assert all(each.is_acknowledged for each in slack.deliveries("message")[:4])
