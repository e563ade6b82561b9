"""What each kind of answer looks like in Slack."""

import json
from typing import Any

from bot.adapters.slack.blocks import render
from bot.adapters.slack.page import Features
from bot.adapters.slack.rendered import Rendered
from bot.chat import Branch, Button, Code, Fields, LongText, Prompt, Question, Reply, Table, Text, Tone, Tree
from tests.bot.adapters.slack.reading import shown

TREE = Tree(
    branches=(
        Branch(name="build", status="succeeded", elapsed_s=3.0, execution_id="a" * 24),
        Branch(name="test", status="running", execution_id="b" * 24),
        Branch(name="unit", depth=1, status="failed", note="exit 1"),
        Branch(name="ship", status="requested"),
        Branch(name="ask", status="pending"),
    ),
    title="1 done, 2 run",
)
APPROVAL = Prompt(
    id="f" * 24,
    questions=(Question(name="reason", label="Reason"),),
    buttons=(
        Button(label="Approve", value="approve", style="primary"),
        Button(label="Reject", value="reject", style="danger"),
    ),
    answer_with="!approve ffffff · !reject ffffff",
)


def kinds(rendered: Rendered) -> list[str]:
    return [str(block["type"]) for block in rendered.blocks]


def only(rendered: Rendered, kind: str) -> dict[str, Any]:
    (found,) = [dict(block) for block in rendered.blocks if block["type"] == kind]
    return found


def labels(rendered: Rendered) -> list[str]:
    return [element["text"]["text"] for element in only(rendered, "actions")["elements"]]


def test_the_status_line_has_a_sign_and_words() -> None:
    made = render(
        Reply(tone=Tone.BAD, status="failed", action="deploy.prod", elapsed_s=12.0, execution_id="7" * 24)
    )
    assert "🔴 failed · deploy.prod · 12" in shown(only(made, "context"))


def test_a_table_is_a_table_and_the_second_one_text() -> None:
    table = Table(columns=("host", "free"), rows=(("db1", ""), ("web", "9 G")))
    made = render(Reply(pieces=(table, table)))
    assert kinds(made) == ["table", "rich_text"]
    assert only(made, "table")["rows"][1][1]["text"] == "—"
    assert "web   9 G" in shown(only(made, "rich_text"))


def test_a_workspace_without_new_blocks_gets_text() -> None:
    made = render(
        Reply(pieces=(TREE, Table(columns=("a",), rows=(("1",),)))), Features(plan=False, table=False)
    )
    assert kinds(made) == ["rich_text", "rich_text"]


def test_a_workflow_is_a_plan_with_a_card_for_each_task() -> None:
    plan = only(render(Reply(pieces=(TREE,), action="site.release")), "plan")
    assert plan["title"] == "site.release · 1 done, 2 run"
    assert [(task["title"], task["status"]) for task in plan["tasks"]] == [
        ("build", "complete"),
        ("test", "in_progress"),
        ("↳ unit", "error"),
        ("ship", "pending"),
        ("ask", "pending"),
    ]


def test_a_workflow_with_more_tasks_than_a_plan_takes_is_text() -> None:
    many = Tree(branches=tuple(Branch(name=f"t{number}", status="running") for number in range(80)))
    assert "plan" not in kinds(render(Reply(pieces=(many,))))


def test_what_is_too_long_is_cut_and_all_of_it_is_a_file() -> None:
    text = "\n".join(f"line {number}" for number in range(5_000))
    made = render(Reply(pieces=(Code(text=text), Text(text="the end")), execution_id="7" * 24))
    assert [one.name for one in made.files] == ["stormcrow-777777.txt"]
    assert "line 4999" in made.files[0].text
    assert "the end" in made.files[0].text
    assert "all of it: stormcrow-777777.txt" in shown(made.blocks)


def test_a_long_text_is_a_file_with_its_first_lines_in_the_message() -> None:
    made = render(Reply(pieces=(LongText(name="out.txt", text="a\nb\n" * 90),)))
    assert [one.name for one in made.files] == ["out.txt"]
    assert "out.txt (181 lines, as a file)" in shown(made.blocks)


def test_an_approval_has_its_buttons_each_asked_once_more_and_details() -> None:
    about = Fields(rows=(("cmd", "rm -rf /var/log/app"), ("digest", "9f2c7a81bd34")))
    made = render(Reply(title="Run?", pieces=(about,), prompt=APPROVAL, inquiry_id="f" * 24))
    assert labels(made) == ["Approve", "Reject", "Details"]
    elements = only(made, "actions")["elements"]
    assert [bool(one.get("confirm")) for one in elements] == [True, True, False]
    assert "9f2c7a81bd34" in shown(made.blocks)
    assert elements[0]["confirm"]["text"]["text"] == "Run?"


def test_before_a_press_counts_the_question_is_asked_again_in_its_words() -> None:
    asked = Text(text="Truncate /var/log/app on db1?")
    elements = only(render(Reply(pieces=(asked,), prompt=APPROVAL)), "actions")["elements"]
    assert elements[0]["confirm"]["text"]["text"] == "Truncate /var/log/app on db1?"


def test_where_a_reason_is_needed_the_button_opens_a_form_instead_of_asking() -> None:
    needed = Prompt(
        id=APPROVAL.id,
        questions=(Question(name="reason", label="Reason", is_required=True),),
        buttons=APPROVAL.buttons,
    )
    elements = only(render(Reply(prompt=needed)), "actions")["elements"]
    assert not any(one.get("confirm") for one in elements)


def test_the_buttons_vanish_with_the_prompt() -> None:
    made = render(Reply(title="Run?", pieces=(Text(text="Approved by ann, 03:09 UTC."),)))
    assert "actions" not in kinds(made)


def test_buttons_that_fit_nowhere_are_words_to_type() -> None:
    made = render(Reply(buttons=(Button(label="Run", command="x" * 2_500),)))
    assert "actions" not in kinds(made)
    assert "x" * 2_500 in shown(made.blocks)


def test_in_words_alone_everything_is_still_there() -> None:
    made = render(Reply(title="<!here>", pieces=(Text(text="`a` & <b>"),), prompt=APPROVAL)).fallback()
    assert made.blocks == ()
    assert "&lt;!here&gt;" in made.text
    assert "!approve ffffff" in made.text


def test_extra_of_an_alias_colours_and_attaches_and_calls_nobody() -> None:
    extra = {
        "color": "#FF00AA",
        "slack": {
            "title": "see <!channel>",
            "title_link": "javascript:alert(1)",
            "attachments": [{"fields": [{"title": "env", "value": "<@U1>", "short": True}]}],
            "unknown": {"x": 1},
        },
    }
    made = render(Reply(pieces=(Text(text="done"),), extra=extra))
    framed, own, given = made.attachments
    assert framed["color"] == "#ff00aa"
    assert own["title"] == "see &lt;!channel&gt;"
    assert given["fields"][0]["value"] == "&lt;@U1&gt;"
    assert "javascript" not in json.dumps(made.arguments())
    assert "unknown" not in json.dumps(made.arguments())


def test_blocks_of_an_alias_are_shown_as_far_as_they_only_show() -> None:
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Release"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*bold* <!here>"}},
        {"type": "actions", "elements": [{"type": "button", "value": "crow", "action_id": "crow.p.0"}]},
    ]
    made = render(Reply(pieces=(Text(text="done"),), extra={"slack": {"blocks": blocks}}))
    assert kinds(made) == ["rich_text", "header", "section"]
    assert made.blocks[2]["text"]["text"] == "*bold* &lt;!here&gt;"
