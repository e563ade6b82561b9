"""slack_sdk's own client against our Slack: what methods answer, and what they refuse."""

import io
import time
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.switches import Limits


@pytest.fixture
def web(slack: Emulator) -> WebClient:
    client = WebClient(token=slack.bot_token, base_url=slack.url)
    # Only the tests of the limit itself need it.
    slack.trouble.set_limits(Limits(messages_per_s=0))
    return client


def refusal(call: Any, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        call(**arguments)
    return str(refused.value.response["error"])


def test_auth_test_says_who_the_bot_is_and_what_it_may_do(slack: Emulator, web: WebClient) -> None:
    answer = web.auth_test()
    assert answer["user_id"] == slack.bot_user
    assert answer["team_id"] == slack.team
    assert answer["bot_id"]
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


def test_a_wrong_token_is_refused(slack: Emulator) -> None:
    assert refusal(WebClient(token="xoxb-wrong", base_url=slack.url).auth_test) == "invalid_auth"
    assert refusal(WebClient(base_url=slack.url).auth_test) == "not_authed"
    app = WebClient(token=slack.app_token, base_url=slack.url)
    assert refusal(app.auth_test) == "not_allowed_token_type"


def test_a_missing_scope_is_named(slack: Emulator, web: WebClient) -> None:
    slack.without_scopes("chat:write")
    with pytest.raises(SlackApiError) as refused:
        web.chat_postMessage(channel="ops", text="hello")
    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "chat:write"


def test_a_message_is_posted_changed_and_deleted(slack: Emulator, web: WebClient) -> None:
    posted = web.chat_postMessage(channel="#ops", text="one")
    web.chat_update(channel=posted["channel"], ts=posted["ts"], text="two")
    (message,) = slack.messages("ops")
    assert (message.text, message.earlier) == ("two", ("one",))
    web.chat_delete(channel=posted["channel"], ts=posted["ts"])
    assert slack.messages("ops") == []
    assert (
        refusal(web.chat_update, channel=posted["channel"], ts=posted["ts"], text="x") == "message_not_found"
    )


def test_an_edit_of_only_the_text_takes_the_blocks_away(slack: Emulator, web: WebClient) -> None:
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "in a block"}}
    posted = web.chat_postMessage(channel="ops", text="one", blocks=[block])
    web.chat_update(channel=posted["channel"], ts=posted["ts"], text="two")
    (message,) = slack.messages("ops")
    assert message.blocks == ()


def test_wrong_blocks_are_refused_with_a_pointer(web: WebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        web.chat_postMessage(channel="ops", text="x", blocks=[{"type": "divider", "color": "red"}])
    assert refused.value.response["error"] == "invalid_blocks"
    words = refused.value.response["response_metadata"]["messages"]
    assert words == ["[ERROR] invalid additional property: color [json-pointer:/blocks/0]"]


def test_a_channel_that_is_not_there_or_not_ours_is_refused(slack: Emulator, web: WebClient) -> None:
    slack.add_channel("secret", members=["ada"], is_private=True, with_bot=False)
    slack.without_scopes("chat:write.public")
    assert refusal(web.chat_postMessage, channel="nowhere", text="x") == "channel_not_found"
    assert refusal(web.chat_postMessage, channel="secret", text="x") == "channel_not_found"
    assert refusal(web.chat_postMessage, channel="quiet", text="x") == "not_in_channel"
    assert refusal(web.conversations_history, channel="quiet") == "not_in_channel"
    slack.archive("ops")
    assert refusal(web.chat_postMessage, channel="ops", text="x") == "is_archived"


def test_what_is_too_long_is_cut_when_posted_and_refused_when_edited(slack: Emulator, web: WebClient) -> None:
    posted = web.chat_postMessage(channel="ops", text="x" * 40_001)
    assert len(slack.messages("ops")[0].text) == 40_000
    long_edit = {"channel": posted["channel"], "ts": posted["ts"], "text": "x" * 4001}
    assert refusal(web.chat_update, **long_edit) == "msg_too_long"


def test_a_post_is_found_again_by_its_metadata(slack: Emulator, web: WebClient) -> None:
    mark = {"event_type": "stormcrow", "event_payload": {"key": "7f3a"}}
    posted = web.chat_postMessage(channel="ops", text="hello", metadata=mark)
    reply = web.chat_postMessage(
        channel="ops",
        text="in the thread",
        thread_ts=posted["ts"],
        metadata={**mark, "event_payload": {"key": "8"}},
    )
    found = web.conversations_history(channel=posted["channel"], include_all_metadata=True)["messages"]
    assert [each["metadata"] for each in found] == [mark]
    assert "metadata" not in web.conversations_history(channel=posted["channel"])["messages"][0]
    thread = web.conversations_replies(channel=posted["channel"], ts=posted["ts"], include_all_metadata=True)[
        "messages"
    ]
    assert [each["ts"] for each in thread] == [posted["ts"], reply["ts"]]
    assert thread[1]["metadata"]["event_payload"] == {"key": "8"}


def test_history_comes_in_pages_the_newest_first(slack: Emulator, web: WebClient) -> None:
    for number in range(5):
        slack.say("ada", "ops", str(number))
    channel = slack.messages("ops")[0].channel
    texts: list[str] = []
    for page in web.conversations_history(channel=channel, limit=2):
        texts += [each["text"] for each in page["messages"]]
    assert texts == ["4", "3", "2", "1", "0"]
    middle = slack.messages("ops")[2].ts
    later = web.conversations_history(channel=channel, oldest=middle)["messages"]
    assert [each["text"] for each in later] == ["4", "3"]


def test_an_ephemeral_message_is_for_one_person_and_in_no_history(slack: Emulator, web: WebClient) -> None:
    channel = slack.messages("ops", user="ada")
    assert channel == []
    ada = web.users_lookupByEmail(email="ada@crow.example")["user"]["id"]
    posted = slack.say("ada", "ops", "hi")
    web.chat_postEphemeral(channel=posted.channel, user=ada, text="only you")
    assert [each.text for each in slack.ephemerals("ada")] == ["only you"]
    assert slack.ephemerals("ben") == []
    assert len(web.conversations_history(channel=posted.channel)["messages"]) == 1
    quiet = slack.say("ada", "quiet", "psst").channel
    assert refusal(web.chat_postEphemeral, channel=quiet, user=ada, text="x") == "not_in_channel"
    outsider = slack.add_user("cyd")
    assert (
        refusal(web.chat_postEphemeral, channel=posted.channel, user=outsider, text="x")
        == "user_not_in_channel"
    )


def test_a_direct_message_is_opened_once(slack: Emulator, web: WebClient) -> None:
    ada = web.users_lookupByEmail(email="ada@crow.example")["user"]["id"]
    opened = web.conversations_open(users=ada)["channel"]["id"]
    assert web.conversations_open(users=[ada])["channel"]["id"] == opened
    web.chat_postMessage(channel=ada, text="hello")
    assert [each.text for each in slack.direct_messages("ada")] == ["hello"]
    slack.deactivate("ada")
    assert refusal(web.conversations_open, users=ada) == "user_disabled"


def test_people_are_told_apart_by_users_info(slack: Emulator, web: WebClient) -> None:
    elsewhere = slack.add_team("Other Inc", with_app=False)
    stranger = slack.add_user("eve", team=elsewhere)
    slack.add_channel("shared", shared_with=[elsewhere], members=["ada", stranger])
    guest = slack.add_user("gus", is_guest=True)
    robot = slack.add_user("robo", is_bot=True)
    assert web.users_info(user=stranger)["user"]["is_stranger"]
    assert web.users_info(user=stranger)["user"]["team_id"] == elsewhere
    assert web.users_info(user=guest)["user"]["is_restricted"]
    assert web.users_info(user=robot)["user"]["is_bot"]
    slack.deactivate(guest)
    assert web.users_info(user=guest)["user"]["deleted"]
    assert refusal(web.users_info, user="U0NOBODY") == "user_not_found"
    assert refusal(web.users_info, user=slack.add_user("far", team=elsewhere)) == "user_not_visible"


def test_an_email_is_shown_only_with_its_scope(slack: Emulator, web: WebClient) -> None:
    ada = web.users_lookupByEmail(email="ADA@crow.example")["user"]["id"]
    assert web.users_info(user=ada)["user"]["profile"]["email"] == "ada@crow.example"
    slack.without_scopes("users:read.email")
    assert "email" not in web.users_info(user=ada)["user"]["profile"]
    assert refusal(web.users_lookupByEmail, email="ada@crow.example") == "missing_scope"


def test_user_groups_have_their_people(slack: Emulator, web: WebClient) -> None:
    group = slack.add_group("sre", ["ada"])
    (listed,) = web.usergroups_list(include_users=True)["usergroups"]
    assert (listed["handle"], len(listed["users"])) == ("sre", 1)
    slack.set_group("sre", ["ada", "ben"])
    assert len(web.usergroups_users_list(usergroup=group)["users"]) == 2
    assert refusal(web.usergroups_users_list, usergroup="S0NONE") == "no_such_subteam"


def test_a_file_is_uploaded_in_three_steps(slack: Emulator, web: WebClient) -> None:
    said = slack.say("ada", "ops", "logs please")
    web.files_upload_v2(
        channel=said.channel,
        thread_ts=said.ts,
        file=io.BytesIO(b"line\n" * 9),
        filename="log.txt",
        title="The log",
    )
    shown = slack.thread(said)[1]
    assert slack.file(shown.files[0]) == ("log.txt", b"line\n" * 9)


def test_a_reaction_is_put_under_a_message(slack: Emulator, web: WebClient) -> None:
    said = slack.say("ada", "ops", "nice")
    where = {"channel": said.channel, "timestamp": said.ts, "name": "eyes"}
    web.reactions_add(**where)
    assert slack.message(said).reactions == {"eyes": (slack.bot_user,)}
    assert refusal(web.reactions_add, **where) == "already_reacted"
    web.reactions_remove(**where)
    assert slack.message(said).reactions == {}


def test_a_stream_grows_into_a_plan(slack: Emulator, web: WebClient) -> None:
    said = slack.say("ada", "ops", "deploy")
    ada = said.user
    started = web.chat_startStream(
        channel=said.channel,
        thread_ts=said.ts,
        recipient_user_id=ada,
        recipient_team_id=slack.team,
        task_display_mode="plan",
        chunks=[{"type": "task_update", "id": "1", "title": "Build", "status": "in_progress"}],
    )
    where = {"channel": said.channel, "ts": started["ts"]}
    web.chat_appendStream(
        **where, chunks=[{"type": "task_update", "id": "1", "title": "Build", "status": "complete"}]
    )
    assert refusal(web.chat_update, text="x", **where) == "streaming_state_conflict"
    web.chat_stopStream(**where, markdown_text="done")
    assert refusal(web.chat_appendStream, markdown_text="x", **where) == "message_not_in_streaming_state"
    (plan,) = slack.thread(said)[1].blocks
    assert [(each["title"], each["status"]) for each in plan["tasks"]] == [("Build", "complete")]


def test_a_channel_takes_one_message_a_second_after_a_few(slack: Emulator, web: WebClient) -> None:
    slack.trouble.set_limits(Limits(burst=2))
    for number in range(2):
        web.chat_postMessage(channel="ops", text=str(number))
    with pytest.raises(SlackApiError) as refused:
        web.chat_postMessage(channel="ops", text="too quick")
    assert refused.value.response["error"] == "ratelimited"
    assert refused.value.response.headers["Retry-After"] == "1"
    web.chat_postMessage(channel="quiet", text="another channel has its own second")


def test_a_message_for_later_waits(slack: Emulator, web: WebClient) -> None:
    assert refusal(web.chat_scheduleMessage, channel="ops", text="x", post_at=1) == "time_in_past"
    later = web.chat_scheduleMessage(channel="ops", text="later", post_at=int(time.time()) + 3600)
    channel = later["channel"]
    assert len(web.chat_scheduledMessages_list()["scheduled_messages"]) == 1
    web.chat_deleteScheduledMessage(channel=channel, scheduled_message_id=later["scheduled_message_id"])
    assert slack.messages("ops") == []
