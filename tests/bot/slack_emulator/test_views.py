"""Views and response URLs: the rights that open them, and what answers do to them."""

from typing import Any

import pytest
import requests
from slack_bolt.async_app import AsyncApp
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.slack_emulator.deliveries import Delivery
from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.inputs import NotSent
from bot.slack_emulator.seen import Seen
from bot.slack_emulator.switches import Timing
from tests.bot.slack_emulator.bolt import Bolt
from tests.bot.slack_emulator.test_bolt_app import BUTTON, MODAL


@pytest.fixture
def web(slack: Emulator) -> WebClient:
    return WebClient(token=slack.bot_token, base_url=slack.url)


def posted(slack: Emulator, web: WebClient) -> Seen:
    web.chat_postMessage(channel="ops", text="press", blocks=[BUTTON])
    return slack.messages("ops")[-1]


def pressed(slack: Emulator, web: WebClient) -> Delivery:
    """A press that nobody waits for: the test itself acts with its rights."""
    return slack.click("ada", posted(slack, web), "press", is_awaited=False)


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        call(**arguments)
    return str(refused.value.response["error"])


def titled(title: str, **more: Any) -> dict[str, Any]:
    return {**MODAL, "title": {"type": "plain_text", "text": title}, **more}


def test_a_trigger_opens_one_view(slack: Emulator, web: WebClient) -> None:
    trigger = pressed(slack, web).payload["trigger_id"]
    web.views_open(trigger_id=trigger, view=MODAL)
    assert [view.title for view in slack.views("ada")] == ["A form"]
    assert refusal(web.views_open, trigger_id=trigger, view=MODAL) == "exchanged_trigger_id"
    assert refusal(web.views_open, trigger_id="1.2.3", view=MODAL) == "invalid_trigger_id"


def test_a_trigger_is_good_for_a_moment(slack: Emulator, web: WebClient) -> None:
    slack.trouble.set_timing(Timing(trigger_s=0.0))
    trigger = pressed(slack, web).payload["trigger_id"]
    assert refusal(web.views_open, trigger_id=trigger, view=MODAL) == "expired_trigger_id"


def test_three_views_may_be_stacked(slack: Emulator, web: WebClient) -> None:
    web.views_open(trigger_id=pressed(slack, web).payload["trigger_id"], view=titled("1"))
    for number in ("2", "3"):
        top = slack.views("ada")[-1]
        told = slack.submit("ada", top, {"why": "x"}, is_awaited=False)
        web.views_push(trigger_id=told.payload["trigger_id"], view=titled(number))
    assert [view.title for view in slack.views("ada")] == ["1", "2", "3"]
    told = slack.submit("ada", slack.views("ada")[-1], {"why": "x"}, is_awaited=False)
    trigger = told.payload["trigger_id"]
    assert refusal(web.views_push, trigger_id=trigger, view=titled("4")) == "push_limit_reached"


def test_a_view_is_changed_only_as_it_was_seen(slack: Emulator, web: WebClient) -> None:
    opened = web.views_open(trigger_id=pressed(slack, web).payload["trigger_id"], view=MODAL)["view"]
    web.views_update(view_id=opened["id"], hash=opened["hash"], view=titled("Changed"))
    assert [view.title for view in slack.views("ada")] == ["Changed"]
    old = {"view_id": opened["id"], "hash": opened["hash"], "view": MODAL}
    assert refusal(web.views_update, **old) == "hash_conflict"
    assert refusal(web.views_update, view_id="V0NONE", view=MODAL) == "not_found"


def test_the_home_tab_is_published_for_one_person(slack: Emulator, web: WebClient) -> None:
    ada = slack.say("ada", "ops", "hi").user
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "Welcome"}}
    web.views_publish(user_id=ada, view={"type": "home", "blocks": [block]})
    home = slack.home("ada")
    assert home is not None
    assert home.plain == "Welcome"
    assert slack.home("ben") is None
    assert refusal(web.views_publish, user_id=ada, view=MODAL) == "invalid_arguments"


def forms(app: AsyncApp) -> None:
    """Every value of the field is another answer; a closed view is told about."""

    @app.action("press")
    async def press(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view={**MODAL, "notify_on_close": True})

    @app.view("form")
    async def sent(ack: Any, view: dict[str, Any]) -> None:
        why = view["state"]["values"]["why"]["text"]["value"]
        answers = {
            "update": {"response_action": "update", "view": titled("Updated")},
            "push": {"response_action": "push", "view": titled("Pushed")},
            "clear": {"response_action": "clear"},
            "wrong": {"response_action": "errors", "errors": {"nowhere": "x"}},
        }
        await ack(**answers.get(why, {}))

    @app.view_closed("form")
    async def closed(ack: Any, body: dict[str, Any], client: Any) -> None:
        await ack()
        await client.chat_postMessage(channel=body["user"]["id"], text=f"closed {body['is_cleared']}")

    @app.options("find")
    async def find(ack: Any, payload: dict[str, Any]) -> None:
        text = {"type": "plain_text", "text": payload["value"].upper()}
        await ack(options=[{"text": text, "value": payload["value"]}])

    @app.shortcut("everywhere")
    async def everywhere(ack: Any, shortcut: dict[str, Any], client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=shortcut["trigger_id"], view=titled("By shortcut"))

    @app.shortcut("on-message")
    async def on_message(ack: Any, shortcut: dict[str, Any], respond: Any) -> None:
        await ack()
        await respond(text=f"on {shortcut['message']['text']}")


def test_the_answer_to_a_submission_changes_pushes_and_clears(slack: Emulator, web: WebClient) -> None:
    with Bolt(slack, forms):
        slack.click("ada", posted(slack, web), "press")
        (form,) = slack.wait_for(lambda: slack.views("ada"))
        slack.submit("ada", form, {"why": "update"})
        assert [view.title for view in slack.views("ada")] == ["Updated"]
        slack.submit("ada", slack.views("ada")[-1], {"why": "push"})
        assert [view.title for view in slack.views("ada")] == ["Updated", "Pushed"]
        slack.submit("ada", slack.views("ada")[-1], {"why": "clear"})
        assert slack.views("ada") == []


def test_errors_that_name_no_field_are_trouble(slack: Emulator, web: WebClient) -> None:
    with Bolt(slack, forms):
        slack.click("ada", posted(slack, web), "press")
        (form,) = slack.wait_for(lambda: slack.views("ada"))
        slack.submit("ada", form, {"why": "wrong"})
        assert "We had some trouble connecting" in slack.views("ada")[0].errors[""]


def test_what_is_needed_and_missing_is_not_even_sent(slack: Emulator, web: WebClient) -> None:
    with Bolt(slack, forms):
        slack.click("ada", posted(slack, web), "press")
        (form,) = slack.wait_for(lambda: slack.views("ada"))
        with pytest.raises(NotSent) as refused:
            slack.submit("ada", form)
        assert refused.value.problems == {"why": "Please complete this required field."}
        with pytest.raises(KeyError, match="no such field: what"):
            slack.submit("ada", form, {"what": "x"})


def test_closing_a_view_is_told_where_the_app_asked_for_it(slack: Emulator, web: WebClient) -> None:
    with Bolt(slack, forms):
        slack.click("ada", posted(slack, web), "press")
        (form,) = slack.wait_for(lambda: slack.views("ada"))
        slack.close("ada", form)
        assert slack.views("ada") == []
        slack.wait_for(lambda: [each.text for each in slack.direct_messages("ada")] == ["closed False"])


def test_an_external_menu_is_filled_by_the_app(slack: Emulator, web: WebClient) -> None:
    menu = {"type": "external_select", "action_id": "find", "min_query_length": 0}
    web.chat_postMessage(channel="ops", text="menu", blocks=[{"type": "actions", "elements": [menu]}])
    with Bolt(slack, forms):
        assert slack.options("ada", slack.messages("ops")[0], "find", "h1") == [("H1", "h1")]


def test_shortcuts_work_everywhere_and_on_a_message(slack: Emulator) -> None:
    with Bolt(slack, forms):
        slack.shortcut("ada", "everywhere")
        slack.wait_for(lambda: [view.title for view in slack.views("ada")] == ["By shortcut"])
        slack.message_shortcut("ada", slack.say("ada", "ops", "this"), "on-message")
        slack.wait_for(lambda: [each.text for each in slack.ephemerals("ada")] == ["on this"])


def test_a_response_url_changes_and_removes_its_message(slack: Emulator, web: WebClient) -> None:
    told = pressed(slack, web)
    url = told.payload["response_url"]
    assert requests.post(url, json={"text": "done", "replace_original": True}, timeout=20).text == "ok"
    assert [each.text for each in slack.messages("ops")] == ["done"]
    requests.post(url, json={"text": "for you"}, timeout=20)
    assert [each.text for each in slack.ephemerals("ada")] == ["for you"]
    requests.post(url, json={"delete_original": True}, timeout=20)
    assert slack.messages("ops") == []


def test_a_response_url_is_used_up_and_expires(slack: Emulator, web: WebClient) -> None:
    url = pressed(slack, web).payload["response_url"]
    for _ in range(5):
        assert requests.post(url, json={"text": "x"}, timeout=20).ok
    assert requests.post(url, json={"text": "x"}, timeout=20).text == "used_url"
    slack.trouble.set_timing(Timing(hook_s=0.0))
    late = pressed(slack, web).payload["response_url"]
    assert requests.post(late, json={"text": "x"}, timeout=20).text == "expired_url"
