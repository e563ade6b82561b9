"""What Slack refuses in blocks and views, and in which words."""

from typing import Any

import pytest

from bot.slack_emulator.blocks import check_message, check_view
from bot.slack_emulator.errors import SlackError


def words(text: str, kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": kind, "text": text}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": words(text)}


def button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": "a", "text": words("Go", "plain_text"), **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def select(**more: Any) -> dict[str, Any]:
    return {"type": "static_select", "action_id": "s", **more}


def option(value: str, label: str = "One") -> dict[str, Any]:
    return {"text": words(label, "plain_text"), "value": value}


def table(*rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "table", "rows": list(rows)}


def cell(text: str) -> dict[str, Any]:
    return {"type": "raw_text", "text": text}


def task(**more: Any) -> dict[str, Any]:
    return {"type": "task_card", "task_id": "1", "title": "Build", "status": "complete", **more}


REFUSED = [
    (section("x" * 3001), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    (section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ({"type": "section"}, "missing required field: text [json-pointer:/blocks/0]"),
    (
        {"type": "section", "fields": [words("x")] * 11},
        "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
    ),
    ({"type": "header", "text": words("x")}, "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"),
    (
        {"type": "header", "text": words("x" * 151, "plain_text")},
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
    ),
    (
        actions(*(button(action_id=f"a{number}") for number in range(26))),
        "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
    ),
    (
        actions(button(value="x" * 2001)),
        "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
    ),
    (
        actions(button(style="green")),
        "must be one of: primary, danger [json-pointer:/blocks/0/elements/0/style]",
    ),
    (
        actions(button(disabled=True)),
        "invalid additional property: disabled [json-pointer:/blocks/0/elements/0]",
    ),
    (
        actions(button(), button()),
        "action_id a already exists for another element [json-pointer:/blocks/0/elements]",
    ),
    (
        actions(select(options=[])),
        "no fewer than 1 items allowed [json-pointer:/blocks/0/elements/0/options]",
    ),
    (
        actions(select(options=[option("x" * 151)])),
        "must be less than 151 characters [json-pointer:/blocks/0/elements/0/options/0/value]",
    ),
    (
        actions(select(options=[option("1")], initial_option=option("1", "Uno"))),
        "failed to match an allowed initial_option [json-pointer:/blocks/0/elements/0/initial_option]",
    ),
    (table([cell("")]), "must be more than 0 characters [json-pointer:/blocks/0/rows/0/0/text]"),
    (table([cell("x")] * 21), "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]"),
    (table([cell("x" * 10_001)]), "must be less than 10001 characters [json-pointer:/blocks]"),
    (
        task(status="completed"),
        "must be one of: pending, in_progress, complete, error [json-pointer:/blocks/0/status]",
    ),
    ({"type": "song"}, "unsupported type: song [json-pointer:/blocks/0/type]"),
]


@pytest.mark.parametrize(("block", "words_of_slack"), REFUSED)
def test_a_wrong_block_is_refused_with_a_pointer(block: dict[str, Any], words_of_slack: str) -> None:
    with pytest.raises(SlackError) as refused:
        check_message([block])
    assert refused.value.code == "invalid_blocks"
    assert words_of_slack in refused.value.messages


def test_the_answer_says_it_in_errors_and_in_response_metadata() -> None:
    with pytest.raises(SlackError) as refused:
        check_message([section("x" * 3001)])
    answer = refused.value.answer()
    assert answer["errors"] == [
        "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
    ]
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {each}" for each in answer["errors"]]


def test_a_message_has_fifty_blocks_at_most() -> None:
    check_message([section("x")] * 50)
    with pytest.raises(SlackError) as refused:
        check_message([section("x")] * 51)
    assert refused.value.messages == ("no more than 50 items allowed [json-pointer:/blocks]",)


def test_all_text_of_a_message_has_a_limit_of_its_own() -> None:
    check_message([section("x" * 2600)] * 5)
    with pytest.raises(SlackError) as refused:
        check_message([section("x" * 2700)] * 5)
    assert refused.value.code == "msg_blocks_too_long"


def test_one_table_is_enough() -> None:
    check_message([table([cell("a"), cell("b")])])
    with pytest.raises(SlackError) as refused:
        check_message([table([cell("a")]), table([cell("b")])])
    assert (refused.value.code, refused.value.messages) == (
        "invalid_attachments",
        ("only_one_table_allowed",),
    )


def test_a_workspace_may_not_know_plans_yet() -> None:
    plan = {"type": "plan", "title": "Deploy", "tasks": [task()]}
    check_message([plan])
    with pytest.raises(SlackError) as refused:
        check_message([plan], takes_plans=False)
    assert refused.value.messages == ("unsupported type: plan [json-pointer:/blocks/0/type]",)


def test_the_same_block_id_twice_is_refused() -> None:
    with pytest.raises(SlackError):
        check_message([{**section("x"), "block_id": "b"}, {**section("y"), "block_id": "b"}])


def modal(**more: Any) -> dict[str, Any]:
    field = {
        "type": "input",
        "label": words("Why", "plain_text"),
        "element": {"type": "plain_text_input", "action_id": "why"},
    }
    return {
        "type": "modal",
        "title": words("Form", "plain_text"),
        "submit": words("Send", "plain_text"),
        "blocks": [field],
        **more,
    }


def test_a_good_modal_passes() -> None:
    check_view(modal(), kind="modal")


@pytest.mark.parametrize(
    ("view", "words_of_slack"),
    [
        (
            modal(title=words("x" * 25, "plain_text")),
            "must be less than 25 characters [json-pointer:/view/title/text]",
        ),
        (
            modal(private_metadata="x" * 3001),
            "must be less than 3001 characters [json-pointer:/view/private_metadata]",
        ),
        (modal(blocks=[section("x")] * 101), "no more than 100 items allowed [json-pointer:/view/blocks]"),
        (modal(submit=None), "missing required field: submit [json-pointer:/view]"),
        (modal(color="red"), "invalid additional property: color [json-pointer:/view]"),
        ({**modal(), "type": "home"}, "must be modal [json-pointer:/view/type]"),
        (modal(blocks=[table([cell("x")])]), "unsupported type: table [json-pointer:/view/blocks/0/type]"),
    ],
)
def test_a_wrong_modal_is_refused_with_a_pointer(view: dict[str, Any], words_of_slack: str) -> None:
    with pytest.raises(SlackError) as refused:
        check_view(view, kind="modal")
    assert refused.value.code == "invalid_arguments"
    assert words_of_slack in refused.value.messages


def test_a_view_may_not_be_larger_than_250_kilobytes() -> None:
    with pytest.raises(SlackError) as refused:
        check_view(modal(blocks=[section("x" * 2900) for _ in range(90)]), kind="modal")
    assert refused.value.code == "view_too_large"
