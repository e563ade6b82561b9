"""Everything that we make is within what Slack takes, whatever a reply holds."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from slack_sdk.models.blocks import Block

from bot.adapters.slack import limits
from bot.adapters.slack.blocks import render
from bot.adapters.slack.page import Features
from bot.chat import Reply
from tests.bot.adapters.slack.reading import REPLIES, controls, loud, parsed_texts

PLAIN = Features(plan=False, table=False)
# The same examples every time: what a new one would find is found by whoever runs more of them.
SLOW = settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@given(REPLIES)
@SLOW
def test_every_reply_is_within_all_limits(reply: Reply) -> None:
    for features in (Features(), PLAIN):
        made = render(reply, features)
        assert limits.of_message(made.arguments()) == []
        assert limits.of_message(made.fallback().arguments()) == []
        for more in made.continued():
            assert limits.of_message({"text": more}) == []


@given(REPLIES)
@SLOW
def test_no_reply_calls_anybody_but_those_whom_it_is_for(reply: Reply) -> None:
    made = render(reply)
    allowed = {"@U0ANN"} if "U0ANN" in (reply.mention, *reply.calls) else set()
    urls = tuple(link.url.replace("&", "&amp;") for link in reply.links)
    for message in (made.arguments(), made.fallback().arguments()):
        found = {control for text in parsed_texts(message) for control in controls(text)}
        assert all(one in allowed or one.partition("|")[0] in urls for one in found)
    assert all(one == {"type": "user", "user_id": "U0ANN"} for one in loud(made.arguments()))


@given(REPLIES)
@SLOW
def test_slack_s_own_library_finds_nothing_wrong_with_our_blocks(reply: Reply) -> None:
    made = render(reply)
    for block in made.blocks:
        parsed = Block.parse(dict(block))
        assert parsed is not None
        parsed.to_dict()


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"text": "x" * 4_001}, "text"),
        ({"blocks": [{"type": "divider"}] * 51}, "blocks"),
        (
            {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3_001}}]},
            "blocks[0].text",
        ),
        ({"blocks": [{"type": "actions", "elements": []}]}, "blocks[0].elements"),
        (
            {
                "blocks": [
                    {
                        "type": "actions",
                        "elements": [
                            {
                                "type": "button",
                                "text": {"type": "plain_text", "text": "a"},
                                "value": "v" * 2_001,
                                "action_id": "a",
                            }
                        ],
                    }
                ]
            },
            "blocks[0].elements[0].value",
        ),
        (
            {"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]},
            "blocks[0].text",
        ),
        (
            {"blocks": [{"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 21]}]},
            "blocks[0].rows[0]",
        ),
        (
            {"blocks": [{"type": "table", "rows": [[{"type": "raw_text", "text": ""}]]}]},
            "blocks[0].rows[0][0]",
        ),
        ({"blocks": [{"type": "plan", "title": "p", "tasks": [{"task_id": "1"}] * 2}]}, "blocks[0].tasks"),
        ({"attachments": [{}] * 21}, "attachments"),
    ],
)
def test_what_is_over_a_limit_is_named_with_its_place(message: dict[str, Any], path: str) -> None:
    assert path in [found.path for found in limits.of_message(message)]


def test_a_view_over_its_limits_is_named() -> None:
    view = {
        "type": "modal",
        "title": {"type": "plain_text", "text": "t" * 25},
        "private_metadata": "m" * 3_001,
    }
    assert [found.path for found in limits.of_view(view)] == ["private_metadata", "title.text"]
